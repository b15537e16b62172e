/*
 * When TERM and KILL are due, as a table on an invented clock; and which processes they reach, with
 * real ones. A tree of processes stands below a forked child that is a subreaper, so that this
 * process and its other children are strangers to it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <errno.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "signalbox/base/cleanup.h"
#include "signalbox/base/deadline.h"
#include "signalbox/process/descendants.h"
#include "signalbox/process/reap.h"
#include "signalbox/process/termination.h"

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            (void)fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);          \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

static void term_comes_first_and_kill_when_its_time_has_come(void **state) {
    (void)state;
    struct termination termination;
    termination_initialise(&termination);
    assert_int_equal(termination_due(&termination, 1000), TERMINATION_WAIT);
    assert_int_equal(termination_deadline_ms(&termination), DEADLINE_NEVER);

    assert_int_equal(termination_begin(&termination, 1000, 6000), TERMINATION_SEND_TERM);
    assert_int_equal(termination_deadline_ms(&termination), 6000);
    assert_int_equal(termination_due(&termination, 5999), TERMINATION_WAIT);
    assert_int_equal(termination_due(&termination, 6000), TERMINATION_SEND_KILL);
}

static void kill_is_said_again_and_nothing_is_waited_for_after_it(void **state) {
    (void)state;
    struct termination termination;
    termination_initialise(&termination);
    assert_int_equal(termination_begin(&termination, 1000, 2000), TERMINATION_SEND_TERM);
    assert_int_equal(termination_due(&termination, 2001), TERMINATION_SEND_KILL);
    assert_int_equal(termination_due(&termination, 2002), TERMINATION_SEND_KILL);
    assert_int_equal(termination_begin(&termination, 2003, 9000), TERMINATION_SEND_KILL);
    assert_int_equal(termination_deadline_ms(&termination), DEADLINE_NEVER);
}

static void a_time_that_has_passed_means_kill_without_term(void **state) {
    (void)state;
    struct termination termination;
    termination_initialise(&termination);
    assert_int_equal(termination_begin(&termination, 1000, 1000), TERMINATION_SEND_KILL);
}

static void asking_again_only_brings_kill_nearer(void **state) {
    (void)state;
    struct termination termination;
    termination_initialise(&termination);
    assert_int_equal(termination_begin(&termination, 1000, 6000), TERMINATION_SEND_TERM);
    assert_int_equal(termination_begin(&termination, 2000, 9000), TERMINATION_WAIT);
    assert_int_equal(termination_deadline_ms(&termination), 6000);
    assert_int_equal(termination_begin(&termination, 3000, 4000), TERMINATION_WAIT);
    assert_int_equal(termination_deadline_ms(&termination), 4000);
    assert_int_equal(termination_begin(&termination, 4500, 9000), TERMINATION_SEND_KILL);
}

/* Asked to end without a limit, and later with one. */
static void an_end_without_a_limit_waits_for_ever(void **state) {
    (void)state;
    struct termination termination;
    termination_initialise(&termination);
    assert_int_equal(termination_begin(&termination, 1000, DEADLINE_NEVER), TERMINATION_SEND_TERM);
    assert_int_equal(termination_due(&termination, INT64_MAX - 1), TERMINATION_WAIT);
    assert_int_equal(termination_begin(&termination, 2000, 2000), TERMINATION_SEND_KILL);
}

static void assert_in_child(void (*function)(void)) {
    pid_t child = fork();
    if (child == 0) {
        function();
        _exit(0);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* A process that stays until a signal ends it; `ready` tells its number. */
static pid_t sleeper(int ready) {
    pid_t process = fork();
    if (process == 0) {
        pid_t self = getpid();
        CHECK(write(ready, &self, sizeof self) == sizeof self);
        while (true) {
            (void)pause();
        }
    }
    return process;
}

static void orphaned_tree_is_found(void) {
    int ready[2];
    pid_t self = 0;
    pid_t none = 0;
    int status = 0;
    CHECK(pipe(ready) == 0);
    CHECK(reap_set_subreaper(true));

    /* A child with a name made to confuse, its own session, a child of its own and an orphan. */
    pid_t child = fork();
    if (child == 0) {
        CHECK(prctl(PR_SET_NAME, ") Z 1 (a b)") == 0);
        CHECK(setsid() > 0);
        pid_t between = fork();
        if (between == 0) {
            (void)sleeper(ready[1]);
            _exit(0);
        }
        CHECK(waitpid(between, &status, 0) == between);
        (void)sleeper(ready[1]);
        pid_t own = getpid();
        CHECK(write(ready[1], &own, sizeof own) == sizeof own);
        while (true) {
            (void)pause();
        }
    }
    for (int i = 0; i < 3; i++) {
        CHECK(read(ready[0], &self, sizeof self) == sizeof self);
    }
    CHECK(descendants_signal(0, SIGKILL, NULL).signalled == 3);
    while (reap_children(&none, &status)) {
        siginfo_t info;
        CHECK(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT) == 0);
    }
    CHECK(descendants_signal(0, SIGKILL, NULL).signalled == 0);
}

static void every_descendant_is_reached_and_no_stranger(void **state) {
    (void)state;
    int ready[2];
    pid_t self = 0;
    assert_int_equal(pipe(ready), 0);
    pid_t stranger = sleeper(ready[1]);
    assert_int_equal(read(ready[0], &self, sizeof self), sizeof self);

    assert_in_child(orphaned_tree_is_found);

    assert_int_equal(waitpid(stranger, NULL, WNOHANG), 0);
    assert_int_equal(kill(stranger, SIGKILL), 0);
    assert_int_equal(waitpid(stranger, NULL, 0), stranger);
    (void)close(ready[0]);
    (void)close(ready[1]);
}

static void nobody_is_there(void) {
    CHECK(descendants_signal(0, SIGKILL, NULL).signalled == 0);
    /* Not even where a process that has ended waits to be reaped. */
    pid_t child = fork();
    if (child == 0) {
        _exit(0);
    }
    siginfo_t info;
    CHECK(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT) == 0);
    CHECK(descendants_signal(0, SIGKILL, NULL).signalled == 0);
}

static void nothing_left_is_zero(void **state) {
    (void)state;
    assert_in_child(nobody_is_there);
}

static void only_pid_1_signals_a_whole_namespace(void **state) {
    (void)state;
    if (getpid() == 1) {
        skip();
    }
    int ready[2];
    pid_t self = 0;
    assert_int_equal(pipe(ready), 0);
    pid_t other = sleeper(ready[1]);
    assert_int_equal(read(ready[0], &self, sizeof self), sizeof self);
    /* Signal 0 only asks whether there is anybody whom a kill(-1) from here would reach. */
    assert_int_equal(kill(-1, 0), 0);
    assert_int_equal(descendants_signal_namespace(0).signalled, 0);
    assert_int_equal(kill(other, SIGKILL), 0);
    assert_int_equal(waitpid(other, NULL, 0), other);
    (void)close(ready[0]);
    (void)close(ready[1]);
}

/* In a PID namespace whose /proc is that of the one outside. Runs as its process 2. */
static void process_2_with_foreign_proc(void) {
    int ready[2];
    pid_t self = 0;
    int status = 0;
    CHECK(pipe(ready) == 0);
    pid_t in_group = sleeper(ready[1]);
    CHECK(setpgid(in_group, in_group) == 0);
    CHECK(read(ready[0], &self, sizeof self) == sizeof self);

    /* Without a group there is nothing that could be known to be ours. */
    CHECK(descendants_signal(0, SIGKILL, NULL).signalled == 0);
    CHECK(descendants_signal(in_group, SIGKILL, NULL).signalled == 1);
    CHECK(waitpid(in_group, &status, 0) == in_group && WIFSIGNALED(status));
    CHECK(descendants_signal(in_group, SIGKILL, NULL).signalled == 0);
}

static void init_with_foreign_proc(void) {
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        process_2_with_foreign_proc();
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);

    int ready[2];
    pid_t self = 0;
    CHECK(pipe(ready) == 0);
    child = sleeper(ready[1]);
    CHECK(read(ready[0], &self, sizeof self) == sizeof self);
    CHECK(descendants_signal(0, SIGKILL, NULL).signalled >= 1);
    CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
    CHECK(descendants_signal_namespace(SIGKILL).signalled == 0);
}

static void foreign_proc(void) {
    int status = 0;
    if (unshare(CLONE_NEWPID) != 0) {
        _exit(77);
    }
    pid_t init = fork();
    if (init == 0) {
        init_with_foreign_proc();
        _exit(0);
    }
    CHECK(waitpid(init, &status, 0) == init && status == 0);
}

static void a_proc_of_another_namespace_is_not_believed(void **state) {
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        foreign_proc();
        _exit(0);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
        skip();
    }
    assert_int_equal(status, 0);
}

static void many_ends(void) {
    enum { MANY = 50 };
    pid_t children[MANY];
    int status = 0;
    for (int i = 0; i < MANY; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            _exit(i);
        }
    }
    for (int i = 0; i < MANY; i++) {
        siginfo_t info;
        CHECK(waitid(P_PID, (id_t)children[i], &info, WEXITED | WNOWAIT) == 0);
    }
    pid_t watched = children[17];
    CHECK(!reap_children(&watched, &status));
    CHECK(watched == 0);
    CHECK(WEXITSTATUS(status) == 17);
    CHECK(waitpid(-1, &status, WNOHANG) == -1 && errno == ECHILD);
}

static void one_call_reaps_everything_that_has_ended(void **state) {
    (void)state;
    assert_in_child(many_ends);
}

static void one_stays(void) {
    int ready[2];
    pid_t self = 0;
    int status = 4711;
    CHECK(pipe(ready) == 0);
    pid_t watched = sleeper(ready[1]);
    pid_t same = watched;
    CHECK(read(ready[0], &self, sizeof self) == sizeof self);
    CHECK(reap_children(&watched, &status));
    CHECK(watched == same && status == 4711);
    CHECK(kill(watched, SIGKILL) == 0);
}

static void a_child_that_lives_is_not_waited_for(void **state) {
    (void)state;
    assert_in_child(one_stays);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(term_comes_first_and_kill_when_its_time_has_come),
        cmocka_unit_test(kill_is_said_again_and_nothing_is_waited_for_after_it),
        cmocka_unit_test(a_time_that_has_passed_means_kill_without_term),
        cmocka_unit_test(asking_again_only_brings_kill_nearer),
        cmocka_unit_test(an_end_without_a_limit_waits_for_ever),
        cmocka_unit_test(every_descendant_is_reached_and_no_stranger),
        cmocka_unit_test(nothing_left_is_zero),
        cmocka_unit_test(only_pid_1_signals_a_whole_namespace),
        cmocka_unit_test(a_proc_of_another_namespace_is_not_believed),
        cmocka_unit_test(one_call_reaps_everything_that_has_ended),
        cmocka_unit_test(a_child_that_lives_is_not_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
