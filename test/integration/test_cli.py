"""What stands on the terminal: exact words, exit statuses, and the promise of --explain's keys."""

import json
import os
import pty
import re
import subprocess

import pytest

from terminal import read_to_end

DATABASE = "postgresql://shop:s3cret%2Fword@db.internal:5433/shop_production"


@pytest.fixture
def run(binary, tmp_path):
    def run(*words, **variables):
        environment = {"PATH": os.environ["PATH"], "RAILS_ENV": "production", **variables}
        return subprocess.run(
            [binary, *words], cwd=tmp_path, env=environment, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, check=False)

    return run


def explained(run, *words, **variables):
    result = run("--log=json", "--explain", *words, **variables)
    assert "s3cret" not in result.stdout + result.stderr
    return result.returncode, json.loads(result.stdout)


@pytest.mark.emulated
def test_version_and_help(run):
    first, *contents = run("--version").stdout.splitlines()
    assert first.startswith("signalbox ")
    libraries = ["libpq", "OpenSSL", "libyaml", "libcap"]
    assert [line.split()[0] for line in contents[:4]] == libraries
    for line in contents:
        assert re.fullmatch(r"\w+ \d\S*, (pinned|not pinned|of the machine that built it)", line)
    result = run("--help")
    assert result.returncode == 0 and result.stderr == ""
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert "Examples:" in result.stdout.splitlines()[-7]


@pytest.mark.parametrize("words, variables, said", [
    ((), {},
     "there is no command to run: add CMD [\"./bin/thrust\", \"./bin/rails\", \"server\"] to the "
     "Dockerfile, or give one (signalbox --help)"),
    (("--prepar=any", "x"), {}, "unknown option --prepar: did you mean --prepare"),
    (("--frobnicate", "x"), {}, "unknown option --frobnicate: see signalbox --help"),
    (("x",), {"SIGNALBOX_GRACE": "soon"},
     "SIGNALBOX_GRACE: `soon` is not allowed: use a duration such as 500ms, 30s, 10m or 1h"),
    (("--step=DB_PASSWORD=s3cret a | b", "x"), {},
     "--step: a command here is words, not shell, and '|' is shell: write sh -c '…' instead of: "
     "DB_PASSWORD=*** a | b"),
])
def test_misuse_is_one_clear_line_and_64(run, words, variables, said):
    result = run(*words, **variables)
    assert result.returncode == 64
    assert result.stderr == f"signalbox: error: {said}\n"
    assert result.stdout == ""


def test_an_unknown_variable_is_a_warning(run):
    result = run("true", SIGNALBOX_PREPARED="1")
    assert result.returncode == 0
    assert result.stderr.splitlines()[0] == (
        "signalbox: warning: SIGNALBOX_PREPARED is not a variable of Signalbox: did you mean "
        "SIGNALBOX_PREPARE?")


@pytest.mark.emulated
def test_the_keys_of_an_explanation_are_a_promise(run, tmp_path):
    (tmp_path / "Gemfile.lock").write_text("rails")
    status, page = explained(run, "./bin/thrust", "./bin/rails", "server", DATABASE_URL=DATABASE)
    assert status == 0
    assert page["command"] == ["./bin/thrust", "./bin/rails", "server"]
    assert page["kind"] == "server" and page["word"] == 1
    assert "rails server" in page["rule"] and "thrust" in page["rule"]
    assert page["plan"] == ["prepare", "run"]
    assert page["steps"] == ["./bin/rails db:prepare"]
    assert page["lock"] == "postgres"
    assert page["database"]["adapter"] == "postgresql"
    assert page["database"]["host"] == "db.internal"
    assert page["database"]["port"] == 5433
    assert page["database"]["name"] == "shop_production"
    assert page["database"]["user"] == "shop"
    assert page["database"]["source"] == "DATABASE_URL"
    assert page["databases"][0]["role"] == "primary"
    assert len(page["fingerprint"]) == 64
    assert page["watched"] == {"files": 1, "bytes": 5}
    assert page["options"]["prepare"] == {"value": "auto", "source": "default"}
    assert page["options"]["log"] == {"value": "json", "source": "--log"}
    assert page["warnings"] == []


@pytest.mark.parametrize("words, kind, plan", [
    (("bin/jobs",), "worker", ["run"]),
    (("--prepare=wait", "bin/jobs"), "worker", ["wait", "run"]),
    (("bin/rails", "db:prepare"), "prepare", ["prepare"]),
    (("bin/rails", "console"), "task", ["run"]),
    (("echo", "hello"), "other", ["run"]),
    ((), "none", []),
    (("--prepare=any",), "none", ["prepare"]),
    (("--prepare=never", "puma"), "server", ["run"]),
    (("--server=bin/boot", "bin/boot", "web"), "server", ["prepare", "run"]),
])
def test_what_is_explained_for_each_kind(run, words, kind, plan):
    status, page = explained(run, *words, DATABASE_URL=DATABASE)
    assert (status, page["kind"], page["plan"]) == (0, kind, plan)


def test_a_step_inside_of_the_command_is_explained_as_a_warning(run):
    command = ("sh", "-c", "bundle exec rails db:migrate && bundle exec puma")
    _, page = explained(run, *command, DATABASE_URL=DATABASE)
    assert page["kind"] == "server"
    warning, = [one for one in page["warnings"] if "in the command" in one]
    assert warning.startswith("`bundle exec rails db:migrate` in the command runs outside")
    assert warning in run("--explain", *command, DATABASE_URL=DATABASE).stdout


def test_where_nothing_is_configured_only_a_prepare_is_a_problem(run):
    status, page = explained(run, "echo", "hello")
    assert status == 0 and page["problem"] is None and page["database"] is None
    status, page = explained(run, "puma")
    assert status == 78 and "DATABASE_URL" in page["problem"]


def test_an_explanation_for_a_person_has_no_secret_and_no_colour_in_a_pipe(run):
    result = run("--explain", "env", f"DATABASE_URL={DATABASE}", "A_TOKEN=s3cret", "puma")
    assert result.returncode == 0
    assert "s3cret" not in result.stdout and "\x1b" not in result.stdout
    assert "postgresql://shop@db.internal:5433/shop_production" in result.stdout


@pytest.mark.parametrize("path", ["storage/shop.sqlite3", "/rails/storage/shop.sqlite3"])
@pytest.mark.parametrize("question", ["--explain", "--status"])
def test_an_sqlite_database_is_said_as_rails_takes_it(run, path, question):
    said = run(question, "puma", DATABASE_URL=f"sqlite3:{path}").stdout
    assert re.search(r"^database +(?:primary: )?(\S+)", said, re.MULTILINE)[1] == f"sqlite3:{path}"


def test_an_explanation_for_a_person_shows_the_options_that_somebody_has_set(run):
    count = len(json.loads(run("--log=json", "--explain", "true").stdout)["options"])

    def shown(*words, **variables):
        lines = run("--explain", *words, "true", **variables).stdout.split("\n\n")[-1].splitlines()
        return [line.split() for line in lines if line.startswith("--")], lines[-1]

    assert shown() == ([], f"{count} options are at their default: --log-level=debug shows them, "
                       "--log=json too")
    options, hint = shown("--grace=5s", SIGNALBOX_LOCK="none")
    assert options == [["--lock", "none", "SIGNALBOX_LOCK"], ["--grace", "5s", "--grace"]]
    assert hint.startswith(f"{count - 2} options are")
    assert len(shown("--log-level=debug")[0]) == count


@pytest.mark.parametrize("program, said", [
    ("${CMD:-puma}", "the program comes from a substitution (`puma` unless a variable says "
                     "otherwise), which only a shell can resolve"),
    ('"$CMD"', "the program comes from a substitution, which only a shell can resolve"),
])
def test_a_program_that_only_a_shell_knows_is_called_so(run, program, said):
    _, page = explained(run, "sh", "-c", f"bundle exec {program}")
    assert page["kind"] == "other" and page["rule"] == f"{said}, behind `sh`, `bundle exec`"


@pytest.mark.parametrize("no_color, coloured", [(None, True), ("", True), ("1", False)])
def test_colour_is_for_a_terminal_that_does_not_say_no(binary, tmp_path, no_color, coloured):
    environment = {"PATH": os.environ["PATH"]}
    if no_color is not None:
        environment["NO_COLOR"] = no_color
    ours, theirs = pty.openpty()
    with subprocess.Popen([binary, "--explain", "true"], cwd=tmp_path, env=environment,
                          stdin=subprocess.DEVNULL, stdout=theirs) as process:
        os.close(theirs)
        page = read_to_end(ours)
    assert process.returncode == 0
    assert (b"\x1b[1m" in page) == coloured
