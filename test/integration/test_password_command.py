"""Databases without a fixed password: a program is asked for the one of each connection."""

import json
import os
import pathlib
import re
import shlex
import signal
import subprocess

import pytest

from flights import assert_never_started

# Says whom it is asked for, and prints what a file has. Its second line is no password.
ASK = """#!/bin/sh
echo "${KEY-} $PGUSER@$PGHOST:$PGPORT/$PGDATABASE" >>"$BYPRODUCTS/asked"
echo "looking for $(cat "$BYPRODUCTS/password")" >&2
cat "$BYPRODUCTS/password"
echo 'another line'
"""


class Vault:
    """A scene whose password no setting has."""

    def __init__(self, scene):
        scene.create_database()
        self.scene = scene
        self.program = scene.byproducts / "ask"
        self.write(ASK)
        self.keep(scene.password)

    def write(self, text):
        self.program.write_text(text, encoding="utf-8")
        self.program.chmod(0o755)

    def keep(self, password):
        (self.scene.byproducts / "password").write_text(password + "\n", encoding="utf-8")
        # What the step's own psql finds, and Signalbox does not.
        escaped = password.replace("\\", "\\\\").replace(":", "\\:")
        passfile = self.scene.byproducts / "passfile"
        passfile.write_text(f"*:*:*:*:{escaped}\n", encoding="utf-8")
        passfile.chmod(0o600)

    def change(self, password):
        self.scene.server.query(f"ALTER ROLE {self.scene.role} PASSWORD '{password}'")
        self.scene.password = password

    def asked(self):
        path = self.scene.byproducts / "asked"
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []

    def url(self, password=None):
        return self.scene.server.url(self.scene.database, self.scene.role, password)

    def start(self, *options, environment=None, **more):
        passfile = self.scene.byproducts / "passfile"
        return self.scene.start_one(
            f"--password-command={self.program}",
            f"--step=PGPASSFILE={passfile} ./bin/rails db:prepare", *options,
            environment={"DATABASE_URL": self.url(), **(environment or {})}, **more)

    def begun(self, *options, **more):
        replica = self.start(*options, **more)
        replica.wait_for_stderr("the complaint of the step")
        return replica

    def address(self, name=None):
        scene = self.scene
        return (f"{scene.role}@{scene.server.host}:{scene.server.port}/"
                f"{scene.database if name is None else name}")


@pytest.fixture
def vault(scene):
    return Vault(scene)


def command_lines():
    for entry in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            yield entry.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            pass


@pytest.mark.parametrize("mode", ["session", "transaction"])
def test_a_pooler_is_told_it_as_well(vault, in_front, mode):
    scene = vault.scene
    pooler = in_front("bookworm", pool_mode=mode)
    scene.tell_step()
    replica = vault.start(environment={
        "DATABASE_URL": pooler.url(scene.database, scene.role, "").replace(":@", "@")})
    replica.wait_for_stdout("serving")
    assert scene.ledger_states() == ["succeeded"]
    # Whom it is asked for is who was asked: the pooler.
    assert {line.partition("@")[2] for line in vault.asked()} == {
        f"{pooler.host}:{pooler.port}/{scene.database}"}


def test_each_connection_asks_so_the_password_may_change_between_two(vault):
    scene, old = vault.scene, vault.scene.password
    replica = vault.begun()
    before = vault.asked()
    assert len(before) >= 2 and set(before) == {f" {vault.address()}"}
    assert not [line for line in command_lines() if old in line]
    vault.change("n3w/ @" + old)
    vault.keep(scene.password)
    scene.tell_step()
    replica.wait_for_stdout("serving")
    # The record went over a connection of its own.
    assert scene.ledger_states() == ["succeeded"]
    assert len(vault.asked()) > len(before)
    assert old not in replica.transcript()


@pytest.mark.parametrize("script, status, words", [
    ("echo 'no credentials' >&2; echo; exit 3", 69, "ended with status 3: no credentials"),
    ('cat "$BYPRODUCTS/password"; cat "$BYPRODUCTS/password" >&2; exit 1', 69, "ended with status 1: ***"),
    ("kill -KILL $$", 69, "was ended by SIGKILL"),
    ("trap '' TERM; exec sleep infinity", 69, "has not answered yet"),
    ("exit 0", 78, "ended well, and the first line of its output is empty"),
    ("head -c 65536 /dev/zero | tr '\\0' x", 78, "printed a line of more than 65535 bytes"),
    ("printf 'a\\0b\\n'", 78, "printed a NUL byte"),
    ("exec no-such-program", 78, "ended with status 127: "),
])
def test_a_program_without_an_answer_is_one_clear_line(vault, script, status, words):
    vault.write(f"#!/bin/sh\n{script}\n")
    replica = vault.start("--connect-timeout=700ms")
    assert replica.exit_status() == status
    message = replica.wait_for("database_refused")["message"]
    assert f"the program of --password-command {words}" in message
    assert message.startswith("postgresql://") and "(from DATABASE_URL)" in message
    assert_never_started(replica)


def test_a_password_that_stays_is_masked_in_what_is_kept_of_a_step(vault):
    # In a form that is no password in the container's own log.
    step = "sh -c 'base64 \"$BYPRODUCTS/password\"; exit 1'"
    replica = vault.scene.start_one(
        f"--password-command={vault.program}", f"--step={step}",
        environment={"DATABASE_URL": vault.url()})
    assert replica.exit_status() == 1
    assert "***" in vault.scene.last_output()


def test_a_service_that_is_down_for_a_moment_is_asked_again(vault):
    password = (vault.scene.byproducts / "password")
    password.rename(vault.scene.byproducts / "later")
    replica = vault.start()
    unreachable = replica.wait_for("database_unreachable")["message"]
    assert "the first line of its output is empty" not in unreachable
    (vault.scene.byproducts / "later").rename(password)
    vault.scene.tell_step()
    replica.wait_for_stdout("serving")


def test_a_password_that_has_just_expired_is_asked_for_again(vault):
    right = vault.scene.password
    vault.keep("expired-" + right[7:])
    replica = vault.start()
    message = replica.wait_for("database_unreachable")["message"]
    assert "password authentication failed" in message
    vault.keep(right)
    vault.scene.tell_step()
    replica.wait_for_stdout("serving")


def test_term_while_it_is_asked_ends_all_of_it_at_once(vault):
    scene = vault.scene
    os.mkfifo(scene.byproducts / "asking")
    # Both go on after the end of whoever started them, unless they are ended.
    vault.write("#!/bin/sh\nexec 9>\"$BYPRODUCTS/asking\"\nsetsid sleep infinity &\n"
                "echo asking >&9\nexec sleep infinity\n")
    replica = vault.start(init=False)
    with open(scene.byproducts / "asking", encoding="ascii") as asking:
        assert asking.readline() == "asking\n"
        replica.signal(15)
        assert replica.exit_status() == 143
        # The last process that has it open is gone.
        assert asking.read() == ""
    assert_never_started(replica)


def test_a_run_that_is_stopped_is_recorded_although_the_program_is_slow(vault):
    vault.write(ASK + '[ ! -e "$BYPRODUCTS/slow" ] || sleep 2.5\n')
    replica = vault.begun()
    (vault.scene.byproducts / "slow").touch()
    replica.signal(signal.SIGTERM)
    assert replica.exit_status() == 128 + signal.SIGTERM
    assert vault.scene.ledger_states() == ["interrupted"]


def test_a_password_that_stands_somewhere_else_is_not_used_and_that_is_said(vault):
    replica = vault.start(environment={"DATABASE_URL": vault.url("another"), "PGPASSWORD": "third"})
    note = replica.wait_for("configuration_note")["message"]
    # With either of the two it would not come as far as this.
    replica.wait_for("step_started")
    assert "does not use the one in DATABASE_URL, PGPASSWORD" in note


@pytest.mark.parametrize("around", [("env", "KEY=told"), ("./bin/doppler", "run", "--")])
def test_it_runs_in_the_environment_that_the_command_has(vault, around):
    doppler = vault.scene.directory / "bin" / "doppler"
    doppler.write_text("#!/bin/sh\nshift 2\nKEY=told exec \"$@\"\n", encoding="utf-8")
    doppler.chmod(0o755)
    vault.begun(command=(*around, "./bin/rails", "server"))
    assert set(vault.asked()) == {f"told {vault.address()}"}


def ask_about(vault, *options):
    done = subprocess.run(
        [vault.scene.binary, f"--password-command={vault.program}", *options, "./bin/rails", "server"],
        cwd=vault.scene.directory, capture_output=True, text=True, check=False,
        env={"PATH": os.environ["PATH"], "RAILS_ENV": "production", "DATABASE_URL": vault.url(),
             "BYPRODUCTS": str(vault.scene.byproducts)})
    assert vault.scene.password not in done.stdout + done.stderr
    return done


def test_the_status_asks_and_an_explanation_does_not(vault):
    explained = ask_about(vault, "--explain")
    assert f"not asked now: `{vault.program}` prints it for each connection" in explained.stdout
    page = json.loads(ask_about(vault, "--explain", "--log=json").stdout)
    assert page["asks_password"] == str(vault.program)
    assert vault.asked() == []
    assert ask_about(vault, "--status").returncode == 1
    assert vault.asked() != []
    vault.write("#!/bin/sh\nexit 7\n")
    assert ask_about(vault, "--status").returncode == 69


@pytest.mark.parametrize("ruby", [
    'Aws::RDS::AuthTokenGenerator.new(credentials: role).auth_token(endpoint: "#{host}:5432")',
    'Token.generate',
])
def test_a_token_that_only_ruby_can_make_points_to_it(vault, ruby):
    (vault.scene.directory / "config").mkdir()
    (vault.scene.directory / "config" / "database.yml").write_text(
        "production:\n  adapter: postgresql\n  database: shop\n  host: db.invalid\n"
        f"  password: <%= {ruby} %>\n", encoding="utf-8")
    environment = {"PATH": os.environ["PATH"], "RAILS_ENV": "production"}
    explained = subprocess.run(
        [vault.scene.binary, "--explain", "--log=json", "./bin/rails", "server"],
        cwd=vault.scene.directory, capture_output=True, text=True, check=False, env=environment)
    assert "SIGNALBOX_PASSWORD_COMMAND" in json.loads(explained.stdout)["asks_rails"]


RECIPE = (pathlib.Path(__file__).parents[2] / "doc" / "recipes" / "iam.md").read_text(encoding="utf-8")
COMMANDS = [line.partition("=")[2] for line in re.search(
    r"^```env password\n(.*?)^```$", RECIPE, re.MULTILINE | re.DOTALL)[1].splitlines()
    if line.startswith("SIGNALBOX_PASSWORD_COMMAND=")]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: re.search(
    r"aws|gcloud|az|vault", command)[0])
def test_the_commands_of_the_recipe(vault, command):
    scene = vault.scene
    for tool in ("aws", "gcloud", "az", "vault"):
        program = scene.directory / "bin" / tool
        program.write_text(f'#!/bin/sh\necho {tool} "$@" >>"$BYPRODUCTS/asked"\n'
                           'exec cat "$BYPRODUCTS/password"\n', encoding="utf-8")
        program.chmod(0o755)
    replica = scene.start_one(
        f"--step=PGPASSFILE={scene.byproducts}/passfile ./bin/rails db:prepare",
        environment={"SIGNALBOX_PASSWORD_COMMAND": command, "DATABASE_URL": vault.url(),
                     "PATH": f"{scene.directory}/bin:{os.environ['PATH']}"})
    replica.wait_for("step_started")
    words = " ".join(shlex.split(command)).removeprefix("sh -c ").replace('"', "")
    for name, value in {"PGHOST": scene.server.host, "PGPORT": str(scene.server.port),
                        "PGUSER": scene.role}.items():
        words = words.replace(f"${name}", value)
    assert set(vault.asked()) == {words}


ASK_FOR_EACH = """#!/bin/sh
echo "$PGDATABASE" >>"$BYPRODUCTS/asked"
case $PGDATABASE in *"${NOT_FOR-nothing}"*) echo 'not for you' >&2; exit 4 ;; esac
cat "$BYPRODUCTS/password"
"""


@pytest.fixture
def several(shop):
    """An application with several databases, whose step finds its passwords by itself."""
    shop.further = {role: {"password": None} for role in shop.roles}
    shop.write()
    (shop.scene.byproducts / "password").write_text(shop.scene.password, encoding="utf-8")
    program = shop.scene.byproducts / "ask"
    program.write_text(ASK_FOR_EACH, encoding="utf-8")
    program.chmod(0o755)
    return shop


def test_it_is_asked_for_each_database_in_turn(several):
    scene, option = several.scene, f"--password-command={several.scene.byproducts}/ask"
    several.serve(option)
    assert several.in_order() == several.roles
    # The first was created by us, from `postgres`; the others were looked at before and after.
    asked = (scene.byproducts / "asked").read_text(encoding="utf-8").splitlines()
    assert set(asked) == {"postgres", *several.names.values()}
    later = several.serve(option)
    assert later.said("already_prepared")


def test_a_database_whose_password_is_not_to_be_had_is_named(several):
    replica = several.start(1, f"--password-command={several.scene.byproducts}/ask",
                            "--connect-timeout=1s", environment={"NOT_FOR": "_queue"})
    assert replica.exit_status() == 69
    assert "(queue)" in replica.transcript()
    assert "the program of --password-command ended with status 4: not for you" in (
        replica.transcript())
