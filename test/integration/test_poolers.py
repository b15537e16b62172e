"""The flight behind a real PgBouncer: Debian bookworm's and trixie's, in each of its modes."""

import signal

import pytest

from flights import (
    assert_all_serve,
    assert_never_started,
    begun,
    wait_until_one_prepares,
)

RELEASES = ("bookworm", "trixie")

pytestmark = pytest.mark.once


@pytest.fixture
def pooled(scene, in_front):
    """Puts a pooler in front of the scene's server, for Signalbox and for the steps."""

    def put(release, **settings):
        scene.pooler = pooler = in_front(release, **settings)
        scene.url = lambda **more: pooler.url(scene.database, scene.role, scene.password, **more)
        return pooler

    return put


@pytest.fixture(params=RELEASES)
def release(request):
    return request.param


@pytest.mark.parametrize("mode", ["session", "transaction"])
def test_five_replicas_behind_a_pooler(scene, pooled, release, mode):
    pooled(release, pool_mode=mode)
    scene.create_database()
    replicas = scene.start(5)
    runner, waiters = wait_until_one_prepares(replicas)
    assert len(scene.lock_holders()) == 1
    # CREATE INDEX CONCURRENTLY finishes while the others wait.
    scene.tell_step("index")
    assert_all_serve(replicas)
    assert scene.step_runs() == [runner.name]
    assert scene.ledger_states() == ["succeeded"]
    scene.assert_lock_is_free()
    for waiter in waiters:
        assert waiter.said("step_started") == []


def test_through_the_poolers_socket(scene, pooled, release):
    pooler = pooled(release, pool_mode="transaction")
    scene.create_database()
    scene.tell_step()
    replica = scene.start_one(environment={
        "DATABASE_URL": pooler.url(scene.database, scene.role, scene.password, socket=True)})
    replica.wait_for_stdout("serving")
    assert scene.ledger_states() == ["succeeded"]


def test_the_database_is_created_through_a_pooler(scene, pooled, release):
    pooled(release)
    scene.tell_step()
    replica = scene.start_one()
    replica.wait_for_stdout("serving")
    assert len(replica.said("database_created")) == 1


def test_statement_pooling_is_refused_by_name(scene, pooled, release):
    pooled(release, pool_mode="statement")
    scene.create_database()
    replica = scene.start_one()
    assert replica.exit_status() == 78
    refused, = replica.said("database_refused")
    assert "statement pool" in refused["message"] and "--database-url" in refused["message"]
    assert_never_started(replica)


@pytest.mark.parametrize("mode", ["session", "transaction"])
def test_a_pool_of_one_connection_is_refused_with_its_remedy(scene, pooled, release, mode):
    pooled(release, pool_mode=mode, default_pool_size=1)
    scene.create_database()
    replica = scene.start_one()
    assert replica.exit_status() == 78
    refused, = replica.said("database_refused")
    assert "default_pool_size" in refused["message"] and "--database-url" in refused["message"]
    assert replica.said("step_started") == []
    assert_never_started(replica)
    scene.assert_lock_is_free()


def test_a_signal_while_a_pool_of_one_is_asked_for_a_second(scene, pooled):
    pooled("bookworm", pool_mode="transaction", default_pool_size=1)
    scene.create_database()
    replica = scene.start_one()
    scene.server.wait_until(
        "SELECT count(*) = 1 FROM pg_locks JOIN pg_database ON pg_database.oid = database"
        f" WHERE locktype = 'advisory' AND datname = '{scene.database}'")
    replica.signal(signal.SIGTERM)
    assert replica.exit_status() == 128 + signal.SIGTERM
    assert_never_started(replica)
    scene.assert_lock_is_free()


def test_a_pool_of_one_and_the_servers_own_address_for_the_lock(scene, pooled, release):
    direct = scene.url()
    pooled(release, pool_mode="transaction", default_pool_size=1)
    scene.create_database()
    scene.tell_step()
    replica = scene.start_one(f"--database-url={direct}")
    replica.wait_for_stdout("serving")
    assert scene.ledger_states() == ["succeeded"]


@pytest.mark.parametrize("mode", ["session", "transaction"])
def test_more_waiters_than_a_pool_has_connections(scene, pooled, mode):
    # Of four, the lock has one, and a step needs some: waiting must leave them.
    pooled("bookworm", pool_mode=mode, default_pool_size=4)
    scene.create_database()
    runner = begun(scene, prefix="runner-")
    waiters = scene.start(8)
    for waiter in waiters:
        waiter.wait_for("waiting")
    scene.tell_step("index")
    runner.wait_for_stdout("serving")
    assert_all_serve(waiters)
    assert scene.ledger_states() == ["succeeded"]


def test_a_pooler_without_an_entry_for_the_database(scene, pooled, release):
    pooled(release, databases=f"other = host={scene.server.host} port={scene.server.port}")
    replica = scene.start_one()
    assert replica.exit_status() == 78
    assert "[databases]" in replica.said("database_refused")[0]["message"]


def test_a_password_that_the_pooler_does_not_know(scene, pooled, release):
    pooler = pooled(release)
    scene.create_database()
    replica = scene.start_one(environment={
        "DATABASE_URL": pooler.url(scene.database, scene.role, "quite-wrong-indeed")})
    assert replica.exit_status() == 78
    assert "PgBouncer" in replica.said("database_refused")[0]["message"]


def test_a_role_that_only_the_pooler_knows(scene, pooled, release):
    pooler = pooled(release)
    scene.create_database()
    pooler.add_user("ghost", "of the pool")
    replica = scene.start_one(environment={
        "DATABASE_URL": pooler.url(scene.database, "ghost", "of the pool")})
    assert replica.exit_status() == 78
    assert "ghost" in replica.said("database_refused")[0]["message"]


def test_a_server_that_is_down_behind_its_pooler_is_waited_for(scene, pooled, own_server, release):
    scene.use(own_server)
    scene.create_database()
    pooled(release, query_wait_timeout=2)
    own_server.stop()
    scene.tell_step()
    replica = scene.start_one()
    reason = replica.wait_for("database_unreachable")
    assert "query_wait_timeout" in reason["message"] or "does not answer" in reason["message"]
    own_server.start()
    replica.wait_for_stdout("serving")
    assert scene.ledger_states() == ["succeeded"]


@pytest.mark.parametrize("mode", ["session", "transaction"])
def test_a_lock_that_the_pooler_gave_away_ends_the_step(scene, pooled, release, mode):
    pooler = pooled(release, pool_mode=mode)
    scene.create_database()
    runner = begun(scene)
    holder, = scene.lock_holders()
    scene.server.query(f"SELECT pg_terminate_backend({holder})")
    assert runner.exit_status() == 75
    assert "idle_transaction_timeout" in runner.said("lock_lost")[0]["message"]
    scene.assert_step_is_dead()
    assert_never_started(runner)
    assert "succeeded" not in scene.ledger_states()
    assert pooler.command("SHOW VERSION").startswith("PgBouncer")


def test_the_poolers_idle_transaction_timeout_ends_the_step(scene, pooled, release):
    pooled(release, pool_mode="transaction", idle_transaction_timeout=2)
    scene.create_database()
    runner = begun(scene)
    assert runner.exit_status() == 75
    assert "idle_transaction_timeout" in runner.said("lock_lost")[0]["message"]
    scene.assert_step_is_dead()
    assert scene.ledger_states() == ["interrupted"]
