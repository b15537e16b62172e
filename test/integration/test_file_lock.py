"""The stories of many replicas on a SQLite app, whose lock and ledger are files beside its database."""

import os
import pathlib
import signal
import sqlite3

import pytest

import test_single_flight as stories
from conftest import SERVE
from file_scene import FileScene, read_ledger
from replica import first_with

# The same stories, on the `scene` of this file.
from test_single_flight import (  # noqa: F401 (pytest collects them here too)
    test_a_new_file_is_prepared_once,
    test_a_release_is_prepared_once_whatever_its_content,
    test_a_server_that_does_not_exist,
    test_a_signal_while_preparing,
    test_a_step_that_a_signal_ended,
    test_a_step_that_does_not_exist,
    test_a_step_that_ignores_term_is_killed_after_the_grace,
    test_another_takes_over_when_the_runner_is_killed,
    test_changed_content_of_a_file_is_prepared_once,
    test_five_replicas_and_an_empty_database,
    test_five_replicas_and_nothing_to_do,
    test_five_replicas_where_there_is_an_init,
    test_other_signals_do_not_disturb_a_prepare,
    test_steps_from_the_environment,
    test_steps_run_in_order_and_stop_at_the_first_failure,
    test_term_while_waiting,
    test_the_failure_of_the_step_is_shared_by_all_who_waited,
    test_the_status_of_a_killed_preparer,
    test_what_a_step_leaves_behind_is_ended_before_anybody_starts,
    test_what_is_not_part_of_an_image_does_not_count,
    test_who_waited_too_long_gives_up,
)
from test_single_flight import assert_all_serve, assert_never_started, begun, prepared_once


@pytest.fixture
def scene(binary, tmp_path):
    scene = FileScene(None, binary, tmp_path)
    try:
        yield scene
    finally:
        scene.close()
