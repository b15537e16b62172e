"""A start where nothing is pending: what every restart and every scale-out costs."""

import os
import pathlib
import tempfile

from figures import BINARY, OURS, Figure, elapsed_ms, in_turn, minimal, rounds
from postgres import Server

VERSION = "20260101000000"


class App:
    """An application with so many databases, all of them prepared."""

    _made = 0

    def __init__(self, directory, server, databases=1):
        App._made += 1
        self.server = server
        self.directory = pathlib.Path(directory) / f"app{App._made}"
        self.names = [f"bench{App._made}_{number}" for number in range(databases)]
        self.role = f"bench{App._made}"
        self.password = "secret"
        server.create_role(self.role, self.password, "CREATEDB")
        # With as many rounds of SHA-256 as the server takes by itself; the tests' own way takes one.
        server.query(f"ALTER ROLE {self.role} PASSWORD '{self.password}'")
        for number, name in enumerate(self.names):
            server.create_database(name, self.role)
            path = self.directory / "db" / f"migrate{number}"
            path.mkdir(parents=True)
            (path / f"{VERSION}_create.rb").write_text("content\n")
        (self.directory / "config").mkdir()
        self.go_to(server)
        rails = self.directory / "bin" / "rails"
        rails.parent.mkdir()
        # What matters to Signalbox of a step that prepares.
        rails.write_text("#!/bin/sh\nfor url in $URLS; do psql -q -d $url -c \""
                         "CREATE TABLE IF NOT EXISTS schema_migrations (version varchar PRIMARY"
                         f" KEY); INSERT INTO schema_migrations VALUES ('{VERSION}')"
                         " ON CONFLICT DO NOTHING\" 2>/dev/null; done\n")
        rails.chmod(0o755)
        self.environment = minimal(
            RAILS_ENV="production", URLS=" ".join(map(self.url, range(databases))))
        self.start()

    def url(self, number=0):
        return self.server.url(self.names[number], self.role, self.password)

    def go_to(self, address):
        """Lets it find its databases at a server or at a pooler."""
        (self.directory / "config" / "database.yml").write_text("production:\n" + "".join(
            f"  database{number}:\n    url: {address.url(name, self.role, self.password)}\n"
            f"    migrations_paths: db/migrate{number}\n"
            for number, name in enumerate(self.names)))

    def start(self, *options):
        """Runs `true` as its server."""
        return elapsed_ms([BINARY, "--log-level=error", *options, "--server=true", "true"],
                          cwd=self.directory, env=self.environment)


def measure():
    with tempfile.TemporaryDirectory() as directory, Server() as server:
        os.chmod(directory, 0o755)
        one, four = (App(directory, server, databases) for databases in (1, 4))
        asked = ["psql", "-X", "-q", "-c", "SELECT 1", one.url()]
        values = in_turn(rounds(60), {
            "one": one.start, "four": four.start,
            "psql": lambda: elapsed_ms(asked, env=one.environment)})
        processor = server_processor_ms(server, one, four)
    figures = [
        Figure("nothing pending", f"from exec to the command, {count} over TLS and SCRAM", "ms",
               {OURS: values[which], "psql -c 'SELECT 1'": values["psql"]}, goal)
        for which, count, goal in (("one", "one database", 20), ("four", "four databases", 35))]
    figures += [
        Figure("nothing pending", f"of that, the server's processor time for {count}", "ms",
               {OURS: spent})
        for count, spent in processor.items()]
    return figures


def server_processor_ms(server, one, four):
    """What a start costs the server, which is a part of the time that ours takes."""
    spent = {}
    for name, app in (("one database", one), ("four databases", four)):
        before_ms = processor_ms(server)
        count = rounds(60)
        for _ in range(count):
            app.start()
        spent[name] = (processor_ms(server) - before_ms) / count
    return spent


def processor_ms(server):
    """The processor time of a server and of every session of it that has ended."""
    postmaster = int(pathlib.Path(server.data_directory, "postmaster.pid").read_text().split()[0])
    fields = pathlib.Path(f"/proc/{postmaster}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) * 1000 / os.sysconf("SC_CLK_TCK")
