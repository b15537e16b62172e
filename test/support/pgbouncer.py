"""A real PgBouncer of our own in front of a Server, for as long as a test needs it.

    with PgBouncer(server, pool_mode="transaction") as pooler:
        os.environ["DATABASE_URL"] = pooler.url("app_production", "app", "s3cret")

Clients come with TLS and a SCRAM password, or through a socket; it goes to the server the same way.
"""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from urllib.parse import quote

import trixie
from postgres import SYSTEM_USER

START_TIMEOUT_S = 60

# The pooler is ended when we are gone, in whatever way: this shell reads from a pipe that only we
# can write to.
_KEEPER = """
directory=$1; shift
"$@" & pooler=$!
read -r _
trap '' HUP INT TERM
kill -KILL $pooler; wait $pooler 2>/dev/null
rm -rf "$directory"
"""


class PgBouncer:
    """`with PgBouncer(server) as pooler`. `release` is the Debian that it comes from, `inside` begins
    a command in the network where it runs, `databases` is the section of that name, otherwise all
    of the server's."""

    def __init__(self, server, release="bookworm", host="127.0.0.1", server_host=None,
                 databases=None, inside=(), **settings):
        self.server = server
        self.host = host
        self._release = release
        self._users = {server.superuser: server.superuser_password}
        # Not $TMPDIR: too long for a socket, or closed to the pooler's user.
        self.directory = tempfile.mkdtemp(prefix="signalbox-pgb-", dir="/tmp")
        self.log_file = os.path.join(self.directory, "pooler.log")
        self._databases = databases or f"* = host={server_host or server.host} port={server.port}"
        self.port = _free_port()
        self._keeper = None
        self._inside = list(inside)
        self._settings = {
            "listen_addr": host,
            "listen_port": self.port,
            "unix_socket_dir": self.directory,
            "logfile": self.log_file,
            "auth_type": "scram-sha-256",
            "auth_file": os.path.join(self.directory, "users.txt"),
            "client_tls_sslmode": "allow",
            "client_tls_cert_file": os.path.join(self.directory, "server.crt"),
            "client_tls_key_file": os.path.join(self.directory, "server.key"),
            "client_tls_ca_file": os.path.join(self.directory, "ca.crt"),
            "server_tls_sslmode": "require",
            "server_tls_ca_file": os.path.join(self.directory, "ca.crt"),
            "ignore_startup_parameters": "extra_float_digits,options",
            "pool_mode": "session",
            "admin_users": server.superuser,
            "max_client_conn": 1000,
            "server_login_retry": 1,
            **settings,
        }
        for name in ("ca.crt", "server.crt", "server.key"):
            shutil.copy(os.path.join(server.directory, name), self.directory)

    def __enter__(self):
        try:
            self._write_users()
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def add_user(self, name, password):
        """Lets a role of the server in; the pooler learns its password."""
        self._users[name] = password
        self._write_users()
        self.command("RELOAD")

    def move_to(self, server):
        """Each transaction that begins from now on goes to this server."""
        self._databases = f"* = host={server.host} port={server.port}"
        self._write_configuration()
        self.command("RELOAD")

    def url(self, database, role=None, password=None, sslmode="require", socket=False):
        """The address of `database` through the pooler; of the superuser by default."""
        if role is None:
            role, password = self.server.superuser, self.server.superuser_password
        authority = f"{quote(role, safe='')}:{quote(password, safe='')}"
        where = "" if socket else f"{self.host}:{self.port}"
        query = (f"host={quote(self.directory, safe='')}&port={self.port}" if socket
                 else f"sslmode={sslmode}")
        return f"postgresql://{authority}@{where}/{quote(database, safe='')}?{query}"

    def command(self, text):
        """One of PgBouncer's own commands: PAUSE, RELOAD, KILL …"""
        result = subprocess.run(
            ["psql", "-X", "-q", "-A", "-t", "-h", self.directory, "-p", str(self.port),
             "-U", self.server.superuser, "-d", "pgbouncer", "-c", text],
            env={"PATH": "/usr/bin:/bin", "PGPASSWORD": self.server.superuser_password},
            capture_output=True, text=True, check=False)
        if result.returncode != 0:
            raise AssertionError(f"{text}: {result.stderr.strip()}\n{self.log()}")
        return result.stdout

    def log(self):
        try:
            with open(self.log_file, encoding="utf-8", errors="replace") as log:
                return log.read()
        except FileNotFoundError:
            return ""

    def close(self):
        if self._keeper is not None:
            self._keeper.stdin.close()
            self._keeper.wait()
            self._keeper = None
        shutil.rmtree(self.directory, ignore_errors=True)

    # --- how ----------------------------------------------------------------

    def _write(self, name, text, mode):
        path = os.path.join(self.directory, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, mode)
        self._give_to_system_user(path)

    def _write_users(self):
        self._write("users.txt", "".join(
            f'"{name}" "{password}"\n' for name, password in self._users.items()), 0o600)

    def _write_configuration(self):
        settings = "".join(f"{name} = {value}\n" for name, value in self._settings.items())
        self._write("pgbouncer.ini", f"[databases]\n{self._databases}\n[pgbouncer]\n{settings}",
                    0o600)

    def _user(self):
        is_root = os.geteuid() == 0
        return pwd.getpwnam(SYSTEM_USER) if is_root else pwd.getpwuid(os.getuid())

    def _give_to_system_user(self, *paths):
        for path in paths:
            os.chown(path, self._user().pw_uid, self._user().pw_gid)

    def _start(self):
        self._write_configuration()
        os.chmod(self.directory, 0o755)
        self._give_to_system_user(self.directory, os.path.join(self.directory, "server.crt"),
                                  os.path.join(self.directory, "server.key"))
        user = self._user()
        command = ["/usr/sbin/pgbouncer", "-q", os.path.join(self.directory, "pgbouncer.ini")]
        if self._release == "trixie":
            command = trixie.inside(command, user.pw_uid, user.pw_gid)
        elif os.geteuid() == 0:
            command = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}",
                       "--init-groups", "--", *command]
        with open(os.path.join(self.directory, "output"), "w", encoding="utf-8") as output:
            self._keeper = subprocess.Popen(
                ["sh", "-c", _KEEPER, "keeper", self.directory, *self._inside,
                 *command],
                stdin=subprocess.PIPE, stdout=output, stderr=output, cwd="/",
                start_new_session=True)
        end = time.monotonic() + START_TIMEOUT_S
        while not self._answers():
            if self._keeper.poll() is not None or time.monotonic() > end:
                raise AssertionError(f"PgBouncer did not start:\n{self.log()}")
            time.sleep(0.02)

    def _answers(self):
        try:
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(os.path.join(self.directory, f".s.PGSQL.{self.port}"))
                return True
        except OSError:
            return False


def _free_port():
    with socket.socket() as probe:
        probe.bind(("", 0))
        return probe.getsockname()[1]
