/*
 * What stands on standard error: one line an event, JSON that stays JSON whatever is in it, and
 * never a wait for a reader who does not read.
 */
#include "unit.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "signalbox/report/report.h"

/* What standard error got while `say` ran. */
static size_t capture(void (*say)(void), char *captured, size_t capacity) {
    int ends[2];
    int saved = dup(STDERR_FILENO);
    assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    say();
    assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
    ssize_t length = read(ends[0], captured, capacity - 1);
    (void)close(saved);
    (void)close(ends[0]);
    (void)close(ends[1]);
    captured[length < 0 ? 0 : length] = '\0';
    return length < 0 ? 0 : (size_t)length;
}

static void say_ugly(void) {
    struct event_fields fields = {
        .step = "sh -c \"x\"", .run = 7, .elapsed_ms = 12, .has_exit_status = true};
    report(EVENT_STEP_FAILED, &fields, "first\nsecond \x1b[31m \"quoted\"");
}

static void text_is_one_line_without_control_characters(void **state) {
    (void)state;
    char line[4096];
    report_configure(REPORT_TEXT, REPORT_INFO, NULL);
    (void)capture(say_ugly, line, sizeof line);
    assert_string_equal(line, "signalbox: error: first second  [31m \"quoted\"\n");
}

static void json_carries_the_fields(void **state) {
    (void)state;
    char line[4096];
    report_configure(REPORT_JSON, REPORT_INFO, "v1");
    report_set_fingerprint("abc");
    size_t length = capture(say_ugly, line, sizeof line);
    assert_true(length > 0 && line[length - 1] == '\n');
    assert_ptr_equal(strchr(line, '\n'), line + length - 1);
    assert_non_null(strstr(line, "{\"event\":\"step_failed\",\"level\":\"error\",\"at\":\"20"));
    assert_non_null(strstr(line, "\"release\":\"v1\",\"fingerprint\":\"abc\""));
    assert_non_null(strstr(line,
        "\"step\":\"sh -c \\\"x\\\"\",\"run\":7,\"elapsed_ms\":12,"
        "\"exit_status\":0,\"message\":\"first second"));
    assert_non_null(strstr(line, "\\\"quoted\\\"\"}\n"));
}

static void say_too_much(void) {
    char message[3000];
    memset(message, '"', sizeof message - 1);
    message[sizeof message - 1] = '\0';
    struct event_fields fields = {.step = message, .holder = message};
    report(EVENT_WAITING, &fields, "%s", message);
}

static void a_long_event_is_still_one_whole_object(void **state) {
    (void)state;
    char line[8192];
    report_configure(REPORT_JSON, REPORT_INFO, NULL);
    size_t length = capture(say_too_much, line, sizeof line);
    assert_in_range(length, 1, PIPE_BUF);
    assert_string_equal(line + length - 2, "}\n");
}

static void say_into_a_full_pipe(void) {
    char filler[4096];
    memset(filler, 'x', sizeof filler);
    while (write(STDERR_FILENO, filler, sizeof filler) > 0) {
    }
    report(EVENT_WAITING, NULL, "nobody can read this");
}

static void say_hello(void) {
    report(EVENT_WAITING, NULL, "hello");
}

static void a_full_pipe_drops_the_line_and_says_so_later(void **state) {
    (void)state;
    static char filled[1 << 20];
    char line[4096];
    report_configure(REPORT_TEXT, REPORT_INFO, NULL);
    (void)capture(say_into_a_full_pipe, filled, sizeof filled);
    assert_null(strstr(filled, "nobody can read this"));
    (void)capture(say_hello, line, sizeof line);
    assert_string_equal(line,
        "signalbox: warning: 1 lines were dropped, because standard error was not read\n"
        "signalbox: hello\n");
}

static void below_its_level_an_event_is_silent(void **state) {
    (void)state;
    char line[4096];
    report_configure(REPORT_TEXT, REPORT_ERROR, NULL);
    assert_int_equal(capture(say_hello, line, sizeof line), 0);
}

static void say_start_and_end(void) {
    const struct event_fields fields = {.is_imposed = true};
    report(EVENT_COMMAND_STARTED, NULL, "start");
    report(EVENT_COMMAND_ENDED, &fields, "killed");
    report(EVENT_CONFIGURATION_NOTE, NULL, "note");
}

static void a_quiet_log_keeps_what_was_imposed_and_what_is_wrong(void **state) {
    (void)state;
    char lines[4096];
    report_configure(REPORT_TEXT, REPORT_INFO, NULL);
    report_quieten();
    (void)capture(say_start_and_end, lines, sizeof lines);
    assert_string_equal(lines, "signalbox: killed\nsignalbox: warning: note\n");
    report_configure(REPORT_JSON, REPORT_DEBUG, NULL);
    report_quieten();
    (void)capture(say_start_and_end, lines, sizeof lines);
    assert_non_null(strstr(lines, "{\"event\":\"command_started\",\"level\":\"debug\","));
    assert_non_null(strstr(lines, "{\"event\":\"command_ended\",\"level\":\"info\","));
    report_configure(REPORT_TEXT, REPORT_ERROR, NULL);
    report_quieten();
    assert_int_equal(capture(say_start_and_end, lines, sizeof lines), 0);
}

/* --- on a terminal ---------------------------------------------------------- */

/* What a terminal of so many columns got while `say` ran. */
static void capture_on_terminal(
    void (*say)(void), unsigned short columns, char *captured, size_t capacity) {
    int saved = dup(STDERR_FILENO);
    int ours = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(ours >= 0);
    assert_int_equal(grantpt(ours), 0);
    assert_int_equal(unlockpt(ours), 0);
    int theirs = open(ptsname(ours), O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(theirs >= 0);
    struct winsize size = {.ws_row = 24, .ws_col = columns};
    assert_int_equal(ioctl(theirs, TIOCSWINSZ, &size), 0);
    assert_int_equal(dup2(theirs, STDERR_FILENO), STDERR_FILENO);
    say();
    assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
    (void)close(saved);
    (void)close(theirs);
    /* What was written arrives a moment later, and then an error where there is nobody any more. */
    size_t used = 0;
    ssize_t length = 0;
    while (used < capacity - 1 && (length = read(ours, captured + used, capacity - 1 - used)) > 0) {
        used += (size_t)length;
    }
    (void)close(ours);
    captured[used] = '\0';
}

static void say_waiting_twice_and_go_on(void) {
    report(EVENT_WAITING, NULL, "waiting for 1 s");
    report(EVENT_WAITING, NULL, "waiting for 2 s");
    report(EVENT_PREPARED, NULL, "prepared");
    report(EVENT_COMMAND_STARTED, NULL, "started");
}

static void what_repeats_itself_stays_on_one_line(void **state) {
    (void)state;
    char captured[4096];
    report_configure(REPORT_TEXT, REPORT_INFO, NULL);
    assert_int_equal(setenv("TERM", "xterm", 1), 0);
    /* The terminal itself makes \r\n of \n. */
    capture_on_terminal(say_waiting_twice_and_go_on, 80, captured, sizeof captured);
    assert_string_equal(captured,
        "\rsignalbox: waiting for 1 s\x1b[K\rsignalbox: waiting for 2 s\x1b[K\r\n"
        "signalbox: prepared\r\nsignalbox: started\r\n");
}

static void say_long_and_clear(void) {
    report(EVENT_STEP_RUNNING, NULL, "\xC3\xA4\xC3\xB6\xC3\xBC and what does not fit");
    report_clear_line();
    report_clear_line();
}

static void a_line_that_is_replaced_is_never_wider_than_the_terminal(void **state) {
    (void)state;
    char captured[4096];
    report_configure(REPORT_TEXT, REPORT_INFO, NULL);
    assert_int_equal(setenv("TERM", "xterm", 1), 0);
    capture_on_terminal(say_long_and_clear, 14, captured, sizeof captured);
    assert_string_equal(captured, "\rsignalbox: \xC3\xA4\xC3\xB6\x1b[K\r\x1b[K");
    capture_on_terminal(say_long_and_clear, 0, captured, sizeof captured);
    assert_non_null(strstr(captured, "what does not fit\x1b[K"));
}

static void nothing_is_replaced_where_that_cannot_be(void **state) {
    (void)state;
    static const struct {
        const char *terminal;
        enum report_format format;
    } rows[] = {{"dumb", REPORT_TEXT}, {"", REPORT_TEXT}, {"xterm", REPORT_JSON}};
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        char captured[4096];
        report_configure(rows[i].format, REPORT_INFO, NULL);
        assert_int_equal(setenv("TERM", rows[i].terminal, 1), 0);
        capture_on_terminal(say_waiting_twice_and_go_on, 80, captured, sizeof captured);
        assert_null(strchr(captured, '\x1b'));
        assert_non_null(strstr(captured, "waiting for 1 s"));
    }
    char piped[4096];
    report_configure(REPORT_TEXT, REPORT_INFO, NULL);
    assert_int_equal(setenv("TERM", "xterm", 1), 0);
    (void)capture(say_waiting_twice_and_go_on, piped, sizeof piped);
    assert_string_equal(piped,
        "signalbox: waiting for 1 s\nsignalbox: waiting for 2 s\nsignalbox: prepared\n"
        "signalbox: started\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_one_line_without_control_characters),
        cmocka_unit_test(json_carries_the_fields),
        cmocka_unit_test(a_long_event_is_still_one_whole_object),
        cmocka_unit_test(a_full_pipe_drops_the_line_and_says_so_later),
        cmocka_unit_test(below_its_level_an_event_is_silent),
        cmocka_unit_test(a_quiet_log_keeps_what_was_imposed_and_what_is_wrong),
        cmocka_unit_test(what_repeats_itself_stays_on_one_line),
        cmocka_unit_test(a_line_that_is_replaced_is_never_wider_than_the_terminal),
        cmocka_unit_test(nothing_is_replaced_where_that_cannot_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
