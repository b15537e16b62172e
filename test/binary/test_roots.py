"""File systems that have little more than the binary, as `scratch`, distroless and Alpine do."""

import pathlib
import shutil
import subprocess

import pytest

from certificates import Authority

# A root of its own, with what an engine gives every container; in there it is PID 1.
IN_ROOT = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private", "sh",
           "-euc", 'mount -t proc proc "$1/proc"; exec chroot "$@"', "sh")

BUNDLES = ["/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/cert.pem",
           "/etc/pki/tls/certs/ca-bundle.crt", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem"]


class Root:
    def __init__(self, directory, binary, server):
        self.path, self.server = directory, server
        (directory / "proc").mkdir()
        shutil.copy(binary, directory / "signalbox")

    def put(self, path, source):
        target = self.path / path.removeprefix("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)

    def url(self, host="127.0.0.1", sslmode="verify-full", **query):
        return (self.server.url("roots", host=host, sslmode=sslmode)
                + "".join(f"&{name}={value}" for name, value in query.items()))

    def run(self, *words, **variables):
        return subprocess.run([*IN_ROOT, self.path, "/signalbox", *words], env=variables,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)

    def status(self, url, **variables):
        ended = self.run("--status", "--connect-timeout=60s", f"--database-url={url}", "/signalbox",
                         "--version", SIGNALBOX_SERVER="/signalbox", **variables)
        return ended.returncode, ended.stdout + ended.stderr


@pytest.fixture(scope="module")
def database(server):
    server.create_database("roots")


@pytest.fixture
def root(tmp_path, binary, server, database):
    return Root(tmp_path, binary, server)


def test_nothing_but_the_binary(root):
    """From a scratch image: TLS, the lock, a step, the ledger and the command, each the binary."""
    for is_prepared in False, True:
        ended = root.run("/signalbox", "--version", RAILS_ENV="production", SIGNALBOX_SERVER="/signalbox",
                         SIGNALBOX_STEPS="/signalbox --help", SIGNALBOX_WATCH="signalbox",
                         DATABASE_URL=root.url(host="localhost", sslmode="require"))
        assert ended.returncode == 0, ended.stderr
        assert ("Usage:" in ended.stdout) != is_prepared
        assert "OpenSSL" in ended.stdout


def test_programs_whose_c_library_is_musl(root):
    """From an image like Alpine's: the step and the command are linked with its loader."""
    (root.path / "shop.c").write_text('#include <stdio.h>\nint main(void) { return puts("shop") < 0; }\n')
    subprocess.run(["musl-gcc", "-o", root.path / "shop", root.path / "shop.c"], check=True)
    loader, = pathlib.Path("/lib").glob("ld-musl-*.so.1")
    root.put(str(loader), loader)
    ended = root.run("/shop", SIGNALBOX_SERVER="/shop", SIGNALBOX_STEPS="/shop step",
                     SIGNALBOX_LOCK="none")
    assert (ended.returncode, ended.stdout) == (0, "shop\nshop\n"), ended.stderr


@pytest.mark.parametrize("bundle", BUNDLES)
def test_a_bundle_of_certificates_is_found(root, bundle):
    root.put(bundle, root.server.ca_certificate)
    status, said = root.status(root.url(sslrootcert="system"))
    assert status == 1, said


def test_certificates_are_found_by_their_hash(root):
    name = subprocess.run(["openssl", "x509", "-noout", "-hash", "-in", root.server.ca_certificate],
                          capture_output=True, text=True, check=True).stdout.strip()
    root.put(f"/etc/ssl/certs/{name}.0", root.server.ca_certificate)
    status, said = root.status(root.url(sslrootcert="system"))
    assert status == 1, said


def test_where_the_user_says_they_are_wins(root, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    Authority(other)
    root.put(BUNDLES[0], other / "ca.crt")
    url = root.url(sslrootcert="system")
    status, said = root.status(url)
    assert (status, "certificate verify failed" in said) == (78, True), said
    root.put("/mine.pem", root.server.ca_certificate)
    status, said = root.status(url, SSL_CERT_FILE="/mine.pem")
    assert status == 1, said
    status, said = root.status(root.url(sslrootcert="/mine.pem"))
    assert status == 1, said


def test_no_certificates_at_all_is_said(root):
    status, said = root.status(root.url(sslrootcert="system"))
    assert status == 78 and "certificate" in said, said
