"""Debian archives made of tiny source packages, with lists that are signed as apt wants it.

An archive's list and its folder are two things here as well: what is listed need not be there, and
what is there need not be listed.
"""

import hashlib
import pathlib
import shutil
import subprocess
import tempfile
from email.utils import format_datetime
from datetime import datetime, timezone


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def sha1(data):
    return hashlib.sha1(data).hexdigest()


class Key:
    """A key to sign lists with; `public` is the keyring that trusts it."""

    def __init__(self, folder):
        # A path of a socket is short, and those of a test's folder are not.
        self._home = tempfile.mkdtemp()
        self.public = folder / "keyring.gpg"
        self._gpg("--quick-generate-key", "archive", "ed25519", "sign", "never")
        self.public.write_bytes(self._gpg("--export"))

    def sign(self, text):
        return self._gpg("--clearsign", data=text.encode())

    def close(self):
        subprocess.run(["gpgconf", "--homedir", self._home, "--kill", "all"], check=True)
        shutil.rmtree(self._home)

    def _gpg(self, *words, data=b""):
        return subprocess.run(
            ["gpg", "--homedir", self._home, "--batch", "--quiet", "--passphrase", "", *words],
            input=data, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout


class Source:
    """A source package: its two files by name."""

    def __init__(self, name, version):
        self.name, self.version = name, version
        plain = version.split(":")[-1]
        original = plain.rsplit("-", 1)[0]
        self.files = {
            f"{name}_{original}.orig.tar.gz": f"{name} {original}".encode(),
            f"{name}_{plain}.debian.tar.xz": f"{name} {plain}".encode(),
        }
        self.folder = f"{name[:4] if name.startswith('lib') else name[0]}/{name}"

    def pins(self):
        """As package/sources says it."""
        return "".join(f"{self.name} {self.version} {file} {sha256(data)} {sha1(data)}\n"
                       for file, data in self.files.items())

    def chosen(self, origin):
        return [f"{self.name} {self.version} {file} {sha256(data)} {origin}"
                for file, data in self.files.items()]

    def paragraph(self, pool):
        sums = "".join(f" {sha256(data)} {len(data)} {file}\n" for file, data in self.files.items())
        return (f"Package: {self.name}\nFormat: 3.0 (quilt)\nVersion: {self.version}\n"
                f"Maintainer: A <a@b.c>\nArchitecture: any\n"
                f"Checksums-Sha256:\n{sums}Directory: {pool}/{self.folder}\n")


class Archive:
    """What one host serves below /debian or /debian-security."""

    def __init__(self, root, host, name, pool):
        self.root = root / host / name
        self.address = f"http://{host}/{name}"
        self._pool = pool
        self._listed = {}

    def has(self, *sources):
        """Their files are in the folder."""
        for source in sources:
            folder = self.root / self._pool / source.folder
            folder.mkdir(parents=True, exist_ok=True)
            for file, data in source.files.items():
                (folder / file).write_bytes(data)

    def path_of(self, source, file):
        return f"{self.address}/{self._pool}/{source.folder}/{file}"

    def lists(self, suite, key, *sources):
        """They are in the list of the suite, and nothing else is."""
        index = "\n".join(source.paragraph(self._pool) for source in sources).encode()
        dists = self.root / "dists" / suite
        (dists / "main/source").mkdir(parents=True, exist_ok=True)
        (dists / "main/source/Sources").write_bytes(index)
        release = (f"Origin: Debian\nLabel: Debian\nSuite: {suite}\nCodename: {suite}\n"
                   f"Date: {format_datetime(datetime.now(timezone.utc), usegmt=True)}\n"
                   "Architectures: amd64 arm64\nComponents: main\n"
                   f"SHA256:\n {sha256(index)} {len(index)} main/source/Sources\n")
        (dists / "InRelease").write_bytes(key.sign(release))


class Snapshot:
    """The archive of everything that there ever was, asked by SHA-1."""

    def __init__(self, root):
        self.root = root / "snapshot.debian.org" / "file"

    def has(self, source):
        self.root.mkdir(parents=True, exist_ok=True)
        for data in source.files.values():
            (self.root / sha1(data)).write_bytes(data)


def folder(path):
    path = pathlib.Path(path)
    path.mkdir(parents=True, exist_ok=True)
    return path
