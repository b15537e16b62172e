"""Three replicas of a Rails application and one pending migration, with either entrypoint.

Writes what happened as lines that doc/timeline.py reads: Signalbox's own log, and for the entrypoint of
Rails, which has none, what can be seen from outside. Run by deploy.sh.
"""

import datetime
import http.client
import json
import os
import pathlib
import secrets
import socket
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))

from dispositions import hear_int_and_quit  # noqa: E402
from postgres import Server  # noqa: E402
from replica import Barrier, Replica, ReplicaError  # noqa: E402

NAMES = ("web-1", "web-2", "web-3")
MIGRATIONS = {
    "20260101000000_create_products": 'create_table(:products) { |t| t.string :name }',
    # Stands for the work on a table of some size.
    "20260102000000_add_price": 'add_column :products, :price, :integer\n'
                                '    execute "SELECT pg_sleep(3)"',
}


def write_migrations(app, names):
    folder = app / "db/migrate"
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        words = "".join(word.capitalize() for word in name.split("_")[1:])
        (folder / f"{name}.rb").write_text(
            f"class {words} < ActiveRecord::Migration[7.2]\n"
            f"  def change\n    {MIGRATIONS[name]}\n  end\nend\n")


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Watch:
    """What one replica does, as lines of a log."""

    def __init__(self, replica, port, has_log):
        self.replica = replica
        self.port = port
        self.has_log = has_log
        self.lines = []
        self._threads = [threading.Thread(target=self._probe, daemon=True)]
        if not has_log:
            self._threads.append(threading.Thread(target=self._follow, daemon=True))
        for thread in self._threads:
            thread.start()

    def note(self, event, at=None, **fields):
        at = datetime.datetime.fromtimestamp(at or time.time(), datetime.timezone.utc)
        self.lines.append({"event": event, "host": self.replica.name,
                           "at": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                           **fields})

    def _follow(self):
        # The entrypoint runs db:prepare first of all, and says nothing about it.
        self.note("step_started", self.replica.barrier.opened_at, step="./bin/rails db:prepare")
        try:
            self.replica.wait_for_stdout("=> Booting")
            self.note("command_started")
        except ReplicaError:
            self.note("command_ended", exit_status=self.replica.exit_status())

    def _probe(self):
        while not self.replica.is_over():
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
            try:
                connection.request("GET", "/up")
                # In production Rails may answer that it wants https.
                if connection.getresponse().status < 400:
                    self.note("answered")
                    return
            except (OSError, http.client.HTTPException):
                time.sleep(0.05)
            finally:
                connection.close()

    def finish(self):
        for thread in self._threads:
            thread.join()
        if self.has_log:
            self.lines += [{k: v for k, v in e.items() if k != "received"}
                           for e in self.replica.events]
        return sorted(self.lines, key=lambda line: line["at"])


def start(app, environment, entrypoint):
    barrier = Barrier()
    watches = []
    replicas = []
    for name in NAMES:
        port = free_port()
        command = [*entrypoint, "./bin/rails", "server", "-p", str(port), "-b", "127.0.0.1", "-P",
                   f"/tmp/{secrets.token_hex(8)}.pid"]
        replicas.append((Replica(name, command, app, environment, barrier), port))
    barrier.open()
    for replica, port in replicas:
        watches.append(Watch(replica, port, entrypoint[0].endswith("signalbox")))
    lines = [line for watch in watches for line in watch.finish()]
    for replica, _ in replicas:
        replica.destroy()
    return lines


def prepare(app, environment):
    """The release before: its one migration is done, and nobody is in the way."""
    replica = Replica("before", ["./bin/rails", "db:prepare"], app, environment, barrier := Barrier())
    barrier.open()
    if replica.exit_status() != 0:
        raise ReplicaError(replica.transcript())
    replica.destroy()


def main():
    hear_int_and_quit()
    app = pathlib.Path(sys.argv[1]).resolve()
    binary = pathlib.Path(os.environ.get("SIGNALBOX", "build/dev/signalbox")).resolve()
    first, second = MIGRATIONS
    with Server() as server:
        for name, entrypoint in (("stock", [str(app / "bin/docker-entrypoint")]),
                                 ("signalbox", [str(binary)])):
            (app / f"db/migrate/{second}.rb").unlink(missing_ok=True)
            write_migrations(app, [first])
            password = secrets.token_hex(12)
            server.create_role(name, password, "CREATEDB")
            environment = {
                **{key: os.environ[key] for key in ("PATH", "GEM_HOME", "GEM_PATH")},
                "LANG": "C.UTF-8", "RAILS_ENV": "production", "RAILS_LOG_TO_STDOUT": "1",
                "SECRET_KEY_BASE": "x", "SIGNALBOX_LOG": "json",
                "DATABASE_URL": server.url(f"shop_{name}", name, password),
            }
            prepare(app, environment)
            write_migrations(app, [second])
            lines = start(app, environment, entrypoint)
            (app.parent / f"{name}.log").write_text(
                "".join(json.dumps(line) + "\n" for line in lines))


if __name__ == "__main__":
    main()
