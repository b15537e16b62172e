"""The demo's picture: a file shows what a terminal shows."""

import pathlib
import sys
import xml.etree.ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "demo"))

import picture  # noqa: E402
import screen  # noqa: E402

SVG = "{http://www.w3.org/2000/svg}"


def drawn(lines):
    return xml.etree.ElementTree.fromstring(screen.svg(lines))


def test_every_state_has_its_place_and_its_colour():
    terminal = screen.Screen()
    start, tracks = 0, [("web-1", [(0, "starting"), (1, "preparing"), (3, "serving")], 3)]
    picture_of_it = drawn(picture.rows(terminal, tracks, start, 4, 4) + [picture.legend(terminal)])
    shapes = [shape for shape in picture_of_it if shape.tag == SVG + "rect"][1:]
    row = [shape for shape in shapes if shape.get("y") == shapes[0].get("y")]
    assert [shape.get("class") for shape in row] == ["bold yellow", "green"]
    # Two seconds of preparing, one of serving, without a gap between them.
    widths = [float(shape.get("width")) for shape in row]
    assert abs(widths[0] / widths[1] - 2) < 0.1
    assert abs(float(row[0].get("x")) + widths[0] - float(row[1].get("x"))) < 0.1
    texts = [shape.text for shape in picture_of_it.iter(SVG + "text")]
    assert "  web-1    " in texts and any("3.00 s" in text for text in texts)
    assert " serving" in texts


def test_what_a_replica_is_called_is_text_and_nothing_else():
    picture_of_it = drawn(["  <web&1>"])
    assert [shape.text for shape in picture_of_it.iter(SVG + "text")] == ["  <web&1>"]
