"""A server that cannot be written to: looked at, never run on, and waited for until it changes."""

import pytest

from flights import assert_never_started, prepared_once
from forwarder import Forwarder
from pgbouncer import PgBouncer
from postgres import Server

pytestmark = pytest.mark.once


@pytest.fixture
def pair(scene, own_server):
    """The scene on a primary, and a standby that streams from it."""
    scene.use(own_server)
    with Server(standby_of=own_server) as standby:
        scene.standby_url = lambda: standby.url(scene.database, scene.role, scene.password)
        yield own_server, standby


def start_on_standby(scene, *options, **more):
    return scene.start_one(*options, environment={"DATABASE_URL": scene.standby_url()}, **more)


def test_what_a_standby_says_is_prepared_starts(scene, pair):
    primary, standby = pair
    prepared_once(scene)
    standby.catch_up(primary)
    replica = start_on_standby(scene)
    # Nothing lets a step go on: one that started would never end.
    replica.wait_for_stdout("serving")
    assert replica.said("step_started") == []
    assert scene.ledger_states() == ["succeeded"]


def test_nothing_is_run_on_a_standby_until_it_is_promoted(scene, pair):
    primary, standby = pair
    scene.create_database()
    standby.catch_up(primary)
    replica = start_on_standby(scene)
    assert "read-only" in replica.wait_for("database_unreachable")["message"]
    assert replica.said("step_started") == [] and replica.said("lock_taken") == []
    primary.stop("immediate")
    standby.promote()
    scene.server = standby
    scene.tell_step()
    replica.wait_for_stdout("serving")
    assert scene.step_runs() == ["web-1"]
    assert scene.ledger_states() == ["succeeded"]


def test_a_standby_that_stays_one_is_given_up(scene, pair):
    primary, standby = pair
    scene.create_database()
    standby.catch_up(primary)
    replica = start_on_standby(scene, "--connect-timeout=2s")
    assert replica.exit_status() == 69
    assert "read-only" in replica.said("database_refused")[0]["message"]
    assert_never_started(replica)


def test_a_name_that_moves_from_a_standby_to_the_primary(scene, pair):
    primary, standby = pair
    scene.create_database()
    standby.catch_up(primary)
    with Forwarder(standby.host, standby.port) as name:
        replica = scene.start_one(environment={
            "DATABASE_URL": scene.url().replace(f":{primary.port}/", f":{name.port}/")})
        replica.wait_for("database_unreachable")
        scene.tell_step()
        name.target = (primary.host, primary.port)
        replica.wait_for_stdout("serving")
    assert scene.ledger_states() == ["succeeded"]


def test_a_failover_between_the_look_and_the_lock(scene, pair):
    primary, standby = pair
    prepared_once(scene)
    with PgBouncer(primary, pool_mode="transaction") as pooler:
        pooler.add_user(scene.role, scene.password)
        with scene.held("LOCK TABLE signalbox_runs IN ACCESS EXCLUSIVE MODE"):
            replica = scene.start_one("--release=next", environment={
                "DATABASE_URL": pooler.url(scene.database, scene.role, scene.password)})
            replica.wait_for("database_reached")
            primary.wait_until("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
            standby.catch_up(primary)
            pooler.move_to(standby)
        # What it has seen is a server to run on, and its lock could be had on the other one.
        assert "read-only" in replica.wait_for("database_unreachable")["message"]
        assert replica.said("lock_taken") == [] and replica.said("step_started") == []
        pooler.move_to(primary)
        scene.tell_step()
        replica.wait_for_stdout("serving")
    assert scene.ledger_states() == ["succeeded", "succeeded"]


def test_who_only_waits_learns_from_a_standby(scene, pair):
    primary, standby = pair
    scene.create_database()
    standby.catch_up(primary)
    waiter = start_on_standby(scene, "--prepare=wait", prefix="worker-")
    waiter.wait_for("waiting")
    scene.tell_step()
    scene.start_one().wait_for_stdout("serving")
    waiter.wait_for_stdout("serving")
    assert waiter.said("step_started") == []


def test_a_step_typed_by_hand_does_not_run_on_a_standby(scene, pair):
    primary, standby = pair
    prepared_once(scene)
    standby.catch_up(primary)
    replica = start_on_standby(
        scene, "--connect-timeout=1s", command=("./bin/rails", "db:prepare"))
    assert replica.exit_status() == 69
    assert replica.said("step_started") == []


def test_a_database_that_is_read_only_for_now(scene):
    scene.create_database()
    scene.server.query(f"ALTER DATABASE {scene.database} SET default_transaction_read_only = on")
    replica = scene.start_one()
    assert "read-only" in replica.wait_for("database_unreachable")["message"]
    scene.tell_step()
    scene.server.query(f"ALTER DATABASE {scene.database} RESET default_transaction_read_only")
    replica.wait_for_stdout("serving")
    assert scene.ledger_states() == ["succeeded"]


def test_of_several_hosts_the_primary_is_taken(scene, pair):
    primary, standby = pair
    scene.create_database()
    standby.catch_up(primary)
    scene.tell_step()
    hosts = f"{standby.host}:{standby.port},{primary.host}:{primary.port}"
    replica = scene.start_one("--database-url=" + scene.url().replace(
        f"{primary.host}:{primary.port}", hosts))
    replica.wait_for_stdout("serving")
    assert scene.ledger_states() == ["succeeded"]
