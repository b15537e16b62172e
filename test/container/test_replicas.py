"""Five replicas of a Rails application that start in the same instant.

The application and its image are real, and so is the server: section 1 of
the design tells what happens to such replicas without Signalbox, and the second
test here prints it.
"""

import pytest

from containers import SHOP, Container, Databases, Fleet

REPLICAS = 5
PRICE = f"{SHOP}-price"
STOCK = "/rails/bin/docker-entrypoint"


def exits(fleet):
    ended = [status for status in (c.exit_status() for c in fleet) if status is not None]
    return "exit statuses " + " ".join(map(str, ended)) if ended else "none ended"


def seeds_text(databases):
    times = databases.seeds()
    return "no table for the seeds" if times is None else f"rows seeded: {times} (1 is right)"


def test_one_prepares_for_all(databases, app, report, round_number):
    def tell(phase, fleet, serving):
        report(f"signalbox, round {round_number}, {phase}: {serving} of {REPLICAS} serve, "
               f"{exits(fleet)}, {len(fleet.events('step_started'))} prepared, "
               f"{seeds_text(databases)}")

    with Fleet(REPLICAS, environment=databases.environment) as first:
        assert databases.existing() == []
        first.start()
        serving = first.serving()
        tell("no database exists", first, serving)
        assert serving == REPLICAS, first.output()
        started = first.events("step_started")
        assert [event["step"] for event in started] == ["./bin/rails db:prepare"], first.output()
        assert databases.seeds() == 1
        assert databases.runs() == ["succeeded"]
        assert databases.versions() == ["20261101000000"]
        assert len(databases.existing()) == 4
        wanted = (app / "db/queue_schema.rb").read_text().count("add_foreign_key")
        assert databases.queue_foreign_keys() == wanted
        assert databases.tables("postgres") == []

        # A rolling deploy: the new release starts while the old one serves.
        with Fleet(REPLICAS, PRICE, environment=databases.environment) as second:
            second.start()
            serving = second.serving()
            tell("one pending migration", second, serving)
            assert serving == REPLICAS, second.output()
            assert len(second.events("step_started")) == 1, second.output()
            assert databases.versions() == ["20261101000000", "20261102000000"]
            assert databases.seeds() == 1
            assert databases.runs() == ["succeeded", "succeeded"]
            first.remove()

            second.stop()
            for container in second:
                container.forget_events()
            second.start()
            serving = second.serving()
            tell("nothing pending", second, serving)
            assert serving == REPLICAS, second.output()
            assert second.events("step_started") == [], second.output()
            assert len(second.events("already_prepared")) == REPLICAS, second.output()
            assert databases.runs() == ["succeeded", "succeeded"]


# Missing databases and an ordinary role are how the first test begins.
@pytest.mark.parametrize("existing, is_superuser", [(False, True), (True, False), (True, True)])
def test_five_prepare_once_whatever_there_is(
        databases, app, report, round_number, existing, is_superuser):
    if existing:
        databases.create(*Databases.ROLES.values())
        databases.may_create(False)
    if is_superuser:
        databases.become_superuser()
    with Fleet(REPLICAS, environment=databases.environment) as fleet:
        fleet.start()
        serving = fleet.serving()
        report(f"signalbox, round {round_number}, databases {'empty' if existing else 'missing'}, "
               f"{'superuser' if is_superuser else 'ordinary role'}: {serving} of {REPLICAS} serve, "
               f"{len(fleet.events('step_started'))} prepared, {seeds_text(databases)}")
        assert serving == REPLICAS, fleet.output()
        assert len(fleet.events("step_started")) == 1, fleet.output()
        assert databases.seeds() == 1
        assert databases.queue_foreign_keys() == (
            (app / "db/queue_schema.rb").read_text().count("add_foreign_key"))
        assert databases.tables("postgres") == []


def test_stock_entrypoint_beside_it(databases, report):
    """The same image with the entrypoint it would have had: told, and not asserted."""
    def tell(phase, fleet, where):
        report(f"stock entrypoint, {phase}: {fleet.serving()} of {REPLICAS} serve, "
               f"{exits(fleet)}, {seeds_text(where)}")

    with Fleet(REPLICAS, entrypoint=STOCK, environment=databases.environment) as fleet:
        fleet.start()
        tell("no database exists", fleet, databases)

    # What became of these databases is no base for a second look.
    prepared = databases.another()
    once = Container(command=["./bin/rails", "db:prepare"], entrypoint=STOCK,
                     environment=prepared.environment)
    try:
        once.start()
        assert once.wait() == 0, once.output()
    finally:
        once.remove()
    with Fleet(REPLICAS, PRICE, entrypoint=STOCK, environment=prepared.environment) as fleet:
        fleet.start()
        tell("one pending migration", fleet, prepared)


def test_a_migration_inside_of_the_command_is_outside_of_the_lock(databases, report):
    """`db:migrate` in the command runs on every replica, at every start: Rails' own lock then ends
    some of them. Nothing else may."""
    command = ["sh", "-c", "bin/rails db:migrate && exec ./bin/thrust ./bin/rails server"]
    with Fleet(REPLICAS, command=command, environment=databases.environment) as fleet:
        for phase, steps in (("no database exists", 1), ("all is prepared", 0)):
            fleet.start()
            serving = fleet.serving()
            report(f"db:migrate in the command, {phase}: {serving} of {REPLICAS} serve, "
                   f"{exits(fleet)}")
            assert len(fleet.events("step_started")) == steps, fleet.output()
            for container in fleet:
                warning, = [event["message"] for event in container.events()
                            if event["event"] == "configuration_note"]
                assert "`bin/rails db:migrate` in the command runs outside of the lock" in warning
                assert container.exit_status() in (None, 1), container.output()
                if container.exit_status() == 1:
                    assert "ConcurrentMigrationError" in container.output()
            fleet.stop()
            for container in fleet:
                container.forget_events()
    assert databases.seeds() == 1
    assert databases.runs() == ["succeeded"]
