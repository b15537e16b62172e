"""The structure that the design promises, held against the sources and the documents."""

import os
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]

# A room may know itself and what stands before it. The families' own rooms may use each other's
# private headers; any other room only what lies in include/signalbox.
ROOMS = [
    "base", "process", "report", "postgres", "command", "rails", "database", "fingerprint",
    "prepare/protocol", "prepare/preflight", "prepare/none", "prepare/file", "prepare/postgres",
    "prepare", "supervise", "cli", "",
]
SIBLINGS = {("prepare", "supervise"), ("supervise", "prepare")}

# Each of these headers has one file that may include it.
SINGLE_INCLUDERS = {
    "libpq-fe.h": "src/postgres/session.c",
    "sys/capability.h": "src/process/privileges.c",
    "yaml.h": "src/database/yaml.c",
}


def sources():
    return sorted([*ROOT.glob("src/**/*.[ch]"), *ROOT.glob("include/**/*.h")])


def includes(path):
    return re.findall(r'^#include ["<]([^">]+)[">]', path.read_text(), re.MULTILINE)


def room_of(header):
    """The room of a header as it is included, and whether other rooms may see it."""
    is_public = header.startswith("signalbox/")
    room = str(pathlib.PurePosixPath(header.removeprefix("signalbox/")).parent)
    return "" if room == "." else room, is_public


def family(room):
    return room.split("/")[0]


def test_there_are_sources():
    assert len(sources()) > 20


def test_a_room_knows_only_the_rooms_below_it():
    rank = {room: index for index, room in enumerate(ROOMS)}
    wrong = []
    for path in sources():
        relative = path.relative_to(ROOT).parts
        room = "/".join(relative[1:-1] if relative[0] == "src" else relative[2:-1])
        for header in re.findall(r'^#include "([^"]+)"', path.read_text(), re.MULTILINE):
            other, is_public = room_of(header)
            is_family = family(other) == family(room)
            if not is_public and not is_family:
                wrong.append(f"{path}: {header} is another room's private header")
            if is_public and is_family:
                continue
            if rank[other] > rank[room] or (family(room), family(other)) in SIBLINGS:
                wrong.append(f"{path}: {room} must not know {other} ({header})")
    assert wrong == []


def includes_by_room():
    """Which rooms each room includes, beside what its own family shows to everybody."""
    arrows = {}
    for path in sources():
        relative = path.relative_to(ROOT).parts
        room = "/".join(relative[1:-1] if relative[0] == "src" else relative[2:-1])
        for header in re.findall(r'^#include "([^"]+)"', path.read_text(), re.MULTILINE):
            other, is_public = room_of(header)
            if other != room and not (is_public and family(other) == family(room)):
                arrows.setdefault(room or "main", set()).add(other)
    return arrows


def test_each_library_has_one_includer():
    found = {header: [] for header in SINGLE_INCLUDERS}
    for path in sources():
        for header in includes(path):
            if header in found:
                found[header].append(str(path.relative_to(ROOT)))
    assert found == {header: [includer] for header, includer in SINGLE_INCLUDERS.items()}


def without_comments(path):
    return re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL)


def declared(header):
    """The functions and variables that a header declares for others."""
    text = re.sub(r"^#.*?(?<!\\)$", "", without_comments(header), flags=re.MULTILINE)
    text = re.sub(r"__attribute__\(\(.*?\)\)\)?", "", text)
    return re.findall(r"^(?!static|typedef)[A-Za-z_][\w *]*?[ *](\w+)\([^;{]*\)[^;{]*;", text,
                      re.MULTILINE) + re.findall(r"^extern [^;]*?(\w+)(?:\[\])?;", text, re.MULTILINE)


def test_a_symbol_begins_with_its_files_name():
    wrong = []
    count = 0
    defined_in = {}
    for path in ROOT.glob("src/**/*.c"):
        for name in re.findall(r"^[a-z].*?\b(\w+)(?:\(|\[)", path.read_text(), re.MULTILINE):
            defined_in.setdefault(name, set()).add(path.stem)
    for header in sources():
        for name in declared(header) if header.suffix == ".h" else []:
            count += 1
            stems = {header.stem} | defined_in.get(name, set())
            if not any(name == stem or name.startswith(stem + "_") for stem in stems):
                wrong.append(f"{header.relative_to(ROOT)}: {name}")
    assert count > 300
    assert wrong == []


def test_every_header_stands_alone_behind_a_guard():
    for path in sources():
        if path.suffix == ".h":
            text = path.read_text()
            assert re.search(r"#ifndef (\w+_H)\n#define \1\n", text), path


def document_table(path, heading):
    """The rows of the table below a heading of a document."""
    text = (ROOT / path).read_text()
    section = text.split(f"# {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in rows[1:]]


def option_rows():
    """The rows of the code's table: flag, variable, default."""
    text = (ROOT / "src/cli/option_table.c").read_text()
    return re.findall(
        r'\{"(--[a-z-]+)",\s+"(SIGNALBOX_[A-Z_]+)",\s+OPTION_\w+,\s+GROUP_\w+,'
        r'\s+AT\(\w+\),\s+(NULL|"[^"]*")',
        text,
    )


def test_the_documents_options_are_those_of_the_code():
    code = [
        (flag, variable, "none" if default == "NULL" else default.strip('"'))
        for flag, variable, default in option_rows()
    ]
    assert len(code) > 15
    table = [
        (re.search(r"--[a-z-]+", flag).group(), variable.strip("`"), default.strip("`"))
        for flag, variable, default, *_ in document_table("doc/options.md", "The table")
        if "SIGNALBOX_" in variable
    ]
    assert table == code


def test_the_readme_says_what_to_do_at_every_warning_and_error():
    text = (ROOT / "src/report/report.c").read_text()
    code = re.findall(r'= \{"(\w+)", REPORT_(?:WARN|ERROR)\}', text)
    assert len(code) > 20
    rows = document_table("README.md", "What to do when")
    assert [event.strip("`") for event, *_ in rows] == code
    assert all(said and to_do for _, said, to_do in rows)


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 250


def test_the_readmes_exit_statuses_are_those_of_the_code():
    header = (ROOT / "include/signalbox/base/exit_status.h").read_text()
    code = {int(number) for number in re.findall(r"EXIT_STATUS_\w+ = (\d+)", header)} - {0, 128}
    table = {
        int(number)
        for status, *_ in document_table("README.md", "Exit statuses")
        for number in re.findall(r"\d+", status.split("+")[0])
    } - {0, 128}
    assert table == code


def test_the_documents_inits_are_compared_in_the_scenarios_of_the_tests():
    scenarios = [
        row
        for path in sorted((ROOT / "test/integration").glob("test_peers*.py"))
        for row in re.findall(r'^    "(.+?)": \(.*?, "(.+?)"',
                              path.read_text().split("SCENARIOS = {")[1], re.MULTILINE | re.DOTALL)
    ]
    assert len(scenarios) > 30
    # The second table of that page, of memory, has another heading.
    until_memory = [row for row in document_table("doc/pid1.md", "As PID 1") if len(row) == 6]
    assert [(name, ours) for name, ours, *_ in until_memory] == scenarios


def test_the_documents_diagram_is_printed_from_the_table():
    # Built by all.sh before; a missing program is a failure and not a test left out.
    program = ROOT / "build" / os.environ.get("PRESET", "dev") / "test" / "print_protocol"
    printed = subprocess.run(
        [program, "diagram"], capture_output=True, text=True, check=True).stdout
    diagram, = re.findall(r"```mermaid\n.*?```\n", (ROOT / "doc/protocol.md").read_text(), re.DOTALL)
    assert diagram == printed


def test_the_model_knows_every_mistake_that_is_looked_for():
    model = (ROOT / "test/model/protocol.pml").read_text()
    mistakes = set(re.findall(r"BREAK_([A-Z_]+)", model))
    looked_for = set(re.findall(r"^fails ([A-Z_]+) ", (ROOT / "test/model/run.sh").read_text(),
                                re.MULTILINE))
    assert mistakes == looked_for


def test_no_decision_between_hosts_knows_the_time_of_day():
    # Replicas whose clocks are an hour apart decide the same: ids and the database's clock do it.
    # A lock file is one host's, with one clock; the log's times are for people.
    reading = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "src").rglob("*.c")
        if re.search(r"CLOCK_REALTIME|gettimeofday|timespec_get|\btime\(", path.read_text())
    }
    assert reading == {"src/report/report.c", "src/prepare/file/file_backend.c"}


def test_what_asks_for_an_end_is_listed_once():
    # Of the signals that do, QUIT is the one that nobody needs for anything else.
    naming = {str(path.relative_to(ROOT)) for path in sources() if "SIGQUIT" in path.read_text()}
    assert naming == {"src/process/signals.c"}


def test_only_the_deadline_functions_add_to_an_instant():
    # An instant and a duration that somebody chose can be more than there is room for.
    adding = re.compile(r"_ms\b(?:\(\))?\)*\s*\+(?!\+)|\+=?\s*[\w.>()-]*_ms\b")
    found = {
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in sources() if path.name != "deadline.c"
        for line in re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL).splitlines()
        if adding.search(line)
    }
    # A duration and less than a twentieth of a second.
    assert found == {"src/prepare/protocol/protocol.c: pause_ms = shortest_ms + (int64_t)(random % 50);"}
