"""The vectors of test/vectors: what they ask of Rails, and their form as text."""

import json
import pathlib

VECTORS = pathlib.Path(__file__).resolve().parents[1] / "vectors"
CONFIGURATIONS = VECTORS / "database_yml"

# The file that make_vectors.py writes; its first lines.
HEADER = """\
# What Rails makes of the cases in cases.tsv; written by test/container/make_vectors.py, never by
# hand. A block begins with `==`, fixture, variables and the Rails versions that agree on it. Then
# a line for each database that Rails' tasks touch: role, adapter, host, port, user, password, name,
# schema_search_path, migrations_paths, what CREATE DATABASE gets, further options for libpq; or `!`
# and the exception. In fields, \\n, \\t and \\\\ are escapes.
"""


def rows(path):
    lines = path.read_text(encoding="utf-8").split("\n")
    return [line.split("\t") for line in lines if line and not line.startswith("#")]


def url_rows():
    lines = (VECTORS / "urls.tsv").read_text(encoding="utf-8").split("\n")[:-1]
    found = [line.split("\t") for line in lines if not line.startswith("#")]
    return [[unescape(field) for field in row] for row in found]


def cases():
    """Fixture, variables as written, outcome."""
    return [tuple(row) for row in rows(CONFIGURATIONS / "cases.tsv")]


def variables(text):
    pairs = dict(pair.split("=", 1) for pair in text.split(" ") if pair)
    return {"RAILS_ENV": "production"} | pairs


def question(directory):
    """What resolve.rb reads: each case's file, below `directory`, and variables."""
    return json.dumps([[f"{directory}/{fixture}.yml", variables(text)]
                       for fixture, text, _ in cases()])


def unescape(field):
    for escaped, byte in [("\\n", "\n"), ("\\r", "\r"), ("\\t", "\t"), ("\\f", "\f"), ("\\v", "\v")]:
        field = field.replace(escaped, byte)
    return field


def escape(field):
    return field.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t")


def block(answer):
    """One case's answer as lines."""
    return "".join("\t".join(map(escape, row)) + "\n" for row in answer)


def resolved():
    """{(fixture, variables): {version: block}} of the committed file."""
    found = {}
    for line in (CONFIGURATIONS / "resolved.tsv").read_text(encoding="utf-8").splitlines(True):
        if line.startswith("#"):
            continue
        if line.startswith("==\t"):
            _, fixture, text, versions = line.rstrip("\n").split("\t")
            current = (fixture, text, versions.split())
            for version in current[2]:
                found.setdefault((fixture, text), {})[version] = ""
        else:
            for version in current[2]:
                found[current[0], current[1]][version] += line
    return found


def wrong_urls(answers, version):
    """The vectors that this Rails does not read as the table says."""
    wrong = []
    for row, answer in zip(url_rows(), answers, strict=True):
        raised = answer[0].startswith("!")
        verdict, _, since = row[7].partition(" ")
        if since and version < since:
            continue
        as_written = {"same": answer == row[1:7], "refuses": raised, "differs": not raised}
        if not as_written[verdict]:
            wrong.append((row[0], row[7], answer))
    return wrong


def wrong_refusals(answers):
    """Cases that Signalbox refuses and Rails does not, or the reverse, unless `differs` says so."""
    wrong = []
    for (fixture, text, outcome), answer in zip(cases(), answers, strict=True):
        # No database and one without an adapter are errors that Rails raises later.
        usable = bool(answer) and all(not row[0].startswith("!") and row[1] for row in answer)
        if outcome.startswith("refuses:") == usable and not outcome.startswith("asks:"):
            wrong.append((fixture, text, outcome, answer))
    return wrong
