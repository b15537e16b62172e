"""What every scenario stands on: a server, a database, a sample application, replicas."""

import atexit
import contextlib
import fcntl
import os
import pathlib
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from urllib.parse import quote

import pytest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
# A failed assertion in there says as much as one in a test.
pytest.register_assert_rewrite("flights")

from namespace import DEADLINE_S, NAMESPACE, environment  # noqa: E402
from pgbouncer import PgBouncer  # noqa: E402
from postgres import Server, newest_bin_directory  # noqa: E402
from replica import start_together  # noqa: E402
from shop import Shop  # noqa: E402
from terminal import open_terminal  # noqa: E402

SERVE = ("./bin/rails", "server")

# So that each psql of a step is psql itself and no wrapper of twice its cost.
os.environ["PATH"] = f"{newest_bin_directory()}:{os.environ['PATH']}"

# The machine's own newest unless this says otherwise: 17 is Debian trixie's.
POSTGRES_VERSION = int(os.environ.get("POSTGRES_VERSION") or 0) or None

# The two halves of the advisory key: "Sign", and what --lock-key says.
LOCK_CLASS = 0x5369676E

_LEDGER = ("id", "run", "lock_key", "fingerprint", "release", "state", "host", "exit_status",
           "step")


def pytest_configure():
    """Gives this run's directories a place of their own: a pytest that begins closes the one of all
    pytests to everybody else, in the middle of another's test of a user who reaches it."""
    place = tempfile.mkdtemp(prefix="signalbox-tests-", dir="/tmp")
    os.environ["PYTEST_DEBUG_TEMPROOT"] = place
    # Behind what pytest itself does at the end, which it registers later.
    atexit.register(shutil.rmtree, place, ignore_errors=True)


@pytest.fixture(scope="session")
def binary():
    path = pathlib.Path(os.environ.get("SIGNALBOX", REPOSITORY / "build" / "dev" / "signalbox"))
    # Replicas start in the directory of the sample application.
    path = path.resolve()
    if not os.access(path, os.X_OK):
        pytest.exit(f"no Signalbox to test at {path} (see SIGNALBOX)", returncode=2)
    return str(path)


@pytest.fixture(scope="session")
def server():
    with Server(version=POSTGRES_VERSION) as server:
        yield server


@pytest.fixture
def own_server():
    """A server that the scenario may stop."""
    with Server(version=POSTGRES_VERSION) as server:
        yield server


@pytest.fixture
def scene(server, binary, tmp_path):
    scene = Scene(server, binary, tmp_path)
    try:
        yield scene
    finally:
        scene.close()
        # This server is for all scenarios, and its databases may lie in memory.
        if scene.server is server:
            server.drop_databases(scene.database)


class Scene:
    """One application with a database and a role of its own, and its replicas."""

    def __init__(self, server, binary, directory):
        self.binary = binary
        self.directory = directory / "app"
        self.byproducts = directory / "byproducts"
        self.replicas = []
        self.prefix = ()  # What a replica is started with, such as another network.
        shutil.copytree(pathlib.Path(__file__).parent / "sample_app", self.directory)
        self.byproducts.mkdir()
        os.mkfifo(self.byproducts / "gate")
        # Open for both, so that neither end ever waits for the other to open.
        self._gate = os.open(self.byproducts / "gate", os.O_RDWR)
        self.use(server)

    def use(self, server):
        """The server on which the database is; the role may create databases and no more."""
        self.server = server
        self.database = self.role = "app_" + secrets.token_hex(6)
        # Characters that an address has to encode belong to a real password.
        self.password = "p%:/@ +" + secrets.token_hex(12)
        if server.running:
            server.create_role(self.role, self.password, "CREATEDB")

    def url(self, **options):
        return self.server.url(self.database, self.role, self.password, **options)

    def create_database(self):
        """Creates the database, empty; the role is then not allowed to create one."""
        self.server.query(f"ALTER ROLE {self.role} NOCREATEDB")
        self.server.create_database(self.database, self.role)

    def start(self, count=1, *options, command=SERVE, environment=None, prefix="web-", init=True):
        values = {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "RAILS_ENV": "production",
            "DATABASE_URL": self.url(),
            "SIGNALBOX_LOG": "json",
            "BYPRODUCTS": str(self.byproducts),
            **(environment or {}),
        }
        values = {name: value for name, value in values.items() if value is not None}
        started = start_together(
            count, [*self.prefix, self.binary, *options, *command], self.directory, values, prefix,
            init=init)
        self.replicas += started
        return started

    def start_one(self, *options, **more):
        return self.start(1, *options, **more)[0]

    def let_everybody_in(self):
        """Whoever the step becomes must reach the application, what it writes, and Signalbox."""
        for directory in [self.directory, self.byproducts, *self.directory.parents]:
            if str(directory).startswith("/tmp/"):
                os.chmod(directory, 0o755)
        os.chmod(self.byproducts, 0o777)
        os.chmod(self.byproducts / "gate", 0o666)
        self.binary = shutil.copy(self.binary, self.directory.parent / "signalbox")

    def tell_step(self, words="go", times=1):
        """Says to the step that runs, or to the next, how to go on."""
        os.write(self._gate, f"{words}\n".encode() * times)

    # --- what there is to see -------------------------------------------------

    def query(self, sql):
        return self.server.query(sql, self.database)

    def database_exists(self):
        return self.server.query(
            f"SELECT 1 FROM pg_database WHERE datname = '{self.database}'") != []

    def step_runs(self):
        """The host of each run of the step, in order; never two at once."""
        rows = self.query("SELECT host, overlapping FROM step_runs ORDER BY id")
        assert [host for host, overlapping in rows if overlapping == "t"] == []
        return [host for host, _ in rows]

    def ledger(self):
        rows = self.query(f"SELECT {', '.join(_LEDGER)} FROM signalbox_runs ORDER BY id")
        return [dict(zip(_LEDGER, row)) for row in rows]

    def repeat_last_run(self, count):
        """The newest row again, as if it had happened that often."""
        self.query(
            "INSERT INTO signalbox_runs (run, lock_key, fingerprint, release, state, host, started,"
            " finished, exit_status, step) SELECT run, lock_key, fingerprint, release, state, host,"
            " started, finished, exit_status, step FROM signalbox_runs, generate_series"
            f"(1, {count}) WHERE id = (SELECT max(id) FROM signalbox_runs)")

    def last_output(self):
        (output,), = self.query("SELECT output FROM signalbox_runs ORDER BY id DESC LIMIT 1")
        return output

    def whole_ledger(self):
        """Every word that it keeps."""
        return "\n".join(row for row, in self.query(
            "SELECT row::text FROM signalbox_runs AS row"))

    def ledger_states(self):
        return [row["state"] for row in self.ledger()]

    def lock_holders(self, key=0):
        """The backends that hold the advisory lock."""
        return [int(pid) for pid, in self.query(
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 2 "
            f"AND classid::bigint = {LOCK_CLASS} AND objid::bigint = {key} AND database = "
            "(SELECT oid FROM pg_database WHERE datname = current_database())")]

    def assert_lock_is_free(self, key=0):
        """Takes the lock, waiting for the server to notice that its client has gone."""
        self.query(
            "BEGIN; SET LOCAL lock_timeout = '60s';"
            f"SELECT FROM pg_advisory_xact_lock({LOCK_CLASS}, {key}); COMMIT")

    def assert_step_is_dead(self):
        """No process of any step is left."""
        with open(self.byproducts / "step.lock", "a", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)

    @contextlib.contextmanager
    def held(self, sql):
        """A session of somebody else's that has done this and keeps its transaction open."""
        with self.server.session(self.database) as session:
            session.run("BEGIN")
            session.run(sql)
            yield

    def close(self):
        for replica in self.replicas:
            replica.destroy()
        os.close(self._gate)
        transcript = "\n".join(replica.transcript() for replica in self.replicas)
        # pytest shows this when the scenario has failed.
        print(transcript)
        for secret in (self.password, quote(self.password, safe=""), self.password[7:]):
            assert secret not in transcript, "a password was written out"


@pytest.fixture
def shop(scene):
    return Shop(scene)


@pytest.fixture
def in_front(scene):
    """Starts a pooler in front of the scene's server that knows the scene's role."""
    poolers = []

    def put(release, **settings):
        pooler = PgBouncer(scene.server, release, **settings)
        poolers.append(pooler)
        pooler.__enter__()
        pooler.add_user(scene.role, scene.password)
        return pooler

    yield put
    for replica in scene.replicas:
        replica.destroy()
    for pooler in poolers:
        pooler.close()


@pytest.fixture
def trains(scene):
    """A scene whose step wants to change a table."""
    scene.create_database()
    scene.query("CREATE TABLE trains (id int, owner text); CREATE TABLE schema_migrations"
                " (version varchar PRIMARY KEY)")
    for table in ("trains", "schema_migrations"):
        scene.query(f"ALTER TABLE {table} OWNER TO {scene.role}")
    return scene


@pytest.fixture
def unused_listener():
    """An address that would notice the first attempt to connect to it."""

    class Listener:
        def __init__(self):
            self.socket = socket.create_server(("127.0.0.1", 0))
            self.socket.setblocking(False)
            port = self.socket.getsockname()[1]
            self.url = f"postgresql://somebody:something@127.0.0.1:{port}/anything"

        def assert_untouched(self):
            with pytest.raises(BlockingIOError):
                self.socket.accept()

    listener = Listener()
    with listener.socket:
        yield listener


@pytest.fixture
def refusing_port():
    """A port that nobody listens on and nobody else can get meanwhile."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


# --- Signalbox and the other inits in namespaces of their own -----------------------


@pytest.fixture
def processes():
    """What a test started and did not end."""
    started = []
    yield started
    for process in started:
        process.kill()
        if process.stdin is not None and process.stdin.closed:
            process.stdin = None
        process.communicate()


@pytest.fixture
def start(binary, processes):
    def start(*command, init=True, prefix=(), program=None, outside=(), **more):
        more.setdefault("stdin", subprocess.DEVNULL)
        process = subprocess.Popen(
            [*outside, *(NAMESPACE if init else ()), *prefix, *(program or [binary]), *command],
            env=environment(**more.pop("variables", {})), text=True,
            **{"stdout": subprocess.PIPE, **more})
        processes.append(process)
        return process
    return start


@pytest.fixture
def run(start):
    def run(*command, **more):
        process = start(*command, **more)
        output, _ = process.communicate(timeout=DEADLINE_S)
        return process.returncode, output
    return run


@pytest.fixture(params=[True, False], ids=["pid 1", "not pid 1"])
def init(request):
    return request.param


@pytest.fixture
def terminal():
    with open_terminal() as opened:
        yield opened


@pytest.fixture
def of_root():
    """A Python that whoever runs it runs as root."""
    # Not below pytest's own directory: each run that begins closes that to everybody else.
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        program = pathlib.Path(directory) / "python"
        shutil.copy(sys.executable, program)
        program.chmod(0o4755)
        yield str(program)


@pytest.fixture
def memory_cgroup():
    """The directory of a memory cgroup that has 64 MB and no swap."""
    parent, limits = pathlib.Path("/sys/fs/cgroup/memory"), {
        "memory.limit_in_bytes": 64 << 20, "memory.memsw.limit_in_bytes": 64 << 20}
    if not parent.is_dir():
        parent, limits = parent.parent, {"memory.max": 64 << 20, "memory.swap.max": 0}
    group = parent / f"signalbox-test-{os.getpid()}"
    try:
        if "memory.max" in limits:
            (parent / "cgroup.subtree_control").write_text("+memory", encoding="ascii")
        group.mkdir()
    except OSError as error:
        pytest.fail(f"run this as root where memory cgroups may be made: {error}")
    memory, swap = limits
    (group / memory).write_text(str(limits[memory]), encoding="ascii")
    # Not there where the kernel does not account for swap.
    if (group / swap).exists():
        (group / swap).write_text(str(limits[swap]), encoding="ascii")
    yield group
    group.rmdir()


_outcomes = {}


@pytest.fixture
def outcome():
    """Keeps what one init did in one scenario, for the table that is printed at the end."""
    def keep(scenario, init, what):
        _outcomes.setdefault(scenario, {})[init] = what
    return keep


def pytest_terminal_summary(terminalreporter):
    if _outcomes:
        inits = list(dict.fromkeys(init for row in _outcomes.values() for init in row))
        terminalreporter.section("what the inits do")
        terminalreporter.write_line("| | " + " | ".join(inits) + " |")
        terminalreporter.write_line("|---" * (len(inits) + 1) + "|")
        for scenario, row in _outcomes.items():
            cells = " | ".join(row.get(init, "") for init in inits)
            terminalreporter.write_line(f"| {scenario} | {cells} |")
