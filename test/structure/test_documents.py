"""What the documents point at is there."""

import re

from test_structure import ROOT

DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("doc/**/*.md"), *ROOT.glob("package/**/*.md")])


def anchors(path):
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_link_leads_somewhere():
    wrong = []
    count = 0
    for page in DOCUMENTS:
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
            if re.match(r"[a-z]+:", target):
                continue
            count += 1
            file, _, anchor = target.partition("#")
            path = page.parent / file if file else page
            if not path.exists() or (anchor and anchor not in anchors(path)):
                wrong.append(f"{page.relative_to(ROOT)}: {target}")
    assert count > 30
    assert wrong == []


def test_the_tests_that_contributing_names_are_there():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    by_ctest = re.findall(r"ctest --preset \w+ -R (\w+)/(\w+)", text)
    assert by_ctest
    for kind, name in by_ctest:
        file = f"test/unit/{name}_test.c" if kind == "unit" else f"test/integration/test_{name}.py"
        assert (ROOT / file).is_file(), file
    by_name = re.findall(r"-m pytest (\S+\.py) -k (\w+)", text)
    assert by_name
    for file, word in by_name:
        assert re.search(rf"^def test_\w*{word}", (ROOT / file).read_text(), re.MULTILINE), word
    # Files and their tables, where a recipe sends somebody to one.
    for path in re.findall(r"`((?:src|include|test|doc)/[\w./]+)`", text):
        assert (ROOT / path).exists(), path
    for table, path in re.findall(r"`(\w+)\[\]` of\s+`(\S+)`", text):
        assert re.search(rf"\b{table}\[\] = ", (ROOT / path).read_text()), (table, path)


def test_the_documents_name_the_version_that_this_is():
    version, = re.findall(r"^project\(signalbox VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text(),
                          re.MULTILINE)
    pages = [page for page in DOCUMENTS if page.name not in ("CHANGELOG.md", "RELEASING.md")]
    named = {(page.relative_to(ROOT).as_posix(), name)
             for page in [*pages, ROOT / "Dockerfile.example", ROOT / "package/Dockerfile.source"]
             for name in re.findall(r"(?:signalbox[:_ -]|release\.sh |tags/v)(\d+\.\d+\.\d+)",
                                    page.read_text())}
    assert {page for page, _ in named} >= {"README.md", "Dockerfile.example"}
    assert {name for _, name in named} == {version}, named
