"""The same application on SQLite: the lock and the ledger are files beside its database."""

import os
import re
import sqlite3
import subprocess

import pytest

from conftest import Scene
from namespace import DEADLINE_S

# What the first two lines of a ledger are.
_FIRST = "signalbox ledger 1"


def checksum(text):
    """FNV-1a over 64 bits, as the ledger's last line has it."""
    total = 14695981039346656037
    for byte in text.encode():
        total = (total ^ byte) * 1099511628211 % 2**64
    return f"{total:016x}"


_ESCAPES = {"\\\\": "\\", "\\t": "\t", "\\n": "\n", "\\r": "\r"}


def _unescaped(value):
    return re.sub(r"\\[\\tnr]", lambda found: _ESCAPES[found.group()], value)


def _escaped(value):
    back = {plain: written for written, plain in _ESCAPES.items()}
    return "".join(back.get(character, character) for character in value)


def write_ledger(path, runs):
    body = "\n".join(
        [_FIRST, "\t".join(runs[0]),
         *("\t".join(map(_escaped, run.values())) for run in runs)]) + "\n"
    path.write_text(f"{body}end\t{len(runs)}\t{checksum(body)}\n", encoding="utf-8")


def read_ledger(path):
    """The runs in a ledger, which must be whole."""
    text = path.read_text(encoding="utf-8")
    body, _, last = text.rstrip("\n").rpartition("\n")
    first, names, *lines = body.split("\n")
    assert text.endswith("\n") and first == _FIRST, text
    assert last == f"end\t{len(lines)}\t{checksum(body + chr(10))}", text
    return [dict(zip(names.split("\t"), map(_unescaped, line.split("\t")), strict=True))
            for line in lines]


class FileScene(Scene):
    """One application with a SQLite database of its own, and its replicas."""

    def use(self, server):
        assert server is None
        self.server = None
        self.password = "there is none"
        self.storage = self.directory / "storage"
        self.file = self.storage / "production.sqlite3"

    def url(self, **options):
        assert not options
        return "sqlite3:storage/production.sqlite3"

    def create_database(self):
        """An empty one, as opening it without creating anything leaves it."""
        self.storage.mkdir(exist_ok=True)
        self.file.touch()

    def query(self, sql):
        connection = sqlite3.connect(self.file, timeout=DEADLINE_S)
        try:
            return [tuple("" if value is None else str(value) for value in row)
                    for row in connection.execute(sql)]
        finally:
            connection.close()

    def database_exists(self):
        return self.file.exists()

    def step_runs(self):
        rows = self.query("SELECT host, overlapping FROM step_runs ORDER BY id")
        assert [host for host, overlapping in rows if overlapping == "1"] == []
        return [host for host, _ in rows]

    def lock_file(self, key=0):
        name = f"{self.file.name}-signalbox" + (f".{key}" if key else "")
        return self.storage / name

    def ledger_file(self, key=0):
        return self.lock_file(key).with_name(self.lock_file(key).name + ".ledger")

    def ledger(self, key=0):
        return read_ledger(self.ledger_file(key))

    def repeat_last_run(self, count):
        runs = self.ledger()
        write_ledger(self.ledger_file(), runs + [
            {**runs[-1], "id": str(int(runs[-1]["id"]) + number)} for number in range(1, count + 1)])

    def last_output(self):
        return self.ledger()[-1]["output"]

    def whole_ledger(self):
        return self.ledger_file().read_text()

    def lock_holders(self, key=0):
        inode = os.stat(self.lock_file(key)).st_ino
        with open("/proc/locks", encoding="utf-8") as locks:
            held = [line.split() for line in locks if "->" not in line]
        return [int(fields[4]) for fields in held
                if fields[1] == "FLOCK" and fields[5].rsplit(":", 1)[1] == str(inode)]

    def assert_lock_is_free(self, key=0):
        subprocess.run(["flock", "-w", str(int(DEADLINE_S)), str(self.lock_file(key)), "true"],
                       check=True)


def variables(scene, **more):
    """The environment of a Signalbox that is started as a plain process."""
    return {"PATH": os.environ["PATH"], "RAILS_ENV": "production", "DATABASE_URL": scene.url(),
            "BYPRODUCTS": str(scene.byproducts), "SIGNALBOX_PREPARE": "any", **more}


@pytest.fixture(name="scene")
def file_scene(binary, tmp_path):
    """What is called `scene` in a file that imports this."""
    scene = FileScene(None, binary, tmp_path)
    try:
        yield scene
    finally:
        scene.close()
