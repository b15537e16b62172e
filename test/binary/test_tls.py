"""TLS as servers have it, of the OpenSSL that is linked in: one server, with one certificate after
the other."""

import concurrent.futures
import json
import os
import pathlib
import secrets
import shutil
import socket
import ssl
import struct
import subprocess
from urllib.parse import quote

import pytest

import vectors
from certificates import Authority

SSL_REQUEST = struct.pack("!II", 8, 80877103)
ROLES = ("scram", "md5", "cert", "both")


def servers():
    """Each server of the table as what it is and its rows."""
    found = []
    for first, *more in vectors.rows(vectors.VECTORS / "tls.tsv"):
        if first == "=":
            found.append((more, []))
        else:
            found[-1][1].append((first, *more))
    return found


class Matrix:
    def __init__(self, server, binary, directory):
        self.server, self.binary, self.directory = server, binary, directory
        self.password = secrets.token_hex(12)
        self.authority = Authority(server.directory, "matrix")
        Authority(directory, "other").issue("client-other", subject="cert", usage="clientAuth")
        shutil.copy(self.authority.certificate, directory / "ca.crt")
        self._make_clients()
        self._make_roles()

    def _make_clients(self):
        for name, options in (("client", {}), ("client-rsa", {"key": "rsa"}),
                              ("client-expired", {"days": -1})):
            self.authority.issue(name, subject="cert", usage="clientAuth", **options)
            for suffix in "crt", "key":
                path = pathlib.Path(self.server.directory) / f"{name}.{suffix}"
                shutil.move(path, self.directory / path.name)

    def _make_roles(self):
        self.server.query("CREATE DATABASE matrix")
        for role in ROLES:
            kind = "md5" if role == "md5" else "scram-sha-256"
            self.server.query(f"SET password_encryption = '{kind}';"
                              f"CREATE ROLE \"{role}\" LOGIN PASSWORD '{self.password}'")
        rules = pathlib.Path(self.server.data_directory) / "pg_hba.conf"
        rules.write_text("hostssl all cert all cert\n"
                         "hostssl all both all scram-sha-256 clientcert=verify-ca\n"
                         "hostssl all md5 all md5\n" + rules.read_text())

    def become(self, number, key, digest, *more):
        """The server shows this certificate from now on."""
        name = f"server-{number}"
        options = {"names": ["DNS:db.signalbox.test", "IP:127.0.0.1"], "days": 30}
        versions = ("TLSv1.2", "")
        for word in more:
            if word == "expired":
                options["days"] = -1
            elif word.startswith("names="):
                options["names"] = [kept for kept in word.removeprefix("names=").split(",") if kept]
            else:
                versions = (f"TLSv{word}", f"TLSv{word}")
        self.authority.issue(name, key, subject="db.signalbox.test", digest=digest, **options)
        path = os.path.join(self.server.directory, name)
        self.server.give(f"{path}.key")
        settings = {"ssl_cert_file": f"{path}.crt", "ssl_key_file": f"{path}.key",
                    "ssl_ca_file": self.authority.certificate,
                    "ssl_min_protocol_version": versions[0],
                    "ssl_max_protocol_version": versions[1]}
        for setting, value in settings.items():
            self.server.query(f"ALTER SYSTEM SET {setting} = '{value}'")
        self._reload(f"{path}.crt")

    def leave(self):
        """The server is for others again what it was."""
        self.server.query("ALTER SYSTEM RESET ALL")
        self._reload(self.server.certificate)

    def _reload(self, certificate):
        self.server.query("SELECT pg_reload_conf()")
        with open(certificate, encoding="ascii") as file:
            wanted = ssl.PEM_cert_to_DER_cert(file.read())
        self.server.wait_until_true(lambda: self._shown() == wanted, f"{certificate} is shown")

    def _shown(self):
        """The certificate that the server has now, whoever signed it."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with socket.create_connection(("127.0.0.1", self.server.port)) as plain:
            plain.sendall(SSL_REQUEST)
            assert plain.recv(1) == b"S"
            with context.wrap_socket(plain) as secure:
                return secure.getpeercert(binary_form=True)

    def connect(self, query):
        """The exit status of --status with this query, and what it says."""
        files = {path.name: quote(str(path), safe="") for path in self.directory.iterdir()}
        files["other"] = files["other.crt"]
        parts = dict(part.split("=", 1) for part in query.split("&"))
        for placeholder, path in files.items():
            parts = {name: path if value == f"{{{placeholder}}}" else value
                     for name, value in parts.items()}
        role = parts.pop("role", "scram")
        host = parts.pop("host", "db.signalbox.test")
        password = "" if role == "cert" else ":" + self.password
        parts = {"hostaddr": "127.0.0.1", "sslmode": "verify-full",
                 "sslrootcert": files["ca.crt"], **parts}
        if parts["sslmode"] == "require":
            del parts["sslrootcert"]
        address = (f"postgresql://{role}{password}@{host}:{self.server.port}/matrix?"
                   + "&".join(f"{name}={value}" for name, value in parts.items()))
        ended = subprocess.run(
            [self.binary, "--status", "--log=json", "--connect-timeout=60s", "--watch=nothing",
             f"--database-url={address}", "./bin/rails", "server"],
            cwd=self.directory, capture_output=True, text=True, check=False,
            env={"PATH": os.environ["PATH"], "RAILS_ENV": "production", "HOME": str(self.directory)})
        return ended.returncode, json.loads(ended.stdout)["why"] if ended.stdout else ended.stderr


@pytest.fixture(scope="module")
def matrix(server, binary, tmp_path_factory):
    matrix = Matrix(server, binary, tmp_path_factory.mktemp("tls"))
    yield matrix
    matrix.leave()


def test_tls_as_servers_have_it(matrix):
    wrong = []
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for number, (server, rows) in enumerate(servers()):
            matrix.become(number, *server)
            answers = pool.map(matrix.connect, [query for query, *_ in rows])
            for (query, status, *words), (ended, said) in zip(rows, answers, strict=True):
                if ended != int(status) or any(word not in said for word in words):
                    wrong.append((server, query, ended, said))
    assert wrong == [], "\n".join(map(str, wrong))
