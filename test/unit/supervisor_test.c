/*
 * What the supervisor does to real processes. Each scenario runs in a supervisor of its own, a
 * forked child (a subreaper, not PID 1), that reports by its exit status; as PID 1 it is tested in
 * test/integration/test_supervise.py and test_pid1.py. Its table is tested in machine_test.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "signalbox/report/report.h"
#include "signalbox/supervise/supervisor.h"

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            (void)fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);          \
            _exit(99);                                                                             \
        }                                                                                          \
    } while (0)

/* Longer than any test may take: who waits for it has failed. */
#define GRACE_ENDLESS_MS 1000000

/* One end for the test, one for the processes below; made anew for each scenario. */
static int from_below[2];
static struct supervisor supervisor;

static char message_wait(void) {
    char message = 0;
    return (char)(read(from_below[0], &message, 1) == 1 ? message : '\0');
}

static void message_send(char message) {
    CHECK(write(from_below[1], &message, 1) == 1);
}

static void open_or_exit(int64_t grace_ms) {
    struct error error;
    report_configure(REPORT_TEXT, REPORT_ERROR, NULL);
    CHECK(supervisor_open(&supervisor, &error) == 0);
    supervisor_set_grace(&supervisor, grace_ms);
}

static pid_t scenario_start(void (*scenario)(void)) {
    assert_int_equal(pipe2(from_below, O_CLOEXEC), 0);
    pid_t child = fork();
    if (child == 0) {
        scenario();
        _exit(0);
    }
    /* The test's own end stays open only for reading, so that nobody left means end of file. */
    (void)close(from_below[1]);
    return child;
}

static int scenario_end(pid_t child) {
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    (void)close(from_below[0]);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static struct phase_end run_function(int (*function)(void *argument), void *argument) {
    struct phase_end end = {-1, -1};
    struct error error;
    CHECK(supervisor_run_function(&supervisor, "preparer", function, argument, &end, &error) == 0);
    return end;
}

/* exec takes words without const and does not write to them; literals have it here. */
static char *const *words(const char *const literals[]) {
    union {
        const char *const *given;
        char *const *taken;
    } pointer = {.given = literals};
    return pointer.taken;
}

static int run_program(const char *const argv[]) {
    struct error error;
    int status = -1;
    CHECK(supervisor_run_program(&supervisor, words(argv), &status, &error) == 0);
    return status;
}

/* The next signal that reaches a process in which all are blocked. */
static int next_signal(int fd) {
    struct received_signal received;
    struct pollfd wake = {.fd = fd, .events = POLLIN};
    while (!signals_read(fd, &received)) {
        CHECK(poll(&wake, 1, -1) == 1);
    }
    return received.number;
}

static int own_signal_fd(void) {
    struct error error;
    int fd = signals_open(&error);
    CHECK(fd >= 0);
    return fd;
}

/* A process in a session of its own that is not a child of the preparer when that has ended. */
static void leave_behind(void (*what)(int fd)) {
    pid_t process = fork();
    if (process == 0) {
        CHECK(setsid() > 0);
        int fd = own_signal_fd();
        message_send('r');
        what(fd);
        _exit(0);
    }
    CHECK(message_wait() == 'r');
}

static int returns_seven(void *argument) {
    (void)argument;
    return 7;
}

static void status_scenario(void) {
    open_or_exit(GRACE_ENDLESS_MS);
    struct phase_end end = run_function(returns_seven, NULL);
    CHECK(end.exit_status == 7 && end.cancelled_by == 0);
    int subreaper = -1;
    CHECK(prctl(PR_GET_CHILD_SUBREAPER, &subreaper) == 0 && subreaper == 0);
}

static void a_function_s_result_is_its_exit_status(void **state) {
    (void)state;
    assert_int_equal(scenario_end(scenario_start(status_scenario)), 0);
}

static int looks_around(void *argument) {
    int signal_on_death = 0;
    signal_mask mask = 0;
    (void)syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &mask, sizeof mask);
    (void)prctl(PR_GET_PDEATHSIG, &signal_on_death);
    return getpgrp() == getpid() && getsid(0) == getsid(getppid()) && signal_on_death == SIGTERM &&
            mask == (SIGNAL_MASK_ALL & ~SIGNAL_BIT(SIGKILL) & ~SIGNAL_BIT(SIGSTOP)) &&
            fcntl(*(int *)argument, F_GETFD) < 0
        ? 0
        : 1;
}

static void context_scenario(void) {
    open_or_exit(GRACE_ENDLESS_MS);
    CHECK(run_function(looks_around, &supervisor.signal_fd).exit_status == 0);
}

static void a_preparer_has_a_group_all_signals_blocked_and_dies_with_us(void **state) {
    (void)state;
    assert_int_equal(scenario_end(scenario_start(context_scenario)), 0);
}

static int tells_first_signal(void *argument) {
    (void)argument;
    int fd = own_signal_fd();
    message_send('r');
    int number = next_signal(fd);
    message_send('s');
    return number;
}

static void cancel_scenario(void) {
    open_or_exit(GRACE_ENDLESS_MS);
    struct phase_end end = run_function(tells_first_signal, NULL);
    CHECK(end.cancelled_by == end.exit_status);
    _exit(end.exit_status);
}

static void four_signals_are_passed_to_the_preparer_and_remembered(void **state) {
    (void)state;
    static const int signals[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP};
    for (size_t i = 0; i < ARRAY_LENGTH(signals); i++) {
        pid_t child = scenario_start(cancel_scenario);
        assert_int_equal(message_wait(), 'r');
        assert_int_equal(kill(child, signals[i]), 0);
        assert_int_equal(scenario_end(child), signals[i]);
    }
}

static void other_signals_do_not_reach_the_preparer(void **state) {
    (void)state;
    /* All have a lower number than TERM, so that they would be read before it. */
    static const int others[] = {SIGUSR1, SIGUSR2, SIGPIPE, SIGALRM};
    pid_t child = scenario_start(cancel_scenario);
    assert_int_equal(message_wait(), 'r');
    for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
        assert_int_equal(kill(child, others[i]), 0);
    }
    assert_int_equal(kill(child, SIGTSTP), 0);
    assert_int_equal(kill(child, SIGTERM), 0);
    assert_int_equal(scenario_end(child), SIGTERM);
}

static void a_killed_supervisor_takes_the_preparer_with_it(void **state) {
    (void)state;
    int status = 0;
    pid_t child = scenario_start(cancel_scenario);
    assert_int_equal(message_wait(), 'r');
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    /* It had its TERM and could still do something, and then it was gone. */
    assert_int_equal(message_wait(), 's');
    assert_int_equal(message_wait(), '\0');
    (void)close(from_below[0]);
}

static int ignores_everything(void *argument) {
    (void)argument;
    message_send('r');
    while (true) {
        (void)pause();
    }
    return 0;
}

static void stubborn_preparer_scenario(void) {
    open_or_exit(0);
    struct phase_end end = run_function(ignores_everything, NULL);
    CHECK(end.exit_status == 128 + SIGKILL && end.cancelled_by == SIGINT);
}

static void a_preparer_that_does_not_end_is_killed_after_the_first_signal_s_time(void **state) {
    (void)state;
    pid_t child = scenario_start(stubborn_preparer_scenario);
    assert_int_equal(message_wait(), 'r');
    assert_int_equal(kill(child, SIGINT), 0);
    assert_int_equal(scenario_end(child), 0);
}

static void stays(int fd) {
    (void)fd;
    while (true) {
        (void)pause();
    }
}

static int dies_and_leaves_behind(void *argument) {
    (void)argument;
    leave_behind(stays);
    (void)raise(SIGKILL);
    return 0;
}

static void killed_preparer_scenario(void) {
    open_or_exit(GRACE_ENDLESS_MS);
    struct phase_end end = run_function(dies_and_leaves_behind, NULL);
    CHECK(end.exit_status == 128 + SIGKILL && end.cancelled_by == 0);
    CHECK(waitpid(-1, NULL, WNOHANG) == -1);
}

static void what_a_killed_preparer_leaves_is_killed_without_grace(void **state) {
    (void)state;
    assert_int_equal(scenario_end(scenario_start(killed_preparer_scenario)), 0);
}

static void leaves_on_term(int fd) {
    if (next_signal(fd) == SIGTERM) {
        message_send('t');
    }
}

static int exits_and_leaves_a_polite_one(void *argument) {
    (void)argument;
    leave_behind(leaves_on_term);
    return 0;
}

static void polite_leftover_scenario(void) {
    open_or_exit(GRACE_ENDLESS_MS);
    struct phase_end end = run_function(exits_and_leaves_a_polite_one, NULL);
    CHECK(end.exit_status == 0 && end.cancelled_by == 0);
    CHECK(message_wait() == 't');
}

static void what_a_preparer_leaves_is_asked_with_term(void **state) {
    (void)state;
    assert_int_equal(scenario_end(scenario_start(polite_leftover_scenario)), 0);
}

static int exits_and_leaves_a_stubborn_one(void *argument) {
    (void)argument;
    leave_behind(stays);
    return 0;
}

static void stubborn_leftover_scenario(void) {
    open_or_exit(20);
    CHECK(run_function(exits_and_leaves_a_stubborn_one, NULL).exit_status == 0);
    CHECK(waitpid(-1, NULL, WNOHANG) == -1);
}

static void what_ignores_term_is_killed_when_the_grace_is_over(void **state) {
    (void)state;
    assert_int_equal(scenario_end(scenario_start(stubborn_leftover_scenario)), 0);
}

/* Its number, for those who are no longer below the one that knows it. */
static pid_t supervisor_process;

static void tells_on_term(int fd) {
    CHECK(next_signal(fd) == SIGTERM);
    CHECK(kill(supervisor_process, SIGHUP) == 0);
}

static int exits_and_leaves_one_that_tells(void *argument) {
    (void)argument;
    leave_behind(tells_on_term);
    return 0;
}

static void late_cancel_scenario(void) {
    open_or_exit(GRACE_ENDLESS_MS);
    supervisor_process = getpid();
    struct phase_end end = run_function(exits_and_leaves_one_that_tells, NULL);
    CHECK(end.exit_status == 0 && end.cancelled_by == SIGHUP);
}

static void a_signal_while_leftovers_are_ended_still_cancels(void **state) {
    (void)state;
    assert_int_equal(scenario_end(scenario_start(late_cancel_scenario)), 0);
}

static void between_phases_scenario(void) {
    static const char *const argv[] = {"true", NULL};
    /* A command that was started after all would inherit this, and not be ended by the INT. */
    signal_mask inherited = SIGNAL_BIT(SIGINT) | SIGNAL_BIT(SIGUSR1);
    (void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, &inherited, NULL, sizeof inherited);
    open_or_exit(GRACE_ENDLESS_MS);
    CHECK(run_function(returns_seven, NULL).cancelled_by == 0);
    CHECK(run_program(argv) == 0);
    CHECK(kill(getpid(), SIGUSR1) == 0);
    CHECK(kill(getpid(), SIGINT) == 0);
    CHECK(run_program(argv) == 128 + SIGINT);
    CHECK(supervisor_become(&supervisor, words(argv)) == 128 + SIGINT);
}

static void a_signal_between_the_phases_forbids_the_command(void **state) {
    (void)state;
    assert_int_equal(scenario_end(scenario_start(between_phases_scenario)), 0);
}

static void nohup_scenario(void) {
    static const char *const argv[] = {"sh", "-c", "exit 9", NULL};
    CHECK(signal(SIGHUP, SIG_IGN) != SIG_ERR);
    open_or_exit(GRACE_ENDLESS_MS);
    CHECK(kill(getpid(), SIGHUP) == 0);
    CHECK(run_function(returns_seven, NULL).cancelled_by == 0);
    CHECK(kill(getpid(), SIGHUP) == 0);
    CHECK(run_program(argv) == 9);
}

static void a_signal_inherited_as_ignored_cancels_nothing(void **state) {
    (void)state;
    assert_int_equal(scenario_end(scenario_start(nohup_scenario)), 0);
}

static void command_leftovers_scenario(void) {
    /* The one that stays is a child of the command's child, and ignores TERM. */
    static const char *const argv[] = {
        "sh", "-c", "trap '' TERM; (trap '' TERM; sleep 1000 & echo; wait) & exit 3", NULL};
    open_or_exit(20);
    CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0);
    CHECK(run_program(argv) == 3);
    CHECK(waitpid(-1, NULL, WNOHANG) == -1);
}

static void what_a_command_leaves_is_ended_where_we_are_not_pid_1(void **state) {
    (void)state;
    assert_int_equal(scenario_end(scenario_start(command_leftovers_scenario)), 0);
}

/* `cron & exec signalbox …`: it was there before us, and is there when we are done. */
static void preexisting_scenario(void) {
    pid_t preexisting = fork();
    if (preexisting == 0) {
        if (fork() == 0) {
            CHECK(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
            message_send('b');
        }
        stays(-1);
    }
    CHECK(message_wait() == 'b');
    open_or_exit(0);
    CHECK(run_function(exits_and_leaves_a_stubborn_one, NULL).exit_status == 0);
    siginfo_t info = {.si_pid = 0};
    CHECK(waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0);
    CHECK(kill(preexisting, SIGKILL) == 0);
    CHECK(waitpid(preexisting, NULL, 0) == preexisting);
}

static void children_that_were_there_before_us_are_left_alone(void **state) {
    (void)state;
    assert_int_equal(scenario_end(scenario_start(preexisting_scenario)), 0);
}

static void rewritten_cancel_scenario(void) {
    open_or_exit(GRACE_ENDLESS_MS);
    supervisor_rewrite_signal(&supervisor, SIGUSR1, SIGINT);
    supervisor_rewrite_signal(&supervisor, SIGTERM, 0);
    struct phase_end end = run_function(tells_first_signal, NULL);
    CHECK(end.cancelled_by == SIGINT && end.exit_status == SIGINT);
    static const char *const argv[] = {"true", NULL};
    CHECK(kill(getpid(), SIGTERM) == 0);
    CHECK(run_program(argv) == 0);
    CHECK(kill(getpid(), SIGUSR1) == 0);
    CHECK(run_program(argv) == 128 + SIGINT);
}

static void rewriting_comes_before_the_meaning(void **state) {
    (void)state;
    pid_t child = scenario_start(rewritten_cancel_scenario);
    assert_int_equal(message_wait(), 'r');
    assert_int_equal(kill(child, SIGTERM), 0);
    assert_int_equal(kill(child, SIGUSR1), 0);
    assert_int_equal(scenario_end(child), 0);
}

static void accepted_statuses_are_reported_as_zero(void **state) {
    (void)state;
    struct supervisor own = {.signal_fd = -1};
    static const int accepted[] = {1, 63, 64, 143, 255};
    for (size_t i = 0; i < ARRAY_LENGTH(accepted); i++) {
        assert_int_equal(supervisor_exit_status(&own, accepted[i]), accepted[i]);
        supervisor_accept_exit(&own, accepted[i]);
        assert_int_equal(supervisor_exit_status(&own, accepted[i]), 0);
    }
    assert_int_equal(supervisor_exit_status(&own, 0), 0);
    assert_int_equal(supervisor_exit_status(&own, 2), 2);
    assert_int_equal(supervisor_exit_status(&own, 142), 142);
}

static void no_descriptors_scenario(void) {
    struct supervisor own;
    struct error error;
    for (int fd = 0; fd <= 2; fd++) {
        (void)close(fd);
    }
    int opened = supervisor_open(&own, &error);
    bool as_it_should_be = opened == 0 && own.signal_fd > 2;
    for (int fd = 0; fd <= 2; fd++) {
        as_it_should_be = as_it_should_be && fcntl(fd, F_GETFD) == 0;
    }
    _exit(as_it_should_be ? 0 : 1);
}

static void missing_standard_descriptors_are_filled_for_the_command_too(void **state) {
    (void)state;
    assert_int_equal(scenario_end(scenario_start(no_descriptors_scenario)), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_function_s_result_is_its_exit_status),
        cmocka_unit_test(a_preparer_has_a_group_all_signals_blocked_and_dies_with_us),
        cmocka_unit_test(four_signals_are_passed_to_the_preparer_and_remembered),
        cmocka_unit_test(other_signals_do_not_reach_the_preparer),
        cmocka_unit_test(a_killed_supervisor_takes_the_preparer_with_it),
        cmocka_unit_test(a_preparer_that_does_not_end_is_killed_after_the_first_signal_s_time),
        cmocka_unit_test(what_a_killed_preparer_leaves_is_killed_without_grace),
        cmocka_unit_test(what_a_preparer_leaves_is_asked_with_term),
        cmocka_unit_test(what_ignores_term_is_killed_when_the_grace_is_over),
        cmocka_unit_test(a_signal_while_leftovers_are_ended_still_cancels),
        cmocka_unit_test(a_signal_between_the_phases_forbids_the_command),
        cmocka_unit_test(a_signal_inherited_as_ignored_cancels_nothing),
        cmocka_unit_test(what_a_command_leaves_is_ended_where_we_are_not_pid_1),
        cmocka_unit_test(children_that_were_there_before_us_are_left_alone),
        cmocka_unit_test(rewriting_comes_before_the_meaning),
        cmocka_unit_test(accepted_statuses_are_reported_as_zero),
        cmocka_unit_test(missing_standard_descriptors_are_filled_for_the_command_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
