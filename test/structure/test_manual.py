"""signalbox(1) says what the code does, in the words of the README, and is a clean page."""

import os
import re
import subprocess

from test_structure import ROOT, document_table

PAGE = ROOT / "doc/signalbox.1"


def run(*command):
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return result.stdout, result.stderr


def test_the_pages_parts_are_printed_from_the_code():
    printed, errors = run("sh", "test/manual/update.sh")
    assert (printed, errors) == (PAGE.read_text(), "")


def test_the_page_has_the_readmes_exit_statuses():
    program = ROOT / "build" / os.environ.get("PRESET", "dev") / "test" / "print_manual"
    printed, _ = run(program, "statuses")
    page = {status: re.sub(r"\\-", "-", " ".join(text.split())).rstrip(".")
            for status, text in re.findall(r"^\.It (\d+)\n(.*?)(?=^\.)", printed,
                                           re.MULTILINE | re.DOTALL)}
    readme = {status: text.replace("`", "") for status, text in document_table("README.md", "Exit statuses")}
    # Success is no failure, and the README says it in front of its table.
    assert page == {"0": "what was asked for is done"} | readme


def test_the_page_is_clean():
    # Our own name at the foot of the page is meant.
    said = [line for line in "".join(run("mandoc", "-Tlint", PAGE)).splitlines()
            if "operating system explicitly specified" not in line]
    assert said == []
    assert run("groff", "-mdoc", "-ww", "-z", "-Tutf8", PAGE) == ("", "")


def test_the_page_has_every_option_that_help_has():
    shown, _ = run("mandoc", "-Tascii", "-Owidth=200", PAGE)
    shown = re.sub(".\b", "", shown)
    asked, _ = run(os.environ.get("SIGNALBOX", "build/dev/signalbox"), "--help")
    flags = set(re.findall(r"^  (--[a-z-]+)", asked, re.MULTILINE))
    assert len(flags) > 20
    assert flags - set(re.findall(r"--[a-z-]+", shown)) == set()
