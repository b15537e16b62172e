"""The fence on every server that has a database of the application."""

import signal
import subprocess
import zlib

import pytest

from namespace import DEADLINE_S
from test_fence import MIGRATOR_SALT, app_name


@pytest.fixture
def session():
    """A session under a name that goes on with a statement until it is ended."""
    started = []

    def start(server, url, name, statement="SELECT pg_sleep(600)"):
        process = subprocess.Popen(
            ["psql", "-X", "-q", "-d", url, "-c", statement, "-c", "SELECT pg_sleep(600)"],
            env={"PATH": "/usr/bin:/bin", "PGAPPNAME": name}, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        started.append(process)
        server.wait_for_backends(name, 1)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def superuser_url(server, database):
    return server.url(database, server.superuser, server.superuser_password)


def test_what_an_earlier_run_does_on_another_server_is_ended_before_the_first_step(
        shop, own_server, session):
    shop.use("queue", own_server)
    shop.create()
    orphan = session(own_server, shop.url("queue"), app_name(shop.scene))
    # An application whose first database has the same name, on a server of its own, shares this one.
    own_server.query("CREATE DATABASE others_queue")
    session(own_server, superuser_url(own_server, "others_queue"),
            app_name(shop.scene, run="fedcba9876543210"))
    replica = shop.serve()
    assert orphan.wait(DEADLINE_S) != 0
    assert replica.said("fenced")[0]["at"] <= replica.said("step_started")[0]["at"]
    assert len(own_server.backends("signalbox-step/%")) == 1


def test_a_step_that_is_stopped_leaves_nothing_at_work_on_another_server(shop, own_server):
    shop.use("queue", own_server)
    shop.create()
    replica = shop.start(1, f"--step=psql -X -d '{shop.url('queue')}' -c 'SELECT pg_sleep(600)'")
    replica.wait_for("step_started")
    own_server.wait_for_backends("signalbox-step/%", 1)
    replica.signal(signal.SIGTERM)
    assert replica.exit_status() == 143
    assert own_server.backends("signalbox-step/%") == []


@pytest.mark.parametrize("on_another_server", [False, True])
def test_rails_own_lock_in_the_queue_database_is_waited_for(
        shop, own_server, session, on_another_server):
    if on_another_server:
        shop.use("queue", own_server)
    shop.create()
    server = shop.servers["queue"]
    key = MIGRATOR_SALT * zlib.crc32(shop.names["queue"].encode())
    session(server, superuser_url(server, shop.names["queue"]), "a stock replica",
            f"SELECT pg_advisory_lock({key})")
    replica = shop.start()
    message = replica.wait_for("waiting")["message"]
    assert f"Rails' own migration lock in {shop.names['queue']}" in message
    assert "a stock replica" in message and replica.said("step_started") == []
    pid, = server.backends("a stock replica")
    server.query(f"SELECT pg_terminate_backend({pid})")
    replica.wait_for_stdout("serving")


def test_an_application_name_of_the_configurations_own_is_named_in_a_warning(shop):
    shop.further["queue"] = {"application_name": "shop"}
    shop.write()
    replica = shop.serve()
    warning, = replica.said("configuration_note")
    assert "the application_name of the configuration `queue`" in warning["message"]
