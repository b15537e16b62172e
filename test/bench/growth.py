"""How what ours needs grows with what it is given."""

import math
import os
import pathlib
import tempfile

from figures import BINARY, OURS, ROUNDS, Figure, elapsed_ms, in_turn, minimal, rounds
from postgres import Server
from restarts import App


def sizes(*all_of_them):
    return all_of_them[:-1] if ROUNDS else all_of_them


def explain_ms(directory, *options, command=("true",)):
    return elapsed_ms([BINARY, "--explain", "--prepare=any", *options, "--", *command],
                      cwd=directory, env=minimal(RAILS_ENV="production",
                                                 DATABASE_URL="postgresql://a@127.0.0.1/a"))


def slope(points):
    """Of the time over the size, both as logarithms, where it has left its floor."""
    (small, first), (large, last) = points[-2], points[-1]
    return math.log(last / first) / math.log(large / small)


def grown(what, unit, takes, plays):
    """`takes` are the sizes, `plays` gives for one the runs to be compared."""
    curves = {}
    for size in takes:
        for name, value in in_turn(rounds(7), plays(size)).items():
            curves.setdefault(name, []).append((size, value))
    values = {name: points[-1][1] for name, points in curves.items()}
    return Figure("growth", f"{what}, {takes[-1]:,} (slope {slope(curves[OURS]):.2f})", unit,
                  values, growth=(what, curves))


def files(directory):
    def plays(size):
        tree = pathlib.Path(directory) / f"tree{size}"
        for number in range(size):
            if number % 100 == 0:
                (tree / f"{number}").mkdir(parents=True)
            (tree / f"{number // 100 * 100}" / f"{number}.rb").write_text("x" * 5000)
        summed = ["sh", "-c", "find . -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum"]
        return {OURS: lambda: explain_ms(tree),
                "find | sort | sha256sum": lambda: elapsed_ms(summed, cwd=tree, env=minimal())}
    return grown("files of 5 kB in the image", "ms", sizes(10, 100, 1000, 10_000, 100_000), plays)


def databases(directory):
    def plays(size):
        app = pathlib.Path(directory) / f"yml{size}"
        (app / "config").mkdir(parents=True)
        (app / "config" / "database.yml").write_text("production:\n" + "".join(
            f"  shard{number}:\n    adapter: postgresql\n    host: db\n    database: s{number}\n"
            for number in range(size)))
        return {OURS: lambda: explain_ms(app)}
    return grown("sections of database.yml", "ms", sizes(1, 10, 100, 1000), plays)


def words(directory):
    def plays(size):
        command = ["env", *(f"NAME{number}=value" for number in range(size)), "bin/rails", "server"]
        return {OURS: lambda: explain_ms(directory, command=command)}
    return grown("words of the command", "ms", sizes(10, 100, 1000, 10_000), plays)


def ledger(directory, server):
    app = App(directory, server)
    rows = ("INSERT INTO signalbox_runs (run, lock_key, fingerprint, state, host)"
            " SELECT 'r' || number, 0, 'f' || number, 'failed', 'h'"
            " FROM generate_series({}, {}) AS number")
    made = 1

    def plays(size):
        nonlocal made
        server.query(rows.format(made, size), app.names[0])
        server.query("ANALYZE signalbox_runs", app.names[0])
        made = size + 1
        return {OURS: app.start}
    return grown("rows of the ledger, nothing pending", "ms", sizes(1, 1000, 10_000, 100_000),
                 plays)


def schemas(directory, server):
    app = App(directory, server)
    made = 1

    def plays(size):
        nonlocal made
        for number in range(made, size + 1):
            server.query(f"CREATE SCHEMA tenant{number}; " + "; ".join(
                f"CREATE TABLE tenant{number}.t{table} (id int PRIMARY KEY)"
                for table in range(10)), app.names[0])
        made = size + 1
        return {OURS: app.start}
    return grown("schemas with ten tables each, nothing pending", "ms", sizes(1, 10, 100, 500),
                 plays)


def measure():
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        figures = [files(directory), databases(directory)]
        bare = os.path.join(directory, "bare")
        os.mkdir(bare)
        figures.append(words(bare))
        with Server() as server:
            figures += [ledger(directory, server), schemas(directory, server)]
    return figures
