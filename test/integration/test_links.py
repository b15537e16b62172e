"""A lock whose holder cannot be heard: its step is dead before another replica may start one.

Each of these takes half a minute of nothing but silence, so all of them begin at once.
"""

import contextlib

import pytest

from conftest import POSTGRES_VERSION, Scene
from flights import assert_never_started, begun
from link import Link
from pgbouncer import PgBouncer
from postgres import Server

pytestmark = [pytest.mark.once, pytest.mark.race]


class Fault:
    """A runner in the middle of its step, and a waiter that has another way to the server."""

    def __init__(self, server, binary, directory):
        self.scene = Scene(server, binary, directory)
        self.scene.create_database()
        self.runner = self.waiter = None

    def begin(self, url, inside=()):
        self.scene.prefix = inside
        self.runner = begun(self.scene, prefix="runner-", environment={"DATABASE_URL": url})
        self.scene.prefix = ()
        self.waiter = self.scene.start_one(prefix="waiter-")
        self.waiter.wait_for("waiting")


def pooled_url(fault, pooler, **where):
    pooler.add_user(fault.scene.role, fault.scene.password)
    return pooler.url(fault.scene.database, fault.scene.role, fault.scene.password, **where)


@pytest.fixture(scope="module")
def faults(binary, tmp_path_factory):
    names = ("direct", "before the pooler", "behind the pooler", "behind the newer pooler",
             "frozen")
    with contextlib.ExitStack() as stack:
        links = {name: stack.enter_context(Link()) for name in names if name != "frozen"}
        server = stack.enter_context(Server(
            listen=",".join(["127.0.0.1", *(link.near for link in links.values())]),
            version=POSTGRES_VERSION))
        found = {}
        for name in names:
            found[name] = Fault(server, binary, tmp_path_factory.mktemp("fault"))
            stack.callback(found[name].scene.close)

        scene = found["direct"].scene
        found["direct"].begin(scene.url(host=links["direct"].near), links["direct"].inside)

        link = links["before the pooler"]
        pooler = stack.enter_context(PgBouncer(
            server, host=link.near, server_host="127.0.0.1", pool_mode="transaction"))
        found["before the pooler"].begin(
            pooled_url(found["before the pooler"], pooler), link.inside)

        # Its pooler is in the other network and is reached through a socket.
        for name, release, mode in (("behind the pooler", "bookworm", "session"),
                                    ("behind the newer pooler", "trixie", "transaction")):
            link = links[name]
            pooler = stack.enter_context(PgBouncer(
                server, release, server_host=link.near, inside=link.inside, pool_mode=mode))
            found[name].begin(pooled_url(found[name], pooler, socket=True))

        found["frozen"].begin(found["frozen"].scene.url())
        for link in links.values():
            link.cut()
        found["frozen"].runner.freeze()
        yield found


@pytest.mark.parametrize("name", ["direct", "before the pooler", "behind the pooler",
                                  "behind the newer pooler"])
def test_a_cut_link_ends_the_step_before_another_begins(faults, name):
    fault = faults[name]
    assert fault.runner.exit_status() == 75
    assert len(fault.runner.said("lock_lost")) == 1
    assert_never_started(fault.runner)
    # The new step looks whether the old one is still there: step_runs() tells.
    fault.waiter.wait_for_stderr("the complaint of the step")
    assert fault.scene.step_runs() == ["runner-1", "waiter-1"]
    fault.scene.tell_step()
    fault.waiter.wait_for_stdout("serving")
    assert fault.scene.ledger_states() == ["interrupted", "succeeded"]


def test_a_frozen_runner_that_comes_back_changes_no_row_and_starts_no_server(faults):
    fault = faults["frozen"]
    # The server lets go of its lock after 30 s, whatever becomes of it.
    fault.waiter.wait_for_stderr("the complaint of the step")
    fault.scene.tell_step()
    fault.waiter.wait_for_stdout("serving")
    before = fault.scene.ledger()
    assert [row["state"] for row in before] == ["interrupted", "succeeded"]
    fault.runner.thaw()
    assert fault.runner.exit_status() == 75
    assert len(fault.runner.said("lock_lost")) == 1
    assert_never_started(fault.runner)
    assert fault.scene.ledger() == before
    fault.scene.assert_step_is_dead()
