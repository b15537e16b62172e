"""--user and --caps: what PID 1, the preparer, a step and the command then are, and what is refused.

What the kernel shows is compared with what setpriv makes of the same request.
"""

import json
import os
import select
import shutil
import signal
import subprocess

import pytest

from namespace import (
    CLOSE_RANGE, DEADLINE_S, LISTENER, PRCTL, pid_1_of, python, refusing, shell, wait_until)

PASSWD = """\
root:x:0:0:root:/root:/bin/sh
app:x:4711:4711::/home/app:/bin/sh
nobody:x:65534:65534:nobody:/nonexistent:/bin/sh
broken:x:4712:4712
"""
GROUP = """\
root:x:0:
tools:x:4720:somebody,app
app:x:4711:
media:x:4730:app
"""

SHOWN = "^(Uid|Gid|Groups|Cap...|NoNewPrivs|Seccomp|SigBlk|SigIgn):"
SHOW = ("grep", "-E", SHOWN, "/proc/self/status")
SETRESUID, SETRESGID, SETGROUPS, CAPSET = 117, 119, 116, 126


@pytest.fixture
def image(tmp_path):
    """Runs what follows with /etc/passwd and /etc/group of our own."""
    for name, text in ("passwd", PASSWD), ("group", GROUP):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o644)
    return shell(f"mount --bind {tmp_path}/passwd /etc/passwd && "
                 f"mount --bind {tmp_path}/group /etc/group")


def keeping(capabilities):
    """setpriv's words for: keep these and no others, raised as ambient."""
    words = "-all" + "".join(f",+{name}" for name in capabilities)
    return (f"--bounding-set={words}", f"--inh-caps={words}", f"--ambient-caps={words}",
            "--no-new-privs")


def plain(shown):
    """/proc/PID/status without the alignment of its columns."""
    return [" ".join(line.split()) for line in shown.splitlines()]


def lowered(*capabilities):
    """A root that has these capabilities and no others, as an engine starts one."""
    words = "-all" + "".join(f",+{name}" for name in capabilities)
    return ("setpriv", f"--bounding-set={words}", f"--inh-caps={words}")


UNPRIVILEGED = ("setpriv", "--reuid=4711", "--regid=4711", "--clear-groups")


@pytest.mark.parametrize("options, setpriv", [
    (["--user=app"], ("--reuid=4711", "--regid=4711", "--init-groups")),
    (["--user=4711"], ("--reuid=4711", "--regid=4711", "--init-groups")),
    (["--user=app:media"], ("--reuid=4711", "--regid=4730", "--groups=4730")),
    (["--user=app:1"], ("--reuid=4711", "--regid=1", "--groups=1")),
    (["--user=5000:6000"], ("--reuid=5000", "--regid=6000", "--groups=6000")),
    (["--user=root:root"], ("--reuid=0", "--regid=0", "--groups=0")),
    (["--caps=none"], keeping([])),
    (["--caps=chown,setuid"], keeping(["chown", "setuid"])),
    (["--user=app", "--caps=none"],
     ("--reuid=4711", "--regid=4711", "--init-groups", *keeping([]))),
    (["--user=app", "--caps=NET_BIND_SERVICE"],
     ("--reuid=4711", "--regid=4711", "--init-groups", *keeping(["net_bind_service"]))),
    (["--user=5000:6000", "--caps=cap_chown,setgid,net_bind_service"],
     ("--reuid=5000", "--regid=6000", "--groups=6000",
      *keeping(["chown", "setgid", "net_bind_service"]))),
], ids=" ".join)
@pytest.mark.parametrize("how", ["--init=always", "--init=never"])
def test_the_command_and_pid_1_are_what_setpriv_makes_of_it(run, image, options, setpriv, how):
    both = (*SHOW, "/proc/1/status")
    status, shown = run(*options, how, *both, "-h", prefix=image)
    assert status == 0
    status, expected = run(*SHOW, prefix=image, program=["setpriv", *setpriv])
    assert status == 0
    command, init = plain(shown)[:len(plain(expected))], plain(shown)[len(plain(expected)):]
    assert command == plain(expected)
    # What PID 1 does with its signals is its own affair.
    def of_the_user(lines):
        return [line for line in lines if not line.startswith("Sig")]
    assert of_the_user(init) == of_the_user(command)


def test_where_there_is_an_init_the_command_is_the_user_too(run, image):
    # Never in the namespace of the machine, whose files they would hide.
    apart = ("unshare", "--mount", *image)
    for how in "--init=auto", "--init=always":
        status, shown = run("--user=app:app", "--caps=none", how, "sh", "-c",
                            "id -u; id -G; grep CapBnd /proc/self/status", init=False, prefix=apart)
        assert (status, shown) == (0, "4711\n4711\nCapBnd:\t0000000000000000\n")


def test_the_step_and_the_preparer_are_what_the_command_will_be(scene):
    scene.create_database()
    show = scene.directory / "bin" / "show"
    show.write_text("#!/bin/sh\ngrep -H -E '^(Uid|Gid|Groups|Cap...|NoNewPrivs):' "
                    "/proc/self/status /proc/$PPID/status /proc/1/status\n")
    show.chmod(0o755)
    shutil.copy(show, show.with_name("boot"))
    for directory in [scene.directory, *scene.directory.parents]:
        if str(directory).startswith("/tmp/"):
            os.chmod(directory, 0o755)
    replica = scene.start_one(
        "--user=nobody", "--caps=net_bind_service", "--step=./bin/show", "--server=bin/boot",
        command=("./bin/boot",))
    assert replica.exit_status() == 0
    shown = [" ".join(line.split(":", 1)[1].split()) for line in replica.stdout]
    # Three processes for the step and three for the command, of nine lines each.
    parts = [shown[i:i + 9] for i in range(0, len(shown), 9)]
    assert len(parts) == 6 and "CapAmb: 0000000000000400" in parts[0]
    assert parts == [parts[0]] * 6
    assert replica.said("identity_taken")[0]["message"].startswith("uid 65534 (nobody), gid ")


def test_somebody_unprivileged_may_drop_what_is_not_there(run, image):
    bare = ("setpriv", "--bounding-set=-all", *UNPRIVILEGED[1:])
    for options in ["--caps=none"], ["--user=app:app"], ["--user=4711:4711", "--caps=none"]:
        status, shown = run(*options, *SHOW, prefix=(*image, *UNPRIVILEGED[:-1], "--groups=4711"))
        assert status == 0, options
        assert "CapPrm:\t0000000000000000\n" in shown
        assert (options == ["--user=app:app"]) == ("NoNewPrivs:\t0\n" in shown)
    status, shown = run("--caps=none", *SHOW, prefix=(*image, *bare))
    assert status == 0 and "CapBnd:\t0000000000000000\n" in shown


def test_a_bounding_set_that_is_not_ours_to_lower_is_said_and_is_of_no_use(start, image):
    process = start("--caps=none", "--log-level=debug", *SHOW, prefix=(*image, *UNPRIVILEGED),
                    stderr=subprocess.PIPE)
    shown, said = process.communicate(timeout=DEADLINE_S)
    assert "the bounding set stays (lowering it needs CAP_SETPCAP)" in said
    assert "NoNewPrivs:\t1\n" in shown and "CapBnd:\t0000000000000000\n" not in shown


def refused(start, image, *options, prefix=(), **more):
    process = start(*options, "sh", "-c", "echo started", prefix=(*image, *prefix),
                    stderr=subprocess.PIPE, **more)
    output, said = process.communicate(timeout=DEADLINE_S)
    assert output == ""
    return process.returncode, said


@pytest.mark.parametrize("options, prefix, status, said", [
    (["--caps=net_bind_service"], UNPRIVILEGED, 77,
     "--caps=net_bind_service: cannot keep net_bind_service, which uid 4711 does not have here: "
     "start the container as root"),
    (["--user=app", "--caps=chown,net_raw"], lowered("setuid", "setgid", "chown"), 77,
     "--caps=chown,net_raw: cannot keep net_raw, which uid 0 does not have here: it was taken from "
     "this container: give it back (cap_add)"),
    (["--user=nobody"], UNPRIVILEGED, 77,
     "--user=nobody: changing the user needs CAP_SETUID (and CAP_SETGID), which uid 4711 does not have here: "
     "start the container as root"),
    (["--user=app"], lowered("setgid"), 77, "needs CAP_SETUID (and CAP_SETGID), which uid 0 does not"),
    (["--user=app"], lowered("setuid"), 77, "needs CAP_SETGID, which uid 0 does not have here"),
    # Its own groups are more than the image's USER was started with.
    (["--user=app"], UNPRIVILEGED, 77, "needs CAP_SETGID, which uid 4711 does not have here"),
    (["--user=nosuch"], (), 78, "--user: there is no user `nosuch`"),
    (["--user=app:nosuch"], (), 78, "--user: there is no group `nosuch`"),
    (["--user=5000"], (), 78, "--user: uid 5000 has no line in /etc/passwd"),
    (["--user=broken"], (), 78, "--user: line 4 of /etc/passwd is not NAME:PASSWORD:UID"),
    (["--user="], (), 64, "--user: `` is not allowed: use NAME, NAME:GROUP or their numbers"),
    (["--user=:"], (), 64, "--user: `:` is not allowed"),
    (["--user=-1"], (), 64, "--user: `-1` is not allowed"),
    (["--user=4294967295"], (), 64, "--user: `4294967295` is not allowed"),
    (["--user=4294967296"], (), 64, "--user: `4294967296` is not allowed"),
    (["--user=4711x"], (), 64, "--user: `4711x` is not allowed"),
    (["--caps=net_bind"], (), 64,
     "--caps: `net_bind` is not a capability: did you mean net_bind_service?"),
])
def test_what_cannot_be_had_is_refused_in_one_line(start, image, options, prefix, status, said):
    returned, line = refused(start, image, *options, prefix=prefix)
    assert returned == status
    assert said in line and line.count("\n") == 1


def test_the_line_names_the_variable(start, image):
    returned, line = refused(start, image, prefix=UNPRIVILEGED,
                             variables={"SIGNALBOX_CAPS": "kill"})
    assert returned == 77 and line.startswith("signalbox: error: SIGNALBOX_CAPS=kill: ")


@pytest.mark.parametrize("damage, said", [
    ("true", "this image has no /etc/passwd"),
    ("mkfifo /etc/passwd", "/etc/passwd is not a file"),
    ("ln -s passwd /etc/passwd", "/etc/passwd cannot be read ("),
    ("printf 'app:x:1\\0' >/etc/passwd", "/etc/passwd is not text: it has a NUL byte"),
    ("truncate -s 1048577 /etc/passwd", "/etc/passwd has more than 1048576 bytes"),
])
def test_damaged_files_hold_nobody_up(start, damage, said):
    returned, line = refused(
        start, shell(f"mount -t tmpfs none /etc; {damage}"), "--user=app")
    assert returned == 78 and said in line


def test_numbers_need_no_files(run):
    status, shown = run("--user=4711:4712", "sh", "-c", "echo ${USER-none} ${LOGNAME-none} $HOME",
                        prefix=shell("mount -t tmpfs none /etc"),
                        variables={"HOME": "/somewhere", "USER": "root", "LOGNAME": "root"})
    # Whoever USER named, it is not who runs now.
    assert (status, shown) == (0, "none none /somewhere\n")


@pytest.mark.parametrize("user, home, expected", [
    ("app", "/root", "app app /home/app"),
    ("app", "/", "app app /home/app"),
    ("app", "", "app app /home/app"),
    ("app", "/data", "app app /data"),
    ("4711", "/root", "app app /root"),
    ("4711:4711", "/root", "app app /root"),
    ("app:media", "/root", "app app /home/app"),
    ("nobody", "/home/app", "nobody nobody /home/app"),
])
def test_home_and_the_names_are_the_users(run, image, user, home, expected):
    status, shown = run(f"--user={user}", "sh", "-c", "echo $USER $LOGNAME $HOME", prefix=image,
                        variables={"HOME": home, "USER": "root", "LOGNAME": "root"})
    assert (status, shown) == (0, expected + "\n")


def test_without_the_options_nothing_changes(run, image):
    status, shown = run("sh", "-c", "echo ${USER-} ${LOGNAME-} $HOME; id -u", prefix=image,
                        variables={"HOME": "/root", "USER": "me", "LOGNAME": "us"})
    assert (status, shown) == (0, "me us /root\n0\n")


# --- what the kernel forgets over a change of user -----------------------------------------


def test_pid_1_belongs_to_its_user_as_if_it_had_been_started_so(run, image):
    text = "stat -c %U:%G /proc/1 && readlink /proc/1/fd/0 && ls /proc/1/fd | head -1"
    status, shown = run("--user=app:app", "--init=always", "sh", "-c", text, prefix=image)
    assert (status, shown) == (0, "app:app\n/dev/null\n0\n")


def test_dev_stdout_can_be_opened_by_the_user(run, image):
    text = "echo one >/dev/stdout; echo two >/proc/1/fd/1"
    assert run("--user=app", "sh", "-c", text, prefix=image) == (0, "one\ntwo\n")


def test_the_signal_at_the_parents_death_still_comes(start, image):
    # A shell that is not PID 1 starts us and dies.
    parent = ("sh", "-c", 'setpriv --pdeathsig TERM "$@" <&3 3<&- & read -r go; exit 0', "sh")
    process = start("--user=app", "--init=always", *python(LISTENER),
                    prefix=(*image, "sh", "-c", '"$@" 3</dev/null; exec sleep infinity', "sh",
                            *parent),
                    stdin=subprocess.PIPE)
    # The namespace lives on, so that its pipe does not end with what should have spoken.
    def said():
        assert select.select([process.stdout], [], [], DEADLINE_S)[0], "nothing comes"
        return process.stdout.readline()
    assert said() == "ready\n"
    process.stdin.close()
    assert said() == f"{int(signal.SIGTERM)}\n"


def test_descriptors_are_closed_without_close_range_too(start, image):
    reading, writing = os.pipe()
    process = start("--user=app", *python("import sys; print('ready', flush=True); sys.stdin.read()"),
                    prefix=(*image, *refusing(CLOSE_RANGE)), stdin=subprocess.PIPE,
                    pass_fds=[writing])
    assert process.stdout.readline() == "ready\n"
    held = f"/proc/{pid_1_of(process)}/fd/{writing}"
    wait_until(lambda: not os.path.exists(held), "it is held open")
    os.close(reading)
    os.close(writing)
    process.stdin.close()
    assert process.wait(DEADLINE_S) == 0


def test_signals_reach_a_command_of_the_same_user_without_cap_kill(start, image):
    process = start("--user=app", "--caps=none", *python(LISTENER), prefix=image)
    assert process.stdout.readline() == "ready\n"
    os.kill(pid_1_of(process), signal.SIGUSR1)
    assert process.stdout.readline() == f"{int(signal.SIGUSR1)}\n"
    os.kill(pid_1_of(process), signal.SIGTERM)
    assert process.wait(DEADLINE_S) == 42


def test_what_is_left_behind_is_ended_by_the_same_user(run, image):
    status, _ = run("--user=app", "--caps=none", "sh", "-c", "setsid sleep infinity & exit 3",
                    prefix=image)
    assert status == 3


# --- where the kernel says no, or lies ----------------------------------------------------


@pytest.mark.parametrize("call, said", [
    (SETGROUPS, "cannot set the supplementary groups"),
    (SETRESGID, "cannot become gid 4711: Operation not permitted"),
    (SETRESUID, "cannot become uid 4711: Operation not permitted"),
    (CAPSET, "cannot set the capabilities: Operation not permitted"),
    (PRCTL, "cannot read"),
])
def test_a_filter_that_refuses_a_call_is_named(start, image, call, said):
    returned, line = refused(start, image, "--user=app", "--caps=none", prefix=refusing(call))
    assert returned == 77
    assert line.startswith(f"signalbox: error: --user: {said}")


@pytest.mark.parametrize("call, said", [
    (SETGROUPS, "the supplementary groups are not those of the user"),
    (SETRESGID, "the gids are 0, 0 and 0 and not 4711"),
    (SETRESUID, "the uids are 0, 0 and 0 and not 4711"),
    (CAPSET, "the permitted capabilities are"),
    (PRCTL, "no_new_privs is not set"),
])
def test_nothing_is_believed_that_was_not_read_back(start, image, call, said):
    # The filter says yes to the call and does nothing.
    options = ["--caps=none"] if call in (CAPSET, PRCTL) else ["--user=app", "--caps=none"]
    returned, line = refused(start, image, *options, prefix=refusing(call, answer=0))
    assert returned == 77
    assert "the kernel did not do what was asked" in line and said in line


def test_a_user_namespace_has_only_its_own_users(start, run, image):
    single = ("unshare", "--user", "--map-root-user")
    returned, line = refused(start, image, "--user=app", prefix=single)
    assert returned == 77 and "a user namespace may forbid that" in line
    status, shown = run("--caps=net_bind_service", *SHOW, prefix=(*image, *single))
    assert status == 0 and "CapPrm:\t0000000000000400\n" in shown


# --- together with the rest ----------------------------------------------------------------


def test_a_wrapper_that_changes_the_user_works_where_the_capabilities_allow(run, image):
    if shutil.which("gosu") is None:
        pytest.fail("gosu is missing: sh test/prerequisites.sh")
    status, shown = run("--caps=setuid,setgid", "gosu", "app", *SHOW, prefix=image)
    assert status == 0 and plain(shown)[0] == "Uid: 4711 4711 4711 4711"
    assert "CapPrm:\t0000000000000000\n" in shown
    assert run("--user=app", "gosu", "nobody", "true", prefix=image)[0] == 1


def test_an_explanation_shows_whom_it_will_be_or_why_not(run, image):
    status, page = run("--explain", "--log=json", "--user=app", "--caps=net_bind_service", "true",
                       prefix=image)
    identity = json.loads(page)["identity"]
    assert status == 0
    assert identity == {"uid": 4711, "gid": 4711, "groups": [4711, 4720, 4730],
                        "capabilities": ["net_bind_service"], "no_new_privs": True}
    status, page = run("--explain", "--user=app:app", "--caps=none", "true", prefix=image)
    assert status == 0
    assert "user         uid 4711, gid 4711, groups 4711\n" in page
    assert "caps         none, no_new_privs\n" in page
    status, page = run("--explain", "--log=json", "--user=nobody", "true",
                       prefix=(*image, *UNPRIVILEGED))
    assert status == 77
    assert json.loads(page)["identity"] is None
    assert "needs CAP_SETUID" in json.loads(page)["problem"]
