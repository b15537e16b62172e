#!/usr/bin/python3
"""Random faults against real replicas and a real server, by a seed.

    chaos.py BINARY ACTOR [--seed N] [--rounds N | --seconds N] [--only ROUND] [--lanes N]

Each round is a plan (plan.py), played (scene.py), and checked (check.py). Rounds are played in
lanes beside each other: each with a lock key of its own in the same database, so that every round
is also another app whose steps must be left alone. A round that is wrong prints its plan and all
that was seen; `--only ROUND` with the same seed plays it again.
"""

import argparse
import collections
import json
import os
import pathlib
import selectors
import shutil
import signal
import sys
import tempfile
import time
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from check import check  # noqa: E402
from dispositions import hear_int_and_quit  # noqa: E402
from lane import ChaosServer, Lane, make_application  # noqa: E402
from plan import make_plan  # noqa: E402
from scene import Scene  # noqa: E402


def play_round(lane, seed, number):
    """What is to be said of a round: its figures, and where it is wrong all that was seen."""
    scene = Scene(lane, make_plan(seed, number))
    try:
        scene.play()
        ledger = check(scene)
    except Exception:
        scene.complain(traceback.format_exc())
        ledger = []
    report = {
        "round": number,
        "kind": scene.plan["kind"],
        "complaints": scene.complaints,
        "figures": dict(collections.Counter(
            ["replicas"] * len(scene.replicas) + ["steps"] * len(scene.steps)
            + [f"runs {row['state']}" for row in ledger]
            + ["faults" for line in scene.timeline if " FAULT " in line]
            + ["faults that missed" for line in scene.timeline
               if " FAULT " in line and line.endswith("misses")]
            + [f"exit {replica.status}" for replica in scene.replicas])),
        "windows": scene.windows,
    }
    if scene.complaints:
        report["plan"] = scene.plan
        report["timeline"] = scene.timeline
    return report


def lane_run(lane, seed, requests, reports):
    """The life of a lane: a number comes, a report goes."""
    with os.fdopen(requests, encoding="ascii") as numbers, os.fdopen(reports, "w") as out:
        for line in numbers:
            print(json.dumps(play_round(lane, seed, int(line))), file=out, flush=True)
    lane.close()


class Worker:
    """A lane in a process of its own."""

    def __init__(self, make_lane, seed, is_stormy):
        requests, self._requests = os.pipe2(os.O_CLOEXEC)
        reports, writing = os.pipe2(os.O_CLOEXEC)
        self.is_stormy = is_stormy
        self.number = None
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._requests)
            os.close(reports)
            try:
                # Not ignored: what the lane starts would inherit that.
                signal.signal(signal.SIGINT, lambda *_: None)
                lane_run(make_lane(), seed, requests, writing)
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        os.close(requests)
        os.close(writing)
        self.reports = os.fdopen(reports, encoding="utf-8")

    def give(self, number):
        self.number = number
        os.write(self._requests, f"{number}\n".encode())

    def dismiss(self):
        os.close(self._requests)

    def wait(self):
        os.waitpid(self.pid, 0)


class Chaos:
    def __init__(self, options):
        self.options = options
        self.figures = collections.Counter()
        self.wrong = []
        self.windows = []
        self.began = time.monotonic()
        self.next_number = 0
        # Restarts would disturb everybody else, so they have a server and a lane of their own.
        self.stormy = collections.deque()

    def is_time_up(self):
        if self.options.only is not None or self.options.rounds is not None:
            return False
        return time.monotonic() - self.began >= self.options.seconds

    def numbers(self):
        if self.options.only is not None:
            return range(self.options.only, self.options.only + 1)
        return range(self.options.rounds if self.options.rounds is not None else sys.maxsize)

    def next_for(self, worker, numbers):
        if worker.is_stormy:
            return self.stormy.popleft() if self.stormy and not self.is_time_up() else None
        while not self.is_time_up():
            number = next(numbers, None)
            if number is None:
                return None
            if make_plan(self.options.seed, number)["kind"] != "restart":
                return number
            self.stormy.append(number)
        return None

    def take(self, report):
        self.figures["rounds"] += 1
        self.figures[f"rounds {report['kind']}"] += 1
        self.figures.update(report["figures"])
        self.windows += report["windows"]
        if report["complaints"]:
            self.wrong.append(report["round"])
            print(f"\n=== round {report['round']} of seed {self.options.seed} is wrong:")
            for complaint in report["complaints"]:
                print(f"  {complaint}")
            print(json.dumps(report["plan"]))
            print("\n".join(report["timeline"]), flush=True)
        if self.figures["rounds"] % 500 == 0:
            print(f"{self.figures['rounds']} rounds in {time.monotonic() - self.began:.0f} s, "
                  f"{len(self.wrong)} wrong", flush=True)

    def run(self, workers):
        numbers = iter(self.numbers())
        selector = selectors.DefaultSelector()
        for worker in workers:
            selector.register(worker.reports, selectors.EVENT_READ, worker)
        while True:
            for worker in workers:
                number = None if worker.number is not None else self.next_for(worker, numbers)
                if number is not None:
                    worker.give(number)
            if all(worker.number is None for worker in workers):
                break
            for key, _ in selector.select():
                worker = key.data
                line = worker.reports.readline()
                if line == "":
                    raise SystemExit(f"the lane that played round {worker.number} has died")
                worker.number = None
                self.take(json.loads(line))


def main():
    hear_int_and_quit()
    parser = argparse.ArgumentParser()
    parser.add_argument("binary", type=pathlib.Path)
    parser.add_argument("actor", type=pathlib.Path)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--only", type=int)
    parser.add_argument("--lanes", type=int, default=10)
    options = parser.parse_args()
    if options.seed is None:
        options.seed = int.from_bytes(os.urandom(4), "big")
    print(f"chaos: seed {options.seed}, {options.lanes} lanes", flush=True)
    with tempfile.TemporaryDirectory(prefix="signalbox-chaos-") as name:
        directory = pathlib.Path(name)
        # Copies, so that a build while this runs changes nothing.
        binary = shutil.copy(options.binary, directory / "signalbox")
        actor = shutil.copy(options.actor, directory / "actor")
        make_application(directory / "app", actor)
        with ChaosServer(max_connections=400) as calm, ChaosServer() as stormy:
            calm.make_database()
            stormy.make_database()

            def lane_maker(server, index):
                return lambda: Lane(server, str(binary), str(actor), directory / "app",
                                    directory / f"lane-{index}")
            workers = [Worker(lane_maker(calm, index), options.seed, False)
                       for index in range(options.lanes)]
            workers.append(Worker(lane_maker(stormy, "stormy"), options.seed, True))
            chaos = Chaos(options)
            try:
                chaos.run(workers)
            finally:
                # All first: a lane has inherited the pipes of those before it.
                for worker in workers:
                    worker.dismiss()
                for worker in workers:
                    worker.wait()
    elapsed = time.monotonic() - chaos.began
    print(f"chaos: seed {options.seed}, {elapsed:.0f} s")
    for name, count in sorted(chaos.figures.items()):
        print(f"  {count:7d} {name}")
    # The server drops a backend and frees its lock in one instant; the step dies when its runner
    # has noticed. (With a link that is cut, or a container that is stopped, it is dead before.) So
    # does the daemon of a step whose preparer alone is killed, when the supervisor has noticed.
    print(f"  {len(chaos.windows):7d} steps were alive beside the next after their lock was taken "
          f"away; the longest for {max(chaos.windows, default=0):.0f} ms")
    print(f"  {len(chaos.wrong):7d} rounds are wrong {chaos.wrong or ''}")
    return 1 if chaos.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
