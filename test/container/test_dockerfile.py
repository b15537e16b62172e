"""Dockerfile.example is Rails' own Dockerfile with three lines of Signalbox."""

import difflib
import pathlib
import re

SOURCE = pathlib.Path(__file__).resolve().parents[2]


def instructions(path):
    """The lines that do something, whatever the Ruby version."""
    lines = [line.rstrip() for line in path.read_text().splitlines()]
    lines = [line for line in lines if line and not line.lstrip().startswith("#")]
    return [re.sub(r"^(ARG RUBY_VERSION)=.*", r"\1", line) for line in lines]


def shown(begin):
    """The lines of the README between a line and the next ```."""
    return (SOURCE / "README.md").read_text().split(begin)[1].split("```")[0].splitlines()


def test_example_has_three_lines_more_than_rails_dockerfile(app):
    generated = instructions(app / "Dockerfile")
    example = instructions(SOURCE / "Dockerfile.example")
    changes = [line for line in difflib.ndiff(generated, example) if line[0] in "+-"]
    ours = [line for line in changes if line[0] == "+"]
    assert changes == [ours[0], '- ENTRYPOINT ["/rails/bin/docker-entrypoint"]', *ours[1:]]
    # And they are those that the README shows.
    assert [line[2:] for line in ours] == shown("```dockerfile\n")


def test_the_commands_of_the_gem_are_those_of_the_readme():
    played = instructions(SOURCE / "test/container/releases/gem/Dockerfile")
    first, second = shown("somebody else's empty gem.)\n\n```\n")
    assert f"RUN {first}" in played
    assert f"RUN SECRET_KEY_BASE_DUMMY=1 {second} --force" in played
