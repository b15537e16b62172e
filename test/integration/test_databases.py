"""config/database.yml decides, and what only Rails can read is asked of Rails, once."""

import json
import pathlib
import signal
import subprocess
from urllib.parse import quote

import pytest

# What stands in for Ruby: it answers as the script that it is given would, after some noise.
RUBY = r"""#!/bin/sh
[ "$1" = -e ] || exit 3
marker=$(printf '%s' "$2" | sed -n "1s/^m = '\(.*\)'$/\1/p")
hex() { printf '%s' "$1" | od -An -v -tx1 | tr -d ' \n'; }
echo "asked" >>"$BYPRODUCTS/asked"
echo "booting with $SECRET"; echo "warning: $SECRET" >&2
say() { printf '\n%s %s\n' "$marker" "$*"; }
value() { say value "$(hex "$1")" "$(hex "$2")"; }
"""

YAML = """\
production:
  primary: &primary
    adapter: postgresql
    host: {host}
    port: {port}
    sslmode: require
    database: {name}
    username: {role}
    password: {password}
  cache:
    <<: *primary
    database: {name}_cache
    migrations_paths: db/cache_migrate
"""

UNREADABLE = "<%= Rails.application.credentials.dig(:database, :password) %>"


@pytest.fixture
def application(scene):
    """A scene that names its database in config/database.yml alone."""

    class Application:
        def __init__(self):
            self.scene = scene
            (scene.directory / "config").mkdir()
            # The sample application knows nothing of YAML.
            (scene.byproducts / "url").write_text(scene.url())
            rails = scene.directory / "bin" / "rails"
            shebang, rest = rails.read_text().split("\n", 1)
            rails.write_text(f'{shebang}\n: "${{DATABASE_URL:=$(cat "$BYPRODUCTS/url")}}"\n'
                             f"export DATABASE_URL\n{rest}")
            self.programs = scene.byproducts / "programs"
            self.programs.mkdir()
            self.environment = {
                "DATABASE_URL": None, "DB_PASSWORD": scene.password,
                "PATH": f"{self.programs}:/usr/local/bin:/usr/bin:/bin", "SECRET": scene.password}

        def configure(self, text=YAML, password='<%= ENV["DB_PASSWORD"].to_json %>', **more):
            values = {"host": scene.server.host, "port": scene.server.port, "name": scene.database,
                      "role": scene.role, "password": password} | more
            (scene.directory / "config" / "database.yml").write_text(text.format(**values))

        def answer(self, rest):
            path = self.programs / "ruby"
            path.write_text(RUBY + rest)
            path.chmod(0o755)

        def answer_well(self, first=""):
            server = scene.server
            self.answer(f"""
{first}
say database "$(hex primary)"
value adapter postgresql; value host {server.host}; value port {server.port}
value database {scene.database}; value username {scene.role}; value password "$SECRET"
value sslmode require
say end 1
""")

        def start(self, *options, command=("./bin/rails", "server"), **environment):
            return scene.start_one(
                *options, command=command, environment=self.environment | environment)

        def asked(self):
            path = scene.byproducts / "asked"
            return len(path.read_text().splitlines()) if path.exists() else 0

        def explain(self, **environment):
            values = {"RAILS_ENV": "production"} | self.environment | environment
            result = subprocess.run(
                [scene.binary, "--explain", "--log=json", "./bin/rails", "server"],
                cwd=scene.directory, capture_output=True, text=True, check=False,
                env={name: value for name, value in values.items() if value is not None})
            assert scene.password not in result.stdout + result.stderr
            assert quote(scene.password, safe="") not in result.stdout + result.stderr
            return json.loads(result.stdout), result.returncode

    return Application()


def prepared(application, replica):
    replica.wait_for_stdout("serving")
    return application.scene.ledger_states() == ["succeeded"]


def test_a_file_alone_is_enough(application):
    application.configure()
    application.scene.tell_step()
    replica = application.start()
    assert prepared(application, replica)
    assert "config/database.yml:2" in replica.said("database_reached")[0]["message"]
    page, status = application.explain()
    assert status == 0
    assert [(d["role"], d["name"], d["source"]) for d in page["databases"]] == [
        ("primary", application.scene.database, "config/database.yml:2"),
        ("cache", application.scene.database + "_cache", "config/database.yml:10")]
    assert page["databases"][1]["migrations_paths"] == ["db/cache_migrate"]
    assert page["asks_rails"] is None
    assert page["fingerprint"] == application.scene.ledger()[0]["fingerprint"]


def test_a_url_is_merged_over_the_file(application):
    application.configure(name="another")
    application.scene.tell_step()
    replica = application.start(DATABASE_URL=application.scene.url())
    assert prepared(application, replica)
    message = replica.said("database_reached")[0]["message"]
    assert "(from DATABASE_URL, config/database.yml:2)" in message


def test_the_ledger_is_in_the_applications_own_schema(application):
    application.configure(YAML + "    schema_search_path: app, public\n", name="shop")
    application.configure(YAML.replace("    password:", "    schema_search_path: app, public\n"
                                       "    password:"))
    application.scene.create_database()
    application.scene.server.query(f"ALTER ROLE {application.scene.role} CREATEDB")
    application.scene.query(
        f"CREATE SCHEMA app AUTHORIZATION {application.scene.role}")
    application.scene.tell_step()
    application.start().wait_for_stdout("serving")
    assert application.scene.query("SELECT count(*) FROM app.signalbox_runs") == [("1",)]


def test_the_database_is_created_as_the_file_says(application):
    application.configure(YAML.replace(
        "    password:", "    encoding: LATIN1\n    template: template0\n    collation: C\n"
        "    ctype: C\n    connection_limit: 30\n    password:"))
    application.scene.tell_step()
    assert prepared(application, application.start())
    assert application.scene.query(
        "SELECT pg_encoding_to_char(encoding), datcollate, datconnlimit FROM pg_database"
        " WHERE datname = current_database()") == [("LATIN1", "C", "30")]


def test_rails_is_asked_once_and_the_log_says_why(application):
    application.configure(password=UNREADABLE)
    application.answer_well()
    application.scene.tell_step()
    replica = application.start()
    assert prepared(application, replica)
    assert application.asked() == 1
    why = replica.said("rails_asked")[0]["message"]
    assert "config/database.yml:9: `Rails.application.credentials.dig(:database, :password)`" in why
    answered = replica.said("rails_answered")[0]
    assert "SIGNALBOX_DATABASE_URL" in answered["message"]
    # Explaining boots nothing, and knows the same fingerprint.
    page, status = application.explain()
    assert (status, application.asked()) == (0, 1)
    assert page["database"] is None and "config/database.yml:9" in page["asks_rails"]
    assert page["fingerprint"] == application.scene.ledger()[0]["fingerprint"]


def test_a_given_url_spares_the_asking(application):
    application.configure(password=UNREADABLE)
    application.answer_well()
    application.scene.tell_step()
    replica = application.start(SIGNALBOX_DATABASE_URL=application.scene.url())
    assert prepared(application, replica)
    assert application.asked() == 0
    assert replica.said("rails_asked") == []
    # Whoever asks finds it prepared: the way to the database is none of the fingerprint's.
    other = application.start()
    other.wait_for_stdout("serving")
    assert other.said("already_prepared") and application.asked() == 1


@pytest.mark.parametrize("answer, reason", [
    ('say failed "$(hex KeyError)" "$(hex DB_HOST)"', "DB_HOST is not set"),
    ('say failed "$(hex URI::InvalidURIError)" ""', "it raised URI::InvalidURIError"),
    ("exit 1", "it ended without an answer"),
    ('say database "$(hex primary)"; value adapter postgresql; say end 2',
     "its answer is not whole"),
    ('say end 0', "it knows no database"),
    ('printf "signalbox-0000000000000000 end 1\\n"', "it ended without an answer"),
])
def test_an_answer_that_is_none_is_a_configuration_error(application, answer, reason):
    application.configure(password=UNREADABLE)
    application.answer(answer + "\n")
    replica = application.start()
    assert replica.exit_status() == 78
    message = replica.said("configuration")[0]["message"]
    assert "config/database.yml:9" in message and reason in message
    assert "SIGNALBOX_DATABASE_URL" in message


def test_the_runner_is_asked_where_loading_fails(application):
    application.configure(password=UNREADABLE)
    application.answer_well()
    (application.scene.byproducts / "rails.orig").write_text(
        (application.scene.directory / "bin" / "rails").read_text())
    (application.programs / "ruby").rename(application.programs / "answers")
    application.answer("exit 1\n")
    rails = application.scene.directory / "bin" / "rails"
    original = application.scene.byproducts / "rails.orig"
    original.chmod(0o755)
    rails.write_text('#!/bin/sh\n[ "$1" != runner ] || exec answers -e "$2"\n'
                     f'exec {original} "$@"\n')
    rails.chmod(0o755)
    application.scene.tell_step()
    replica = application.start()
    replica.wait_for("rails_answered")


def test_asking_ends_with_a_signal_and_leaves_nothing(application):
    application.configure(password=UNREADABLE)
    application.answer('sleep 1000 & echo here >"$BYPRODUCTS/here"; wait\n')
    replica = application.start()
    replica.wait_for("rails_asked")
    replica.signal(signal.SIGTERM)
    assert replica.exit_status() == 143
    assert replica.said("cancelled")


def test_a_file_that_cannot_be_read_is_refused_with_its_line(application):
    application.configure("production:\n\tadapter: postgresql\n")
    replica = application.start()
    assert replica.exit_status() == 78
    assert "config/database.yml:2: YAML cannot be read" in (
        replica.said("configuration")[0]["message"])


def test_a_literal_in_an_expression_is_not_printed(application):
    application.configure(
        password="<%= ENV[\"X\"] || Vault.read(\"s3cr3t-literal\") || 's3cr3t-too' %>")
    page, _ = application.explain()
    assert "ENV[\"X\"]" in page["asks_rails"]
    assert "s3cr3t" not in json.dumps(page)


@pytest.mark.parametrize("yaml, text", [
    ("production: {{adapter: sqlite3}}\n", "names no file for its SQLite database"),
    ("production: {{adapter: mysql2, database: shop, host: db}}\n", "MySQL"),
    ("production: {{adapter: cockroachdb, database: shop, host: db}}\n", "CockroachDB"),
    ("production: {{adapter: oracle_enhanced, database: shop}}\n", "`oracle_enhanced`"),
    ("production: {{adapter: postgresql, host: db}}\n", "names no database"),
    ("production: {{adapter: postgresql, database: shop, port: 1}}\n", "names no host"),
])
def test_what_cannot_lock_is_refused_by_name_at_once(application, yaml, text):
    application.configure(yaml)
    replica = application.start()
    assert replica.exit_status() == 78
    assert text in replica.said("configuration")[0]["message"]


def test_a_variable_that_the_application_sets_itself_is_left_to_rails(application):
    application.configure()
    (application.scene.directory / "config" / "application.rb").write_text(
        'require_relative "boot"\n# ENV["DB_PASSWORD"] = "comment"\n'
        'ENV["DATABASE_URL"] ||= "postgres://elsewhere/other"\n')
    page, _ = application.explain()
    assert page["asks_rails"] == "config/application.rb:3: DATABASE_URL is set here"
    page, _ = application.explain(DATABASE_URL=application.scene.url())
    assert page["asks_rails"] is None


INITIALIZER = 'VARIABLES.each { |key, value| ENV[key.to_s] = value }\n'


@pytest.mark.parametrize("can_initialize", [True, False])
def test_what_an_initializer_sets_is_asked_of_a_rails_that_has_run_it(application, can_initialize):
    application.configure()
    initializers = application.scene.directory / "config" / "initializers" / "early"
    initializers.mkdir(parents=True)
    (initializers / "variables.rb").write_text("# Variables.\n" + INITIALIZER)
    # A Rails without its initializers would name another database.
    application.answer_well(f"""
case $2 in
  *require_environment!*) [ {can_initialize} = True ] || exit 1 ;;
  *) [ {can_initialize} = False ] || exit 1 ;;
esac
""")
    application.scene.tell_step()
    replica = application.start()
    assert prepared(application, replica)
    why = replica.said("rails_asked")[0]["message"]
    assert "with its initializers, because config/initializers/early/variables.rb:2: " in why
    notes = [note["message"] for note in replica.said("configuration_note")]
    assert any("without its initializers" in note for note in notes) != can_initialize


def test_a_gem_that_reads_variables_from_a_file_is_noticed(application):
    application.configure()
    directory = application.scene.directory
    (directory / "Gemfile.lock").write_text(
        "GEM\n  specs:\n    figaro (1.2.0)\n      thor (>= 0.14.0)\n")
    (directory / "config" / "application.yml").write_text(
        'SMTP_HOST: mail\nproduction:\n  "DB_PASSWORD": s3cr3t\n')
    page, _ = application.explain(DB_PASSWORD=None)
    assert page["asks_rails"] == "config/application.yml:3: DB_PASSWORD is set here"
    page, _ = application.explain()
    assert page["asks_rails"] is None


def test_a_database_for_each_tenant_is_none_of_the_tasks(application):
    application.configure("production:\n  primary:\n    adapter: sqlite3\n    tenanted: true\n"
                          "    database: storage/%{{tenant}}/main.sqlite3\n"
                          "  cache:\n    adapter: sqlite3\n    database: storage/cache.sqlite3\n")
    page, status = application.explain()
    assert (status, [d["role"] for d in page["databases"]]) == (0, ["cache"])


def test_white_space_around_a_url_is_none_of_the_name(application):
    application.scene.tell_step()
    spaced = " \t" + application.scene.url() + "\r\n"
    # The sample application does not strip; Rails does.
    application.configure("production:\n  url: <%= ENV[\"SHOP_URL\"].to_json %>\n")
    assert prepared(application, application.start(SHOP_URL=spaced))
    page, _ = application.explain(SHOP_URL=None, DATABASE_URL=spaced)
    assert page["database"]["name"] == application.scene.database


def test_a_slip_in_a_url_shows_no_password(application):
    application.configure("production:\n  adapter: postgresql\n")
    url = application.scene.url().replace("://", ":://", 1)
    replica = application.start(DATABASE_URL=url)
    assert replica.exit_status() == 78
    assert "has an `@`" in replica.said("configuration")[0]["message"]
    page, status = application.explain(DATABASE_URL=url)
    assert status == 78, page
    assert quote(application.scene.password, safe="") not in replica.transcript()


def test_a_service_file_knows_the_database(application):
    scene = application.scene
    application.configure("production:\n  adapter: postgresql\n  service: shop\n")
    services = scene.byproducts / "services"
    services.write_text(f"[shop]\nhost={scene.server.host}\nport={scene.server.port}\n"
                        f"dbname={scene.database}\nuser={scene.role}\npassword={scene.password}\n"
                        "sslmode=require\n")
    scene.tell_step(times=2)
    assert prepared(application, application.start(PGSERVICEFILE=str(services)))
    # Without a file of Rails' the variable alone is enough.
    (scene.directory / "config" / "database.yml").unlink()
    page, status = application.explain(PGSERVICEFILE=str(services), PGSERVICE="shop")
    assert (status, page["database"]["name"], page["database"]["source"]) == (
        0, scene.database, "PGSERVICE")
    scene.start_one(environment=application.environment | {
        "PGSERVICEFILE": str(services), "PGSERVICE": "shop"}).wait_for_stdout("serving")
    assert scene.ledger_states() == ["succeeded"] * 2


@pytest.mark.parametrize("where", ["url", "file", "variable"])
def test_a_relative_certificate_is_the_applications(application, where):
    scene = application.scene
    (scene.directory / "config" / "ca.crt").write_bytes(
        pathlib.Path(scene.server.ca_certificate).read_bytes())
    relative = "config/ca.crt"
    environment = {
        "url": {"DATABASE_URL": scene.url(sslmode="verify-full") + "&sslrootcert=" + relative},
        "file": {},
        "variable": {"PGSSLROOTCERT": relative},
    }[where]
    line = f"\n    sslrootcert: {relative}" if where == "file" else ""
    sslmode = "require" if where == "url" else "verify-full"
    application.configure(YAML.replace("sslmode: require", f"sslmode: {sslmode}{line}"))
    scene.tell_step()
    # Signalbox itself runs elsewhere.
    scene.prefix = ("env", "-C", "/")
    replica = application.start(
        command=["env", "-C", str(scene.directory), "./bin/rails", "server"], **environment)
    assert prepared(application, replica)


def test_a_keyword_that_our_libpq_has_not_is_named_once(application):
    application.configure(YAML.replace(
        "sslmode: require", "sslmode: require\n    oauth_issuer: https://example\n    pool: 5\n"
        "    prepared_statements: false\n    keepalive: 30"))
    page, _ = application.explain()
    assert [warning for warning in page["warnings"] if "keyword" in warning] == [
        "Signalbox's libpq does not have the keyword `oauth_issuer`: it is left out of the connection "
        "that config/database.yml:2 says"]
