"""`podman stop` (TERM, and KILL after a while) in every phase of a container's life.

137 would be the KILL: any other exit status says that the TERM was obeyed.
"""

import contextlib

from containers import SHOP, Container, poll

SLOW = f"{SHOP}-slow"
GRACEFULLY = "Gracefully stopping"


def started(*arguments, **options):
    """A started container, as a context that removes it."""
    stack = contextlib.ExitStack()
    container = Container(*arguments, **options)
    stack.callback(container.remove)
    container.start()

    @contextlib.contextmanager
    def context():
        with stack:
            yield container
    return context()


def stopped_while_serving(**options):
    with started(**options) as container:
        assert container.serves(), container.output()
        return container.stop(), container.output()


def test_a_serving_container_ends_as_its_server_does(databases):
    status, output = stopped_while_serving(environment=databases.environment)
    # The same command as PID 1, with nothing between the engine and it.
    bare_status, bare_output = stopped_while_serving(
        entrypoint="./bin/thrust", command=["./bin/rails", "server"],
        environment=databases.environment)
    assert GRACEFULLY in bare_output and bare_status != 137, bare_output
    assert GRACEFULLY in output, output
    assert status == bare_status, output


def test_stopped_while_preparing_and_while_waiting(databases):
    with started(SLOW, environment=databases.environment) as preparing:
        poll("the slow migration runs", databases.sleeps)
        with started(SLOW, environment=databases.environment) as waiting:
            waiting.await_event("waiting")
            assert waiting.stop() == 143, waiting.output()
            assert "cancelled" in waiting.names(), waiting.output()
            assert "step_started" not in waiting.names(), waiting.output()
            assert "command_started" not in waiting.names(), waiting.output()
        # The other's end is no business of the one that prepares.
        assert preparing.running(), preparing.output()
        assert preparing.stop() == 143, preparing.output()
        assert "cancelled" in preparing.names(), preparing.output()
        assert "command_started" not in preparing.names(), preparing.output()
        assert "succeeded" not in databases.runs()


def test_the_migration_of_a_killed_container_is_ended_before_the_next_one_migrates(databases):
    def sleepers():
        return {row[0] for row in databases.server.query(
            "SELECT pid FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%'"
            f" AND datname = '{databases.primary}' AND state = 'active'")}

    with started(SLOW, environment=databases.environment) as killed:
        poll("the slow migration runs", databases.sleeps)
        orphans = sleepers()
        killed.kill("KILL")
        killed.wait()
    # Nobody has told the server that its client is gone.
    with started(SLOW, environment=databases.environment) as successor:
        successor.await_event("step_started")
        assert not orphans & sleepers(), successor.output()
        assert {"runner_died", "fenced"} <= set(successor.names()), successor.output()
        poll("the migration runs again", databases.sleeps)
        assert databases.runs() == ["interrupted", "running"]
        assert successor.stop() == 143, successor.output()
    assert databases.runs() == ["interrupted", "interrupted"]
