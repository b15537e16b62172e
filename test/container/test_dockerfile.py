"""Dockerfile.example is Rails' own Dockerfile with one stage more and two lines changed."""

import difflib
import pathlib
import re

SOURCE = pathlib.Path(__file__).resolve().parents[2]


def instructions(path):
    """The lines that do something, whatever the Ruby version."""
    lines = [line.rstrip() for line in path.read_text().splitlines()]
    lines = [line for line in lines if line and not line.lstrip().startswith("#")]
    return [re.sub(r"^(ARG RUBY_VERSION)=.*", r"\1", line) for line in lines]


def without_stage(lines, name):
    kept = []
    inside = False
    for line in lines:
        if line.startswith("FROM "):
            inside = line.endswith(f" AS {name}")
        if not inside:
            kept.append(line)
    return kept


def test_example_changes_two_lines_of_rails_dockerfile(app):
    generated = instructions(app / "Dockerfile")
    example = without_stage(instructions(SOURCE / "Dockerfile.example"), "signalbox")
    changes = [line for line in difflib.ndiff(generated, example) if line[0] in "+-"]
    assert changes == [
        '- ENTRYPOINT ["/rails/bin/docker-entrypoint"]',
        "+ COPY --from=signalbox /src/build/release/signalbox /usr/local/bin/signalbox",
        '+ ENTRYPOINT ["/usr/local/bin/signalbox"]',
    ]
