"""What the ledger remembers, and what that means for the next replica."""

import pytest

from flights import assert_all_serve, assert_never_started, begun, prepared_once

FAILING = ("--step", "sh -c 'echo the last words; exit 7'")


# --- a failure ----------------------------------------------------------------


def test_whoever_waited_shows_the_last_lines_of_the_step_that_failed(scene):
    scene.create_database()
    runner = begun(scene)
    waiter = scene.start_one(prefix="waiter-")
    waiter.wait_for("waiting", holder=runner.name)
    scene.tell_step("exit 3")
    assert runner.exit_status() == 3 and waiter.exit_status() == 3
    shown = [event["message"] for event in waiter.said("step_output")]
    assert sorted(shown) == ["| the complaint of the step", "| the output of the step"]
    # Our own has passed by already.
    assert runner.said("step_output") == []
    assert sorted(scene.last_output().splitlines()) == [
        "the complaint of the step", "the output of the step"]


def test_the_ledger_keeps_no_secret_of_the_output(scene):
    scene.create_database()
    replica = scene.start_one(
        "--step", "sh -c 'echo API_TOKEN=hushhush; echo postgres://a:hushhush@b/c; exit 7'")
    assert replica.exit_status() == 7
    assert scene.last_output() == "API_TOKEN=***\npostgres://a:***@b/c"
    assert "hushhush" not in scene.whole_ledger()


def test_the_ledger_keeps_no_value_of_the_environment_that_is_a_secret(scene):
    scene.create_database()
    script = "; ".join([
        "echo the key is $SECRET_KEY_BASE",
        "echo mail: ${SMTP_PASSWORD}x >&2",
        "echo $REDIS_URL said c4che-pw",
        "echo $OF_THE_STEP_TOKEN",
        # Across what is kept of a line, and across what is read of one at once.
        "printf '%0195d%s\\n' 0 $SECRET_KEY_BASE",
        "printf '%04090d%s\\n' 0 $SECRET_KEY_BASE",
        "exit 7"])
    replica = scene.start_one(
        "--step", f'OF_THE_STEP_TOKEN=step-t0ken sh -c "{script}"'.replace("$", "\\$"),
        environment={"SECRET_KEY_BASE": "0a1b2c3d4e5f6a7b8c9d", "SMTP_PASSWORD": "mail-Pa55",
                     "REDIS_URL": "redis://:c4che-pw@cache/0"})
    assert replica.exit_status() == 7
    kept = scene.last_output().splitlines()
    assert sorted(kept) == sorted([
        "the key is ***", "mail: ***x", "redis://:***@cache/0 said ***", "***",
        "0" * 195 + "***", "0" * 200])
    # What the container itself prints is the step's own.
    printed = "\n".join(replica.stdout + replica.stderr)
    for secret in ("0a1b2c3d4e5f6a7b8c9d", "mail-Pa55", "c4che-pw", "step-t0ken"):
        assert secret in printed
        assert secret not in scene.whole_ledger()


def test_output_that_the_database_cannot_hold_costs_only_itself(scene):
    scene.server.query(f"ALTER ROLE {scene.role} NOCREATEDB")
    scene.server.query(
        f"CREATE DATABASE {scene.database} OWNER {scene.role} ENCODING 'LATIN1'"
        " TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'")
    replica = scene.start_one("--step", r"sh -c 'printf \\342\\202\\254\\n; exit 7'")
    assert replica.exit_status() == 7
    assert scene.ledger_states() == ["failed"]
    assert scene.last_output() == ""


def test_what_failed_often_rests_without_the_lock_before_it_runs_again(scene):
    scene.create_database()
    scene.tell_step("exit 3")
    assert scene.start_one(prefix="first-").exit_status() == 3
    scene.repeat_last_run(9)
    resting = scene.start_one(prefix="resting-")
    message = resting.wait_for("waiting")["message"]
    assert "failed 10 times in a row" in message and "on first-1" in message
    scene.assert_lock_is_free()
    assert_never_started(resting)

    # Who types the step wants it now; whoever rests meanwhile shares what comes of it.
    scene.tell_step("go")
    typed = scene.start_one(command=("./bin/rails", "db:prepare"), prefix="typed-")
    assert typed.exit_status() == 0
    assert_all_serve([resting])
    assert resting.said("step_started") == []


def test_who_rests_leaves_at_once(scene):
    scene.create_database()
    assert scene.start_one(*FAILING).exit_status() == 7
    scene.repeat_last_run(9)
    resting = scene.start_one(*FAILING, prefix="resting-")
    resting.wait_for("waiting")
    resting.signal(15)
    assert resting.exit_status() == 143
    assert len(scene.ledger()) == 10


def test_a_failure_that_a_success_followed_needs_no_rest(scene):
    scene.create_database()
    scene.tell_step("exit 3")
    assert scene.start_one(prefix="failing-").exit_status() == 3
    scene.repeat_last_run(9)
    typed = ("./bin/rails", "db:prepare")
    scene.tell_step("go")
    assert scene.start_one(command=typed, prefix="typed-").exit_status() == 0
    scene.tell_step("exit 4")
    assert scene.start_one(command=typed, prefix="again-").exit_status() == 4
    runner = begun(scene, prefix="last-")
    assert runner.said("waiting") == []


# --- a step that a signal ended -------------------------------------------------


def test_a_step_that_a_signal_ended_is_taken_over(scene):
    scene.create_database()
    runner = begun(scene)
    waiter = scene.start_one(prefix="waiter-")
    waiter.wait_for("waiting", holder=runner.name)
    scene.tell_step("kill KILL")
    assert runner.exit_status() == 137
    assert_never_started(runner)
    waiter.wait_for("step_started")
    scene.tell_step("go")
    assert_all_serve([waiter])
    first, second = scene.ledger()
    assert (first["state"], first["exit_status"]) == ("interrupted", "137")
    assert (second["state"], second["host"]) == ("succeeded", waiter.name)


def test_the_third_step_in_a_row_that_a_signal_ended_has_failed(scene):
    scene.create_database()
    for number in ("one-", "two-", "three-"):
        scene.tell_step("kill KILL")
        assert scene.start_one(prefix=number).exit_status() == 137
    assert scene.ledger_states() == ["interrupted", "interrupted", "failed"]


def test_a_deploy_that_was_stopped_does_not_count_as_a_death(scene):
    scene.create_database()
    for number in ("one-", "two-"):
        runner = begun(scene, prefix=number)
        runner.signal(15)
        assert runner.exit_status() == 143
    scene.tell_step("kill KILL")
    assert scene.start_one(prefix="three-").exit_status() == 137
    assert scene.ledger_states() == ["interrupted"] * 3
    assert [row["exit_status"] for row in scene.ledger()] == ["", "", "137"]


# --- other content --------------------------------------------------------------


def test_a_rollback_finds_its_migrations_prepared(scene):
    scene.create_database()
    for release in "AB":
        scene.tell_step()
        replica = scene.start_one("--release", release, prefix=f"{release.lower()}-")
        replica.wait_for_stdout("serving")
    back = scene.start_one("--release", "A", prefix="back-")
    assert_all_serve([back])
    assert back.said("already_prepared", holder="a-1")
    assert scene.step_runs() == ["a-1", "b-1"]


def test_steps_that_do_more_than_migrate_run_again_after_other_content(scene):
    scene.create_database()
    steps = ("--step", "./bin/rails db:prepare", "--step", "sh -c true")
    for number, release in enumerate("ABA"):
        scene.tell_step()
        replica = scene.start_one(*steps, "--release", release, prefix=f"deploy-{number}-")
        replica.wait_for_stdout("serving")
    assert len(scene.step_runs()) == 3
    assert "run 2 has prepared other content since run 1" in \
        replica.said("lock_taken")[0]["message"]
    again = scene.start_one(*steps, "--release", "A", prefix="restart-")
    assert_all_serve([again])
    assert again.said("step_started") == []


def test_the_runner_says_since_when_its_content_is_new(scene):
    prepared_once(scene)
    (scene.directory / "config.ru").write_text("# new\n")
    runner = begun(scene)
    assert "since run 1" in runner.said("lock_taken")[0]["message"]


# --- the table ------------------------------------------------------------------


def test_a_ledger_that_an_older_version_made_is_read_and_then_completed(scene):
    prepared_once(scene)
    scene.query("ALTER TABLE signalbox_runs DROP output, DROP databases, DROP initialises,"
                " DROP elsewhere, DROP tries, DROP waiters")
    replica = scene.start_one(prefix="restart-")
    assert_all_serve([replica])
    assert replica.said("already_prepared", holder="first-1")
    (scene.directory / "config.ru").write_text("# new\n")
    scene.tell_step("exit 3")
    assert scene.start_one(prefix="new-").exit_status() == 3
    assert "the output of the step" in scene.last_output()


def test_a_ledger_that_a_backup_reads_is_not_waited_for(scene):
    prepared_once(scene)
    scene.query("ALTER TABLE signalbox_runs DROP output")
    (scene.directory / "config.ru").write_text("# new\n")
    scene.tell_step()
    with scene.held("LOCK TABLE signalbox_runs IN ACCESS SHARE MODE"):
        replica = scene.start_one(prefix="new-")
        assert_all_serve([replica])
    assert replica.said("ledger_unavailable")


# Whoever writes to a row that has this trigger waits until the test lets go of the lock.
HOLD = """
        CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS
          $$BEGIN PERFORM pg_advisory_xact_lock_shared(42); RETURN NEW; END$$;
"""


def wait_until_held_up(scene, count):
    scene.server.wait_until(
        f"SELECT count(*) = {count} FROM pg_stat_activity WHERE query LIKE 'UPDATE%signalbox_runs%'"
        " AND wait_event_type = 'Lock'")


def test_a_record_whose_answer_came_too_late_is_the_runners_own(scene):
    scene.create_database()
    runner = begun(scene)
    scene.query(HOLD + """
        CREATE TRIGGER hold BEFORE UPDATE ON signalbox_runs FOR EACH ROW EXECUTE FUNCTION hold()""")
    with scene.held("SELECT pg_advisory_xact_lock(42)"):
        scene.tell_step()
        # The first attempt has been given up and goes on in the server; the second waits for its row.
        wait_until_held_up(scene, 2)
    assert_all_serve([runner])
    assert scene.ledger_states() == ["succeeded"]


def test_a_record_that_met_another_change_of_its_row_is_written_again(scene):
    scene.create_database()
    scene.query(
        f"ALTER ROLE {scene.role} SET default_transaction_isolation = 'repeatable read'")
    runner = begun(scene)
    with scene.server.session(scene.database) as somebody:
        somebody.run("BEGIN")
        somebody.run("UPDATE signalbox_runs SET waiters = 1")
        scene.tell_step()
        wait_until_held_up(scene, 1)
        somebody.run("COMMIT")
    assert_all_serve([runner])
    assert scene.ledger_states() == ["succeeded"]


def test_a_run_that_is_entered_late_has_one_row(scene):
    (scene.directory / "db" / "structure.sql").write_text("CREATE TABLE signalbox_runs (id bigint);\n")
    scene.create_database()
    runner = begun(scene)
    # As soon as the table is there, its first row is held.
    scene.query(HOLD + """
        CREATE FUNCTION put() RETURNS event_trigger LANGUAGE plpgsql AS
          $$BEGIN CREATE TRIGGER hold BEFORE UPDATE ON signalbox_runs FOR EACH ROW
            EXECUTE FUNCTION hold(); END$$;
        CREATE EVENT TRIGGER put ON ddl_command_end WHEN TAG IN ('CREATE TABLE')
          EXECUTE FUNCTION put()""")
    with scene.held("SELECT pg_advisory_xact_lock(42)"):
        scene.tell_step()
        wait_until_held_up(scene, 2)
    assert runner.wait_for("prepared")["run"] == 1
    assert scene.ledger_states() == ["succeeded"]


def test_a_large_ledger_is_read_and_pruned(scene):
    prepared_once(scene)
    scene.query(
        "INSERT INTO signalbox_runs (run, lock_key, fingerprint, state, host)"
        " SELECT 'r', 0, 'f' || number, 'succeeded', 'h' FROM generate_series(1, 100000) AS number;"
        " INSERT INTO signalbox_runs (run, lock_key, fingerprint, state, host)"
        " SELECT 'r', 0, 'failing', 'failed', 'h' FROM generate_series(1, 300);"
        " INSERT INTO signalbox_runs (run, lock_key, fingerprint, state, host)"
        " SELECT 'r', 1, 'g' || number, 'succeeded', 'h' FROM generate_series(1, 2000) AS number;")
    restart = scene.start_one(prefix="restart-")
    assert_all_serve([restart])
    assert restart.said("already_prepared", holder="first-1")

    (scene.directory / "config.ru").write_text("# new\n")
    scene.tell_step()
    replica = scene.start_one(prefix="new-")
    assert_all_serve([replica])
    counts = scene.query(
        "SELECT lock_key, state, count(*) FROM signalbox_runs GROUP BY 1, 2 ORDER BY 1, 2")
    assert counts == [("0", "failed", "100"), ("0", "succeeded", "1000"),
                      ("1", "succeeded", "2000")]
    assert scene.ledger()[-1]["state"] == "succeeded"


def test_without_the_right_to_make_a_table_every_replica_runs_in_its_turn(scene):
    scene.server.query(f"ALTER ROLE {scene.role} NOCREATEDB")
    scene.server.create_database(scene.database)
    replicas = scene.start(2, "--step", "echo the step ran")
    assert_all_serve(replicas)
    for replica in replicas:
        assert replica.stdout.count("the step ran") == 1
        message = replica.said("ledger_unavailable")[0]["message"]
        assert f'GRANT USAGE, CREATE ON SCHEMA "public" TO "{scene.role}"' in message
    scene.assert_lock_is_free()


def test_a_ledger_that_may_not_be_read_is_said_with_the_grant_that_helps(scene):
    prepared_once(scene)
    scene.query("ALTER TABLE signalbox_runs OWNER TO postgres")
    scene.tell_step()
    replica = scene.start_one()
    assert_all_serve([replica])
    message = replica.said("ledger_unavailable")[0]["message"]
    assert 'ON "public".signalbox_runs TO' in message and "GRANT SELECT, INSERT" in message


def test_the_schema_of_the_ledger_is_said_when_it_is_made(scene):
    scene.create_database()
    scene.query(f"CREATE SCHEMA depot AUTHORIZATION {scene.role}")
    url = scene.url() + "&schema_search_path=depot"
    replica = scene.start_one("--step", "echo done", environment={"DATABASE_URL": url})
    assert_all_serve([replica])
    assert '"depot".signalbox_runs' in replica.said("ledger_made")[0]["message"]
    assert scene.query("SELECT state FROM depot.signalbox_runs") == [("succeeded",)]


def test_a_search_path_without_any_schema_costs_the_ledger_and_not_the_start(scene):
    scene.create_database()
    url = scene.url() + "&schema_search_path=depot"
    replicas = scene.start(2, "--step", "echo the step ran", environment={"DATABASE_URL": url})
    assert_all_serve(replicas)
    for replica in replicas:
        assert replica.stdout.count("the step ran") == 1
        assert replica.said("database_unreachable") == []
        message = replica.said("ledger_unavailable")[0]["message"]
        assert "CREATE SCHEMA" in message and "depot" in message and "GRANT" not in message
    asked = scene.start_one("--status", environment={"DATABASE_URL": url}, command=())
    assert asked.exit_status() == 1
    assert "without a ledger" in "".join(asked.stdout)


def test_a_ledger_is_found_behind_a_schema_that_its_first_run_made(scene):
    scene.create_database()
    plain = scene.url()
    step = f"psql -X -q -d '{plain}' -c 'CREATE SCHEMA IF NOT EXISTS depot; SELECT 1'"
    environment = {"DATABASE_URL": plain + "&schema_search_path=depot,public"}
    first = scene.start_one("--step", step, environment=environment, prefix="first-")
    assert_all_serve([first])
    again = scene.start_one("--step", step, environment=environment, prefix="again-")
    assert_all_serve([again])
    assert again.said("already_prepared", holder="first-1")
    waiting = scene.start_one(
        "--step", step, "--prepare=wait", environment=environment, prefix="wait-",
        command=("./bin/jobs",))
    waiting.wait_for("already_prepared", holder="first-1")
    assert scene.query("SELECT state FROM public.signalbox_runs") == [("succeeded",)]
    assert scene.query("SELECT to_regclass('depot.signalbox_runs') IS NULL") == [("t",)]


def test_a_ledger_of_another_form_is_said_without_a_grant(scene):
    prepared_once(scene)
    scene.query("ALTER TABLE signalbox_runs RENAME state TO condition")
    scene.tell_step()
    replica = scene.start_one()
    assert_all_serve([replica])
    message = replica.said("ledger_unavailable")[0]["message"]
    assert "DROP it" in message and "GRANT" not in message


def test_a_run_that_began_on_a_new_database_and_died_leaves_a_warning_about_seeds(scene):
    runner = begun(scene)
    # The step has already made Rails' table: only the row knows that it began on a new database.
    runner.signal(15)
    assert runner.exit_status() == 143
    scene.tell_step()
    successor = scene.start_one(prefix="successor-")
    assert_all_serve([successor])
    assert "bin/rails db:seed" in successor.said("seeds_in_doubt")[0]["message"]

    (scene.directory / "config.ru").write_text("# new\n")
    scene.tell_step()
    later = scene.start_one(prefix="later-")
    assert_all_serve([later])
    assert later.said("seeds_in_doubt") == []


@pytest.mark.soak
def test_under_kamal_the_runner_says_in_time_that_the_deploy_will_not_wait(scene):
    scene.create_database()
    runner = begun(scene, environment={"KAMAL_VERSION": "abc123"})
    assert "deploy_timeout" in runner.wait_for("deploy_timeout")["message"]
    scene.tell_step()
    assert_all_serve([runner])
