"""What a round stands on: a server, a selector, an application, and a line to the server."""

import ctypes
import heapq
import itertools
import os
import selectors
import shutil
import subprocess
import time

from postgres import Server

PR_SET_CHILD_SUBREAPER = 36
ROLE = "app"
DATABASE = "chaos"
MIGRATION = "20261101000000"


class ChaosServer(Server):
    """Trusts whoever comes from this machine: passwords are tested elsewhere, and cost time here."""

    def _configure(self):
        super()._configure()
        path = os.path.join(self.data_directory, "pg_hba.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write("local all all trust\nhost all all 127.0.0.0/8 trust\n")
        with open(os.path.join(self.data_directory, "test.conf"), "a", encoding="utf-8") as file:
            file.write("log_connections = off\nlog_disconnections = off\nssl = off\n")

    def pid(self):
        with open(os.path.join(self.data_directory, "postmaster.pid"), encoding="ascii") as file:
            return int(file.readline())

    def make_database(self):
        self.query(f"CREATE ROLE {ROLE} LOGIN CREATEDB")
        self.create_database(DATABASE, ROLE)
        # Other rounds' rows and tables are there already, as in a production database.
        self.query(
            f"SET ROLE {ROLE}; CREATE TABLE schema_migrations (version varchar PRIMARY KEY);"
            f"INSERT INTO schema_migrations VALUES ('{MIGRATION}')", DATABASE)


def make_application(directory, actor):
    """The smallest thing that looks like a Rails application; the puppet is its bin/rails."""
    (directory / "bin").mkdir(parents=True)
    (directory / "db" / "migrate").mkdir(parents=True)
    shutil.copy(actor, directory / "bin" / "rails")
    (directory / "db" / "migrate" / f"{MIGRATION}_create_trains.rb").write_text("# nothing\n")


class Psql:
    """One session of the superuser for many questions; another when the server was restarted."""

    def __init__(self, server):
        self.server = server
        self.sessions = {}

    def _open(self, database):
        # Only its standard streams: a replica's pipe must not stay open in here.
        return subprocess.Popen(
            [os.path.join(self.server._bin, "psql"), "-X", "-q", "-A", "-t", "-F", "\t",
             "-h", self.server.socket_directory, "-p", str(self.server.port),
             "-U", self.server.superuser, "-d", database],
            env={"PATH": os.environ["PATH"], "PGAPPNAME": "chaos-driver", "LC_ALL": "C.UTF-8"},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def query(self, sql, database=DATABASE):
        """The rows; [] also where the statement fails. Asks again where the session has ended."""
        for _ in range(2):
            session = self.sessions.get(database) or self._open(database)
            self.sessions[database] = session
            try:
                session.stdin.write(f"{sql};\n\\echo chaos-end\n")
                session.stdin.flush()
                rows = list(itertools.takewhile(lambda line: line != "chaos-end\n",
                                                iter(session.stdout.readline, "")))
                if session.poll() is None:
                    return [tuple(row.rstrip("\n").split("\t")) for row in rows]
            except BrokenPipeError:
                pass
            self.close(database)
        return []

    def close(self, database):
        session = self.sessions.pop(database, None)
        if session is not None:
            session.kill()
            session.communicate()

    def close_all(self):
        for database in list(self.sessions):
            self.close(database)


class Loop:
    """A selector with callbacks, and timers."""

    def __init__(self):
        self.selector = selectors.DefaultSelector()
        self.callbacks = {}
        self.timers = []
        self.order = itertools.count()

    def register(self, what, events, callback):
        self.selector.register(what, events)
        self.callbacks[what] = callback

    def unregister(self, what):
        self.selector.unregister(what)
        del self.callbacks[what]

    def after(self, delay_ms, callback):
        heapq.heappush(self.timers,
                       (time.monotonic() + delay_ms / 1000, next(self.order), callback))

    def turn(self, end):
        """Waits for what comes next, until `end` at the latest; false when that has passed."""
        now = time.monotonic()
        if now >= end:
            return False
        until = min([end] + [timer[0] for timer in self.timers[:1]])
        for key, _ in self.selector.select(max(0, until - now)):
            # An earlier callback of this turn may have closed it.
            if key.fileobj in self.callbacks:
                self.callbacks[key.fileobj]()
        while self.timers and self.timers[0][0] <= time.monotonic():
            heapq.heappop(self.timers)[2]()
        return True


class Lane:
    """Where rounds are played one after the other, beside other lanes on the same server."""

    def __init__(self, server, binary, actor, application, directory):
        self.server = server
        self.binary = binary
        self.actor = actor
        self.application = application
        self.directory = directory
        self.psql = Psql(server)
        directory.mkdir()
        # Whatever loses its parent comes to us, so that nothing is left unseen.
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

    def close(self):
        self.psql.close_all()
