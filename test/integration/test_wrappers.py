"""What lies around the command is asked for its environment: the lock is where the steps go.

Every wrapper that Debian or RubyGems has is the real one; `bin/secrets` stands for the others.
There are two servers. The environment of the container leads to the one, what the wrapper sets
to the other.
"""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess

import pytest

from conftest import POSTGRES_VERSION, REPOSITORY
from flights import assert_never_started, begun
from postgres import Server

RAILS = "./bin/rails"
SECRET = "swordfish-of-the-wrapper"


@pytest.fixture(scope="module")
def other_server():
    with Server(version=POSTGRES_VERSION) as server:
        yield server


@pytest.fixture(scope="module")
def gems():
    """The folder that has the gems dotenv and foreman."""
    script = subprocess.run(["sh", REPOSITORY / "test" / "gems.sh"], stdout=subprocess.PIPE,
                            text=True, check=True)
    return pathlib.Path(script.stdout.strip())


@pytest.fixture
def wrapped(scene, other_server):
    """A scene whose database is on the server that only the wrapper names."""
    scene.create_database()
    scene.misled = (scene.server, scene.database, scene.url())
    scene.use(other_server)
    scene.create_database()
    app = scene.directory
    (app / "env.production").write_text(f"DATABASE_URL='{scene.url()}'\n", encoding="utf-8")
    (app / "url").write_text(scene.url() + "\n", encoding="utf-8")
    (app / "envdir").mkdir()
    (app / "envdir" / "DATABASE_URL").write_text(scene.url() + "\n", encoding="utf-8")
    script(app / "bin" / "with-env",
           '#!/bin/sh\nset -a\n. ./env.production\necho "Loading…"\nexec "$@"\n')
    for tool in ("doppler", "op", "aws-vault", "chamber", "infisical", "dotenvx", "bws", "mise"):
        shutil.copy(app / "bin" / "secrets", app / "bin" / tool)
    script(app / "bin" / "sops", '#!/bin/sh\nset -a; . ./env.production\nexec /bin/sh -c "$3"\n')
    os.symlink(shutil.which("chpst"), app / "bin" / "envdir")
    scene.let_everybody_in()
    return scene


def script(path, text):
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)


def around(scene, **more):
    return {"DATABASE_URL": scene.misled[2], "SECRETS_FILE": "./env.production", **more}


def assert_prepared_where_the_wrapper_says(scene, *command, **variables):
    misled, database, _ = scene.misled
    replica = begun(scene, command=command, environment=around(scene, **variables))
    assert len(scene.lock_holders()) == 1
    assert misled.query("SELECT FROM pg_locks WHERE locktype = 'advisory' AND database = "
                        f"(SELECT oid FROM pg_database WHERE datname = '{database}')") == []
    scene.tell_step()
    replica.wait_for_stdout("serving")
    assert scene.step_runs() == [replica.name]
    assert scene.ledger_states() == ["succeeded"]
    assert misled.query("SELECT to_regclass('signalbox_runs')", database) == [("",)]
    return replica


SUDO = ("sudo", "--preserve-env=BYPRODUCTS,RAILS_ENV", "-u", "nobody")


@pytest.mark.parametrize("command", [
    ("chpst", "-e", "envdir", RAILS, "server"),
    ("gosu", "nobody", "./bin/with-env", RAILS, "server"),
    (*SUDO, "chpst", "-e", "envdir", RAILS, "server"),
    ("su", "nobody", "-s", "/bin/sh", "-c", ". ./env.production && export DATABASE_URL && "
     "exec ./bin/rails s"),
    ("./bin/doppler", "run", "--", RAILS, "s"),
    ("./bin/sops", "exec-env", "secrets.yml", "exec ./bin/rails s"),
    ("bash", "-c", "set -a; source ./env.production; set +a; umask 027; exec ./bin/rails server"),
    ("sh", "-c", 'DATABASE_URL=$(cat url); export DATABASE_URL; exec ./bin/rails s'),
], ids=lambda command: " ".join(command[:2]))
def test_the_lock_is_where_the_wrapper_leads_the_steps(wrapped, command):
    assert_prepared_where_the_wrapper_says(wrapped, *command)


@pytest.mark.parametrize("command", [
    ("bundle", "exec", "dotenv", "-o", "-f", "env.production", RAILS, "s"),
    ("bundle", "exec", "foreman", "run", "-e", "env.production", RAILS, "s"),
    ("gosu", "nobody", "sh", "-c", ". ./env.production; exec dotenv -i ./bin/rails s"),
], ids=lambda command: " ".join(command[:3]))
def test_the_lock_is_where_a_gem_leads_the_steps(wrapped, gems, command):
    # Nobody can reach a cache below /root.
    reachable = wrapped.directory.parent / "gems"
    shutil.copytree(gems, reachable)
    variables = {"GEM_HOME": str(reachable)}
    if command[0] == "bundle":
        (wrapped.directory / "Gemfile").write_text(
            "gem 'dotenv'\ngem 'foreman'\n", encoding="utf-8")
        subprocess.run(["bundle", "lock", "--local"], cwd=wrapped.directory, check=True,
                       env={**os.environ, **variables}, stdout=subprocess.DEVNULL)
    else:
        variables["PATH"] = f"{reachable}/bin:{os.environ['PATH']}"
        (wrapped.directory / "env.production").write_text(
            f"export DATABASE_URL='{wrapped.url()}'\n", encoding="utf-8")
    assert_prepared_where_the_wrapper_says(wrapped, *command, **variables)


def test_every_form_is_asked_for_the_same_database(wrapped, gems):
    """Once it is prepared, --status says so behind each of them, and only of that database."""
    script(wrapped.directory / "bin" / "fetch", "#!/bin/sh\nexit 0\n")
    assert_prepared_where_the_wrapper_says(wrapped, "./bin/with-env", RAILS, "server").destroy()
    forms = [
        ("./bin/envdir", "envdir", RAILS, "server"),
        ("sh", "bin/with-env", RAILS, "server"),
        ("./bin/op", "run", "--env-file=.env", "--", RAILS, "s"),
        ("./bin/aws-vault", "exec", "prod", "--", RAILS, "s"),
        ("./bin/chamber", "exec", "shop", "--", RAILS, "s"),
        ("./bin/infisical", "run", "--", RAILS, "s"),
        ("./bin/dotenvx", "run", "-f", ".env", "--", RAILS, "s"),
        ("./bin/bws", "run", "--", RAILS, "server"),
        ("./bin/mise", "x", "--", RAILS, "s"),
        ("dotenv", "-o", "-f", "env.production", RAILS, "server"),
        ("foreman", "run", "-e", "env.production", RAILS, "server"),
        *(("sh", "-c", text) for text in (
            'export DATABASE_URL="$(cat url)"; exec ./bin/rails server',
            'DATABASE_URL="$(cat url)" exec ./bin/rails s',
            'eval "export $(cat env.production)"; exec ./bin/rails s',
            'if [ -f url ]; then . ./env.production; export DATABASE_URL; fi; ./bin/rails s',
            'cd "$PLACE" && export DATABASE_URL="$(cat url)" && exec ./bin/rails s',
            'ulimit -n 900; ./bin/fetch || exit 1; DATABASE_URL=$(cat url); ./bin/rails s',
            'set -e; while ! ./bin/fetch; do sleep 1; done; set -a; . ./env.production; bin/rails s',
        )),
    ]
    asked = [wrapped.start_one(
        "--status", command=form, environment=around(
            wrapped, GEM_HOME=str(gems), PATH=f"{gems}/bin:{os.environ['PATH']}",
            PLACE=str(wrapped.directory))) for form in forms]
    assert [form for form, replica in zip(forms, asked) if replica.exit_status() != 0] == []
    misled, database, _ = wrapped.misled
    assert misled.query("SELECT to_regclass('signalbox_runs')", database) == [("",)]


def test_another_program_in_the_string_is_not_run_again(wrapped):
    replica = assert_prepared_where_the_wrapper_says(
        wrapped, "sh", "-c", 'rm -f tmp/pids/server.pid; touch "$BYPRODUCTS/ran-$$" && '
        'export DATABASE_URL="$(cat url)" && ./bin/rails s')
    assert len(list(wrapped.byproducts.glob("ran-*"))) == 1
    assert replica.said("configuration_note") == []


@pytest.mark.emulated
def test_the_rails_environment_is_the_one_that_the_wrapper_sets(wrapped):
    with open(wrapped.directory / "env.production", "a", encoding="utf-8") as file:
        file.write("RAILS_ENV=staging\n")
    # `puma -e` sets RACK_ENV alone, which RAILS_ENV beats: no step may be told otherwise.
    script(wrapped.directory / "bin" / "puma", "#!/bin/sh\nexec ./bin/rails server\n")
    wrapped.tell_step()
    replica = wrapped.start_one(
        command=("./bin/doppler", "run", "--", "./bin/puma", "-e", "production"),
        environment=around(wrapped, RAILS_ENV=None))
    replica.wait_for_stdout("serving")
    assert wrapped.query("SELECT environment FROM step_runs") == [("staging",)]


def test_a_large_environment_with_any_names_and_values_passes(wrapped):
    script(wrapped.directory / "bin" / "with-env", """#!/usr/bin/python3
import os, sys
os.environb.update({b"LARGE_%d" % i: b"x" * 100_000 for i in range(12)})
os.environb[b"not an identifier"] = b"\\xff=\\nDATABASE_URL=postgresql://nowhere.invalid/x\\n"
os.environ["DATABASE_URL"] = open("url").read().strip()
os.execvp(sys.argv[1], sys.argv[1:])
""")
    assert_prepared_where_the_wrapper_says(wrapped, "./bin/with-env", RAILS, "server")


def test_nothing_that_the_wrapper_sets_is_ever_written_out(wrapped):
    with open(wrapped.directory / "env.production", "a", encoding="utf-8") as file:
        file.write(f"UNREMARKABLE={SECRET}\n")
    script(wrapped.directory / "bin" / "with-env", "#!/bin/sh\nset -a; . ./env.production\n"
           'echo "I say $UNREMARKABLE"\nexec "$@"\n')
    script(wrapped.directory / "bin" / "rails", "#!/bin/sh\n"
           '[ "$1" != db:prepare ] || { echo "knows $UNREMARKABLE" | tr k K; exit 5; }\n')
    replica = wrapped.start_one("--log-level=debug", command=("./bin/with-env", RAILS, "server"),
                                environment=around(wrapped))
    assert replica.exit_status() == 5
    assert [event["message"] for event in replica.said("wrapper_output")] == ["| I say ***"]
    assert wrapped.last_output() == "I say ***\nKnows ***"
    said = "\n".join(event["message"] for event in replica.events)
    assert SECRET not in said and SECRET not in wrapped.whole_ledger()


def test_a_wrapper_that_fails_ends_the_start_with_its_last_lines_and_the_way_out(wrapped):
    script(wrapped.directory / "bin" / "doppler", "#!/bin/sh\n"
           "echo 'DOPPLER_TOKEN=dp.st.abcdefghijkl is not valid' >&2; exit 3\n")
    replica = wrapped.start_one(command=("./bin/doppler", "run", "--", RAILS, "s"),
                                environment=around(wrapped))
    assert replica.exit_status() == 78
    assert_never_started(replica)
    message = replica.wait_for("configuration")["message"]
    assert "`doppler run`" in message and "status 3" in message
    assert "SIGNALBOX_DATABASE_URL" in message and "before signalbox" in message
    assert [event["message"] for event in replica.said("wrapper_failed")] == [
        "| DOPPLER_TOKEN=*** is not valid"]
    # The way out: nobody is asked, and the steps are run behind it all the same.
    script(wrapped.directory / "bin" / "doppler",
           '#!/bin/sh\nshift 2; [ "${1#/}" = "$1" ] || exit 3\n'
           'set -a; . ./env.production; exec "$@"\n')
    wrapped.tell_step()
    replica = wrapped.start_one(
        command=("./bin/doppler", "run", "--", RAILS, "s"),
        environment=around(wrapped, SIGNALBOX_DATABASE_URL=wrapped.url()))
    replica.wait_for_stdout("serving")
    assert replica.said("wrapper_asked") == []
    assert wrapped.ledger_states()[-1] == "succeeded"


@pytest.mark.parametrize("text, why", [
    ("exit 0", "without having run what stands behind it"),
    ("kill -KILL $$", "ended by KILL"),
])
def test_a_wrapper_that_runs_nothing_is_named(wrapped, text, why):
    script(wrapped.directory / "bin" / "doppler", f"#!/bin/sh\n{text}\n")
    replica = wrapped.start_one("--grace=100ms", command=("./bin/doppler", "run", "--", RAILS, "s"),
                                environment=around(wrapped))
    assert replica.exit_status() == 78
    assert why in replica.wait_for("configuration")["message"]


@pytest.mark.parametrize("text, why", [
    ("echo 'usage: with-env NAME'; exit 3", "status 3"),
    ("exit 0", "without having run what stands behind it"),
    ('shift 2; "$@"; sleep infinity', "did not end when the command"),
    ("trap '' TERM; sleep infinity & wait; wait", "did not answer within"),
], ids=("fails", "ignores", "overstays", "silent"))
def test_an_unknown_word_that_cannot_be_asked_costs_no_start(scene, text, why):
    once = "[ -e \"$BYPRODUCTS/asked\" ] && exec ./bin/rails server\n: >\"$BYPRODUCTS/asked\"\n"
    script(scene.directory / "bin" / "entry", f"#!/bin/sh\n{once}{text}\n")
    scene.tell_step()
    replica = scene.start_one("--grace=100ms", "--connect-timeout=2s",
                              command=("./bin/entry", "--pin", "hunter22", RAILS, "server"))
    replica.wait_for_stdout("serving")
    note, = replica.said("configuration_note")
    assert "`./bin/entry`" in note["message"] and why in note["message"]
    assert "SIGNALBOX_DATABASE_URL" in note["message"] and "exec signalbox" in note["message"]
    assert replica.said("step_started")[0]["step"] == f"{RAILS} db:prepare"
    assert scene.ledger_states() == ["succeeded"]


def test_a_known_wrapper_around_an_unknown_word_is_asked_without_it(wrapped):
    script(wrapped.directory / "bin" / "entry",
           '#!/bin/sh\n[ "$2" = server ] || exit 3\nexec "$@"\n')
    assert_prepared_where_the_wrapper_says(
        wrapped, "chpst", "-e", "envdir", "./bin/entry", RAILS, "server")


def test_an_unknown_word_is_not_kept_where_nobody_is_asked(scene):
    script(scene.directory / "bin" / "entry",
           '#!/bin/sh\n[ "$2" = server ] || exit 3\nexec "$@"\n')
    scene.tell_step()
    replica = scene.start_one(command=("./bin/entry", RAILS, "server"),
                              environment={"SIGNALBOX_DATABASE_URL": scene.url()})
    replica.wait_for_stdout("serving")
    note, = replica.said("configuration_note")
    assert "`./bin/entry`" in note["message"] and "exec signalbox" in note["message"]
    assert replica.said("wrapper_asked") == []


def test_no_word_of_an_unknown_wrapper_is_logged_or_recorded(wrapped):
    script(wrapped.directory / "bin" / "mytool",
           '#!/bin/sh\nshift 2; set -a; . ./env.production; exec "$@"\n')
    replica = assert_prepared_where_the_wrapper_says(
        wrapped, "./bin/mytool", "--pin", "hunter22", RAILS, "server")
    assert replica.said("step_started")[0]["step"] == (
        f"{RAILS} db:prepare (behind the command's own wrapper)")
    assert "hunter22" not in "\n".join(event["message"] for event in replica.events)
    assert "hunter22" not in wrapped.whole_ledger()


def test_a_program_that_the_commands_user_may_not_run_is_named(wrapped):
    hidden = wrapped.directory.parent / "hidden"
    hidden.mkdir(mode=0o700)
    shutil.copy(wrapped.binary, hidden / "signalbox")
    wrapped.binary = str(hidden / "signalbox")
    replica = wrapped.start_one(command=("gosu", "nobody", RAILS, "server"),
                                environment=around(wrapped))
    assert replica.exit_status() == 78
    message = replica.wait_for("configuration")["message"]
    assert f"only its owner may run {hidden}" in message


def test_a_signal_ends_the_asking_with_all_that_it_started(wrapped):
    script(wrapped.directory / "bin" / "with-env",
           "#!/bin/sh\ntrap '' TERM\nsetsid sleep infinity &\n"
           ": >$BYPRODUCTS/asked\nsleep infinity & wait; wait\n")
    replica = wrapped.start_one("--grace=300ms", command=("./bin/with-env", RAILS, "server"),
                                environment=around(wrapped))
    replica.wait_for("wrapper_asked")
    replica.signal(signal.SIGTERM)
    assert replica.exit_status() == 128 + signal.SIGTERM
    assert_never_started(replica)


def test_a_wrapper_that_goes_on_after_its_command_is_ended_and_named(wrapped):
    script(wrapped.directory / "bin" / "doppler",
           '#!/bin/sh\nshift 2; set -a; . ./env.production\n"$@"\nsleep infinity\n')
    replica = wrapped.start_one("--status", "--grace=300ms",
                                command=("./bin/doppler", "run", "--", RAILS, "s"),
                                environment=around(wrapped))
    assert replica.exit_status() == 1
    note = replica.wait_for("configuration_note")["message"]
    assert "`doppler run` did not end when the command" in note


def test_somebody_elses_answer_is_not_heard(wrapped):
    gate = wrapped.byproducts / "question"
    os.mkfifo(gate)
    script(wrapped.directory / "bin" / "with-env",
           '#!/bin/sh\necho "$2" >$BYPRODUCTS/question\nread -r go <$BYPRODUCTS/question\n'
           'set -a; . ./env.production; exec "$@"\n')
    misled = wrapped.misled
    replica = wrapped.start_one("--log-level=debug",
                                command=("./bin/with-env", RAILS, "server"),
                                environment=around(wrapped))
    nonce = gate.read_text(encoding="ascii").strip().rsplit(":", 1)[1]
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as liar:
        liar.connect(f"\0signalbox-environment-{nonce}")
        strings = f"/\0DATABASE_URL={misled[2]}\0".encode()
        # It may have been hung up on before it has said a word.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            liar.sendall(b"signalbox 2 %d\n" % len(strings) + strings)
            liar.shutdown(socket.SHUT_WR)
            assert liar.recv(1) == b""
    gate.write_text("go\n", encoding="ascii")
    # The step is run behind the same wrapper.
    gate.read_text(encoding="ascii")
    gate.write_text("go\n", encoding="ascii")
    wrapped.tell_step()
    gate.read_text(encoding="ascii")
    gate.write_text("go\n", encoding="ascii")
    replica.wait_for_stdout("serving")
    assert wrapped.ledger_states() == ["succeeded"]


def test_an_explanation_asks_nobody_and_says_who_would_be(wrapped):
    script(wrapped.directory / "bin" / "doppler", "#!/bin/sh\n: >asked; exit 1\n")
    replica = wrapped.start_one("--explain", command=("./bin/doppler", "run", "--", RAILS, "s"),
                                environment=around(wrapped, DATABASE_URL=None))
    assert replica.exit_status() == 0
    page = json.loads("\n".join(replica.stdout))
    assert page["asks_wrapper"] == "`doppler run`"
    assert page["database"] is None and page["fingerprint"] is None
    replica = wrapped.start_one(
        "--explain", "--log=text", command=("sh", "-c", ". ./env.production; exec bin/rails s"),
        environment=around(wrapped))
    assert replica.exit_status() == 0
    assert "is asked for its environment at the start" in "\n".join(replica.stdout)
    assert not (wrapped.directory / "asked").exists()


def test_the_status_is_that_of_the_database_that_the_wrapper_names(wrapped):
    command = ("./bin/doppler", "run", "--", RAILS, "s")
    replica = assert_prepared_where_the_wrapper_says(wrapped, *command)
    replica.destroy()
    asked = wrapped.start_one("--status", command=command, environment=around(wrapped))
    assert asked.exit_status() == 0


def test_a_program_in_front_of_the_server_is_named_with_two_ways_out(wrapped):
    script(wrapped.directory / "bin" / "fetch", "#!/bin/sh\n")
    replica = assert_prepared_where_the_wrapper_says(
        wrapped, "sh", "-c", "bin/fetch --token=hunter2 && . ./env.production && "
        "export DATABASE_URL && exec bin/rails s")
    note, = replica.said("configuration_note")
    assert "bin/fetch --token=***" in note["message"]
    assert "SIGNALBOX_STEPS" in note["message"] and "exec signalbox" in note["message"]


@pytest.mark.parametrize("command", [
    ("foreman", "start"), ("overmind", "start"), ("hivemind",), ("supervisord", "-c", "x")])
def test_who_starts_what_a_file_lists_is_told_of_the_option(scene, command):
    replica = scene.start_one(command=command)
    assert "--server" in replica.wait_for("configuration_note")["message"]
