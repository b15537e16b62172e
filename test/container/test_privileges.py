"""--user and --caps in real containers, under what an engine may have taken from them.

Where Rails is not the point, a bare Debian: its setpriv makes the same of the same request.
"""

import contextlib
import os
import pathlib

import pytest

from containers import SHOP, Container, podman, poll

DEBIAN = "docker.io/library/debian:trixie-slim"
BINARY = pathlib.Path(__file__).resolve().parents[2] / "build/release/signalbox"
INSTALLED = {"/usr/local/bin/signalbox": BINARY}

SHOWN = "^(Uid|Gid|Groups|Cap...|NoNewPrivs):"
SHOW = ("grep", "-h", "-E", SHOWN, "/proc/self/status")
KEEP_BIND = tuple(f"--{which}=-all,+net_bind_service"
                  for which in ("bounding-set", "inh-caps", "ambient-caps"))
KEEP_NONE = tuple(f"--{which}=-all" for which in ("bounding-set", "inh-caps", "ambient-caps"))
# As root under an engine that leaves ports below 1024 to root.
PRIVILEGED_PORTS = ("--user", "0", "--sysctl", "net.ipv4.ip_unprivileged_port_start=1024")


def run(*command, engine=(), image=DEBIAN, program="/signalbox"):
    return podman("run", "--rm", "--network", "none", "--volume", f"{BINARY}:/signalbox:ro",
                  *engine, "--entrypoint", program, image, *command, check=False)


def plain(shown):
    return [" ".join(line.split()) for line in shown.splitlines()]


@pytest.mark.parametrize("engine, options, setpriv", [
    ((), ["--user=www-data"], ("--reuid=33", "--regid=33", "--init-groups")),
    ((), ["--user=www-data", "--caps=none"],
     ("--reuid=33", "--regid=33", "--init-groups", "--no-new-privs", *KEEP_NONE)),
    (("--read-only",), ["--user=1000:1000", "--caps=net_bind_service"],
     ("--reuid=1000", "--regid=1000", "--groups=1000", "--no-new-privs", *KEEP_BIND)),
    (("--security-opt", "no-new-privileges"), ["--user=1000:staff", "--caps=net_bind_service"],
     ("--reuid=1000", "--regid=50", "--groups=50", *KEEP_BIND)),
    (("--cap-drop", "ALL", "--cap-add", "SETUID", "--cap-add", "SETGID"), ["--user=1000:1000"],
     ("--reuid=1000", "--regid=1000", "--groups=1000")),
    (("--cap-drop", "ALL", *(word for name in ("SETUID", "SETGID", "SETPCAP", "NET_BIND_SERVICE")
                             for word in ("--cap-add", name))),
     ["--user=1000:1000", "--caps=net_bind_service"],
     ("--reuid=1000", "--regid=1000", "--groups=1000", "--no-new-privs", *KEEP_BIND)),
    (("--cap-drop", "NET_RAW", "--cap-add", "SYS_TIME"), ["--caps=sys_time,chown"],
     ("--no-new-privs", *(f"--{which}=-all,+sys_time,+chown"
                          for which in ("bounding-set", "inh-caps", "ambient-caps")))),
    (("--uidmap", "0:100000:2000"), ["--user=1000:1000", "--caps=net_bind_service"],
     ("--reuid=1000", "--regid=1000", "--groups=1000", "--no-new-privs", *KEEP_BIND)),
], ids=lambda value: " ".join(value))
def test_the_command_and_pid_1_are_what_setpriv_makes_of_it(engine, options, setpriv):
    ours = run(*options, *SHOW, "/proc/1/status", engine=engine)
    theirs = run(*setpriv, *SHOW, engine=engine, program="setpriv")
    assert (ours.returncode, theirs.returncode) == (0, 0), ours.stderr + theirs.stderr
    assert plain(ours.stdout) == plain(theirs.stdout) * 2


@pytest.mark.parametrize("engine, options, status, said", [
    (("--cap-drop", "ALL"), ["--user=www-data"], 77,
     "needs CAP_SETUID (and CAP_SETGID), which uid 0 does not have here: it was taken from this "
     "container: give it back (cap_add)"),
    (("--cap-drop", "SETGID"), ["--user=www-data"], 77, "needs CAP_SETGID, which uid 0 does not"),
    (("--cap-drop", "NET_BIND_SERVICE"), ["--user=www-data", "--caps=net_bind_service"], 77,
     "cannot keep net_bind_service, which uid 0 does not have here"),
    (("--user", "1000:1000"), ["--caps=net_bind_service"], 77,
     "cannot keep net_bind_service, which uid 1000 does not have here: start the container as root"),
    (("--user", "1000:1000"), ["--user=www-data"], 77, "which uid 1000 does not have here"),
    (("--uidmap", "0:100000:2000"), ["--user=1000:5000"], 77,
     "this user namespace does not have them all"),
    (("--uidmap", "0:100000:2000"), ["--user=5000:1000"], 77,
     "cannot become uid 5000: this user namespace does not have it"),
    ((), ["--user=rails"], 78, "there is no user `rails`"),
], ids=lambda value: " ".join(value) if isinstance(value, (list, tuple)) else str(value))
def test_what_the_engine_has_taken_is_refused_in_one_line(engine, options, status, said):
    result = run(*options, "echo", "started", engine=engine)
    assert (result.returncode, result.stdout) == (status, "")
    assert said in result.stderr and result.stderr.count("\n") == 1, result.stderr


@pytest.mark.parametrize("options", [["--caps=none"], ["--user=1000:1000", "--caps=none"]])
def test_an_image_with_a_user_of_its_own_may_ask_for_nothing(options):
    for engine in ("--user", "1000:1000"), ("--user", "1000:1000", "--cap-drop", "ALL"):
        result = run(*options, *SHOW, engine=engine)
        assert result.returncode == 0, result.stderr
        assert "CapPrm: 0000000000000000" in plain(result.stdout)
        assert "NoNewPrivs: 1" in plain(result.stdout)


def test_a_capability_that_the_engine_gives_to_the_user_is_kept():
    result = run("--caps=net_bind_service", *SHOW,
                 engine=("--user", "1000:1000", "--cap-add", "NET_BIND_SERVICE"))
    assert result.returncode == 0, result.stderr
    assert "CapAmb: 0000000000000400" in plain(result.stdout)


@pytest.mark.parametrize("options, uid", [(["--user=1000:1000"], "0"),
                                          (["--user=1000:1000", "--caps=none"], "1000")])
def test_only_caps_keeps_a_setuid_program_from_being_root(options, uid):
    result = run("-c", "cp /bin/grep /gain && chmod u+s /gain && exec /signalbox "
                 f"{' '.join(options)} /gain Uid /proc/self/status", program="sh")
    assert plain(result.stdout) == [f"Uid: 1000 {uid} {uid} {uid}"], result.stderr


def test_what_the_user_writes_to_dev_stdout_arrives():
    text = "echo one >/dev/stdout; echo two >/proc/1/fd/1; stat -c %U /proc/1"
    result = run("--user=www-data", "sh", "-c", text)
    assert result.stdout == "one\ntwo\nwww-data\n", result.stderr


@pytest.mark.parametrize("home, expected", [((), "/var/www"), (("--env", "HOME=/data"), "/data")])
def test_home_follows_a_name_unless_somebody_has_chosen_it(home, expected):
    result = run("--user=www-data", "sh", "-c", "echo $HOME $USER $LOGNAME", engine=home)
    assert result.stdout == f"{expected} www-data www-data\n", result.stderr
    # A number keeps what the engine gave to root.
    result = run("--user=33", "sh", "-c", "echo $HOME $USER", engine=home)
    assert result.stdout == f"{'/data' if home else '/root'} www-data\n", result.stderr


@contextlib.contextmanager
def started(*arguments, **options):
    container = Container(*arguments, **options)
    try:
        container.start()
        yield container
    finally:
        container.remove()


def test_signals_reach_the_command_without_any_capability():
    text = ("trap 'echo got usr1' USR1; trap 'echo got term; exit 42' TERM; echo ready;"
            "while :; do sleep 1000 & wait; done")
    for engine, options in ((("--user", "1000:1000", "--cap-drop", "ALL"), []),
                            ((), ["--user=www-data", "--caps=none"])):
        with started(DEBIAN, [*options, "sh", "-c", text], entrypoint="/signalbox",
                     files={"/signalbox": BINARY}, more=engine) as container:
            poll("it is ready", lambda: "ready" in container.output(), container.output)
            podman("kill", "--signal", "USR1", container.name)
            poll("USR1 arrives", lambda: "got usr1" in container.output(), container.output)
            assert container.stop() == 42, container.output()


def test_without_the_capability_thruster_cannot_have_port_80():
    with started(SHOP, ["--user=rails", "./bin/thrust", "sleep", "infinity"], files=INSTALLED,
                 more=PRIVILEGED_PORTS) as container:
        assert container.wait() == 1, container.output()
        assert "permission denied" in container.output()


def test_thruster_serves_rails_on_port_80_as_an_unprivileged_user(databases, tmp_path):
    """A root container that is read-only but for what Rails writes."""
    environment = {
        **databases.environment, "SIGNALBOX_USER": "rails",
        "SIGNALBOX_CAPS": "net_bind_service",
        "SIGNALBOX_STEPS": f"grep -h -E '{SHOWN}' /proc/self/status && ./bin/rails db:prepare"}
    writable = []
    for name in "log", "tmp":
        (tmp_path / name).mkdir()
        os.chown(tmp_path / name, 1000, 1000)
        writable += ["--volume", f"{tmp_path / name}:/rails/{name}"]
    with started(environment=environment, files=INSTALLED,
                 more=(*PRIVILEGED_PORTS, "--read-only", *writable)) as container:
        assert container.serves(), container.output()
        assert databases.seeds() == 1, container.output()
        step = [" ".join(line.split()) for line in container.output().splitlines()
                if line.startswith(("Uid", "Gid", "Groups", "Cap", "NoNew"))]
        assert "Uid: 1000 1000 1000 1000" in step and "CapAmb: 0000000000000400" in step
        everybody = podman("exec", container.name, "sh", "-c",
                           "for process in /proc/[0-9]*; do "
                           "grep -q -E 'thrust|puma|ruby|signalbox' $process/comm && "
                           f"grep -h -E '{SHOWN}' $process/status; done; true").stdout
        shown = plain(everybody)
        # PID 1, Thruster and Puma at the least.
        assert len(shown) >= 3 * len(step) == 27, everybody
        assert all(shown[i:i + 9] == step for i in range(0, len(shown), 9)), everybody
        assert container.stop() in (0, 143), container.output()
