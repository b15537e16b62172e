#!/usr/bin/env python3
"""Draws what several replicas did, from their logs (--log=json), as one SVG.

    docker compose logs web worker | python3 doc/timeline.py - >deploy.svg
    python3 doc/timeline.py web-1.log web-2.log >deploy.svg
    python3 doc/timeline.py --panel Before old/*.log --panel After new/*.log >both.svg

A log may have other lines as well, and something in front of each line, as Compose and kubectl put it
there. A replica is known by its `host`; replicas of the same content (`fingerprint`) stand together, and
a bar names the run that it is about. Where a log has no event of Signalbox, a program may write lines of
the same form: {"event": "command_started", "host": "web-1", "at": "2026-11-29T10:00:00.000Z"}.

Needs Python 3.8 and nothing else.
"""

import argparse
import datetime
import html
import json
import sys

# What a replica does after an event. `answered` is nobody's event but a prober's: the first request
# that was answered.
STATE_AFTER = {
    "step_started": "preparing",
    "prepared": "starting",
    "already_prepared": "starting",
    "command_started": "starting",
    "answered": "serving",
    "prepare_failed": "ended",
    "database_refused": "ended",
    "configuration": "ended",
    "cancelled": "ended",
    "command_not_started": "ended",
    "command_ended": "ended",
}
STATES = ("starting", "waiting", "preparing", "serving", "ended")

WIDTH, NAME, END, BAR, ROW = 820, 120, 170, 18, 26

STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .title { font-weight: 600; font-size: 15px }
  .small { font-size: 11px; fill: #59636e }
  .on { font-size: 11px; fill: #ffffff }
  .axis { stroke: #d1d9e0; stroke-width: 1 }
  .page { fill: #ffffff }
  .starting { fill: #c8d1da } .waiting { fill: #d97a66 } .preparing { fill: #bf8700 }
  .serving { fill: #1a7f37 } .ended { fill: #cf222e }
  .died { fill: #cf222e; font-weight: 600 }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc } .small { fill: #9198a1 } .on { fill: #0d1117 }
    .axis { stroke: #3d444d }
    .page { fill: #0d1117 }
    .starting { fill: #59636e } .waiting { fill: #f0907a } .preparing { fill: #e3b341 }
    .serving { fill: #3fb950 } .ended { fill: #f85149 } .died { fill: #ff7b72 }
  }
"""


def moment(event):
    """The instant of an event, in seconds."""
    return datetime.datetime.fromisoformat(event["at"].replace("Z", "+00:00")).timestamp()


def events_of(lines):
    """The events among the lines of a log, whatever stands in front of them."""
    found = []
    for line in lines:
        start = line.find('{"event":')
        start = line.find('{"event"') if start < 0 else start
        if start < 0:
            continue
        try:
            event, _ = json.JSONDecoder().raw_decode(line[start:])
        except ValueError:
            continue
        if isinstance(event, dict) and {"event", "at", "host"} <= event.keys():
            found.append(event)
    return found


def began(event):
    """When that began which the event tells of: a waiter says so only when it knows for whom."""
    since = event.get("elapsed_ms", 0) / 1000 if event["event"] == "waiting" else 0
    return moment(event) - since


class Track:
    """One replica: what it did from when on, and how that ended."""

    def __init__(self, host, events):
        self.host = host
        self.fingerprint = next((e["fingerprint"] for e in events if "fingerprint" in e), "")
        self.release = next((e["release"] for e in events if "release" in e), "")
        self.changes = []
        self.end = ""
        self.died = False
        has_prober = any(e["event"] == "answered" for e in events)
        for event in sorted(events, key=began):
            self._add(event, has_prober)
        start = began(min(events, key=began))
        if not self.changes or self.changes[0][0] > start:
            self.changes.insert(0, (start, "starting", ""))

    def _add(self, event, has_prober):
        name = event["event"]
        state = "waiting" if name == "waiting" else STATE_AFTER.get(name)
        if name == "command_started" and not has_prober:
            state = "serving"
        if state is None or (self.changes and self.changes[-1][1] == "ended"):
            return
        run = f"run {event['run']}" if "run" in event else ""
        if name == "waiting":
            holder = event.get("holder", "")
            run = f"waits for {holder}, {run}" if holder and run else "waits"
        if name == "step_started":
            run = event.get("step", "")
        if state == "ended":
            self._note_end(event)
        if not self.changes or self.changes[-1][1] != state:
            self.changes.append((began(event), state, run))
        elif run:
            # The same goes on, and more is known of it.
            at, _, _ = self.changes[-1]
            self.changes[-1] = (at, state, run)

    def _note_end(self, event):
        status = event.get("exit_status", 0)
        self.died = status != 0 or event["event"] != "command_ended"
        self.end = f"exit status {status}" if "exit_status" in event else event["event"]

    def served_at(self):
        return next((at for at, state, _ in self.changes if state == "serving"), None)


def tracks_of(events):
    """The replicas of these events, those of one content together, the first to begin first."""
    by_host = {}
    for event in events:
        by_host.setdefault(event["host"], []).append(event)
    tracks = [Track(host, of_host) for host, of_host in by_host.items()]
    first = {}
    for track in tracks:
        start = track.changes[0][0]
        first[track.fingerprint] = min(start, first.get(track.fingerprint, start))
    return sorted(tracks, key=lambda t: (first[t.fingerprint], t.fingerprint, t.host))


class Drawing:
    """SVG elements, from the top down."""

    def __init__(self):
        self.parts = []
        self.y = 0

    def text(self, x, text, kind="", anchor="start", down=0):
        self.parts.append(
            f'<text x="{x:.1f}" y="{self.y + down}" class="{kind}" text-anchor="{anchor}">'
            f"{html.escape(text)}</text>")

    def bar(self, x, width, state, told):
        self.parts.append(
            f'<rect x="{x:.1f}" y="{self.y}" width="{max(width, 2):.1f}" height="{BAR}" rx="2" '
            f'class="{state}"><title>{html.escape(told)}</title></rect>')

    def line(self, x, top, bottom):
        self.parts.append(
            f'<line x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{bottom}" class="axis"/>')

    def svg(self, title):
        return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {self.y}" '
                f'role="img" width="{WIDTH}" height="{self.y}"><title>{html.escape(title)}</title>\n'
                f"<style>{STYLE}</style>\n"
                # A page can be dark where the reader's system is light.
                f'<rect width="{WIDTH}" height="{self.y}" class="page"/>\n' + "\n".join(self.parts) + "\n</svg>\n")


def tick_s(length):
    return next(s for s in (0.5, 1, 2, 5, 10, 30, 60, 300, 600, 3600, 86400) if length / s <= 12)


def draw_track(drawing, track, start, length):
    scale = (WIDTH - NAME - END) / length
    drawing.text(8, track.host[:16], down=BAR - 5)
    ends = [at for at, _, _ in track.changes[1:]] + [start + length]
    for (at, state, told), end in zip(track.changes, ends):
        if state == "ended":
            break
        x = NAME + (at - start) * scale
        width = (end - at) * scale
        words = f"{state}{': ' + told if told else ''}, {end - at:.1f} s"
        drawing.bar(x, width, state, words)
        label = told if len(told) * 6 < width else state
        if state in ("waiting", "preparing") and len(label) * 6 < width:
            drawing.text(x + 5, label, "on", down=BAR - 5)
    served = track.served_at()
    if track.end:
        at = track.changes[-1][0] - start
        drawing.text(WIDTH - 8, f"{'died' if track.died else 'ended'} at {at:.1f} s: {track.end}"
                     if at < 1000 else track.end, "died" if track.died else "small", "end", BAR - 5)
    elif served is not None:
        drawing.text(WIDTH - 8, f"serves after {served - start:.1f} s", "small", "end", BAR - 5)
    drawing.y += ROW


def draw_panel(drawing, title, tracks, start, length):
    drawing.y += 24
    drawing.text(8, title, "title")
    drawing.y += 12
    top = drawing.y
    contents = {track.fingerprint for track in tracks}
    before = None
    first = len(drawing.parts)
    for track in tracks:
        if len(contents) > 1 and track.fingerprint != before:
            before = track.fingerprint
            named = f", release {track.release}" if track.release else ""
            drawing.text(8, f"content {before[:10] or 'unknown'}{named}", "small", down=12)
            drawing.y += 18
        draw_track(drawing, track, start, length)
    bottom = drawing.y - ROW + BAR
    bars = drawing.parts[first:]
    del drawing.parts[first:]
    at = 0
    while at <= length:
        x = NAME + at * (WIDTH - NAME - END) / length
        drawing.line(x, top, bottom)
        drawing.text(x, f"{at:g} s", "small", "middle", bottom + 14 - drawing.y)
        at += tick_s(length)
    drawing.parts += bars
    drawing.y = bottom + 20


def draw(panels):
    """The SVG of [(title, events)]; all panels have one scale, each from its own first event."""
    drawing = Drawing()
    made = [(title, tracks_of(events)) for title, events in panels]
    starts = [min(track.changes[0][0] for track in tracks) for _, tracks in made]
    last = max(track.changes[-1][0] - start
               for (_, tracks), start in zip(made, starts) for track in tracks)
    for (title, tracks), start in zip(made, starts):
        draw_panel(drawing, title, tracks, start, max(last * 1.08, 0.5))
    drawing.y += 4
    x = 8
    for state in STATES[:-1]:
        drawing.bar(x, 14, state, state)
        drawing.text(x + 20, state, "small", down=BAR - 5)
        x += 100
    drawing.y += ROW
    return drawing.svg("; ".join(title for title, _ in made))


def read(paths):
    events = []
    for path in paths:
        if path == "-":
            events += events_of(sys.stdin)
        else:
            with open(path, encoding="utf-8", errors="replace") as log:
                events += events_of(log)
    return events


def main():
    parser = argparse.ArgumentParser(
        description="Draws what several replicas did, from their logs (--log=json), as one SVG.")
    parser.add_argument("logs", nargs="*", help="files with log lines; - is standard input")
    parser.add_argument("--panel", nargs="+", action="append", default=[], metavar=("TITLE", "LOG"),
                        help="a part of the picture: its title and its logs; may be repeated")
    arguments = parser.parse_args()
    asked = [("Replicas", arguments.logs)] if arguments.logs else []
    asked += [(panel[0], panel[1:]) for panel in arguments.panel]
    panels = [(title, read(paths)) for title, paths in asked]
    empty = [title for title, events in panels if not events]
    if not panels or empty:
        parser.error("no event of Signalbox in: " + ", ".join(empty or ["nothing"])
                     + " (run the replicas with SIGNALBOX_LOG=json)")
    sys.stdout.write(draw(panels))


if __name__ == "__main__":
    main()
