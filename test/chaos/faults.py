"""What can happen to the replicas of a round, and to their server."""

import os
import signal

from processes import tree_of

LOCK_CLASS = 0x5369676E


def app_name(database, key):
    """The APP of the design's fence."""
    value = 2166136261
    for byte in f"{database}\npublic\n{key}".encode():
        value = (value ^ byte) * 16777619 & 0xFFFFFFFF
    return f"{value:08x}"


class Faults:
    """The part of a Scene that does what the plan says; each fault says whether it hit."""

    def addressee(self, to):
        if to == "frozen":
            return next(replica for replica in self.replicas if replica.is_frozen)
        if to != "runner":
            return self.replicas[to]
        if self.steps:
            return self.steps[-1].replica
        holding = [replica for replica in self.replicas if replica.said("lock_taken")]
        return holding[-1] if holding else self.replicas[0]

    def strike(self, fault):
        if self.is_closing:
            return
        replica = self.addressee(fault.get("to", 0))
        replica.is_disturbed = True
        struck = getattr(self, "do_" + fault["do"])(fault, replica)
        self.note("FAULT", fault["do"], {k: v for k, v in fault.items() if k not in ("when", "do")},
                  "at", replica.name, "" if struck else "misses")

    def send(self, pid, number):
        if pid is None:
            return False
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return False
        return True

    def step_of(self, replica):
        alive = [step for step in self.steps if step.replica is replica and not step.is_over]
        return alive[-1].pid if alive else None

    def do_kill_main(self, _, replica):
        replica.was_killed = True
        return self.send(replica.main(), signal.SIGKILL)

    def do_kill_preparer(self, _, replica):
        replica.was_killed = replica.has_lost_preparer = True
        return self.send(replica.preparer(), signal.SIGKILL)

    def do_kill_step(self, _, replica):
        pid = self.step_of(replica)
        for step in self.steps:
            if step.pid == pid and not step.is_over:
                step.was_killed = True
        return self.send(pid, signal.SIGKILL)

    def do_signal(self, fault, replica):
        replica.was_signalled.add(fault["signal"])
        return self.send(replica.main(), fault["signal"])

    def do_stop(self, fault, replica):
        pid = {"main": replica.main, "preparer": replica.preparer,
               "step": lambda: self.step_of(replica)}[fault["what"]]()
        if not self.send(pid, signal.SIGSTOP):
            return False
        self.loop.after(fault["for_ms"], lambda: self.send(pid, signal.SIGCONT))
        return True

    def end_backends(self, condition):
        self.lock_faults.add("backend")
        rows = self.lane.psql.query(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {condition}")
        return rows != []

    def holders(self):
        return ("SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 AND granted "
                f"AND classid::bigint = {LOCK_CLASS} AND objid::bigint = {self.key}")

    def do_end_holder(self, _, replica):
        return self.end_backends(f"pid IN ({self.holders()})")

    def do_end_reader(self, _, replica):
        return self.end_backends(
            f"application_name = 'signalbox/{replica.name}' AND datname = '{self.database}' AND "
            f"pid NOT IN ({self.holders()})")

    def do_end_step(self, _, replica):
        return self.end_backends(
            f"application_name LIKE 'signalbox-step/{app_name(self.database, self.key)}/%'")

    def do_restart(self, fault, _):
        self.lock_faults.add("restart")
        self.lane.psql.close_all()
        self.lane.server.stop(fault["mode"])
        self.lane.server.start()
        return True

    def do_cut(self, _, replica):
        self.lock_faults.add("cut")
        self.links[replica.index].cut()
        return True

    def do_freeze(self, _, replica):
        self.lock_faults.add("freeze")
        replica.is_frozen = True
        for pid in tree_of(replica.main()):
            self.send(pid, signal.SIGSTOP)
        return True

    def do_thaw(self, _, replica):
        for pid in tree_of(replica.main()):
            self.send(pid, signal.SIGCONT)
        return True
