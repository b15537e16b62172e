"""The picture of the race as SVG: what would stand in a terminal, readable in light and in dark."""

import html
import re

import picture

CELL, LINE, MARGIN = 7.8, 18, 12
# How much of the colour a block of each kind has.
BLOCKS = {"█": 1, "▓": 0.85, "░": 0.45}

STYLE = """
  text { font: 13px ui-monospace, Menlo, Consolas, monospace; fill: #1f2328; white-space: pre }
  .page { fill: #ffffff; stroke: #d1d9e0 }
  .bold { font-weight: 600 } .dim { fill: #59636e }
  .red { fill: #cf222e } .green { fill: #1a7f37 } .yellow { fill: #bf8700 }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc } .page { fill: #0d1117; stroke: #3d444d } .dim { fill: #9198a1 }
    .red { fill: #f85149 } .green { fill: #3fb950 } .yellow { fill: #e3b341 }
  }
"""
CLASSES = {"1": "bold", "2": "dim", "31": "red", "32": "green", "33": "yellow"}


class Screen(picture.Terminal):
    """A terminal of the usual width, with colours and blocks."""

    def __init__(self):
        super().__init__()
        self.is_live = False
        self._colours = self._blocks = True
        self.width = picture.WIDTH - 1


def svg(lines):
    width = picture.WIDTH * CELL + 2 * MARGIN
    height = len(lines) * LINE + 2 * MARGIN
    shapes = [f'<rect class="page" x="0.5" y="0.5" width="{width - 1:g}" height="{height - 1:g}" '
              f'rx="6"/>']
    for number, line in enumerate(lines):
        shapes += _line(line, MARGIN + number * LINE)
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" role="img">',
        "<title>Five replicas boot at once, and one prepares; then all five start again</title>",
        f"<style>{STYLE}</style>", *shapes, "</svg>", ""])


def _line(line, top):
    column, shapes = 0, []
    for code, painted, plain in re.findall(r"\x1b\[([\d;]+)m([^\x1b]*)\x1b\[0m|([^\x1b]+)", line):
        text = painted or plain
        look = " ".join(CLASSES[part] for part in code.split(";") if part)
        shapes.append(_run(text, look, MARGIN + column * CELL, top))
        column += len(text)
    return [shape for shape in shapes if shape]


def _run(text, look, left, top):
    wide = len(text) * CELL
    if text[0] in BLOCKS:
        return (f'<rect class="{look}" fill-opacity="{BLOCKS[text[0]]}" x="{left:g}" y="{top + 2:g}" '
                f'width="{wide:g}" height="{LINE - 4}"/>')
    if not text.strip():
        return ""
    return (f'<text class="{look}" x="{left:g}" y="{top + LINE - 5:g}" textLength="{wide:g}" '
            f'xml:space="preserve">{html.escape(text)}</text>')
