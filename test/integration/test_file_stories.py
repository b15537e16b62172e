"""The stories of PostgreSQL, played by the replicas of a SQLite app."""

import pytest

from file_scene import file_scene  # noqa: F401
from test_command import (  # noqa: F401
    test_a_server_that_does_not_exist,
    test_five_replicas_where_there_is_an_init,
)
from test_ledger import (  # noqa: F401
    test_a_deploy_that_was_stopped_does_not_count_as_a_death,
    test_a_failure_that_a_success_followed_needs_no_rest,
    test_a_rollback_finds_its_migrations_prepared,
    test_a_step_that_a_signal_ended_is_taken_over,
    test_steps_that_do_more_than_migrate_run_again_after_other_content,
    test_the_ledger_keeps_no_secret_of_the_output,
    test_the_runner_says_since_when_its_content_is_new,
    test_the_third_step_in_a_row_that_a_signal_ended_has_failed,
    test_what_failed_often_rests_without_the_lock_before_it_runs_again,
    test_who_rests_leaves_at_once,
    test_whoever_waited_shows_the_last_lines_of_the_step_that_failed,
)
from test_phases import (  # noqa: F401
    test_a_failed_release_fails_nobody_elses_replicas,
    test_a_typed_step_waits_for_the_replica_that_prepares_and_then_runs_again,
    test_replicas_wait_for_a_step_that_is_typed_as_the_command,
    test_two_releases_at_once_are_each_prepared_once,
)
from test_runner_dies import (  # noqa: F401
    test_a_signal_while_preparing,
    test_a_step_that_ignores_term_is_killed_after_the_grace,
    test_another_takes_over_when_the_runner_is_killed,
    test_other_signals_do_not_disturb_a_prepare,
    test_term_while_waiting,
    test_the_status_of_a_killed_preparer,
    test_who_waited_too_long_gives_up,
)
from test_single_flight import (  # noqa: F401
    test_a_new_file_is_prepared_once,
    test_a_release_is_prepared_once_whatever_its_content,
    test_a_step_that_a_signal_ended,
    test_a_step_that_does_not_exist,
    test_changed_content_of_a_file_is_prepared_once,
    test_five_replicas_and_an_empty_database,
    test_five_replicas_and_nothing_to_do,
    test_steps_from_the_environment,
    test_steps_run_in_order_and_stop_at_the_first_failure,
    test_the_failure_of_the_step_is_shared_by_all_who_waited,
    test_what_a_step_leaves_behind_is_ended_before_anybody_starts,
    test_what_is_not_part_of_an_image_does_not_count,
)

pytestmark = pytest.mark.race
