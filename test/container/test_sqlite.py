"""Rails on SQLite: containers of one host that share a volume and no server."""

import contextlib
import pathlib
import sqlite3
import uuid

import pytest

from containers import SHOP, Fleet, podman

REPLICAS = 3
SQLITE = f"{SHOP}-sqlite"


class Storage:
    """The volume on which the databases are, and what can be seen of it from outside."""

    def __init__(self):
        self.name = f"signalbox-{uuid.uuid4().hex[:10]}"
        podman("volume", "create", self.name)
        self.path = pathlib.Path(
            podman("volume", "inspect", "--format", "{{.Mountpoint}}", self.name).stdout.strip())
        self.file = self.path / "production.sqlite3"

    def query(self, sql):
        with contextlib.closing(sqlite3.connect(self.file, timeout=60)) as connection:
            return connection.execute(sql).fetchall()

    def states(self):
        lines = (self.path / "production.sqlite3-signalbox.ledger").read_text().splitlines()
        state = lines[1].split("\t").index("state")
        return [line.split("\t")[state] for line in lines[2:-1]]

    def remove(self):
        podman("volume", "rm", "--force", self.name, check=False)


@pytest.fixture
def storage():
    storage = Storage()
    yield storage
    storage.remove()


def test_containers_that_share_a_volume_prepare_once(storage, databases):
    options = {
        "environment": {"RAILS_MASTER_KEY": databases.environment["RAILS_MASTER_KEY"],
                        "SIGNALBOX_LOG": "json"},
        "more": ["--volume", f"{storage.name}:/rails/storage"],
    }
    with Fleet(REPLICAS, SQLITE, **options) as fleet:
        fleet.start()
        assert fleet.serving() == REPLICAS, fleet.output()
        started = fleet.events("step_started")
        assert [event["step"] for event in started] == ["./bin/rails db:prepare"], fleet.output()
        assert storage.query("SELECT count(*) FROM products") == [(1,)]
        assert storage.states() == ["succeeded"]
        assert sorted(path.name for path in storage.path.glob("*.sqlite3")) == [
            "production.sqlite3", "production_cable.sqlite3", "production_cache.sqlite3",
            "production_queue.sqlite3"]

        fleet.stop()
        for container in fleet:
            container.forget_events()
        fleet.start()
        assert fleet.serving() == REPLICAS, fleet.output()
        assert fleet.events("step_started") == [], fleet.output()
        assert len(fleet.events("already_prepared")) == REPLICAS, fleet.output()

    # The jobs' database is lost, and the next container makes it anew.
    for path in storage.path.glob("production_queue.sqlite3*"):
        path.unlink()
    with Fleet(1, SQLITE, **options) as fleet:
        fleet.start()
        assert fleet.serving() == 1, fleet.output()
        message = fleet.events("lock_taken")[0]["message"]
        assert "production_queue.sqlite3 no longer exists" in message
        assert storage.query("SELECT count(*) FROM products") == [(1,)]
        assert storage.states() == ["succeeded", "succeeded"]
        assert (storage.path / "production_queue.sqlite3").exists()
