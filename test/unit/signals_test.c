/*
 * The mask, the dispositions and the signalfd, as the kernel has them. What a test does to signals
 * it does in a forked child, which reports by its exit status.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "signalbox/process/signals.h"

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            (void)fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);          \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

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

static void raw_mask_set(signal_mask mask) {
    (void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, sizeof mask);
}

static signal_mask raw_mask(void) {
    signal_mask mask = 0;
    (void)syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &mask, sizeof mask);
    return mask;
}

static void open_or_exit(struct signal_inheritance *inheritance, int *fd) {
    struct error error;
    signals_take_over(inheritance);
    *fd = signals_open(&error);
    CHECK(*fd >= 0);
}

static void mask_with_library_signals(void) {
    /* 32 to 34 are the C library's own; 64 is the last. */
    signal_mask mine =
        SIGNAL_BIT(32) | SIGNAL_BIT(33) | SIGNAL_BIT(34) | SIGNAL_BIT(64) | SIGNAL_BIT(SIGUSR1);
    struct signal_inheritance inheritance;
    raw_mask_set(mine);
    signals_take_over(&inheritance);
    CHECK(inheritance.mask == mine);
    CHECK(raw_mask() == (SIGNAL_MASK_ALL & ~SIGNAL_BIT(SIGKILL) & ~SIGNAL_BIT(SIGSTOP)));
    signals_give_back(&inheritance);
    CHECK(raw_mask() == mine);
}

static void every_signal_is_blocked_and_the_exact_mask_comes_back(void **state) {
    (void)state;
    assert_in_child(mask_with_library_signals);
}

static void ignored_child_signal(void) {
    struct signal_inheritance inheritance;
    CHECK(signal(SIGCHLD, SIG_IGN) != SIG_ERR);
    CHECK(signal(SIGTERM, SIG_IGN) != SIG_ERR);
    CHECK(signal(SIGUSR2, SIG_IGN) != SIG_ERR);
    signals_take_over(&inheritance);
    CHECK(inheritance.ignored == (SIGNAL_BIT(SIGCHLD) | SIGNAL_BIT(SIGTERM)));

    pid_t child = fork();
    if (child == 0) {
        _exit(7);
    }
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 7);

    /* What a library of ours might have done. */
    CHECK(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
    signals_give_back(&inheritance);
    CHECK(signal(SIGCHLD, SIG_DFL) == SIG_IGN);
    CHECK(signal(SIGTERM, SIG_DFL) == SIG_IGN);
    CHECK(signal(SIGUSR2, SIG_DFL) == SIG_IGN);
    CHECK(signal(SIGPIPE, SIG_DFL) == SIG_DFL);
}

static void ignored_children_are_waited_for_and_ignored_again_afterwards(void **state) {
    (void)state;
    assert_in_child(ignored_child_signal);
}

static void any_signal_is_read(void) {
    struct signal_inheritance inheritance;
    struct received_signal received;
    int fd = -1;
    open_or_exit(&inheritance, &fd);
    CHECK(!signals_read(fd, &received));
    for (int number = 1; number <= 64; number++) {
        if (number == SIGKILL || number == SIGSTOP) {
            continue;
        }
        CHECK(syscall(SYS_kill, getpid(), number) == 0);
        CHECK(signals_pending() == SIGNAL_BIT(number));
        CHECK(signals_read(fd, &received));
        CHECK(received.number == number);
        CHECK(!received.from_kernel);
        CHECK(received.sender == getpid());
        CHECK(!signals_read(fd, &received));
        CHECK(signals_pending() == 0);
    }
}

static void every_signal_that_a_process_sends_is_read_with_its_sender(void **state) {
    (void)state;
    assert_in_child(any_signal_is_read);
}

static void end_of_child_is_read(void) {
    struct signal_inheritance inheritance;
    struct received_signal received;
    int fd = -1;
    open_or_exit(&inheritance, &fd);
    pid_t child = fork();
    if (child == 0) {
        _exit(0);
    }
    struct pollfd wake = {.fd = fd, .events = POLLIN};
    CHECK(poll(&wake, 1, -1) == 1);
    CHECK(signals_read(fd, &received));
    CHECK(received.number == SIGCHLD && received.from_kernel && received.sender == child);
}

static void the_end_of_a_child_comes_from_the_kernel(void **state) {
    (void)state;
    assert_in_child(end_of_child_is_read);
}

static void descriptor_flags(void) {
    struct signal_inheritance inheritance;
    int fd = -1;
    open_or_exit(&inheritance, &fd);
    CHECK((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    CHECK((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
}

static void the_signalfd_is_not_inherited_and_never_blocks(void **state) {
    (void)state;
    assert_in_child(descriptor_flags);
}

static void pending_until_given_back(void) {
    struct signal_inheritance inheritance;
    signals_take_over(&inheritance);
    (void)kill(getpid(), SIGTERM);
    signals_give_back(&inheritance);
    _exit(0);
}

static void a_pending_signal_has_its_effect_when_the_mask_is_given_back(void **state) {
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        pending_until_given_back();
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGTERM);
}

static void signals_are_named_as_in_kill_l(void **state) {
    (void)state;
    static const struct {
        int number;
        const char *name;
    } names[] = {
        {1, "HUP"},
        {15, "TERM"},
        {17, "CHLD"},
        {31, "SYS"},
        {34, "RTMIN"},
        {37, "RTMIN+3"},
        {64, "RTMIN+30"},
        {32, "32"},
        {33, "33"},
        {65, "65"},
        {0, "0"},
        {-1, "-1"},
        {INT32_MIN, "-2147483648"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        assert_string_equal(signals_name(names[i].number), names[i].name);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_signal_is_blocked_and_the_exact_mask_comes_back),
        cmocka_unit_test(ignored_children_are_waited_for_and_ignored_again_afterwards),
        cmocka_unit_test(every_signal_that_a_process_sends_is_read_with_its_sender),
        cmocka_unit_test(the_end_of_a_child_comes_from_the_kernel),
        cmocka_unit_test(the_signalfd_is_not_inherited_and_never_blocks),
        cmocka_unit_test(a_pending_signal_has_its_effect_when_the_mask_is_given_back),
        cmocka_unit_test(signals_are_named_as_in_kill_l),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
