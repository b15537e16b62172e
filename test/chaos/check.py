"""What must be true of every round, asked of the ledger, the server, and what the driver saw."""

from faults import LOCK_CLASS, app_name
from scene import STEP_CLASS

COLUMNS = ("id", "run", "fingerprint", "release", "state", "host", "exit_status")


def read_ledger(scene):
    rows = scene.lane.psql.query(
        f"SELECT {', '.join(COLUMNS)} FROM signalbox_runs WHERE lock_key = {scene.key} ORDER BY id",
        scene.database)
    return [dict(zip(COLUMNS, row)) for row in rows]


def check(scene):
    """Complains to the scene; returns the ledger's rows."""
    ledger = read_ledger(scene)
    for row in ledger:
        scene.note("ledger:", *(f"{name}={value[:16]}" for name, value in row.items()))
    if any("never ends" in complaint for complaint in scene.complaints):
        return ledger
    check_statuses(scene, ledger)
    check_rows(scene, ledger)
    check_sharing(scene, ledger)
    check_nothing_is_left(scene)
    return ledger


def steps_of(scene, row):
    return [step for step in scene.steps if step.run == row["run"]]


def check_statuses(scene, ledger):
    """Every exit status has a reason, and the reason is one that happened."""
    for replica in scene.replicas:
        allowed = set()
        own_steps = [step for step in scene.steps if step.replica is replica]
        if replica.has_served:
            allowed.add(42)
        if replica.purpose == "typed" and own_steps and own_steps[-1].was_told == "exit 0":
            allowed.add(0)
        for step in own_steps:
            word, _, number = (step.was_told or "").partition(" ")
            if word == "exit" and number != "0":
                allowed.add(int(number))
            if word == "die":
                allowed.add(128 + int(number))
            if getattr(step, "was_killed", False):
                allowed.add(137)
        shared = shared_run(replica, own_steps)
        if shared is not None:
            row = next((row for row in ledger if row["id"] == str(shared["run"])), None)
            if row is None or row["state"] != "failed":
                scene.complain(f"{replica.name} shares run {shared['run']}, which has not failed")
            elif row["release"] != replica.release:
                scene.complain(f"{replica.name} shares the failure of another release")
            else:
                allowed.add(int(row["exit_status"]))
        allowed |= {128 + number for number in replica.was_signalled}
        if replica.was_killed:
            allowed.add(137)
        if scene.lock_faults and not replica.is_closing:
            allowed.add(75)
        if replica.status not in allowed:
            scene.complain(f"{replica.name} ended with {replica.status}, for which there is no "
                           f"reason (there is for {sorted(allowed)})")
        if replica.status == 42 and not replica.has_served:
            scene.complain(f"{replica.name} ended as a server that it never was")
        if replica.is_closing and not replica.has_served:
            scene.complain(f"{replica.name} does not serve")


def shared_run(replica, own_steps):
    """The event by which a replica says that it shares another one's failure."""
    failures = [event for event in replica.said("prepare_failed") if "run" in event]
    own = any(event["event"] == "lock_taken" and event.get("run") == failures[-1]["run"]
              for event in replica.events) if failures else False
    return failures[-1] if failures and not own else None


def check_rows(scene, ledger):
    succeeded = {}
    typed = {replica.name for replica in scene.replicas if replica.purpose == "typed"}
    for row in ledger:
        told = [step.was_told for step in steps_of(scene, row)]
        if row["state"] == "running":
            scene.complain(f"run {row['id']} is still said to run")
        if row["state"] == "succeeded" and told != ["exit 0"]:
            scene.complain(f"run {row['id']} is said to have succeeded; its steps: {told}")
        if row["state"] == "failed" and told in ([], ["exit 0"]) and not any(
                getattr(step, "was_killed", False) for step in steps_of(scene, row)):
            scene.complain(f"run {row['id']} is said to have failed; its steps: {told}")
        if len({step.replica for step in steps_of(scene, row)}) > 1:
            scene.complain(f"run {row['id']} has steps of two replicas")
        earlier = succeeded.get(row["fingerprint"])
        # (One whose lock was taken away may record its success behind the next one's last look.)
        if earlier is not None and row["host"] not in typed and not scene.lock_faults:
            scene.complain(f"run {row['id']} prepares again what run {earlier} had prepared")
        # What was typed and did not end well leaves a schema that nobody knows.
        succeeded[row["fingerprint"]] = row["id"] if row["state"] == "succeeded" else None


def check_sharing(scene, ledger):
    """A failure is shared with exactly those that waited for it."""
    for row in ledger:
        steps = steps_of(scene, row)
        if row["state"] != "failed" or not steps:
            continue
        runner = steps[0].replica
        told = [event["order"] for event in runner.events
                if event["event"] in ("step_failed", "prepare_failed")]
        newer = [other for other in ledger if int(other["id"]) > int(row["id"])
                 and other["fingerprint"] == row["fingerprint"]]
        for replica in scene.replicas:
            if replica is runner or replica.release != runner.release:
                continue
            shared = [event for event in replica.said("prepare_failed")
                      if event.get("run") == int(row["id"])]
            if shared and told and replica.began_at > max(told) and runner.status is not None:
                scene.complain(f"{replica.name} shares run {row['id']}, which had failed before it "
                               "came")
            waited = [event for event in replica.said("waiting") if steps[-1].order < event["order"]
                      and told and event["order"] < min(told)]
            # Another that came later may have begun again meanwhile; but not this one.
            if (waited and not shared and (not newer or newer[0]["host"] == replica.name)
                    and not replica.is_disturbed
                    and not scene.lock_faults and replica.purpose != "typed"):
                scene.complain(f"{replica.name} waited for run {row['id']}, and does not share its "
                               "failure")


def check_nothing_is_left(scene):
    query = scene.lane.psql.query
    # A server that ends a client's session in order takes its time; this waits for it.
    for number in (LOCK_CLASS, STEP_CLASS):
        if query(f"BEGIN; SET LOCAL lock_timeout = '60s'; SELECT 'free' FROM "
                 f"pg_advisory_xact_lock({number}, {scene.key}); COMMIT",
                 scene.database) != [("free",)]:
            scene.complain(f"the lock of class {number} is not free")
    named = f"application_name LIKE 'signalbox-step/{app_name(scene.database, scene.key)}/%'"
    if query(f"SELECT pid FROM pg_stat_activity WHERE {named} AND state <> 'idle'"):
        scene.complain("a statement of a step is left in the server")
    if scene.is_missing:
        scene.lane.psql.close(scene.database)
        query(f'DROP DATABASE "{scene.database}" WITH (FORCE)')
    else:
        query(f"DELETE FROM signalbox_runs WHERE lock_key = {scene.key}")
