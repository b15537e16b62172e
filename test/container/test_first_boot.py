"""One container on databases that are not as they should be: all of them or none, and nobody's tables."""

import pytest

from containers import Container


@pytest.fixture
def start():
    """Containers that are gone after the test."""
    containers = []

    def start(environment, **more):
        container = Container(environment={"SIGNALBOX_CONNECT_TIMEOUT": "2s", **environment}, **more)
        containers.append(container)
        container.start()
        return container

    yield start
    for container in containers:
        container.remove()


def refused(container, status):
    """What was said about each database that stood in the way."""
    assert container.wait() == status, container.output()
    assert "step_started" not in container.names(), container.output()
    lines = [e["message"] for e in container.events() if e["event"] == "database_refused"]
    assert "nothing has been touched" in lines.pop()
    return lines


def test_nothing_is_touched_until_every_database_is_to_be_had(databases, app, start):
    everything = databases.environment

    # The stock config/database.yml names no host, and DATABASE_URL moves the first alone.
    others = ["CACHE_DATABASE_URL", "QUEUE_DATABASE_URL", "CABLE_DATABASE_URL"]
    alone = {name: value for name, value in everything.items() if name not in others}
    lines = refused(start(alone), 69)
    assert [name for name in others for line in lines if f"{name} says where it is" in line] == others
    assert databases.existing() == []

    # A server for the cache that refuses.
    port = f":{databases.server.port}/"
    lines = refused(start(everything | {
        "CACHE_DATABASE_URL": everything["CACHE_DATABASE_URL"].replace(port, ":1/")}), 69)
    assert len(lines) == 1 and "(cache)" in lines[0] and "onnection refused" in lines[0]
    assert databases.existing() == []

    # A queue database that is missing and not creatable.
    databases.may_create(False)
    databases.create("", "_cache", "_cable")
    lines = refused(start(everything), 69)
    assert len(lines) == 1 and "(queue)" in lines[0] and "may not create databases" in lines[0]
    assert databases.tables() == []

    # Corrected: this is still the first boot, and it seeds.
    databases.may_create(True)
    container = start(everything)
    assert container.serves(), container.output()
    assert databases.seeds() == 1 and len(databases.existing()) == 4

    # A queue database that was dropped and made anew is prepared again, at once.
    container.stop()
    container.forget_events()
    databases.drop("_queue")
    databases.create("_queue")
    container.start()
    assert container.serves(), container.output()
    reason, = [e["message"] for e in container.events() if e["event"] == "lock_taken"]
    assert "(queue) has lost its schema_migrations" in reason
    assert databases.queue_foreign_keys() == (
        (app / "db/queue_schema.rb").read_text().count("add_foreign_key"))
    assert databases.seeds() == 1 and databases.runs() == ["succeeded", "succeeded"]


def test_somebodys_tables_are_left_alone(databases, start):
    databases.create("", "_cache", "_queue", "_cable")
    databases.query("CREATE TABLE products (id int); INSERT INTO products SELECT generate_series(1, 1000)")
    lines = refused(start(databases.environment), 78)
    assert len(lines) == 1 and "has 1 table but no schema_migrations" in lines[0]
    assert databases.tables() == ["products"] and databases.seeds() == 1000


def test_a_typo_with_steps_that_create_nothing_makes_no_database(databases, start):
    container = start(databases.environment | {"SIGNALBOX_STEPS": "./bin/rails db:seed"})
    assert container.wait() == 78
    assert databases.primary in container.output() and databases.existing() == []
