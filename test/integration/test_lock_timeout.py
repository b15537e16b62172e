"""--lock-timeout: it holds in the sessions of the steps, or nothing is begun and the log says why."""

import subprocess

import pytest

from flights import assert_never_started


def assert_refused(replica, *words, status=78):
    assert replica.exit_status() == status
    refused = replica.said("database_refused")[-1]["message"]
    for word in ("--lock-timeout=5000ms", *words):
        assert word in refused, refused
    assert replica.said("step_started") == []
    assert_never_started(replica)


def serve(scene, *options, **more):
    scene.tell_step("settings")
    replica = scene.start_one("--lock-timeout=5s", *options, **more)
    replica.wait_for_stdout("serving")
    return replica


@pytest.fixture
def behind_pooler(scene, in_front):
    """A pooler in front of the scene's server, and its address for Rails."""

    def put(release, **settings):
        pooler = in_front(release, **settings)
        return {"DATABASE_URL": pooler.url(scene.database, scene.role, scene.password)}

    return put


def test_it_holds_in_the_steps_beside_their_own_options(scene):
    scene.server.query(f"ALTER ROLE {scene.role} SET lock_timeout = '1min'")
    replica = serve(scene, environment={"PGOPTIONS": r"-c statement_timeout=7min -c a.b=c\ d"})
    assert "lock_timeout 5s, statement_timeout 7min" in replica.stdout
    # On a database that does not exist before, too.
    assert len(replica.said("database_created")) == 1
    assert scene.ledger_states() == ["succeeded"]


def test_without_it_the_servers_own_holds(scene):
    scene.create_database()
    scene.server.query(f"ALTER ROLE {scene.role} SET lock_timeout = '1min'")
    scene.tell_step("settings")
    replica = scene.start_one()
    replica.wait_for_stdout("lock_timeout 1min")


def test_zero_is_without_limit(scene):
    scene.create_database()
    scene.server.query(f"ALTER ROLE {scene.role} SET lock_timeout = '1min'")
    scene.tell_step("settings")
    replica = scene.start_one(environment={"SIGNALBOX_LOCK_TIMEOUT": "0s"})
    replica.wait_for_stdout("lock_timeout 0,")


@pytest.mark.once
@pytest.mark.parametrize("release", ["bookworm", "trixie"])
def test_a_pooler_that_swallows_startup_options(scene, behind_pooler, release):
    scene.create_database()
    pooled = behind_pooler(release)
    assert_refused(scene.start_one("--lock-timeout=5s", environment=pooled),
                   "which have 0", "the pooler there ignores startup options")
    # Where Rails goes counts, and not where the lock is.
    assert_refused(scene.start_one(
        "--lock-timeout=5s", f"--database-url={scene.url()}", environment=pooled, prefix="direct-"),
        "(DATABASE_URL)", "the pooler there ignores startup options")
    scene.assert_lock_is_free()


def test_what_somebody_else_has_set_behind_a_pooler_is_no_proof(scene, behind_pooler):
    scene.create_database()
    pooled = behind_pooler("bookworm", pool_mode="transaction")
    with scene.server.session(scene.database) as session:
        session.run("SELECT pg_advisory_lock(7)")
        others = [subprocess.Popen(
            ["psql", "-X", "-q", "-d", pooled["DATABASE_URL"], "-c", "BEGIN",
             "-c", "SELECT pg_advisory_xact_lock_shared(7)",
             "-c", "SET lock_timeout = '5s'", "-c", "COMMIT"], stdout=subprocess.DEVNULL)
            for _ in range(6)]
        scene.server.wait_until("SELECT count(*) = 6 FROM pg_locks WHERE locktype = 'advisory'"
                                " AND objid = 7 AND NOT granted")
        session.run("SELECT pg_advisory_unlock(7)")
    assert [other.wait() for other in others] == [0] * 6
    assert_refused(scene.start_one("--lock-timeout=5s", environment=pooled),
                   "which have 0", "the pooler there ignores startup options")


@pytest.mark.once
@pytest.mark.parametrize("release", ["bookworm", "trixie"])
def test_a_pooler_that_refuses_startup_options(scene, behind_pooler, release):
    scene.create_database()
    pooled = behind_pooler(release, ignore_startup_parameters="extra_float_digits",
                           pool_mode="transaction")
    assert_refused(scene.start_one("--lock-timeout=5s", environment=pooled),
                   "cannot be had: the pooler there refuses startup options")
    scene.assert_lock_is_free()


def test_options_of_the_url_win_and_are_named(scene):
    scene.create_database()
    for options, holds in (("-c%20statement_timeout%3D7min", False),
                           ("-c%20lock_timeout%3D5s%20-c%20statement_timeout%3D7min", True)):
        environment = {"DATABASE_URL": f"{scene.url()}&options={options}"}
        if holds:
            assert "lock_timeout 5s, statement_timeout 7min" in serve(
                scene, environment=environment).stdout
        else:
            assert_refused(scene.start_one("--lock-timeout=5s", environment=environment),
                           "the connection's own `options` replace PGOPTIONS: write `-c "
                           "lock_timeout=5000` into them")


def test_a_service_file_that_wins(scene):
    scene.create_database()
    file = scene.directory / "service.conf"
    file.write_text("[shop]\noptions=-c statement_timeout=7min\n")
    assert_refused(
        scene.start_one("--lock-timeout=5s",
                        environment={"PGSERVICE": "shop", "PGSERVICEFILE": str(file)}),
        "which have 0", "`options` in a service file")


def test_a_wrapper_that_keeps_or_loses_it(scene):
    scene.create_database()
    scene.let_everybody_in()
    (scene.directory / "env").write_text("OTHER=1\n")
    wrapper = scene.directory / "bin" / "with-env"
    wrapper.write_text('#!/bin/sh\nset -a; . ./env\nexec "$@"\n')
    wrapper.chmod(0o755)
    command = ("./bin/with-env", "./bin/rails", "server")
    assert "lock_timeout 5s, statement_timeout 0" in serve(
        scene, command=command, prefix="kept-").stdout
    (scene.directory / "env").write_text("PGOPTIONS='-c statement_timeout=7min'\n")
    assert_refused(scene.start_one("--lock-timeout=5s", command=command, prefix="lost-"),
                   "replaces or removes PGOPTIONS")
    # The same where only the lock's address is given, and where nothing has to be asked.
    assert_refused(scene.start_one("--lock-timeout=5s", f"--database-url={scene.url()}",
                                   command=command, prefix="given-"),
                   "replaces or removes PGOPTIONS")
    assert_refused(scene.start_one("--lock-timeout=5s", prefix="known-", command=(
        "env", "PGOPTIONS=-c statement_timeout=7min", "./bin/rails", "server")),
        "replaces or removes PGOPTIONS")


def test_every_database_counts(shop):
    shop.further["queue"] = {"options": "-c statement_timeout=7min"}
    shop.write()
    replica = shop.start(1, "--lock-timeout=5s")
    # Not made yet: its server is asked all the same, before anything is touched.
    assert_refused(replica, shop.names["queue"], "own `options`")
    assert shop.steps() == 0
    shop.further["queue"] = {}
    shop.write()
    shop.serve("--lock-timeout=5s", prefix="then-")


def test_a_migration_gives_up_after_it(scene):
    scene.create_database()
    scene.query("CREATE TABLE trains (id int)")
    scene.query(f"ALTER TABLE trains OWNER TO {scene.role}")
    with scene.held("LOCK TABLE trains IN ACCESS SHARE MODE"):
        scene.tell_step("alter")
        replica = scene.start_one("--lock-timeout=100ms", "--allow-schema-load")
        assert replica.exit_status() == 3
    assert "canceling statement due to lock timeout" in scene.last_output()
