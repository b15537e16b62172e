"""Takes every figure, prints the table, and leaves it in build/bench as JSON and as plots.

`--record` writes them into doc/performance.md and what is committed beside it."""

import argparse
import dataclasses
import importlib
import json
import os
import pathlib
import platform
import re
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

import instructions  # noqa: E402
from figures import BINARY, OURS, ROOT  # noqa: E402

PARTS = ("startup", "residence", "restarts", "fleet", "signals", "growth", "size", "instructions",
         "whole_containers")
RESULTS = ROOT / "build" / "bench"
DOCUMENT = ROOT / "doc" / "performance.md"
BEGIN, END = "<!-- figures -->", "<!-- end of the figures -->"


def number(value):
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.1f}"


def cell(figure, name):
    unit = f" {figure.unit}" if figure.unit else ""
    return f"{number(figure.values[name])}{unit}"


def rows(figures):
    """Part, what, ours, the peers with ours over each, and what was to be reached."""
    for figure in figures:
        peers = []
        for name in figure.values:
            if name != OURS:
                ratio = figure.ratio(name)
                by = f" ({ratio:.2f})" if ratio is not None else ""
                peers.append(f"{name} {cell(figure, name)}{by}")
        goal = ""
        if figure.goal is not None:
            of = f" of {figure.peer}'s" if figure.peer else f" {figure.unit}".rstrip()
            goal = f"≤ {figure.goal:g}{of}: {'missed' if figure.missed() else 'met'}"
        yield figure.part, figure.what, cell(figure, OURS), ", ".join(peers), goal


def machine():
    model = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text())
    version = subprocess.run([BINARY, "--version"], check=True, text=True, stdout=subprocess.PIPE)
    return (f"{model[1].strip() if model else platform.machine()}, {os.cpu_count()} processors, "
            f"{int(memory[1]) >> 20} GB, Linux {platform.release()}; "
            f"{version.stdout.splitlines()[0]}; {time.strftime('%Y-%m-%d', time.gmtime())}")


def document(figures, where):
    lines = [BEGIN, "", f"Machine: {where}.", "",
             "| part | what | Signalbox | others (Signalbox over each) | goal |",
             "|---|---|---|---|---|"]
    lines += [f"| {' | '.join(row)} |" for row in rows(figures)]
    lines += ["", END]
    return "\n".join(lines)


def plots(figures, directory):
    # What is drawn with is installed only where somebody draws.
    import matplotlib
    matplotlib.use("svg")
    from matplotlib import pyplot
    matplotlib.rcParams.update({
        "svg.hashsalt": "signalbox", "font.size": 9, "axes.edgecolor": "#808080",
        "text.color": "#808080", "axes.labelcolor": "#808080", "xtick.color": "#808080",
        "ytick.color": "#808080", "legend.frameon": False})
    for figure in figures:
        if figure.growth is None:
            continue
        what, curves = figure.growth
        canvas, axes = pyplot.subplots(figsize=(4.5, 3))
        for name, points in curves.items():
            axes.loglog(*zip(*points), marker="o", markersize=3, label=name)
        axes.set_xlabel(what)
        axes.set_ylabel(figure.unit)
        axes.grid(True, which="major", alpha=0.3)
        if len(curves) > 1:
            axes.legend()
        canvas.tight_layout()
        canvas.savefig(directory / f"{slug(what)}.svg", transparent=True,
                       metadata={"Date": None})
        pyplot.close(canvas)


def slug(what):
    return re.sub(r"[^a-z0-9]+", "-", what.lower()).strip("-")


def record(figures, where):
    text = DOCUMENT.read_text()
    begin, end = text.index(BEGIN), text.index(END) + len(END)
    DOCUMENT.write_text(text[:begin] + document(figures, where) + text[end:])
    directory = DOCUMENT.parent / "performance"
    directory.mkdir(exist_ok=True)
    plots(figures, directory)
    counted = [figure for figure in figures if figure.part == "instructions"]
    if counted:
        instructions.write_committed(counted)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--record", action="store_true")
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="PART",
                        help=", ".join(PARTS))
    given = parser.parse_args()
    figures = []
    for part in given.parts or PARTS:
        began = time.monotonic()
        figures += importlib.import_module(part).measure()
        print(f"{part}: {time.monotonic() - began:.0f} s", file=sys.stderr)
    where = machine()
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "figures.json").write_text(json.dumps(
        {"machine": where, "figures": [dataclasses.asdict(figure) for figure in figures]},
        indent=1, ensure_ascii=False) + "\n")
    print(where)
    for part, what, ours, peers, goal in rows(figures):
        print(f"{part}: {what}\n    {ours}{'; ' + peers if peers else ''}"
              f"{'; ' + goal if goal else ''}")
    plots(figures, RESULTS)
    if given.record:
        record(figures, where)


if __name__ == "__main__":
    main()
