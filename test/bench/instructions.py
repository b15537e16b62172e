"""Instructions, by callgrind: the same whatever else the machine does, so that a change shows.

What is committed (instructions.tsv) is compared on each run and written anew by --record."""

import glob
import os
import pathlib
import re
import subprocess
import tempfile

from figures import BINARY, OURS, ROOT, Figure, minimal
from postgres import Server
from restarts import App

COMMITTED = ROOT / "test" / "bench" / "instructions.tsv"
# Nonces and signatures are of other lengths each time.
NOISE = 0.02


def counted(command, **more):
    """Instructions of a program and of what it forks; it must stay, since what becomes something else is not counted."""
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run(
            ["valgrind", "--tool=callgrind", f"--callgrind-out-file={directory}/%p", *command],
            check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, **more)
        return sum(
            int(re.search(r"^(?:summary|totals): (\d+)", pathlib.Path(path).read_text(),
                          re.MULTILINE).group(1))
            for path in glob.glob(f"{directory}/*"))


def read_committed():
    if not COMMITTED.exists():
        return {}
    rows = [line.split("\t") for line in COMMITTED.read_text().splitlines()[1:]]
    return {what: int(count) for what, count in rows}


def write_committed(figures):
    COMMITTED.write_text("what\tinstructions\n" + "".join(
        f"{figure.what}\t{figure.values[OURS]}\n" for figure in figures))


def measure():
    found = {"a command started, reaped and reported": counted([BINARY, "--init=always", "true"], env=minimal())}
    with tempfile.TemporaryDirectory() as directory, Server() as server:
        os.chmod(directory, 0o755)
        for count, databases in (("one database", 1), ("four databases", 4)):
            app = App(directory, server, databases)
            found[f"nothing pending, {count}"] = counted(
                [BINARY, "--init=always", "--log-level=error", "--server=true", "true"],
                cwd=app.directory,
                env=app.environment)
    before = read_committed()
    figures = []
    for what, count in found.items():
        values = {OURS: count}
        if what in before:
            values["committed"] = before[what]
        figures.append(Figure("instructions", what, "", values,
                              1 + NOISE if what in before else None, "committed"))
    return figures
