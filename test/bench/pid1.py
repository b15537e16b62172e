"""Memory and start-up of Signalbox and of the other inits, in one run, as ratios.

The budgets are those of the design: while supervising, after a prepare over TLS, at most 24 kB
private dirty and 128 kB resident; start-up over the bare command at most 0.4 times tini's.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "test" / "support"))

from namespace import NAMESPACE, pid_1_of  # noqa: E402
from postgres import Server  # noqa: E402

ROUNDS = os.environ.get("SIGNALBOX_ROUNDS", "1000")
BINARY = os.environ.get("SIGNALBOX", str(ROOT / "build" / "release" / "signalbox"))
PEERS = {
    "tini": ["/usr/bin/tini", "--"],
    "tini-static": ["/usr/bin/tini-static", "--"],
    "dumb-init": ["/usr/bin/dumb-init", "--"],
    "catatonit": ["/usr/bin/catatonit", "--"],
}
WAITING = {"7": "poll", "128": "rt_sigtimedwait", "270": "pselect6", "271": "ppoll",
           "232": "epoll_wait", "281": "epoll_pwait", "61": "wait4", "130": "rt_sigsuspend",
           "0": "read"}


def rest(process):
    """Waits until a process sleeps where an init waits."""
    while True:
        with open(f"/proc/{process}/syscall", encoding="ascii") as file:
            if file.read().split()[0] in WAITING:
                return


def memory(command, environment, directory):
    """Resident and private dirty, in kB, of PID 1 while its command sleeps."""
    process = subprocess.Popen(
        [*NAMESPACE, *command, "sh", "-c", "echo ready; exec sleep infinity"], cwd=directory,
        env={"PATH": os.environ["PATH"], **environment}, stdin=subprocess.DEVNULL,
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
        return sizes["Rss"], sizes["Private_Dirty"]
    finally:
        process.kill()
        process.wait()


def after_prepare(server, directory):
    server.create_role("bench", "secret", "CREATEDB")
    server.create_database("bench", "bench")
    environment = {"DATABASE_URL": server.url("bench", "bench", "secret"),
                   "RAILS_ENV": "production"}
    return memory([BINARY, "--prepare=any", "--step=true"], environment, directory)


def copied(command, directory):
    """A program as an image has it: written in one go. What a linker wrote lies in the page cache in
    pieces, and each is a fault of its own."""
    program = shutil.copy(command[0], os.path.join(directory, pathlib.Path(command[0]).name))
    os.sync()
    return [program, *command[1:]]


def startups(directory):
    helper = os.path.join(directory, "startup")
    subprocess.run(["cc", "-O2", "-D_GNU_SOURCE", "-o", helper,
                    str(ROOT / "test" / "bench" / "startup.c")], check=True)
    inits = [copied(init, directory) for init in ([BINARY], *PEERS.values())]
    commands = [["/bin/true"], *([*init, "/bin/true"] for init in inits)]
    words = [word for command in commands for word in [*command, ","]][:-1]
    output = subprocess.run([helper, ROUNDS, *words], check=True, text=True, cwd="/",
                            stdout=subprocess.PIPE, env={"PATH": os.environ["PATH"]}).stdout
    bare, *rest_of_them = map(float, output.split())
    return bare, dict(zip(["Signalbox", *PEERS], (time - bare for time in rest_of_them)))


def main():
    # A file that was just written has dirty pages, which would count as ours.
    os.sync()
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        app = pathlib.Path(directory) / "app"
        app.mkdir()
        (app / "file").write_text("content")
        sizes = {"Signalbox": memory([BINARY], {}, app)}
        with Server() as server:
            sizes["Signalbox, prepared"] = after_prepare(server, app)
        for name, peer in PEERS.items():
            sizes[name] = memory(peer, {}, app)
        bare, times = startups(directory)

    print(f"{'':22}{'resident':>12}{'private dirty':>16}{'start-up':>12}{'of tini':>9}")
    for name in [*sizes]:
        resident, dirty = sizes[name]
        time = f"{times[name]:.0f} µs" if name in times else ""
        ratio = f"{times[name] / times['tini']:.2f}" if name in times else ""
        print(f"{name:22}{resident:9} kB{dirty:13} kB{time:>12}{ratio:>9}")
    print(f"start-up is over the bare /bin/true ({bare:.0f} µs); {ROUNDS} rounds, the tenth of the "
          "way through the sorted times")
    resident, dirty = sizes["Signalbox, prepared"]
    ratio = times["Signalbox"] / times["tini"]
    size = os.path.getsize(BINARY)
    missed = [text for text, is_met in (
        (f"resident {resident} kB > 128 kB", resident <= 128),
        (f"private dirty {dirty} kB > 24 kB", dirty <= 24),
        (f"start-up {ratio:.2f} > 0.4 of tini's", ratio <= 0.4),
        (f"binary {size} bytes > 2.6 MB", size <= 2_600_000)) if not is_met]
    print("budgets: " + ("; ".join(missed) if missed else "all met"))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
