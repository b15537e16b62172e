"""One round: plays a plan against real replicas and writes down in one order all that it sees."""

import contextlib
import json
import os
import selectors
import signal
import socket
import struct
import time

from cast import Puppet, Replica
from faults import Faults
from lane import DATABASE, ROLE, Loop
from processes import children_of, name_of, tree_of
from proxy import Link

# There to end a round that hangs, and to measure nothing.
DEADLINE_S = 180
GRACE = "400ms"
STEP_CLASS = 1128808783

SERVE = ("./bin/rails", "server")
PREPARE = ("./bin/rails", "db:prepare")


class Scene(Faults):
    def __init__(self, lane, plan):
        self.lane = lane
        self.plan = plan
        self.key = plan["number"] + 1
        self.is_missing = plan["kind"] == "missing"
        self.database = f"chaos_{self.key}" if self.is_missing else DATABASE
        self.loop = Loop()
        self.began = time.monotonic()
        self.timeline = []
        self.complaints = []
        self.replicas = []
        self.puppets = []
        self.steps = []
        self.counts = {}
        self.triggers = []
        self.lock_faults = set()
        # How long a step lived beside the next, where an operator had taken its lock away, or
        # killed its preparer alone: the lock is free before those above and below it know.
        self.windows = []
        self.links = {}
        self.is_closing = False
        self.socket_path = str(lane.directory / "puppets")

    # --- what happened --------------------------------------------------------

    def note(self, *words):
        moment = f"{(time.monotonic() - self.began) * 1000:9.1f}"
        self.timeline.append(f"{moment} {' '.join(str(word) for word in words)}")
        return len(self.timeline)

    def complain(self, words):
        self.note("COMPLAINT:", words)
        self.complaints.append(words)

    # --- triggers -------------------------------------------------------------

    def when(self, trigger, act):
        if trigger["on"] == "start":
            self.loop.after(trigger["after_ms"], act)
        else:
            self.triggers.append((trigger, act))

    def happened(self, on, what=None):
        """Counts it, and sets off what waits for it."""
        count = self.counts[on, what] = self.counts.get((on, what), 0) + 1
        for entry in list(self.triggers):
            trigger, act = entry
            if (trigger["on"], trigger.get("what"), trigger["count"]) == (on, what, count):
                self.triggers.remove(entry)
                self.loop.after(trigger["after_ms"], act)

    # --- replicas -------------------------------------------------------------

    def arrive(self, replica):
        if replica.pid is not None:
            return
        port = self.lane.server.port
        if self.plan["kind"] == "cut":
            self.links[replica.index] = Link(self.loop, port)
            port = self.links[replica.index].port
        environment = {
            "PATH": os.environ["PATH"],
            "RAILS_ENV": "production",
            "DATABASE_URL": f"postgresql://{ROLE}@127.0.0.1:{port}/{self.database}"
                            "?sslmode=disable&gssencmode=disable",
            "SIGNALBOX_LOG": "json",
            "SIGNALBOX_LOCK_KEY": str(self.key),
            "SIGNALBOX_RELEASE": replica.release,
            "SIGNALBOX_GRACE": GRACE,
            "SIGNALBOX_PREPARE": "wait" if replica.purpose == "wait" else "auto",
            "CHAOS_SOCKET": self.socket_path,
            "CHAOS_REPLICA": str(replica.index),
            "CHAOS_PORT": str(port),
            "CHAOS_ROLE": ROLE,
            "CHAOS_DATABASE": self.database,
            "CHAOS_KEY": str(self.key),
        }
        command = [self.lane.actor, "launch", replica.name, "init" if replica.init else "child",
                   self.lane.binary, *(PREPARE if replica.purpose == "typed" else SERVE)]
        reading, writing = os.pipe2(os.O_CLOEXEC)
        nothing = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        replica.pid = os.posix_spawn(
            command[0], command, environment,
            file_actions=[(os.POSIX_SPAWN_DUP2, nothing, 0), (os.POSIX_SPAWN_DUP2, nothing, 1),
                          (os.POSIX_SPAWN_DUP2, writing, 2)])
        os.close(writing)
        os.close(nothing)
        replica.began_at = self.note(replica.name, "arrives:", replica.release, replica.purpose,
                                     "as PID 1" if replica.init else "as a child",
                                     f"pid {replica.pid}")
        ended = os.pidfd_open(replica.pid)
        self.loop.register(ended, selectors.EVENT_READ, lambda: self.ended(replica, ended))
        self.loop.register(reading, selectors.EVENT_READ, lambda: self.hear(replica, reading))
        self.listening += 1

    def hear(self, replica, reading):
        data = os.read(reading, 65536)
        if not data:
            self.loop.unregister(reading)
            os.close(reading)
            self.listening -= 1
            replica.is_silent = True
            return
        *lines, replica.text = (replica.text + data).split(b"\n")
        for line in lines:
            text = line.decode("utf-8", "backslashreplace")
            try:
                event = json.loads(text)
            except ValueError:
                event = {"event": "not json", "message": text}
                self.complain(f"{replica.name} said what is no event: {text}")
            replica.events.append(event)
            event["order"] = self.note(replica.name, "says", event["event"], "-",
                                       event.get("message", ""))
            if not self.is_closing:
                self.happened("said", event["event"])

    def ended(self, replica, descriptor):
        self.loop.unregister(descriptor)
        os.close(descriptor)
        _, status = os.waitpid(replica.pid, 0)
        code = os.waitstatus_to_exitcode(status)
        replica.status = code if code >= 0 else 128 - code
        self.note(replica.name, "ended with", replica.status)
        self.happened("over")

    # --- puppets --------------------------------------------------------------

    def admit(self):
        connection, _ = self.listener.accept()
        pid, _, _ = struct.unpack("3i", connection.getsockopt(
            socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        puppet = Puppet(connection, pid)
        self.puppets.append(puppet)
        self.loop.register(connection, selectors.EVENT_READ, lambda: self.listen(puppet))

    def listen(self, puppet):
        try:
            message = puppet.connection.recv(4096).decode()
        except ConnectionResetError:
            message = ""
        if message == "":
            self.loop.unregister(puppet.connection)
            puppet.connection.close()
            puppet.is_over = True
            if puppet.has_answered:
                self.windows.append(1000 * (time.monotonic() - puppet.challenged_at))
            if puppet.replica is not None:
                self.note(puppet.replica.name, puppet.role, puppet.pid, "is dead")
        elif puppet.role is None:
            self.greet(puppet, message)
        else:
            self.answer(puppet, message)

    def greet(self, puppet, message):
        puppet.role, index, name = message.split(" ")
        puppet.replica = self.replicas[int(index)]
        puppet.run = name.rpartition("/")[2]
        puppet.order = self.note(puppet.replica.name, "has a", puppet.role, f"pid {puppet.pid}",
                                 name)
        if puppet.role == "server":
            self.serve(puppet)
        elif puppet.role == "daemon":
            parents = [step for step in self.steps if step.run == puppet.run]
            self.happened("step", "daemon")
            if parents:
                self.go_on(parents[-1])
        else:
            self.begin_step(puppet)

    def challenge(self, others):
        """Whoever of these answers is alive now."""
        for other in others:
            if not other.is_over and not other.replica.is_frozen:
                other.challenged_at = other.challenged_at or time.monotonic()
                other.tell("ping")

    def steps_alive(self):
        return [puppet for puppet in self.puppets
                if puppet.role in ("step", "daemon") and not puppet.is_over]

    def begin_step(self, step):
        others = [other for other in self.steps_alive() if other is not step]
        self.challenge(others)
        planned = [] if self.is_closing else self.plan["steps"][len(self.steps):]
        step.orders = list(planned[0] if planned else ["statement", "exit 0"])
        if self.is_missing and step.orders[-1] == "exit 0" and "statement" not in step.orders:
            # On a new database a step that succeeds has migrated; one that has not seems to have
            # been elsewhere, and its run does not count.
            step.orders.insert(0, "statement")
        self.steps.append(step)
        self.happened("step", "hello")
        self.go_on(step)

    def go_on(self, step):
        if not step.orders:
            return
        order = step.orders.pop(0)
        word, _, argument = order.partition(" ")
        if word == "hold":
            return
        if word == "pause":
            self.loop.after(int(argument), lambda: self.go_on(step))
            return
        if word in ("exit", "die"):
            step.was_told = order
            self.happened("step", "told")
        self.note("the step of", step.replica.name, "is told to", order)
        step.tell(order)

    def answer(self, puppet, message):
        if message == "pong":
            if puppet.challenged_at is not None and not puppet.replica.is_frozen:
                puppet.has_answered = True
                self.note("the", puppet.role, puppet.pid, "of", puppet.replica.name, "is alive")
                if not self.lock_faults & {"backend", "restart"} and not (
                        puppet.role == "daemon" and puppet.replica.has_lost_preparer):
                    self.complain(f"the {puppet.role} {puppet.pid} of {puppet.replica.name} is "
                                  "alive beside what came after it")
            return
        self.note("the", puppet.role, "of", puppet.replica.name, "says", message)
        self.happened("step", message)
        if message == "refused":
            self.complain(f"a statement of an earlier step is alive in the server beside the step "
                          f"{puppet.pid} of {puppet.replica.name}")
        if message == "gone" and puppet.was_told is None:
            # As Rails does when its connection breaks.
            puppet.orders = ["exit 1"]
        if message in ("locked", "busy", "stubborn", "gone", "refused"):
            self.go_on(puppet)

    def serve(self, server):
        replica = server.replica
        replica.has_served = True
        self.challenge([step for step in self.steps_alive() if step.replica is replica])
        done = [step for step in self.steps if step.is_over and step.was_told == "exit 0"
                and step.replica.release == replica.release]
        if not done:
            self.complain(f"{replica.name} serves, and no step of release {replica.release} has "
                          "ended well")
        if replica.purpose == "typed":
            self.complain(f"{replica.name} serves, and was not asked to")
        server.tell("exit 42")

    # --- the round ------------------------------------------------------------

    def play(self):
        """Plays the plan to its end; False where somebody never ends."""
        self.listening = 0
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(self.socket_path)
        self.listener.listen(64)
        self.loop.register(self.listener, selectors.EVENT_READ, self.admit)
        for index, wish in enumerate(self.plan["replicas"]):
            replica = Replica(self.plan["number"], index, wish)
            self.replicas.append(replica)
            self.when(wish["arrives"], lambda replica=replica: self.arrive(replica))
        for fault in self.plan["faults"]:
            self.when(fault["when"], lambda fault=fault: self.strike(fault))
        previous = os.getcwd()
        os.chdir(self.lane.application)
        try:
            self.play_to_the_end()
        finally:
            os.chdir(previous)
            self.clear_up()
        return self.complaints

    def play_to_the_end(self):
        end = time.monotonic() + DEADLINE_S
        everybody_due = [r for r in self.replicas if r.purpose != "wait"]
        if not self.turn_until(lambda: all(r.status is not None for r in everybody_due
                                           if r.pid is not None), end):
            return
        # Who waits for what never came, comes now.
        for replica in self.replicas:
            self.arrive(replica)
        # A preparer whose parent was killed still records how its step ended, and who comes meanwhile
        # shares that.
        if not self.turn_until(lambda: all(r.status is not None and r.is_silent
                                           for r in everybody_due), end):
            return
        # And at last one of each release that nothing happens to: all is mended by what comes next.
        self.is_closing = True
        self.note("closing")
        for release in sorted({replica.release for replica in self.replicas}):
            wish = {"release": release, "purpose": "due", "init": True}
            self.replicas.append(Replica(
                self.plan["number"], len(self.replicas), wish, is_closing=True))
        for replica in self.replicas:
            self.arrive(replica)
        self.turn_until(self.is_all_over, end)

    def is_all_over(self):
        return (all(replica.status is not None for replica in self.replicas)
                and self.listening == 0 and self.leftovers() == []
                and all(puppet.is_over for puppet in self.puppets))

    def leftovers(self):
        """Our children that are neither replicas nor our own session; dead ones are reaped."""
        own = {session.pid for session in self.lane.psql.sessions.values()}
        own.add(self.lane.server.pid())
        left = []
        for pid in children_of(os.getpid()):
            # (A server that was started again has become ours.)
            if pid in own or any(r.pid == pid and r.status is None for r in self.replicas):
                continue
            with contextlib.suppress(ChildProcessError):
                if os.waitpid(pid, os.WNOHANG) == (0, 0):
                    left.append(pid)
        return left

    def turn_until(self, condition, end):
        while not condition():
            # An orphan's end makes no noise, so it is looked for now and then.
            self.loop.after(100 if self.is_closing else 1000, lambda: None)
            if not self.loop.turn(end):
                for replica in self.replicas:
                    if replica.pid is not None and replica.status is None:
                        self.complain(f"{replica.name} never ends")
                for pid in self.leftovers():
                    self.complain(f"a process is left: {pid} {name_of(pid)}")
                return False
        return True

    def clear_up(self):
        for puppet in self.puppets:
            if not puppet.is_over:
                puppet.connection.close()
        for replica in self.replicas:
            if replica.pid is not None and replica.status is None:
                for pid in tree_of(replica.pid)[::-1]:
                    self.send(pid, signal.SIGKILL)
        for pid in self.leftovers():
            self.send(pid, signal.SIGKILL)
        for link in self.links.values():
            link.close()
        self.loop.unregister(self.listener)
        self.listener.close()
        os.unlink(self.socket_path)
        for what in self.loop.callbacks:
            if isinstance(what, int):
                os.close(what)
        self.loop.selector.close()
        for replica in self.replicas:
            if replica.pid is not None and replica.status is None:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(replica.pid, 0)
        self.leftovers()
