"""How long many replicas of a new release take from the end of its prepare until all have started."""

import json
import os
import pathlib
import subprocess
import tempfile
import time

from figures import BINARY, OURS, ROUNDS, Figure
from pgbouncer import PgBouncer
from postgres import Server
from restarts import App, processor_ms

SIZES = (1, 10, 50) if ROUNDS else (1, 10, 50, 200, 1000)
POOLED = (10, 50, 200)
CONNECTIONS = 100
# Where there are fewer replicas than connections: a twentieth of the prepare, or this.
GOAL_MS, GOAL_SHARE = 100, 0.05
# What a replica says when it has nothing to do but to wait: for the runner or for a connection.
WAITING = {"waiting", "database_unreachable"}


class Fleet:
    """So many replicas of a new release, each with a log of its own."""

    def __init__(self, app, count, directory):
        gate = os.path.join(directory, "gate")
        os.mkfifo(gate)
        self.gate_fd = os.open(gate, os.O_RDWR)
        step = f"sh -c 'read -r _ <{gate}; exec ./bin/rails db:prepare'"
        command = [BINARY, "--log=json", f"--step={step}", f"--release={directory}",
                   "--server=true", "--connect-timeout=10m", "true"]
        self.logs = [pathlib.Path(directory, f"log{number}") for number in range(count)]
        self.replicas = []
        for path in self.logs:
            with open(path, "w", encoding="utf-8") as log:
                self.replicas.append(subprocess.Popen(
                    command, cwd=app.directory, env=app.environment, stdin=subprocess.DEVNULL,
                    stdout=log, stderr=log))

    def wait_until_all_wait(self):
        """Until one runs its step and every other one has said that it waits."""
        silent, running = set(self.logs), False
        while silent or not running:
            for path in list(silent):
                said = {event["event"] for event in events_of(path)}
                running = running or "step_started" in said
                if said & (WAITING | {"step_started"}):
                    silent.discard(path)
            for replica, path in zip(self.replicas, self.logs):
                if replica.poll() is not None:
                    raise SystemExit(f"a replica ended\n{path.read_text()}")
            time.sleep(0.2)

    def end(self):
        """Lets the step end; milliseconds from the end of the prepare to the last start, and how
        long the prepare took."""
        os.write(self.gate_fd, b"go\n")
        statuses = [replica.wait() for replica in self.replicas]
        os.close(self.gate_fd)
        for status, path in zip(statuses, self.logs):
            if status != 0:
                raise SystemExit(f"a replica failed with {status}\n{path.read_text()}")
        # All times are of one machine's clock.
        times = {}
        for path in self.logs:
            for event in events_of(path):
                times.setdefault(event["event"], []).append(instant_ms(event["at"]))
        if "prepared" not in times:
            raise SystemExit("nobody has prepared\n" + "".join(
                path.read_text() for path in self.logs if '"step_started"' in path.read_text()))
        prepared_ms, = times["prepared"]
        return max(times["command_started"]) - prepared_ms, prepared_ms - times["step_started"][0]


def events_of(path):
    return [json.loads(line) for line in path.read_text().splitlines() if line.startswith("{")]


def instant_ms(text):
    hours, minutes, seconds = text[11:-1].split(":")
    return (int(hours) * 3600 + int(minutes) * 60 + float(seconds)) * 1000


def release(app, server, count):
    """One release on so many replicas: milliseconds until the last start, of the prepare, of the
    server's processors; sessions."""
    with tempfile.TemporaryDirectory() as directory:
        before_ms, opened = processor_ms(server), sessions_of(server)
        fleet = Fleet(app, count, directory)
        fleet.wait_until_all_wait()
        last_ms, prepare_ms = fleet.end()
        return last_ms, prepare_ms, processor_ms(server) - before_ms, sessions_of(server) - opened


def sessions_of(server):
    (count,), = server.query("SELECT coalesce(sum(sessions), 0) FROM pg_stat_database")
    return int(count)


def measure():
    figures = []
    with tempfile.TemporaryDirectory() as directory, \
            Server(max_connections=CONNECTIONS) as server, \
            PgBouncer(server, max_client_conn=2000, default_pool_size=80) as pooler:
        os.chmod(directory, 0o755)
        app = App(directory, server)
        pooler.add_user(app.role, app.password)
        plays = [("", server, count) for count in SIZES]
        plays += [(" behind PgBouncer", pooler, count) for count in POOLED if count <= SIZES[-1]]
        for where, address, count in plays:
            app.go_to(address)
            last_ms, prepare_ms, spent_ms, opened = release(app, server, count)
            what = f"{count} replica{'s' if count > 1 else ''}{where}"
            figures.append(Figure(
                "fleet", f"{what}: from the end of the prepare to the last start", "ms",
                {OURS: last_ms},
                max(GOAL_MS, round(GOAL_SHARE * prepare_ms)) if count < CONNECTIONS else None))
            # A pooler's sessions go on, and so what they cost is not known yet.
            if address is server:
                figures += [
                    Figure("fleet", f"{what}: the server's processor time", "ms", {OURS: spent_ms}),
                    Figure("fleet", f"{what}: sessions opened", "", {OURS: opened})]
    return figures
