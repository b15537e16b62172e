/*
 * --on-finish: what the hook is told, how long it may take, and that this is kept.
 */
#include "unit.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "signalbox/base/deadline.h"
#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"
#include "signalbox/command/step.h"
#include "signalbox/prepare/hook.h"
#include "signalbox/report/report.h"

static void its_time_is_its_own_or_a_part_of_what_is_left(void **state) {
    (void)state;
    static const struct {
        int64_t timeout_ms;
        int64_t stop_at_ms;
        bool is_run;
        int64_t end_at_ms;
        int64_t kill_at_ms;
    } rows[] = {
        {30000, DEADLINE_NEVER, true, 31000, DEADLINE_NEVER},
        /* The container stops, and five seconds, one, a moment, nothing is left. */
        {30000, 6000, true, 4750, 6000},
        {30000, 2000, true, 1750, 2000},
        {30000, 1001, true, 1000, 1001},
        {30000, 1000, false, 0, 0},
        {30000, 900, false, 0, 0},
        /* An hour of grace does not make it longer. */
        {30000, 3601000, true, 31000, 3601000},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct hook_limits limits;
        bool is_run = hook_limits(1000, rows[i].timeout_ms, rows[i].stop_at_ms, &limits);
        assert_int_equal(is_run, rows[i].is_run);
        if (is_run) {
            assert_int_equal(limits.end_at_ms, rows[i].end_at_ms);
            assert_int_equal(limits.kill_at_ms, rows[i].kill_at_ms);
        }
    }
}

static void it_is_told_all_of_it(void **state) {
    (void)state;
    static const struct {
        struct hook_outcome outcome;
        const char *release;
        const char *source;
        const char *told;
    } rows[] = {
        {{.state = RUN_SUCCEEDED,
             .run_id = 7,
             .elapsed_ms = 1234,
             .last_lines = "one\ntwo",
             .fingerprint = "6f1d"},
            "v42", "KAMAL_VERSION",
            "OUTCOME=succeeded RUN=7 ELAPSED_MS=1234 EXIT_STATUS=0 STEP= LAST_LINES=one\ntwo "
            "FINGERPRINT=6f1d RELEASE=v42 RELEASE_SOURCE=KAMAL_VERSION ON_FINISH= "},
        {{.state = RUN_FAILED, .exit_status = 3, .step = "./bin/rails db:prepare"}, NULL, NULL,
            "OUTCOME=failed RUN= ELAPSED_MS=0 EXIT_STATUS=3 STEP=./bin/rails db:prepare "
            "LAST_LINES= "
            "FINGERPRINT= RELEASE= RELEASE_SOURCE= ON_FINISH= "},
        {{.state = RUN_INTERRUPTED, .exit_status = 143, .run_id = 1}, NULL, NULL,
            "OUTCOME=interrupted RUN=1 ELAPSED_MS=0 EXIT_STATUS=143 STEP= LAST_LINES= FINGERPRINT= "
            "RELEASE= RELEASE_SOURCE= ON_FINISH= "},
        {{.state = RUN_SUCCEEDED, .went_elsewhere = true, .run_id = 1}, NULL, NULL,
            "OUTCOME=elsewhere RUN=1 ELAPSED_MS=0 EXIT_STATUS=0 STEP= LAST_LINES= FINGERPRINT= "
            "RELEASE= RELEASE_SOURCE= ON_FINISH= "},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        const struct prepare_request prepare = {.release_label = rows[i].release};
        const struct hook_request request = {
            .prepare = &prepare, .outcome = &rows[i].outcome, .release_source = rows[i].source};
        AUTO_STRING_LIST struct string_list told = {.items = NULL};
        AUTO_TEXT struct text line = {.data = NULL};
        hook_append_variables(&request, &told);
        for (size_t k = 0; k < told.count; k++) {
            assert_memory_equal(told.items[k], "SIGNALBOX_", 10);
            if (strncmp(told.items[k], "SIGNALBOX_HOST=", 15) != 0) {
                text_append_format(&line, "%s ", told.items[k] + 10);
            }
        }
        assert_string_equal(text_string(&line), rows[i].told);
    }
}

static void a_signalbox_that_it_runs_knows_what_is_no_option(void **state) {
    (void)state;
    assert_true(hook_is_variable("SIGNALBOX_LAST_LINES"));
    assert_false(hook_is_variable("SIGNALBOX_STEPS"));
    assert_false(hook_is_variable("SIGNALBOX_RELEASE"));
    assert_true(
        hook_only_tells_release((char *const[]){"SIGNALBOX_RELEASE_SOURCE=KAMAL_VERSION", NULL}));
    assert_true(
        hook_only_tells_release((char *const[]){"SIGNALBOX_RELEASE_SOURCE=--release", NULL}));
    assert_false(hook_only_tells_release(
        (char *const[]){"A=1", "SIGNALBOX_RELEASE_SOURCE=SIGNALBOX_RELEASE", NULL}));
    assert_false(hook_only_tells_release((char *const[]){NULL}));
}

/* In a child, since it is made for one of its own, with signals blocked. What it logs comes back.
 */
static void run(const char *words, int64_t timeout_ms, struct text *said) {
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t child = fork();
    if (child == 0) {
        struct signal_inheritance inheritance;
        struct recognition command = {.rule = ""};
        struct step_list hook = {.items = NULL};
        const struct hook_outcome outcome = {.state = RUN_SUCCEEDED};
        struct error error;
        signals_take_over(&inheritance);
        (void)dup2(ends[1], STDERR_FILENO);
        report_configure(REPORT_TEXT, REPORT_INFO, NULL);
        struct prepare_request prepare = {
            .command = &command, .inheritance = &inheritance, .grace_ms = 50};
        struct hook_request request = {.prepare = &prepare,
            .words = &hook,
            .outcome = &outcome,
            .timeout_ms = timeout_ms,
            .stop_at_ms = DEADLINE_NEVER};
        _exit(step_list_append(&hook, words, &error) == 0 ? hook_run(&request) : 99);
    }
    (void)close(ends[1]);
    char buffer[512];
    ssize_t length;
    while ((length = read(ends[0], buffer, sizeof buffer)) > 0) {
        text_append(said, buffer, (size_t)length);
    }
    (void)close(ends[0]);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void one_that_hangs_is_ended_with_all_that_it_has_started(void **state) {
    (void)state;
    static const char *const rows[] = {
        "sleep infinity",
        /* Deaf, and with a child that has left its session: the output ends with the last of them.
         */
        "sh -c \"trap '' TERM; setsid sleep infinity & exec sleep infinity\"",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        AUTO_TEXT struct text said = {.data = NULL};
        run(rows[i], 100, &said);
        assert_non_null(strstr(text_string(&said), "running --on-finish: s"));
        assert_non_null(strstr(text_string(&said), "warning: --on-finish was not done after "));
    }
}

static void its_output_is_handed_on_and_its_end_is_said(void **state) {
    (void)state;
    AUTO_TEXT struct text said = {.data = NULL};
    run("sh -c 'echo it went $SIGNALBOX_OUTCOME >&2'", 60000, &said);
    assert_non_null(strstr(text_string(&said), "it went succeeded\n"));
    assert_non_null(strstr(text_string(&said), "--on-finish ended after"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_time_is_its_own_or_a_part_of_what_is_left),
        cmocka_unit_test(it_is_told_all_of_it),
        cmocka_unit_test(a_signalbox_that_it_runs_knows_what_is_no_option),
        cmocka_unit_test(one_that_hangs_is_ended_with_all_that_it_has_started),
        cmocka_unit_test(its_output_is_handed_on_and_its_end_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
