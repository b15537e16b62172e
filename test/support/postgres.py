"""A real PostgreSQL server of our own, for as long as a test needs it.

    with Server() as server:
        server.create_role("app", "s3cret", "CREATEDB")
        os.environ["DATABASE_URL"] = server.url("app_production", "app", "s3cret")

`Server(standby_of=server)` streams from another. `Server(version=17)` is
Debian trixie's, whatever the machine itself has.

It lives in a temporary directory, listens on a free port with TLS and SCRAM
passwords, and is gone afterwards, also when the test process was killed.
"""

import atexit
import base64
import contextlib
import csv
import functools
import glob
import hashlib
import hmac
import io
import ipaddress
import os
import pwd
import re
import secrets
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from urllib.parse import quote

import trixie
from certificates import make_certificates

# The server refuses to run as root, so root lends its place to this user,
# which Debian's package makes.
SYSTEM_USER = "postgres"

# The one that test/servers.sh unpacks.
TRIXIES_VERSION = 17

SUPERUSER = "postgres"

START_TIMEOUT_S = 120

_IN_MEMORY = "/dev/shm"
_ENOUGH_MEMORY = 4 << 30
LOOPBACK_NETWORKS = ("127.0.0.0/8", "::1/128")


class ServerError(Exception):
    """A command of PostgreSQL's failed; the text is what it said."""


class Session:
    """One connection, of Server.session."""

    def __init__(self, process):
        self._process = process

    def run(self, sql):
        self._process.stdin.write(f"{sql};\n\\echo done\n")
        self._process.stdin.flush()
        if "done\n" not in iter(self._process.stdout.readline, ""):
            raise ServerError(f"the session ended in: {sql}")


class _ConnectionLost(ServerError):
    pass


class _Asker:
    """A session of the superuser for many questions: to connect costs far more than to ask."""

    def __init__(self, command, environment):
        self.owner = os.getpid()
        self._errors = tempfile.TemporaryFile("w+")
        self._process = subprocess.Popen(
            command, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self._errors)

    def ask(self, sql):
        end = secrets.token_hex(16) + "\n"
        with contextlib.suppress(BrokenPipeError):
            # The next question finds a session as if it were new.
            self._process.stdin.write(f"{sql}\n;DISCARD ALL;\n\\echo {end}")
            self._process.stdin.flush()
        lines = []
        for line in self._process.stdout:
            if line == end:
                return "".join(lines)
            lines.append(line)
        status = self._process.wait()
        self._errors.seek(0)
        raise (_ConnectionLost if status == 2 else ServerError)(self._errors.read().strip())

    def close(self):
        # Not by the end of its input: that may be open in a process that was forked meanwhile.
        self._process.terminate()
        for stream in (self._process.stdout, self._errors):
            stream.close()
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait()


class Server:
    """One PostgreSQL cluster: `with Server() as server`, or start() and close()."""

    superuser = SUPERUSER

    def __init__(self, listen="127.0.0.1", max_connections=100, version=None, standby_of=None,
                 **settings):
        self.addresses = [address.strip() for address in listen.split(",")]
        self.host = self.addresses[0]
        self.port = None
        self.max_connections = max_connections
        self.running = False
        self.settings = settings
        self._bin = newest_bin_directory()
        self._is_trixies = (standby_of._is_trixies if standby_of
                            else version == TRIXIES_VERSION)
        if version not in (None, TRIXIES_VERSION, _version_of(self._bin)):
            raise ServerError(f"no PostgreSQL {version} in {self._bin} or in Debian trixie")
        self._version = TRIXIES_VERSION if self._is_trixies else _version_of(self._bin)
        self._watcher = None
        self._asker = None
        self._asker_lock = threading.Lock()
        self._template = (standby_of._template if standby_of
                          else _template_of(self._bin, self._is_trixies))
        self.superuser_password = self._template.password

        self.directory = _temporary_directory()
        self.data_directory = os.path.join(self.directory, "data")
        self.socket_directory = os.path.join(self.directory, "socket")
        self.log_file = os.path.join(self.directory, "server.log")
        self.ca_certificate = os.path.join(self.directory, "ca.crt")
        self.certificate = os.path.join(self.directory, "server.crt")

        atexit.register(self.close)
        stop = self._as_system_user(
            "pg_ctl", "stop", "-D", self.data_directory, "-w", "-m", "immediate")
        self._watcher = _watch_over(self.directory, stop)
        try:
            os.mkdir(self.socket_directory)
            make_certificates(self.directory, self.addresses)
            _give_to_system_user(self.directory, self.socket_directory,
                                 os.path.join(self.directory, "server.key"))
            if standby_of:
                self._copy(standby_of)
            else:
                self._template.copy(self.data_directory)
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    # --- life ---------------------------------------------------------------

    def start(self):
        """Starts the server and returns when it accepts connections."""
        for attempt in range(1, 6):
            # The port stays the same over a restart: clients know it.
            chosen_here = self.port is None
            if chosen_here:
                self.port = _free_port()
            self._configure()
            result = self._pg_ctl(
                "start", "-w", "-t", str(START_TIMEOUT_S), "-l", self.log_file, check=False
            )
            if result.returncode == 0:
                self.running = True
                return
            # Somebody else may have taken the free port in the meantime.
            taken = "could not bind" in self.log() or "could not create any TCP" in self.log()
            if not (chosen_here and taken) or attempt == 5:
                break
            self.port = None
        raise ServerError(f"the server did not start:\n{result.stdout}\n{self.log()}")

    def stop(self, mode="fast"):
        """Stops the server; "immediate" is what a crash looks like to clients."""
        self._close_asker()
        self._pg_ctl("stop", "-w", "-t", str(START_TIMEOUT_S), "-m", mode)
        self.running = False

    def promote(self):
        """Makes a standby the primary; returns when it takes writes."""
        self._pg_ctl("promote", "-w", "-t", str(START_TIMEOUT_S))

    def catch_up(self, primary):
        """Returns when a standby has replayed all that the primary has done so far."""
        (position,), = primary.query("SELECT pg_current_wal_flush_lsn()")
        self.wait_until(f"SELECT pg_last_wal_replay_lsn() >= '{position}'")

    def wait_until(self, sql):
        """Returns once this condition holds, however long that takes short of a deadline."""
        self.wait_until_true(lambda: self.query(sql) == [("t",)], sql)

    def wait_until_true(self, condition, what="what is waited for"):
        """The same for something that the server's log shows, or anything else."""
        end = time.monotonic() + START_TIMEOUT_S
        while not condition():
            if time.monotonic() > end:
                raise ServerError(f"never: {what}\n{self.log()}")
            time.sleep(0.05)

    def close(self):
        """Stops the server and removes everything that is on disk; may be called twice."""
        atexit.unregister(self.close)
        self._close_asker()
        if os.path.exists(os.path.join(self.data_directory, "postmaster.pid")):
            self._pg_ctl("stop", "-w", "-m", "immediate", check=False)
        self.running = False
        shutil.rmtree(self.directory, ignore_errors=True)
        if self._watcher:
            self._watcher.stdin.close()
            self._watcher.wait()
            self._watcher = None

    # --- use ----------------------------------------------------------------

    def query(self, sql, database="postgres"):
        """Runs `sql` as superuser; the rows as tuples of strings, NULL as ""."""
        # A session that stays is in nobody's way in that database, and where there are many.
        if database == "postgres" and self.max_connections >= 100:
            output = self._ask(sql)
        else:
            output = self._ask_once(sql, database)
        # A row whose only column is NULL or empty is an empty line.
        return [tuple(row) or ("",) for row in csv.reader(io.StringIO(output))]

    def _ask(self, sql):
        with self._asker_lock:
            is_used = self._asker is not None and self._asker.owner == os.getpid()
            if not is_used:
                self._asker = _Asker(self._psql("postgres"), self._psql_environment())
            try:
                return self._asker.ask(sql)
            except ServerError as error:
                self._close_asker()
                if not is_used or not isinstance(error, _ConnectionLost):
                    raise
        # The server has been restarted since the question before.
        return self._ask(sql)

    def _close_asker(self):
        if self._asker is not None:
            self._asker.close()
            self._asker = None

    def _ask_once(self, sql, database):
        # Statements come through standard input, so that each is a transaction
        # of its own and CREATE DATABASE may stand among others.
        result = subprocess.run(
            self._psql(database), input=sql, env=self._psql_environment(), capture_output=True,
            text=True, check=False,
        )
        if result.returncode != 0:
            raise ServerError(result.stderr.strip())
        return result.stdout

    def backends(self, name):
        """The processes of the sessions whose application_name is like this."""
        return [int(pid) for pid, in self.query(
            f"SELECT pid FROM pg_stat_activity WHERE application_name LIKE '{name}'")]

    def wait_for_backends(self, name, count):
        self.wait_until(f"SELECT count(*) = {count} FROM pg_stat_activity"
                        f" WHERE application_name LIKE '{name}'")

    def _psql(self, database):
        return [os.path.join(self._bin, "psql"), "-X", "-q", "-t", "--csv",
                "-v", "ON_ERROR_STOP=1", "-h", self.socket_directory, "-p", str(self.port),
                "-U", self.superuser, "-d", database]

    def _psql_environment(self):
        environment = _without_libpq_variables()
        environment.update(PGPASSWORD=self.superuser_password, PGAPPNAME="signalbox-test")
        return environment

    @contextlib.contextmanager
    def session(self, database="postgres"):
        """A session that stays open: its run(sql) returns when the server has done that."""
        process = subprocess.Popen(self._psql(database), env=self._psql_environment(), text=True,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        with process:
            yield Session(process)
            process.stdin.close()

    def create_role(self, name, password, *options):
        """A role that may log in; `options` such as "CREATEDB"."""
        self.query(
            f"CREATE ROLE {_identifier(name)} LOGIN PASSWORD {_literal(_verifier(password))} "
            + " ".join(options)
        )

    def create_database(self, name, owner=None):
        owned = f" OWNER {_identifier(owner)}" if owner else ""
        # Half the work of a copy through the log. PostgreSQL 14 knows no other way than this.
        by_files = " STRATEGY FILE_COPY" if self._version >= 15 else ""
        self.query(f"CREATE DATABASE {_identifier(name)}{owned}{by_files}")

    def drop_databases(self, prefix):
        """Drops every database whose name begins so, whoever is in it."""
        for name, in self.query(
                f"SELECT datname FROM pg_database WHERE starts_with(datname, '{prefix}')"):
            self.query(f"DROP DATABASE {_identifier(name)} WITH (FORCE)")

    def url(self, database, role=None, password=None, host=None, sslmode="require"):
        """The address of `database` as libpq and Rails take it; of the superuser by default."""
        if role is None:
            role, password = self.superuser, self.superuser_password
        authority = quote(role, safe="")
        if password is not None:
            authority += ":" + quote(password, safe="")
        host = host or self.host
        if ":" in host:
            host = f"[{host}]"
        return (
            f"postgresql://{authority}@{host}:{self.port}/{quote(database, safe='')}"
            f"?sslmode={sslmode}"
        )

    def log(self):
        """What the server has written to its log so far."""
        try:
            with open(self.log_file, encoding="utf-8", errors="replace") as log:
                return log.read()
        except FileNotFoundError:
            return ""

    def give(self, *paths):
        """Makes these files the server's own, as it wants it of its keys."""
        _give_to_system_user(*paths)

    # --- how ----------------------------------------------------------------

    def _as_system_user(self, program, *arguments):
        return _as_system_user(self._bin, self._is_trixies, program, *arguments)

    def _run(self, program, *arguments, check=True):
        return _run(self._as_system_user(program, *arguments), self.directory, check)

    def _pg_ctl(self, action, *options, check=True):
        return self._run("pg_ctl", action, "-D", self.data_directory, *options, check=check)

    def _copy(self, primary):
        """A streaming standby; it begins where the primary is."""
        self._run(
            "pg_basebackup", "-D", self.data_directory, "-R", "-X", "stream", "-c", "fast",
            "--no-sync", "-d", f"host={primary.host} port={primary.port} "
            f"user={self.superuser} password={self.superuser_password}")

    def _configure(self):
        loopback_only = all(ipaddress.ip_address(a).is_loopback for a in self.addresses)
        # The address of a bridge exists only once something is plugged into it,
        # and a server that cannot bind one of its addresses listens without it
        # for ever. So it listens everywhere then, and pg_hba.conf decides.
        listen = ",".join(self.addresses) if loopback_only else "*"
        # What is written need not survive the machine. It has to survive
        # stop("immediate"), so synchronous_commit stays on.
        settings = {
            "listen_addresses": listen,
            "port": self.port,
            "unix_socket_directories": self.socket_directory,
            "max_connections": self.max_connections,
            "password_encryption": "scram-sha-256",
            "ssl": "on",
            "ssl_cert_file": self.certificate,
            "ssl_key_file": os.path.join(self.directory, "server.key"),
            "fsync": "off",
            "full_page_writes": "off",
            # It would visit each of some hundred databases once a minute.
            "autovacuum": "off",
            "shared_buffers": "16MB",
            "log_connections": "on",
            "log_disconnections": "on",
            "log_line_prefix": "%m [%p] %q%u@%d %a ",
            **self.settings,
        }
        with open(os.path.join(self.data_directory, "test.conf"), "w", encoding="utf-8") as file:
            for name, value in settings.items():
                file.write(f"{name} = {_literal(str(value))}\n")
        main = os.path.join(self.data_directory, "postgresql.conf")
        include = "include 'test.conf'\n"
        with open(main, encoding="utf-8") as file:
            included = include in file.read()
        if not included:
            with open(main, "a", encoding="utf-8") as file:
                file.write(include)

        networks = list(LOOPBACK_NETWORKS)
        for address in self.addresses:
            if not ipaddress.ip_address(address).is_loopback:
                # Containers come from other addresses of the bridge's network.
                width = 16 if ":" not in address else 64
                networks.append(str(ipaddress.ip_network(f"{address}/{width}", strict=False)))
        with open(os.path.join(self.data_directory, "pg_hba.conf"), "w", encoding="utf-8") as file:
            file.write("local all all scram-sha-256\n")
            for network in networks:
                file.write(f"host all,replication all {network} scram-sha-256\n")


class _Template:
    """A cluster that initdb made and nobody ever started, for each server to begin as a copy."""

    def __init__(self, bin_directory, is_trixies):
        self.password = secrets.token_urlsafe(18)
        self._directory = _temporary_directory()
        self._data_directory = os.path.join(self._directory, "data")
        self._watcher = _watch_over(self._directory)
        atexit.register(self._remove)
        password_file = os.path.join(self._directory, "superuser-password")
        with open(password_file, "w", encoding="utf-8") as file:
            file.write(self.password + "\n")
        os.chmod(password_file, 0o600)
        _give_to_system_user(self._directory, password_file)
        initdb = _as_system_user(
            bin_directory, is_trixies, "initdb", "-D", self._data_directory, "-U", SUPERUSER,
            f"--pwfile={password_file}", "--auth=scram-sha-256", "--encoding=UTF8",
            "--locale=C.UTF-8", "--no-sync")
        _run(initdb, self._directory)
        os.unlink(password_file)

    def copy(self, directory):
        subprocess.run(["cp", "-a", "--reflink=auto", self._data_directory, directory], check=True)

    def _remove(self):
        shutil.rmtree(self._directory, ignore_errors=True)
        self._watcher.stdin.close()
        self._watcher.wait()


@functools.cache
def _template_of(bin_directory, is_trixies):
    """initdb costs as much as all else that a short test does, so it is run once a process."""
    return _Template(bin_directory, is_trixies)


def _as_system_user(bin_directory, is_trixies, program, *arguments):
    """A program of PostgreSQL's own, as the user that it runs as."""
    is_root = os.geteuid() == 0
    if is_trixies:
        user = pwd.getpwnam(SYSTEM_USER) if is_root else pwd.getpwuid(os.getuid())
        command = [f"/usr/lib/postgresql/{TRIXIES_VERSION}/bin/{program}", *arguments]
        return trixie.inside(command, user.pw_uid, user.pw_gid)
    command = [os.path.join(bin_directory, program), *arguments]
    if not is_root:
        return command
    return ["setpriv", f"--reuid={SYSTEM_USER}", f"--regid={SYSTEM_USER}", "--init-groups",
            "--", *command]


def _run(command, directory, check=True):
    environment = _without_libpq_variables()
    environment["LC_ALL"] = "C"
    # Output goes to a file and not to a pipe: the server inherits it, and
    # a pipe would then never come to its end.
    with tempfile.TemporaryFile("w+") as output:
        result = subprocess.run(
            command, cwd=directory, env=environment, stdin=subprocess.DEVNULL, stdout=output,
            stderr=subprocess.STDOUT, check=False,
        )
        output.seek(0)
        result.stdout = output.read()
    if check and result.returncode != 0:
        raise ServerError(f"{command} ended with {result.returncode}:\n{result.stdout}")
    return result


def _give_to_system_user(*paths):
    if os.geteuid() == 0:
        user = pwd.getpwnam(SYSTEM_USER)
        for path in paths:
            os.chown(path, user.pw_uid, user.pw_gid)


def _watch_over(directory, stop=()):
    """Stops the server in there with this command and removes it all when we are gone."""
    # The server is a daemon and outlives a test process that is killed.
    # This shell reads from a pipe that only we can write to, so it wakes
    # up when we are gone, in whatever way, and clears up behind us.
    script = (
        'directory=$1; shift; read -r _; trap "" HUP INT TERM; '
        'if [ -f "$directory/data/postmaster.pid" ]; then "$@" >/dev/null 2>&1 || :; fi; '
        'rm -rf "$directory"'
    )
    return subprocess.Popen(
        ["sh", "-c", script, "watcher", directory, *stop],
        stdin=subprocess.PIPE, cwd="/", start_new_session=True,
    )


def newest_bin_directory():
    """Of the machine's own PostgreSQL; what /usr/bin has is Debian's wrapper, in Perl."""
    directories = glob.glob("/usr/lib/postgresql/*/bin")
    directories = [d for d in directories if os.access(os.path.join(d, "initdb"), os.X_OK)]
    if not directories:
        raise ServerError("no PostgreSQL server in /usr/lib/postgresql (Debian: postgresql)")
    return max(directories, key=_version_of)


def _version_of(bin_directory):
    return int(re.search(r"/(\d+)", bin_directory).group(1))


def _temporary_directory():
    # In memory where there is enough of it: to make a database is to write three hundred files.
    # Never $TMPDIR: that may be closed to the server's user, or too long for the path of a Unix
    # socket, which has at most 107 bytes.
    place = _IN_MEMORY if _room_in(_IN_MEMORY) >= _ENOUGH_MEMORY else "/tmp"
    directory = tempfile.mkdtemp(prefix="signalbox-pg-", dir=place)
    # Others read the certificate of the authority in it; the data is closed.
    os.chmod(directory, 0o755)
    return directory


def _room_in(place):
    try:
        found = os.statvfs(place)
    except OSError:
        return 0
    return found.f_bavail * found.f_frsize if os.access(place, os.W_OK) else 0


def _verifier(password):
    """What the server keeps of a password (RFC 5803), as it would make it itself.

    With one iteration, and not 4096: each connection would spend a tenth of its time on them.
    """
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, 1)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    kept = [base64.b64encode(part).decode()
            for part in (salt, hashlib.sha256(client_key).digest(), server_key)]
    return f"SCRAM-SHA-256$1:{kept[0]}${kept[1]}:{kept[2]}"


def _free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("", 0))
        return probe.getsockname()[1]


def _without_libpq_variables():
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}


def _identifier(name):
    return '"' + name.replace('"', '""') + '"'


def _literal(text):
    return "'" + text.replace("'", "''") + "'"
