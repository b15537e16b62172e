"""The vectors of test/vectors against the ActiveRecord of the image, and asking a real Rails."""

import json
import subprocess
from urllib.parse import quote, unquote, urlsplit

import pytest

import vectors
from containers import HERE, SHOP, Container, podman

VERSION = "8.1"


def resolve(what, question):
    """What resolve.rb says in the image, whose application's own gems it uses."""
    command = ["sh", str(HERE / "podman.sh"), "run", "--rm", "--interactive", "--network", "none",
               "--entrypoint", "ruby", "--volume", f"{vectors.CONFIGURATIONS}:/vectors:ro",
               "--volume", f"{HERE / 'rails' / 'resolve.rb'}:/resolve.rb:ro",
               SHOP, "-W0", "/resolve.rb", what]
    result = subprocess.run(command, input=question, capture_output=True, text=True, check=True)
    return json.loads(result.stdout)


def test_this_activerecord_reads_urls_as_the_table_says():
    answers = resolve("urls", json.dumps([row[0] for row in vectors.url_rows()]))
    assert vectors.wrong_urls(answers, VERSION) == []


def test_this_rails_resolves_each_fixture_as_the_table_says():
    answers = resolve("configurations", vectors.question("/vectors"))
    assert vectors.wrong_refusals(answers) == []
    expected = vectors.resolved()
    wrong = [(fixture, text)
             for (fixture, text, _), answer in zip(vectors.cases(), answers, strict=True)
             if vectors.block(answer) != expected[fixture, text][VERSION]]
    assert wrong == []


@pytest.fixture
def files(tmp_path):
    """Makes files that stand in for the image's own."""
    def make(**texts):
        made = {}
        for number, (path, text) in enumerate(texts.items()):
            outside = tmp_path / str(number)
            outside.write_text(text)
            outside.chmod(0o644)
            made["/rails/" + path.replace("__", "/").replace("_DOT_", ".")] = str(outside)
        return made
    tmp_path.chmod(0o755)
    for parent in list(tmp_path.parents)[:2]:
        parent.chmod(0o755)
    return make


def in_the_file(databases):
    """database.yml that names the four databases, its password out of reach without Rails."""
    parts = urlsplit(databases.environment["DATABASE_URL"])
    password = unquote(parts.password)
    lines = ["production:"]
    for role, suffix in [("primary", ""), ("cache", "_cache"), ("queue", "_queue"),
                         ("cable", "_cable")]:
        lines += [f"  {role}:", "    adapter: postgresql", f"    host: {parts.hostname}",
                  f"    port: {parts.port}", f"    database: {databases.primary}{suffix}",
                  f"    username: {parts.username}",
                  "    password: <%= Rails.application.credentials.secret_key_base ? "
                  "ENV.to_h[\"SHOP_PASSWORD\"].to_json : raise %>"]
        if role != "primary":
            lines.append(f"    migrations_paths: db/{role}_migrate")
    environment = {name: value for name, value in databases.environment.items()
                   if not name.endswith("DATABASE_URL")}
    return "\n".join(lines) + "\n", environment | {"SHOP_PASSWORD": password}, password


def test_credentials_are_read_by_asking_rails_once(databases, files):
    text, environment, password = in_the_file(databases)
    # It reads its table while it loads, which a runner's eager loading does on a first boot.
    model = "class Product < ApplicationRecord\n  NAMES = column_names\nend\n"
    mounted = files(config__database_DOT_yml=text, app__models__product_DOT_rb=model)
    container = Container(environment=environment, files=mounted)
    try:
        container.start()
        assert container.serves(), container.output()
        asked = [e for e in container.events() if e["event"].startswith("rails_")]
        assert [e["event"] for e in asked] == ["rails_asked", "rails_answered"]
        assert "config/database.yml:8" in asked[0]["message"]
        assert asked[1]["elapsed_ms"] > 0
        assert databases.runs() == ["succeeded"]
        assert len(databases.existing()) == 4
        output = container.output()
        assert password not in output and quote(password, safe="") not in output
        print(asked[1]["message"])
    finally:
        container.remove()


def test_where_rails_fails_too_the_line_and_the_way_out_are_named(databases, files):
    text, environment, password = in_the_file(databases)
    environment["RAILS_MASTER_KEY"] = "0" * 32
    container = Container(environment=environment, files=files(config__database_DOT_yml=text))
    try:
        container.start()
        assert container.wait() == 78
        message = [e for e in container.events() if e["event"] == "configuration"][0]["message"]
        assert "config/database.yml:8" in message and "SIGNALBOX_DATABASE_URL" in message
        assert "it raised" in message
        assert password not in container.output()
    finally:
        container.remove()


def test_explain_names_what_this_rails_connects_to():
    """In the image as `rails new` made it."""
    environment = {"PGHOST": "db", "SHOP_DATABASE_PASSWORD": "hunter2",
                   "RAILS_MASTER_KEY": "unused", "SECRET_KEY_BASE_DUMMY": "1"}
    options = [word for name, value in environment.items() for word in ("--env", f"{name}={value}")]
    page = json.loads(podman("run", "--rm", "--network", "none", *options, SHOP, "--explain",
                             "--log=json", "./bin/rails", "server").stdout)
    script = ("require './config/application'; require 'active_record';"
              "require 'active_record/database_configurations'; require 'json';"
              "puts JSON.generate(ActiveRecord::DatabaseConfigurations.new("
              "Rails.application.config.database_configuration)"
              ".configs_for(env_name: 'production').map { |c| [c.name, c.database] })")
    rails = json.loads(podman("run", "--rm", "--network", "none", *options, "--entrypoint", "ruby",
                              SHOP, "-W0", "-e", script).stdout)
    assert [[d["role"], d["name"]] for d in page["databases"]] == rails
