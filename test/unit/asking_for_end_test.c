/*
 * Who must agree on what asks for an end: what is inherited, PID 1 before and between its phases
 * and in them, and the preparer. Where one of them thought otherwise, a signal would be taken for
 * an end by the one and forgotten by the other, until the grace is over.
 */
#include "unit.h"

#include <fcntl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "signalbox/process/signals.h"
#include "signalbox/process/stop_request.h"
#include "supervise/state_table.h"

/* The C library's own function refuses the signals that it keeps for itself, which are none of
 * these. */
static bool is_inherited_as_ignored(int number) {
    struct signal_inheritance inheritance = {.mask = 0};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct sigaction before;
    if (sigaction(number, &ignore, &before) != 0) {
        return false;
    }
    signals_take_over(&inheritance);
    signal_mask ignored = inheritance.ignored;
    inheritance.ignored = 0;
    signals_give_back(&inheritance);
    assert_int_equal(sigaction(number, &before, NULL), 0);
    return (ignored & SIGNAL_BIT(number)) != 0;
}

static bool is_heard_by_the_preparer(int number) {
    const struct signalfd_siginfo info = {.ssi_signo = (uint32_t)number};
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    assert_int_equal(write(ends[1], &info, sizeof info), sizeof info);
    struct stop_request stop_request = {.signal_fd = ends[0]};
    bool is_heard = stop_request_heard(&stop_request);
    assert_int_equal(stop_request.signal, is_heard ? number : 0);
    (void)close(ends[0]);
    (void)close(ends[1]);
    return is_heard;
}

static bool cancels_a_phase(int number) {
    const struct received_signal received = {.number = number, .sender = 1};
    return state_table_next(STATE_PREPARING, state_table_event_of(&received, 0, 2))->action ==
        ACTION_CANCEL;
}

static bool forbids_the_start(int number) {
    signal_rewrites rewrites;
    for (int i = 0; i <= SIGNAL_LAST; i++) {
        rewrites[i] = (uint8_t)i;
    }
    return state_table_stop_pending(SIGNAL_BIT(number), 0, rewrites) == number;
}

static void everybody_takes_the_same_signals_for_an_end(void **state) {
    (void)state;
    static const struct {
        const char *who;
        bool (*thinks_so)(int number);
    } minds[] = {
        {"the phase", cancels_a_phase},
        {"the start of the command", forbids_the_start},
        {"the preparer", is_heard_by_the_preparer},
        {"what is inherited", is_inherited_as_ignored},
    };
    for (int number = 1; number <= SIGNAL_LAST; number++) {
        for (size_t i = 0; i < ARRAY_LENGTH(minds); i++) {
            /* Two that the C library or we ourselves change are inherited for that reason; KILL
             * comes from --rewrite alone and never reaches the preparer's ears. */
            bool is_by_inheritance = minds[i].thinks_so == is_inherited_as_ignored;
            if ((is_by_inheritance && (number == SIGPIPE || number == SIGCHLD)) ||
                number == SIGKILL) {
                continue;
            }
            if (minds[i].thinks_so(number) != signals_ask_for_end(number)) {
                fail_msg("%s thinks otherwise of SIG%s", minds[i].who, signals_name(number));
            }
        }
    }
}

static void of_several_the_clearest_counts(void **state) {
    (void)state;
    static const int clearest[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP};
    signal_mask mask = SIGNAL_BIT(SIGUSR1) | SIGNAL_BIT(SIGKILL);
    assert_int_equal(signals_asking_for_end(mask), 0);
    for (size_t i = ARRAY_LENGTH(clearest); i > 0; i--) {
        mask |= SIGNAL_BIT(clearest[i - 1]);
        assert_int_equal(signals_asking_for_end(mask), clearest[i - 1]);
    }
    assert_false(signals_ask_for_end(0));
    assert_false(signals_ask_for_end(SIGNAL_LAST + 1));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everybody_takes_the_same_signals_for_an_end),
        cmocka_unit_test(of_several_the_clearest_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
