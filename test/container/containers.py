"""Containers of the shop, their logs and how they end, through podman.sh.

Nothing here sleeps to let something happen: events come from followed logs and
from `podman wait`. Only health and the database, which tell nobody when they
change, are asked again and again, until a deadline.
"""

import json
import pathlib
import subprocess
import threading
import time
import urllib.error
import urllib.request
import uuid

HERE = pathlib.Path(__file__).resolve().parent
SHOP = "localhost/signalbox-shop"
# Debian and the binary, for what has nothing to do with Rails.
DEBIAN = "localhost/signalbox-debian"
SERVER = ["./bin/thrust", "./bin/rails", "server"]

# How long something may take on a machine that is busy with other things. No
# test depends on it being short: it ends a test that would otherwise hang.
PATIENCE_S = 240

# How long `podman stop` waits between TERM and KILL. The engines' ten seconds
# are ample for a server that stops in half a second, but a disk that others
# keep busy was seen to hold Puma up for as long in removing its pid file.
STOP_S = "30"


def podman_command(*arguments):
    return ["sh", str(HERE / "podman.sh"), *arguments]


def podman(*arguments, check=True):
    """Runs podman; its result, with what it wrote as text."""
    result = subprocess.run(
        podman_command(*arguments), stdin=subprocess.DEVNULL, capture_output=True, text=True,
        check=False,
    )
    if check and result.returncode != 0:
        raise AssertionError(f"podman {' '.join(arguments)}: {result.stderr.strip()}")
    return result


def gateway():
    """The host's own address on the containers' network."""
    return podman("network", "inspect", "--format", "{{(index .Subnets 0).Gateway}}",
                  "signalbox").stdout.strip()


def poll(what, look, said=str):
    """Calls `look` until its answer is neither None nor False, and returns that.

    In vain, it fails with what `said` returns then.
    """
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        answer = look()
        if answer is not None and answer is not False:
            return answer
        time.sleep(0.1)
    raise AssertionError(f"waited {PATIENCE_S} s in vain: {what}\n{said()}")


class Container:
    """One container, made but not started."""

    def __init__(self, image=SHOP, command=SERVER, entrypoint=None, environment=None,
                 files=None, more=()):
        self.name = f"signalbox-{uuid.uuid4().hex[:10]}"
        self.seen = 0
        options = ["--name", self.name, "--network", "signalbox",
                   # Docker lets an unprivileged user have port 80 by itself.
                   "--sysctl", "net.ipv4.ip_unprivileged_port_start=0"]
        if entrypoint is not None:
            options += ["--entrypoint", entrypoint]
        for name, value in (environment or {}).items():
            options += ["--env", f"{name}={value}"]
        # Files of the host in place of the image's own.
        for inside, outside in (files or {}).items():
            options += ["--volume", f"{outside}:{inside}:ro"]
        podman("create", *options, *more, image, *command)

    # --- life ---------------------------------------------------------------

    def initialise(self):
        """Does all that takes time in a start, so that the start itself is quick."""
        podman("init", self.name)

    def start(self):
        podman("start", self.name)

    def stop(self):
        """Stops it as an orchestrator does, by TERM and then KILL; its exit status."""
        podman("stop", "--time", STOP_S, self.name)
        return self.exit_status()

    def restart(self):
        podman("restart", "--time", STOP_S, self.name)

    def kill(self, signal="KILL"):
        podman("kill", "--signal", signal, self.name)

    def wait(self):
        """Waits until it has ended; its exit status."""
        result = subprocess.run(
            podman_command("wait", self.name), stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=PATIENCE_S, check=True,
        )
        return int(result.stdout)

    def remove(self):
        podman("rm", "--force", "--time", "0", self.name, check=False)

    # --- what it is ---------------------------------------------------------

    def inspect(self, form):
        return podman("inspect", "--format", form, self.name).stdout.strip()

    def running(self):
        return self.inspect("{{.State.Running}}") == "true"

    def exit_status(self):
        """Its exit status, or None while it runs."""
        running, status = self.inspect("{{.State.Running}} {{.State.ExitCode}}").split()
        return None if running == "true" else int(status)

    def serves(self):
        """Waits until /up says 200 through Thruster (True) or the container has ended (False)."""
        address = self.inspect('{{(index .NetworkSettings.Networks "signalbox").IPAddress}}')

        def look():
            # A dead container's address answers nothing for a long time.
            if not self.running():
                return "ended"
            return "up" if _answers(f"http://{address}:80/up") else None

        return poll(f"{self.name} serves", look, self.output) == "up"

    # --- what it says -------------------------------------------------------

    def output(self):
        """Everything that it wrote, in all its starts."""
        result = podman("logs", self.name)
        return result.stdout + result.stderr

    def events(self):
        """Signalbox's events since the last restart, in order."""
        events = [e for e in map(_event, podman("logs", self.name).stderr.splitlines()) if e]
        return events[self.seen:]

    def names(self):
        """The names of these events."""
        return [event["event"] for event in self.events()]

    def forget_events(self):
        """Leaves what was said so far out of events()."""
        self.seen += len(self.events())

    def await_event(self, name, times=1):
        """Follows the log until this event comes, in all its starts so many times."""
        return self._follow(f"event {name}", times, lambda line: _named(line, name))

    def await_line(self, line, times=1):
        """The same for a line that the command writes."""
        return self._follow(f"line {line}", times, lambda written: written.strip() == line)

    def _follow(self, what, times, look):
        follower = subprocess.Popen(
            podman_command("logs", "--follow", self.name), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        watchdog = threading.Timer(PATIENCE_S, follower.terminate)
        watchdog.start()
        try:
            for line in follower.stdout:
                found = look(line)
                times -= bool(found)
                if times == 0:
                    return found
        finally:
            watchdog.cancel()
            follower.terminate()
            follower.wait()
        raise AssertionError(f"no {what} from {self.name}:\n{self.output()}")


class Fleet:
    """Several containers of one image that start in the same instant."""

    def __init__(self, size, *arguments, **options):
        self.containers = []
        try:
            for _ in range(size):
                self.containers.append(Container(*arguments, **options))
        except BaseException:
            self.remove()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.remove()

    def __iter__(self):
        return iter(self.containers)

    def start(self):
        for container in self:
            container.initialise()
        # Podman itself would start one after the other.
        starts = [
            subprocess.Popen(podman_command("start", container.name), stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL)
            for container in self
        ]
        assert [start.wait() for start in starts] == [0] * len(starts)

    def serving(self):
        """How many of them serve, once each has either come up or ended."""
        return sum(container.serves() for container in self)

    def stop(self):
        stops = [
            subprocess.Popen(podman_command("stop", "--time", STOP_S, container.name),
                             stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
            for container in self
        ]
        assert [stop.wait() for stop in stops] == [0] * len(stops)

    def events(self, name):
        """All events of this name, of all containers."""
        return [e for container in self for e in container.events() if e["event"] == name]

    def output(self):
        """What all of them wrote, for a person who looks into a failure."""
        return "\n".join(f"--- {c.name} ({c.exit_status()})\n{c.output()}" for c in self)

    def remove(self):
        names = [container.name for container in self.containers]
        if names:
            podman("rm", "--force", "--time", "0", *names, check=False)


class Databases:
    """The four databases of one shop, none of which exists yet, and who may make them."""

    ROLES = {"DATABASE_URL": "", "CACHE_DATABASE_URL": "_cache", "QUEUE_DATABASE_URL": "_queue",
             "CABLE_DATABASE_URL": "_cable"}

    def __init__(self, server, host, master_key):
        self.server = server
        self.host = host
        self.primary = f"shop_{uuid.uuid4().hex[:8]}"
        self.role = role = f"{self.primary}_owner"
        password = "se cret/%+:@?&#" + uuid.uuid4().hex
        server.create_role(role, password, "CREATEDB")
        self.environment = {
            variable: server.url(self.primary + suffix, role=role, password=password, host=host)
            for variable, suffix in self.ROLES.items()
        }
        self.environment["RAILS_MASTER_KEY"] = master_key
        self.environment["SIGNALBOX_LOG"] = "json"

    def another(self):
        """Four more of the same kind."""
        return Databases(self.server, self.host, self.environment["RAILS_MASTER_KEY"])

    def may_create(self, may):
        self.server.query(f"ALTER ROLE {self.role} {'' if may else 'NO'}CREATEDB")

    def become_superuser(self):
        self.server.query(f"ALTER ROLE {self.role} SUPERUSER")

    def create(self, *suffixes):
        """Makes the databases with these suffixes, empty."""
        for suffix in suffixes:
            self.server.create_database(self.primary + suffix, self.role)

    def drop(self, suffix):
        self.server.query(f"DROP DATABASE {self.primary}{suffix} WITH (FORCE)")

    def query(self, sql):
        return self.server.query(sql, database=self.primary)

    def tables(self, database=None):
        """What there is in the schema `public`, of the primary unless another one is named."""
        rows = self.server.query(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            " AND relkind IN ('r', 'p') ORDER BY 1", database=database or self.primary)
        return [row[0] for row in rows]

    def existing(self):
        """Which of the four exist."""
        rows = self.server.query(
            f"SELECT datname FROM pg_database WHERE datname LIKE '{self.primary}%' ORDER BY 1")
        return [row[0] for row in rows]

    def seeds(self):
        """How often the seeds ran; None where there is not even a table for them."""
        if self.primary not in self.existing():
            return None
        if self.query("SELECT to_regclass('products') IS NULL")[0][0] == "t":
            return None
        return int(self.query("SELECT count(*) FROM products")[0][0])

    def versions(self):
        """The migrations that have been applied to the primary."""
        return [row[0] for row in self.query("SELECT version FROM schema_migrations ORDER BY 1")]

    def queue_foreign_keys(self):
        """How many foreign keys the queue's tables have, some of which races are known to lose."""
        return int(self.server.query("SELECT count(*) FROM pg_constraint WHERE contype = 'f'",
                                     database=f"{self.primary}_queue")[0][0])

    def runs(self):
        """The ledger's states, oldest first."""
        return [row[0] for row in self.query("SELECT state FROM signalbox_runs ORDER BY id")]

    def sleeps(self):
        """Whether the minute of the slow release has begun."""
        return self.server.query(
            "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%'"
            f" AND datname = '{self.primary}' AND state = 'active'") != []


def _event(line):
    if not line.startswith("{"):
        return None
    try:
        fields = json.loads(line)
    except ValueError:
        return None
    return fields if "event" in fields else None


def _named(line, name):
    event = _event(line)
    return event if event and event["event"] == name else None


def _answers(url):
    # The machine's proxy has no way to the containers.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=10) as response:
            return response.status == 200 and response.url == url
    except (urllib.error.URLError, OSError):
        # Thruster says 502 until Puma listens.
        return False
