"""Fewer connections than replicas: waiting takes none that the steps need, and all start in the end."""

import os
import subprocess

import pytest
from test_single_flight import assert_all_serve

from postgres import Server

REPLICAS = 40
CROWD = int(os.environ.get("CROWD", "1000"))
DEADLINE_S = 600


@pytest.fixture
def narrow_server():
    """A server with 14 connections for ordinary roles."""
    with Server(max_connections=17) as server:
        yield server


def assert_no_step_was_refused(server):
    steps = [line for line in server.log().splitlines() if "signalbox-step/" in line]
    assert steps and not [line for line in steps if "FATAL" in line]


def test_forty_replicas_and_fourteen_connections(scene, narrow_server):
    scene.use(narrow_server)
    scene.create_database()
    # The step opens five connections at once, twenty times: none of them is refused.
    scene.tell_step("connect 20")
    replicas = scene.start(REPLICAS)
    assert_all_serve(replicas)
    runner, = scene.step_runs()
    assert [row["state"] for row in scene.ledger()] == ["succeeded"]
    for replica in replicas:
        assert len(replica.said("step_started")) == (replica.name == runner)
        assert replica.said("step_failed") == []
    assert_no_step_was_refused(narrow_server)


@pytest.mark.soak
def test_a_thousand_waiters_and_a_hundred_connections(scene, own_server):
    """Processes without a namespace of their own, so that a thousand are light; what they run once
    they may is `true`."""
    scene.use(own_server)
    scene.create_database()
    scene.tell_step("connect 200")
    environment = {"PATH": os.environ["PATH"], "RAILS_ENV": "production", "SIGNALBOX_PREPARE": "any",
                   "DATABASE_URL": scene.url(), "BYPRODUCTS": str(scene.byproducts)}
    output = scene.byproducts / "output"
    with open(output, "ab") as file:
        crowd = [subprocess.Popen([scene.binary, "true"], cwd=scene.directory, env=environment,
                                  stdin=subprocess.DEVNULL, stdout=file, stderr=file)
                 for _ in range(CROWD)]
        statuses = [process.wait(DEADLINE_S) for process in crowd]
    assert statuses == [0] * CROWD, output.read_text()[-5000:]
    assert len(scene.step_runs()) == 1
    assert scene.ledger_states() == ["succeeded"]
    assert_no_step_was_refused(own_server)
