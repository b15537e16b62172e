"""Many replicas, one prepare: what happens to the others, and when something goes wrong."""

import os
import signal

import pytest

from conftest import SERVE
from replica import first_with

pytestmark = pytest.mark.race

# More of them for whoever looks for rare things (test/soak.sh).
REPLICAS = int(os.environ.get("REPLICAS", "5"))


def wait_until_one_prepares(replicas):
    """The replica that runs the step and those that wait for it, once all have got there."""
    for replica in replicas:
        replica.wait_for_any("step_started", "waiting")
    first_with(replicas, "step_started")
    runners = [replica for replica in replicas if replica.said("step_started")]
    assert len(runners) == 1, [replica.name for replica in runners]
    return runners[0], [replica for replica in replicas if replica is not runners[0]]


def assert_all_serve(replicas):
    for replica in replicas:
        replica.wait_for("command_started")
        replica.wait_for_stdout("serving")


def assert_never_started(replica):
    assert replica.said("command_started") == []
    assert not [line for line in replica.stdout if line.startswith("serving")]


def prepared_once(scene):
    """A scene whose content has been prepared by one replica, which is gone again."""
    scene.create_database()
    scene.tell_step()
    replica = scene.start_one(prefix="first-")
    replica.wait_for_stdout("serving")
    replica.destroy()
    return scene


def begun(scene, *options, **more):
    """A replica that runs the step and goes on only when the test says so."""
    runner = scene.start_one(*options, **more)
    runner.wait_for("step_started")
    # The step's row is there, and its processes with it.
    runner.wait_for_stderr("the complaint of the step")
    return runner


# --- one flight ---------------------------------------------------------------


def test_five_replicas_and_no_database(scene):
    assert not scene.database_exists()
    replicas = scene.start(REPLICAS)
    runner, waiters = wait_until_one_prepares(replicas)
    for waiter in waiters:
        assert_never_started(waiter)
    scene.tell_step(times=REPLICAS)
    assert_all_serve(replicas)

    assert scene.step_runs() == [runner.name]
    assert sum(len(replica.said("database_created")) for replica in replicas) == 1
    owner, = scene.server.query(
        f"SELECT datdba::regrole FROM pg_database WHERE datname = '{scene.database}'")
    assert owner == (scene.role,)
    row, = scene.ledger()
    assert row["state"] == "succeeded" and row["exit_status"] == "0"
    assert row["host"] == runner.name and row["lock_key"] == "0"
    assert len(runner.said("prepared")) == 1
    for waiter in waiters:
        assert waiter.said("prepared") == [] and waiter.said("step_started") == []
    scene.assert_lock_is_free()

    # What the step writes goes where the step wrote it.
    assert runner.stdout.index("the output of the step") >= 0
    assert "the complaint of the step" in runner.stderr
    assert "the output of the step" not in runner.stderr
    assert "the complaint of the step" not in runner.stdout


def test_five_replicas_and_an_empty_database(scene):
    scene.create_database()
    replicas = scene.start(REPLICAS)
    runner, _ = wait_until_one_prepares(replicas)
    scene.tell_step(times=REPLICAS)
    assert_all_serve(replicas)
    assert scene.step_runs() == [runner.name]
    assert scene.ledger_states() == ["succeeded"]
    assert not any(replica.said("database_created") for replica in replicas)


def test_five_replicas_over_a_socket(scene):
    scene.create_database()
    address = scene.url().replace(f"@{scene.server.host}:{scene.server.port}/", "@/").split("?")[0]
    replicas = scene.start(REPLICAS, environment={"DATABASE_URL": (
        f"{address}?host={scene.server.socket_directory}&port={scene.server.port}")})
    runner, _ = wait_until_one_prepares(replicas)
    scene.tell_step()
    assert_all_serve(replicas)
    assert scene.step_runs() == [runner.name]


def test_five_replicas_and_nothing_to_do(scene):
    prepared_once(scene)
    replicas = scene.start(REPLICAS)
    # Nothing lets a step go on: one that started would never end.
    assert_all_serve(replicas)
    assert not any(replica.said("step_started") for replica in replicas)
    assert all(len(replica.said("already_prepared")) == 1 for replica in replicas)
    assert scene.step_runs() == ["first-1"]
    assert scene.ledger_states() == ["succeeded"]


def test_a_new_file_is_prepared_once(scene):
    prepared_once(scene)
    (scene.directory / "db/migrate/20261102000000_create_carriages.rb").write_text("# new\n")
    replicas = scene.start(REPLICAS)
    runner, _ = wait_until_one_prepares(replicas)
    scene.tell_step(times=REPLICAS)
    assert_all_serve(replicas)
    assert scene.step_runs() == ["first-1", runner.name]
    first, second = scene.ledger()
    assert first["fingerprint"] != second["fingerprint"]


def test_changed_content_of_a_file_is_prepared_once(scene):
    prepared_once(scene)
    migration = scene.directory / "db/migrate/20261101000000_create_trains.rb"
    # As many bytes as before, so only the content tells.
    migration.write_text(migration.read_text().replace("trains", "tracks"))
    scene.tell_step()
    replica = scene.start_one()
    replica.wait_for_stdout("serving")
    assert scene.step_runs() == ["first-1", "web-1"]


def test_what_is_not_part_of_an_image_does_not_count(scene):
    prepared_once(scene)
    for name in ("log", "tmp", "storage", "node_modules", "public", ".git", "vendor/bundle"):
        (scene.directory / name).mkdir(parents=True, exist_ok=True)
        (scene.directory / name / "by-product").write_text("new\n")
    replica = scene.start_one()
    replica.wait_for_stdout("serving")
    assert replica.said("step_started") == []


def test_a_release_is_prepared_once_whatever_its_content(scene):
    prepared_once(scene)
    scene.tell_step(times=2)
    for _ in range(2):
        replica = scene.start_one("--release=r2")
        replica.wait_for_stdout("serving")
        replica.destroy()
    assert scene.step_runs() == ["first-1", "web-1"]
    assert [row["release"] for row in scene.ledger()] == ["", "r2"]


def test_two_lock_keys_do_not_exclude_each_other(scene):
    scene.create_database()
    first = begun(scene, "--lock-key=1", prefix="one-")
    second = scene.start_one(
        "--step=echo second", prefix="two-", environment={"SIGNALBOX_LOCK_KEY": "-2"})
    second.wait_for_stdout("serving")
    assert_never_started(first)
    assert len(scene.lock_holders(1)) == 1
    scene.tell_step()
    assert_all_serve([first])
    assert [(row["lock_key"], row["state"]) for row in scene.ledger()] == [
        ("1", "succeeded"), ("-2", "succeeded")]


def test_an_index_is_created_concurrently_while_others_wait(scene):
    # CREATE INDEX CONCURRENTLY waits for every snapshot in the database that
    # is older than it: neither the runner nor a waiter may keep one.
    scene.create_database()
    replicas = scene.start(21)
    wait_until_one_prepares(replicas)
    scene.tell_step("index")
    assert_all_serve(replicas)
    assert scene.query("SELECT 1 FROM pg_index WHERE indexrelid = 'by_host'::regclass"
                       " AND indisvalid") == [("1",)]
    assert scene.ledger_states() == ["succeeded"]


# --- failure ------------------------------------------------------------------


def test_the_failure_of_the_step_is_shared_by_all_who_waited(scene):
    scene.create_database()
    replicas = scene.start(REPLICAS)
    runner, waiters = wait_until_one_prepares(replicas)
    scene.tell_step("exit 7")
    for replica in replicas:
        assert replica.exit_status() == 7
        assert_never_started(replica)
        assert len(replica.said("prepare_failed")) == 1
    assert runner.said("step_failed")[0]["exit_status"] == 7
    assert scene.step_runs() == [runner.name]
    row, = scene.ledger()
    assert row["state"] == "failed" and row["exit_status"] == "7"
    scene.assert_lock_is_free()

    # Who comes later does not share it, but tries again.
    scene.tell_step()
    later = scene.start_one(prefix="later-")
    later.wait_for_stdout("serving")
    assert scene.step_runs() == [runner.name, "later-1"]
    assert scene.ledger_states() == ["failed", "succeeded"]


def test_a_step_that_a_signal_ended(scene):
    scene.create_database()
    runner = begun(scene)
    scene.tell_step("kill KILL")
    assert runner.exit_status() == 128 + signal.SIGKILL
    assert_never_started(runner)
    assert scene.ledger_states()[0] in ("failed", "interrupted")
    scene.assert_lock_is_free()
    scene.tell_step()
    later = scene.start_one(prefix="later-")
    later.wait_for_stdout("serving")
    assert scene.step_runs() == ["web-1", "later-1"]
    assert scene.ledger_states()[1:] == ["succeeded"]


def test_steps_run_in_order_and_stop_at_the_first_failure(scene):
    scene.create_database()
    steps = ("--step=GREETING='good morning' sh -c 'echo \"$GREETING\"; exit 0'",
             "--step=sh -c 'echo second; exit 5'",
             "--step=echo third")
    replica = scene.start_one(*steps)
    assert replica.exit_status() == 5
    assert replica.stdout == ["good morning", "second"]
    assert len(replica.said("step_started")) == 2
    row, = scene.ledger()
    assert row["state"] == "failed" and "second" in row["step"]


def test_steps_from_the_environment(scene):
    scene.create_database()
    replica = scene.start_one(environment={"SIGNALBOX_STEPS": "echo first && echo 'a && b'"})
    replica.wait_for_stdout("serving")
    assert replica.stdout[:2] == ["first", "a && b"]


def test_a_step_that_does_not_exist(scene):
    scene.create_database()
    replica = scene.start_one("--step=./bin/nothing")
    assert replica.exit_status() == 127
    assert_never_started(replica)
    assert scene.ledger_states() == ["failed"]


def test_what_a_step_leaves_behind_is_ended_before_anybody_starts(scene):
    scene.create_database()
    runner = begun(scene)
    scene.tell_step("daemon")
    runner.wait_for("prepared")
    scene.assert_step_is_dead()
    runner.wait_for_stdout("serving")


# --- a runner that dies -------------------------------------------------------


def kill_init(runner):
    runner.signal(signal.SIGKILL)


def kill_preparer(runner):
    preparer, = runner.children()
    os.kill(preparer, signal.SIGKILL)


# A preparer whose parent is killed still puts its own row in order; any other
# death is found by the next.
@pytest.mark.parametrize("kill, init, found_dead", [
    pytest.param(kill_init, True, 1, id="init"),
    pytest.param(kill_preparer, True, 1, id="preparer-under-init"),
    pytest.param(kill_init, False, 0, id="parent-that-is-not-init"),
    pytest.param(kill_preparer, False, 1, id="preparer"),
])
def test_another_takes_over_when_the_runner_is_killed(scene, kill, init, found_dead):
    scene.create_database()
    runner = begun(scene, prefix="killed-", init=init)
    waiters = scene.start(2)
    for waiter in waiters:
        waiter.wait_for("waiting")
    kill(runner)
    runner.exit_status()
    assert_never_started(runner)
    successor = first_with(waiters, "step_started")
    other, = [waiter for waiter in waiters if waiter is not successor]
    # The new step has already written its row, and whether it met the old one.
    successor.wait_for_stderr("the complaint of the step")
    assert scene.step_runs() == ["killed-1", successor.name]
    assert scene.ledger_states() == ["interrupted", "running"]
    assert len(successor.said("runner_died")) == found_dead
    scene.tell_step()
    assert_all_serve(waiters)
    assert scene.ledger_states() == ["interrupted", "succeeded"]
    assert other.said("step_started") == []


def test_the_status_of_a_killed_preparer(scene):
    scene.create_database()
    runner = begun(scene)
    kill_preparer(runner)
    assert runner.exit_status() == 128 + signal.SIGKILL
    assert_never_started(runner)
    scene.assert_step_is_dead()


def test_a_lock_lost_with_its_connection_ends_the_step(scene):
    scene.create_database()
    runner = begun(scene)
    holder, = scene.lock_holders()
    scene.server.query(f"SELECT pg_terminate_backend({holder})")
    assert runner.exit_status() == 75
    assert len(runner.said("lock_lost")) == 1
    assert_never_started(runner)
    scene.assert_step_is_dead()
    state, = scene.ledger_states()
    assert state != "succeeded"

    # The next one finds out that nobody is at it any more.
    scene.tell_step()
    later = scene.start_one(prefix="later-")
    later.wait_for_stdout("serving")
    assert scene.ledger_states() == ["interrupted", "succeeded"]


@pytest.mark.parametrize("how", ["immediate", "fast"])
def test_a_server_that_is_restarted_under_the_step(scene, own_server, how):
    scene.use(own_server)
    runner = begun(scene, prefix="runner-")
    waiter = scene.start_one()
    waiter.wait_for("waiting")
    own_server.stop(how)
    assert runner.exit_status() == 75
    assert_never_started(runner)
    scene.assert_step_is_dead()
    assert_never_started(waiter)
    own_server.start()
    waiter.wait_for("runner_died")
    scene.tell_step()
    waiter.wait_for_stdout("serving")
    assert scene.step_runs() == ["runner-1", "web-1"]
    assert scene.ledger_states() == ["interrupted", "succeeded"]


def test_waiters_that_are_killed_or_frozen_harm_nobody(scene):
    scene.create_database()
    runner = begun(scene, prefix="runner-")
    killed, frozen, other = scene.start(3)
    for waiter in (killed, frozen, other):
        waiter.wait_for("waiting")
    killed.signal(signal.SIGKILL)
    frozen.freeze()
    # No snapshot of theirs is in the way.
    scene.tell_step("index")
    assert_all_serve([runner, other])
    assert_never_started(frozen)
    frozen.thaw()
    assert_all_serve([frozen])
    assert scene.step_runs() == ["runner-1"]
    assert scene.ledger_states() == ["succeeded"]


# --- signals ------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP])
@pytest.mark.parametrize("init", [True, False], ids=["init", "not-init"])
def test_a_signal_while_preparing(scene, number, init):
    scene.create_database()
    runner = begun(scene, init=init)
    runner.signal(number)
    assert runner.exit_status() == 128 + number
    assert_never_started(runner)
    assert len(runner.said("cancelled")) == 1
    scene.assert_step_is_dead()
    scene.assert_lock_is_free()
    assert scene.ledger_states() == ["interrupted"]


def test_a_step_that_ignores_term_is_killed_after_the_grace(scene):
    scene.create_database()
    runner = begun(scene, "--grace=500ms", environment={"STUBBORN": "1"})
    runner.signal(signal.SIGTERM)
    assert runner.exit_status() == 128 + signal.SIGTERM
    scene.assert_step_is_dead()
    scene.assert_lock_is_free()
    assert scene.ledger_states() == ["interrupted"]


def test_other_signals_do_not_disturb_a_prepare(scene):
    scene.create_database()
    runner = begun(scene)
    for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH, signal.SIGTSTP,
                   signal.SIGTTIN, signal.SIGPIPE, signal.SIGALRM):
        runner.signal(number)
    scene.tell_step()
    runner.wait_for_stdout("serving")
    assert scene.ledger_states() == ["succeeded"]


def test_term_while_waiting(scene):
    scene.create_database()
    runner = begun(scene, prefix="runner-")
    leaver, stayer = scene.start(2)
    leaver.wait_for("waiting")
    stayer.wait_for("waiting")
    leaver.signal(signal.SIGTERM)
    # The step cannot have gone on, so this did not wait for it.
    assert leaver.exit_status() == 128 + signal.SIGTERM
    assert_never_started(leaver)
    assert scene.ledger_states() == ["running"]
    scene.tell_step()
    assert_all_serve([runner, stayer])
    assert scene.step_runs() == ["runner-1"]
    assert scene.ledger_states() == ["succeeded"]


def test_who_waited_too_long_gives_up(scene):
    scene.create_database()
    runner = begun(scene, prefix="runner-")
    waiter = scene.start_one("--wait-timeout=1s")
    assert waiter.exit_status() == 75
    assert_never_started(waiter)
    scene.tell_step()
    runner.wait_for_stdout("serving")


def test_term_while_the_database_is_not_there(scene, refusing_port):
    url = scene.url().replace(f":{scene.server.port}/", f":{refusing_port}/")
    replica = scene.start_one(environment={"DATABASE_URL": url})
    replica.wait_for("database_unreachable")
    replica.signal(signal.SIGTERM)
    assert replica.exit_status() == 128 + signal.SIGTERM
    assert_never_started(replica)


# --- reaching the database ----------------------------------------------------


def test_a_wrong_password_fails_at_once(scene):
    scene.create_database()
    right, scene.password = scene.password, "p%:/@ +" + "quite-wrong-indeed"
    replica = scene.start_one()
    # Only a failure that is not tried again ends before the timeout of an hour.
    assert replica.exit_status() == 78
    assert_never_started(replica)
    assert len(replica.said("database_refused")) == 1
    # That the wrong one was not written out is looked for in every scenario.
    assert right not in replica.transcript()


def test_an_unknown_role_fails_at_once(scene):
    scene.create_database()
    url = scene.server.url(scene.database, "nobody_at_all", scene.password)
    replica = scene.start_one(environment={"DATABASE_URL": url})
    assert replica.exit_status() == 78
    assert_never_started(replica)


def test_no_server_listens(scene, refusing_port):
    url = scene.url().replace(f":{scene.server.port}/", f":{refusing_port}/")
    replica = scene.start_one("--connect-timeout=1s", environment={"DATABASE_URL": url})
    assert replica.exit_status() == 69
    assert replica.said("database_unreachable") != []
    assert_never_started(replica)


def test_a_server_that_never_answers(scene, unused_listener):
    # It takes connections in its backlog and says nothing.
    replica = scene.start_one(
        "--connect-timeout=1s", environment={"DATABASE_URL": unused_listener.url})
    assert replica.exit_status() == 69
    assert_never_started(replica)


def test_a_server_that_comes_up_late(scene, own_server):
    scene.use(own_server)
    own_server.stop()
    scene.tell_step()
    replica = scene.start_one()
    replica.wait_for("database_unreachable")
    own_server.start()
    replica.wait_for_stdout("serving")
    assert scene.step_runs() == ["web-1"]


def test_a_database_that_may_not_be_created(scene):
    scene.server.query(f"ALTER ROLE {scene.role} NOCREATEDB")
    replica = scene.start_one("--connect-timeout=5s")
    assert replica.exit_status() == 69
    assert_never_started(replica)
    assert not scene.database_exists()


def test_a_certificate_that_is_verified(scene):
    scene.create_database()
    verified = f"&sslrootcert={scene.server.ca_certificate}"
    runner = begun(scene, environment={"DATABASE_URL": scene.url(sslmode="verify-full") + verified})
    holder, = scene.lock_holders()
    assert scene.query(f"SELECT ssl, version FROM pg_stat_ssl WHERE pid = {holder}") == [
        ("t", "TLSv1.3")]
    scene.tell_step()
    runner.wait_for_stdout("serving")


def test_a_certificate_of_somebody_else(scene, own_server):
    scene.create_database()
    foreign = f"&sslrootcert={own_server.ca_certificate}"
    replica = scene.start_one("--connect-timeout=2s", environment={
        "DATABASE_URL": scene.url(sslmode="verify-full") + foreign})
    assert replica.exit_status() in (69, 78)
    assert_never_started(replica)


def test_an_address_of_its_own_for_the_lock(scene, refusing_port):
    scene.create_database()
    url = scene.url().replace(f":{scene.server.port}/", f":{refusing_port}/")
    replica = scene.start_one(
        f"--database-url={scene.url()}", environment={"DATABASE_URL": url})
    replica.wait_for("lock_taken")
    # The step itself uses the other address, where psql gets no answer.
    assert replica.exit_status() == 2
    assert scene.ledger_states() == ["failed"]


# --- commands that do not prepare ---------------------------------------------


def test_a_command_that_is_not_a_server(scene, unused_listener):
    replica = scene.start_one(
        command=("echo", "hi"), environment={"DATABASE_URL": unused_listener.url})
    assert replica.exit_status() == 0
    assert replica.stdout == ["hi"]
    assert replica.said("step_started") == []
    unused_listener.assert_untouched()


@pytest.mark.parametrize("how", [
    pytest.param({"options": ("--prepare=never",)}, id="flag"),
    pytest.param({"environment": {"SIGNALBOX_PREPARE": "never"}}, id="variable"),
])
def test_never_prepare(scene, unused_listener, how):
    environment = {"DATABASE_URL": unused_listener.url, **how.get("environment", {})}
    replica = scene.start_one(*how.get("options", ()), environment=environment)
    replica.wait_for_stdout("serving")
    assert replica.said("step_started") == []
    unused_listener.assert_untouched()


def test_explaining_touches_no_database(scene, unused_listener):
    replica = scene.start_one("--explain", environment={"DATABASE_URL": unused_listener.url})
    assert replica.exit_status() == 0
    assert_never_started(replica)
    assert "something" not in replica.transcript()
    unused_listener.assert_untouched()


# --- the command --------------------------------------------------------------


def test_the_server_gets_the_signal_and_gives_its_status(scene):
    scene.tell_step()
    replica = scene.start_one()
    replica.wait_for_stdout("serving")
    replica.signal(signal.SIGTERM)
    assert replica.exit_status() == 42
    assert len(replica.said("signal_forwarded")) == 1
    assert replica.said("command_ended")[0]["exit_status"] == 42


def test_where_there_is_an_init_the_command_takes_our_place(scene):
    scene.tell_step()
    replica = scene.start_one(command=("sh", "-c", "exec ./bin/rails server"), init=False)
    serving = replica.wait_for_stdout("serving")
    with open(f"/proc/{replica.pid()}/status", encoding="utf-8") as status:
        numbers = [line.split()[-1] for line in status if line.startswith("NSpid:")]
    assert serving == f"serving {numbers[0]}"
    replica.signal(signal.SIGTERM)
    assert replica.exit_status() == 42


def test_five_replicas_where_there_is_an_init(scene):
    replicas = scene.start(REPLICAS, init=False)
    runner, _ = wait_until_one_prepares(replicas)
    scene.tell_step(times=REPLICAS)
    for replica in replicas:
        replica.wait_for_stdout("serving")
        # After this nothing of what was said before is still to be read.
        replica.destroy()
        assert len(replica.said("command_started")) == 1
    assert scene.step_runs() == [runner.name]


def test_a_server_that_does_not_exist(scene):
    scene.tell_step()
    replica = scene.start_one(command=("./bin/nothing/rails", "server"))
    assert replica.exit_status() == 127


@pytest.mark.parametrize("environment", [
    pytest.param({"RAILS_ENV": None}, id="no-environment"),
    pytest.param({"RAILS_ENV": "development"}, id="development"),
    pytest.param({"RAILS_ENV": "test"}, id="test"),
])
def test_in_development_every_replica_prepares_in_its_turn(scene, environment):
    scene.create_database()
    scene.tell_step(times=3)
    replicas = scene.start(3, environment=environment)
    assert_all_serve(replicas)
    # step_runs would have noticed two at once.
    assert sorted(scene.step_runs()) == [replica.name for replica in replicas]
    assert scene.query("SELECT to_regclass('signalbox_runs')") == [("",)]
    assert all(len(replica.said("no_fingerprint")) == 1 for replica in replicas)


def test_the_log_as_json(scene):
    scene.tell_step()
    replica = scene.start_one("--release=r1")
    replica.wait_for("command_started")
    names = [event["event"] for event in replica.events]
    expected = ["command_recognised", "database_created", "lock_taken", "step_started",
                "step_ended", "prepared", "command_started"]
    assert [name for name in names if name in expected] == expected
    for event in replica.events:
        assert event["level"] in ("error", "warn", "info", "debug")
        assert event["host"] == "web-1" and event["release"] == "r1" and event["message"]
        assert len(event["at"]) == len("2026-11-21T08:00:00.000Z") and event["at"].endswith("Z")
    assert replica.said("step_ended")[0]["elapsed_ms"] >= 0
    assert replica.said("step_started")[0]["step"] == "./bin/rails db:prepare"
    assert replica.said("prepared")[0]["fingerprint"] == scene.ledger()[0]["fingerprint"]


def test_the_log_as_text(scene):
    scene.tell_step()
    replica = scene.start_one(command=SERVE, environment={"SIGNALBOX_LOG": None})
    replica.wait_for_stdout("serving")
    # After this nothing of what was said before is still to be read.
    replica.destroy()
    assert replica.events == []
    assert any("./bin/rails db:prepare" in line for line in replica.stderr)
