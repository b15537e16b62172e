"""doc/architecture.md says what the sources are: the picture by the includes, the walks by name."""

import re

from test_structure import ROOT, includes_by_room

PAGE = (ROOT / "doc/architecture.md").read_text()


def reachable(arrows, room):
    found = set()
    waiting = [room]
    while waiting:
        for other in arrows.get(waiting.pop(), ()):
            if other not in found:
                found.add(other)
                waiting.append(other)
    return found


def needed(arrows):
    """The arrows that no longer way replaces."""
    return {
        (room, other)
        for room, others in arrows.items()
        for other in others
        if not any(other in reachable(arrows, third) for third in others if third != other)
    }


def test_the_picture_is_that_of_the_includes():
    drawn = set(re.findall(r"^    (\S+) --> (\S+)$", PAGE, re.MULTILINE))
    assert drawn == needed(includes_by_room())


def test_the_table_has_every_room():
    rows = re.findall(r"^\| `([^`]+)` \| \S", PAGE, re.MULTILINE)
    rooms = {"main"} | {
        str(path.parent.relative_to(ROOT / "src")) for path in (ROOT / "src").glob("*/**/*.c")}
    assert len(rows) == len(set(rows))
    assert set(rows) == rooms


def paragraphs(text):
    """Paragraphs and list items, each of which begins with no file in mind."""
    return re.split(r"\n\n|\n(?=\d+\. )", text)


def defines(text, name):
    return re.search(rf"^(?!\s)[^\n;]*\b{name}\(", text, re.MULTILINE) is not None


def words_of(paragraph):
    """The quoted words, and which file each function and table is said to be in: the one that
    follows with `of`, or else the paragraph's own file, or else the last one before it."""
    words = re.findall(r"`([^`]+)`(?:\s+(of|in)\s+`(src/[^`]+)`)?", paragraph)
    file = None
    is_own = False
    for word, _, its_file in words:
        if re.fullmatch(r"(src|test)/[\w./]+", word):
            file = word
            is_own = True
            yield word, None
        elif re.fullmatch(r"\w+(\(\)|\[\])", word):
            yield its_file or file, word
        if its_file:
            yield its_file, None
            file = file if is_own else its_file


def test_every_file_and_function_of_the_walks_exists():
    walks = PAGE.split("## Walk 1", 1)[1]
    wrong = []
    count = 0
    for paragraph in paragraphs(walks):
        for file, word in words_of(paragraph):
            count += word is not None
            path = ROOT / file if file else None
            if path is None or not path.is_file():
                wrong.append(f"{word}: no file {file}")
            elif word and word.endswith("()") and not defines(path.read_text(), word[:-2]):
                wrong.append(f"{file} has no {word}")
            elif word and word.endswith("[]") and not re.search(rf"\b{word[:-2]}\[\] = ",
                                                                path.read_text()):
                wrong.append(f"{file} has no {word}")
    assert count > 60
    assert wrong == []


def test_every_section_that_the_code_cites_is_there():
    sections = set(re.findall(r"^## (\d+)\. ", (ROOT / "doc/design.md").read_text(), re.MULTILINE))
    cited = {
        section
        for path in [*ROOT.glob("src/**/*.[ch]"), *ROOT.glob("include/**/*.h"),
                     *ROOT.glob("test/**/*.[ch]"), *ROOT.glob("test/**/*.py")]
        for section in re.findall(r"design, section (\d+)|Section (\d+) of the design",
                                  path.read_text())
        for section in section if section
    }
    assert cited
    assert cited <= sections
