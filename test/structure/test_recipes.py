"""What README and recipes tell people to type is played as far as it can be without their platform.

A fenced block says behind its language what it is to come to: `dockerfile server` is a list of commands
that serve, `procfile release=prepare` names the kind of each line, `yaml compose`, `yaml kubernetes`,
`yaml kamal` and `json ecs` are the platform's own files.
"""

import json
import os
import re
import shlex
import subprocess

import pytest

from test_structure import ROOT

PAGES = [ROOT / "README.md", *sorted(ROOT.glob("doc/**/*.md"))]
RECIPES = sorted(ROOT.glob("doc/recipes/*.md"))
BINARY = (ROOT / os.environ.get("SIGNALBOX", "build/dev/signalbox")).resolve()
PROGRAM = ("signalbox", "/usr/local/bin/signalbox")
PLACE = {"PATH": os.environ["PATH"], "RAILS_ENV": "production", "SIGNALBOX_LOG": "json",
         "DATABASE_URL": "postgresql://shop@db.invalid/shop"}


def blocks(language, word=None):
    """The fenced blocks of the recipes in this language: page, what is behind it, text."""
    found = []
    for page in RECIPES:
        for told, text in re.findall(rf"^```{language}( [^\n]*)?\n(.*?)^```$", page.read_text(),
                                     re.MULTILINE | re.DOTALL):
            words = told.split()
            if word is None or word in words:
                found.append((page.name, words, text))
    assert found, language
    return found


@pytest.fixture
def explain(tmp_path):
    """What Signalbox says of a command and its variables, in a directory of one file."""
    (tmp_path / "file").write_text("content")

    def ask(command, variables=None, statuses=(0,)):
        result = subprocess.run(
            [BINARY, "--explain", "--", *command], cwd=tmp_path, text=True,
            env={**PLACE, **(variables or {})}, capture_output=True, check=False)
        assert result.returncode in statuses, (command, variables, result.stdout, result.stderr)
        answer = json.loads(result.stdout)
        unknown = [w for w in answer["warnings"] if "is not a variable of Signalbox" in w]
        assert unknown == []
        return answer

    return ask


def without_program(words):
    return words[1:] if words and words[0] in PROGRAM else words


def test_commands_of_dockerfiles(explain):
    for page, words, text in blocks("dockerfile", "server"):
        text = text.replace("\\\n", " ")
        variables = {}
        for line in re.findall(r"^ENV (.*)$", text, re.MULTILINE):
            variables.update(word.split("=", 1) for word in shlex.split(line))
        commands = [json.loads(line) for line in re.findall(r"^CMD (.*)$", text, re.MULTILINE)]
        assert commands, page
        for command in commands:
            answer = explain(command, variables)
            assert answer["kind"] == "server", (page, command)
            assert answer["plan"] == ["prepare", "run"]
            if "fingerprint" in words:
                assert answer["fingerprint"], page


def test_lines_of_procfiles(explain):
    for page, words, text in blocks("procfile"):
        kinds = dict(word.split("=") for word in words)
        lines = dict(line.split(": ", 1) for line in text.splitlines())
        assert kinds.keys() == lines.keys(), page
        for name, line in lines.items():
            assert explain(without_program(shlex.split(line)))["kind"] == kinds[name], line


def parsed(text):
    """The documents of a YAML text, by the parser that Rails and Kamal use."""
    script = "require 'json'; require 'yaml'; puts JSON.generate(YAML.safe_load(STDIN.read, aliases: true))"
    result = subprocess.run(["ruby", "-e", script], input=text, text=True, capture_output=True,
                            check=False)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_services_of_compose(explain):
    (_, _, text), = blocks("yaml", "compose")
    services = parsed(text)["services"]
    worker = services["worker"]
    answer = explain(worker["command"], worker["environment"])
    assert (answer["kind"], answer["plan"]) == ("worker", ["wait", "run"])
    assert services["web"]["image"] == worker["image"]
    assert explain(["./bin/rails", "server"], services["web"]["environment"])["plan"] == [
        "prepare", "run"]


def test_manifests_are_of_the_kubernetes_api():
    """Every member is one of the API's, of the right type, and none is missing."""
    for _, _, text in blocks("yaml", "kubernetes"):
        # By the python3 that has Debian's client of the API.
        result = subprocess.run(
            ["/usr/bin/python3", ROOT / "test" / "support" / "manifest.py"], text=True,
            input=json.dumps(parsed(text)), capture_output=True, check=False)
        assert (result.returncode, result.stderr) == (0, "")


def containers_of(manifest):
    return manifest["spec"]["template"]["spec"]["containers"]


def test_manifests_of_kubernetes(explain):
    manifests = {m["kind"]: m for m in (parsed(text) for _, _, text in blocks("yaml", "kubernetes"))}
    assert set(manifests) == {"Deployment", "Job"}
    web, = containers_of(manifests["Deployment"])
    labels = manifests["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert manifests["Deployment"]["spec"]["selector"]["matchLabels"] == labels
    probe = web["startupProbe"]
    assert probe["exec"]["command"] == ["/usr/local/bin/signalbox", "--status"]
    # It gives up after five seconds by itself, so that the probe hears why.
    assert probe["timeoutSeconds"] > 5
    job, = containers_of(manifests["Job"])
    variables = {row["name"]: row["value"] for row in job["env"]}
    assert explain(without_program(job["command"]), variables)["plan"] == ["prepare"]


def test_tasks_of_ecs(explain):
    plans = {}
    for _, _, text in blocks("json", "ecs"):
        container, = json.loads(text)["containerDefinitions"]
        # It is in the image's definition that the program is the ENTRYPOINT.
        assert "entryPoint" not in container
        variables = {row["name"]: row["value"] for row in container["environment"]}
        plans[container["name"]] = explain(container["command"], variables)["plan"]
        assert container.get("stopTimeout", 0) <= 120
    assert plans == {"web": ["prepare", "run"], "worker": ["wait", "run"]}
    overrides, = (re.search(r"--overrides '(.*)'", text)[1] for _, _, text in blocks("sh")
                  if "run-task" in text)
    override, = json.loads(overrides)["containerOverrides"]
    assert explain(override["command"])["plan"] == ["prepare"]


def test_roles_of_kamal(explain):
    (_, _, text), = blocks("yaml", "kamal")
    deploy = parsed(text)
    job = deploy["servers"]["job"]
    answer = explain(shlex.split(job["cmd"]), job["env"]["clear"])
    assert (answer["kind"], answer["plan"]) == ("worker", ["wait", "run"])
    # What the generator would propose is there already.
    script = ("require './package/gem/lib/signalbox/install/kamal'; "
              "puts Signalbox::Install::Kamal.new(STDIN.read).proposals")
    result = subprocess.run(["ruby", "-e", script], input=text, text=True, capture_output=True,
                            cwd=ROOT, check=False)
    assert (result.returncode, result.stdout) == (0, ""), result.stderr


def test_settings_of_migrations_that_yield(explain):
    (_, _, text), = blocks("yaml", "yield")
    variables = parsed(text)["env"]["clear"]
    options = explain(["bin/rails", "server"], variables)["options"]
    given = {name: option["value"] for name, option in options.items()
             if option["source"] != "default"}
    assert given == {"lock-timeout": "5s", "step-retries": "5", "step-timeout": "10m",
                     "log": "json"}
    # The step of its own that the page writes down.
    page = (ROOT / "doc/recipes/migrations-that-yield.md").read_text()
    step, = re.findall(r'--step="([^"]+)"', page)
    assert explain(["bin/rails", "server"], {**variables, "SIGNALBOX_STEPS": step})["steps"] == [
        step]


def test_typed_steps_are_the_step(explain):
    for command in ("bin/rails db:prepare", "bundle exec rails db:prepare"):
        answer = explain(shlex.split(command))
        assert (answer["kind"], answer["plan"]) == ("prepare", ["prepare"])


def test_entrypoint_scripts_are_scripts():
    scripts = [text for _, _, text in blocks("sh") if text.startswith("#!")]
    assert scripts
    for script in scripts:
        assert subprocess.run(["sh", "-n"], input=script, text=True, check=False).returncode == 0


def given_variables():
    """NAME=VALUE and NAME: VALUE of Signalbox's variables, wherever a page gives one."""
    for page in PAGES:
        for name, quoted, plain in re.findall(
                r'\b(SIGNALBOX_[A-Z_]+)=(?:"([^"]+)"|([^\s`";|)]+))', page.read_text()):
            yield page.name, name, quoted or plain


def test_every_variable_that_a_page_gives_is_taken(explain):
    given = set(given_variables())
    assert len(given) > 15
    for page, name, value in sorted(given):
        # An ellipsis stands for the reader's own.
        if "…" in value:
            continue
        # 78 is for what is not here: a user, a folder.
        answer = explain(["bin/rails", "server"], {name: value}, (0, 78))
        sources = {option["source"] for option in answer["options"].values()}
        assert name in sources, (page, name, value)


def test_every_option_that_a_page_names_is_one():
    known = set(re.findall(r"--[a-z-]+", subprocess.run(
        [BINARY, "--help"], text=True, capture_output=True, check=True).stdout))
    named = {
        (page.name, option)
        for page in PAGES if page.name not in ("architecture.md",)
        for option in re.findall(r"`(--[a-z][a-z-]+)[=`]", page.read_text())
    }
    assert len({option for _, option in named}) > 15
    # Helm's own, Kamal's, and those of the aws command.
    theirs = {"--wait", "--atomic", "--roles", "--network-configuration"}
    assert {(page, option) for page, option in named if option not in known | theirs} == set()
