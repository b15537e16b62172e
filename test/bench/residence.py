"""What an init needs while it supervises: memory, wake-ups, threads, descriptors."""

import os
import pathlib
import subprocess
import sys
import tempfile
import time

from figures import BINARY, INITS, OURS, Figure, minimal
from namespace import NAMESPACE, pid_1_of
from postgres import Server
from restarts import App

# Where an init waits: poll, rt_sigtimedwait, pselect6, ppoll, epoll_wait, epoll_pwait, wait4,
# rt_sigsuspend and a read of a signalfd, by the numbers that /proc has for x86-64 and for the
# processors that have the general table.
WAITING = {"x86_64": {7, 128, 270, 271, 232, 281, 61, 130, 0},
           "aarch64": {137, 72, 73, 22, 260, 133, 63}}[os.uname().machine]
IDLE_S = 2


def rest(process):
    """Waits until a process sleeps where an init waits."""
    while True:
        number = pathlib.Path(f"/proc/{process}/syscall").read_text().split()[0]
        if number.isdigit() and int(number) in WAITING:
            return


def switches(process):
    status = pathlib.Path(f"/proc/{process}/status").read_text()
    return sum(int(line.split()[1]) for line in status.splitlines() if "ctxt_switches" in line)


def resident(command, environment, directory):
    """What PID 1 has and does while its command sleeps."""
    process = subprocess.Popen(
        [*NAMESPACE, *command, "sh", "-c", "echo ready; exec sleep infinity"], cwd=directory,
        env=minimal(**environment), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        while (line := process.stdout.readline()) != b"ready\n":
            if not line:
                sys.exit(f"{command[0]} did not start its command")
        init = pid_1_of(process)
        while not (children := pathlib.Path(f"/proc/{init}/task/{init}/children").read_text()):
            os.sched_yield()
        while pathlib.Path(f"/proc/{children.split()[0]}/comm").read_text() != "sleep\n":
            os.sched_yield()
        rest(init)
        text = pathlib.Path(f"/proc/{init}/smaps_rollup").read_text()
        sizes = {line.split(":")[0]: int(line.split()[1]) for line in text.splitlines()[1:]}
        before = switches(init)
        time.sleep(IDLE_S)
        return {"resident": sizes["Rss"], "private dirty": sizes["Private_Dirty"],
                "wake-ups in 2 idle seconds": switches(init) - before,
                "threads": len(os.listdir(f"/proc/{init}/task")),
                "descriptors": len(os.listdir(f"/proc/{init}/fd"))}
    finally:
        process.kill()
        process.wait()


def measure():
    # A file that was just written has dirty pages, which would count as ours.
    os.sync()
    with tempfile.TemporaryDirectory() as directory, Server() as server:
        os.chmod(directory, 0o755)
        app = App(directory, server, databases=4)
        found = {OURS: resident([BINARY, "--server=sh"], app.environment, app.directory)}
        for name, init in INITS.items():
            label = f"{name}, pass-through" if name == OURS else name
            found[label] = resident(init, {}, directory)
    units = {"resident": ("kB", 100), "private dirty": ("kB", 20),
             "wake-ups in 2 idle seconds": ("", 0), "threads": ("", 1), "descriptors": ("", None)}
    return [Figure("supervising", f"{what}, after a prepare of four databases over TLS", unit,
                   {name: values[what] for name, values in found.items()}, goal)
            for what, (unit, goal) in units.items()]
