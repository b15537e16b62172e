"""Packs release files out of two tiny programs, and opens what was packed.

    python3 packing.py FOLDER    writes the programs alone
"""

import hashlib
import io
import json
import os
import pathlib
import struct
import subprocess
import sys
import tarfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
MACHINES = {"amd64": 62, "arm64": 183}
LICENCES = ["libcap2", "libyaml", "musl", "openssl", "postgresql-17"]
CONTENTS = """\
# for a test
postgresql-17 17.11-0+deb13u1 postgresql-17_17.11.orig.tar.bz2 {sum} pinned
postgresql-17 17.11-0+deb13u1 postgresql-17_17.11-0+deb13u1.debian.tar.xz {sum} pinned
openssl 3.5.7-1~deb13u2 openssl_3.5.7.orig.tar.gz {sum} pinned
openssl 3.5.7-1~deb13u2 openssl_3.5.7-1~deb13u2.debian.tar.xz {sum} pinned
libyaml 0.2.5-2 libyaml_0.2.5.orig.tar.gz {sum} pinned
libyaml 0.2.5-2 libyaml_0.2.5-2.debian.tar.xz {sum} pinned
libcap2 1:2.75-10+deb13u1 libcap2_2.75.orig.tar.xz {sum} pinned
libcap2 1:2.75-10+deb13u1 libcap2_2.75-10+deb13u1.debian.tar.xz {sum} pinned
musl 1.2.5-3.1~deb13u1 - - compiler
""".format(sum="ab" * 32)


def program(machine):
    """A static program that names a processor; on amd64 it ends with 42."""
    code = bytes.fromhex("bf2a000000b83c0000000f05")
    header = struct.pack("<4sBBB9xHHIQQQIHHHHHH", b"\x7fELF", 2, 1, 1, 2, machine, 1, 0x400078, 64,
                         0, 0, 64, 56, 1, 0, 0, 0)
    size = len(header) + 56 + len(code)
    return header + struct.pack("<IIQQQQQQ", 1, 5, 0, 0x400000, 0x400000, size, size, 4096) + code


def write_programs(folder):
    for processor, machine in MACHINES.items():
        (folder / processor).write_bytes(program(machine))


def materials(folder):
    """The arguments of pack.sh: both programs, what is in them, and the licences."""
    write_programs(folder)
    (folder / "contents").write_text(CONTENTS)
    (folder / "licences").mkdir()
    for name in LICENCES:
        (folder / "licences" / name).write_text(f"The licence of {name}.\n")
    return [str(folder / name) for name in [*MACHINES, "contents", "licences"]]


def pack(*arguments, cwd=ROOT, **environment):
    return subprocess.run(["sh", str(ROOT / "package/pack.sh"), *map(str, arguments)], cwd=cwd,
                          capture_output=True, text=True, check=False,
                          env=os.environ | {"SOURCE_DATE_EPOCH": "1790000000"} | environment)


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def files_of_tar(archive):
    """Path → (content, mode) of the files in an open archive."""
    return {entry.name.removeprefix("./"): (archive.extractfile(entry).read(), entry.mode & 0o777)
            for entry in archive if entry.isfile()}


def tarball(path):
    with tarfile.open(path) as archive:
        return files_of_tar(archive)


def deb(path):
    content = subprocess.run(["dpkg-deb", "--fsys-tarfile", path], stdout=subprocess.PIPE,
                             check=True).stdout
    return tarball_of(content)


def tarball_of(content):
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        return files_of_tar(archive)


def gem(path):
    with tarfile.open(path) as archive:
        return tarball_of(archive.extractfile("data.tar.gz").read())


class Image:
    """The layout in an archive; each blob that is looked at is checked against its descriptor."""

    def __init__(self, path):
        self.files = {name: content for name, (content, _) in tarball(path).items()}
        self.top, = self.json("index.json")["manifests"]
        self.manifests = {manifest["platform"]["architecture"]: manifest
                          for manifest in self.blob(self.top)["manifests"]}

    def json(self, name):
        return json.loads(self.files[name])

    def bytes(self, descriptor):
        content = self.files["blobs/" + descriptor["digest"].replace(":", "/")]
        assert descriptor["digest"] == f"sha256:{sha256(content)}"
        assert descriptor["size"] == len(content)
        return content

    def blob(self, descriptor):
        return json.loads(self.bytes(descriptor))


if __name__ == "__main__":
    write_programs(pathlib.Path(sys.argv[1]))
