/*
 * The supervisor's decisions by tables: what each signal from 1 to 64 means, from a process, from
 * the kernel and from ourselves, in every state and where no phase runs. What is done to real
 * processes is tested in supervise_test.c.
 */
#include "unit.h"

#include <signal.h>

#include "supervise/state_table.h"

/* For the messages of these tests. */
#define NO_ROW ACTION_COUNT
#define NAMED(constant) [constant] = #constant
static const char *const states[STATE_COUNT] = {NAMED(STATE_PREPARING), NAMED(STATE_CANCELLING),
    NAMED(STATE_PREPARED), NAMED(STATE_RUNNING), NAMED(STATE_FINISHING), NAMED(STATE_LEAVING),
    NAMED(STATE_OVER)};
static const char *const events[SUPERVISOR_EVENT_COUNT] = {NAMED(ON_END_SIGNAL), NAMED(ON_HANG_UP),
    NAMED(ON_TERMINAL_HANG_UP), NAMED(ON_STOP_KEY), NAMED(ON_TERMINAL_STOP), NAMED(ON_OWN_PIPE),
    NAMED(ON_CHILD_SIGNAL), NAMED(ON_OTHER_SIGNAL), NAMED(ON_DROPPED_SIGNAL),
    NAMED(ON_STOPPED_AS_INIT), NAMED(ON_STOPPED_AS_JOB), NAMED(ON_HALTED), NAMED(ON_EXITED),
    NAMED(ON_KILLED), NAMED(ON_ENDED_FIRST), NAMED(ON_BESIDE_ENDED), NAMED(ON_NONE_LEFT),
    NAMED(ON_OUT_OF_REACH), NAMED(ON_TIME_UP)};
static const char *const actions[ACTION_COUNT + 1] = {NAMED(ACTION_NONE), NAMED(ACTION_CANCEL),
    NAMED(ACTION_REMEMBER), NAMED(ACTION_FORWARD), NAMED(ACTION_FORWARD_AND_TIME),
    NAMED(ACTION_FORWARD_AND_RESUME), NAMED(ACTION_RESUME), NAMED(ACTION_STOP_TOO),
    NAMED(ACTION_HASTEN), NAMED(ACTION_LET_FINISH), NAMED(ACTION_KILL_PREPARER),
    NAMED(ACTION_END_LEFTOVERS), NAMED(ACTION_KILL_LEFTOVERS),
    NAMED(ACTION_GIVE_UP), [NO_ROW] = "no row"};

static signal_rewrites unchanged;

static int rewrite_nothing(void **state) {
    (void)state;
    for (int number = 1; number <= SIGNAL_LAST; number++) {
        unchanged[number] = (uint8_t)number;
    }
    return 0;
}

/* Why the pairs without a row cannot happen. */
static const struct {
    enum supervisor_state state;
    enum supervisor_event event;
    const char *why;
} impossible[] = {
    {STATE_PREPARING, ON_NONE_LEFT, "The preparer itself is a child that has not been reaped."},
    {STATE_PREPARING, ON_TIME_UP,
        "No clock runs before somebody asked for an end: a migration may take hours."},
    {STATE_PREPARING, ON_STOPPED_AS_INIT,
        "It has no part in the terminal, and every stop but SIGSTOP is blocked in it."},
    {STATE_PREPARING, ON_STOPPED_AS_JOB, "As for PID 1."},
    {STATE_PREPARING, ON_OUT_OF_REACH, "Nothing is killed before somebody asked for an end."},
    {STATE_CANCELLING, ON_NONE_LEFT, "The preparer itself is a child that has not been reaped."},
    {STATE_CANCELLING, ON_STOPPED_AS_INIT,
        "It has no part in the terminal, and every stop but SIGSTOP is blocked in it."},
    {STATE_CANCELLING, ON_STOPPED_AS_JOB, "As for PID 1."},
    {STATE_CANCELLING, ON_OUT_OF_REACH, "What is left is looked for when the preparer has ended."},
    {STATE_PREPARED, ON_EXITED, "The preparer has been reaped already."},
    {STATE_PREPARED, ON_KILLED, "The preparer has been reaped already."},
    {STATE_PREPARED, ON_STOPPED_AS_INIT, "The preparer has been reaped already."},
    {STATE_PREPARED, ON_STOPPED_AS_JOB, "The preparer has been reaped already."},
    {STATE_PREPARED, ON_HALTED, "The preparer has been reaped already."},
    {STATE_RUNNING, ON_NONE_LEFT, "The command itself is a child that has not been reaped."},
    {STATE_RUNNING, ON_TIME_UP,
        "No clock ends a command: how long it takes to stop is between it and who asked."},
    {STATE_RUNNING, ON_OUT_OF_REACH, "Nothing is killed while the command runs."},
    {STATE_LEAVING, ON_EXITED, "The command has been reaped already."},
    {STATE_LEAVING, ON_KILLED, "The command has been reaped already."},
    {STATE_LEAVING, ON_STOPPED_AS_INIT, "The command has been reaped already."},
    {STATE_LEAVING, ON_STOPPED_AS_JOB, "The command has been reaped already."},
    {STATE_LEAVING, ON_HALTED, "The command has been reaped already."},
    {STATE_PREPARING, ON_ENDED_FIRST, "Nothing runs beside the preparer."},
    {STATE_PREPARING, ON_BESIDE_ENDED, "Nothing runs beside the preparer."},
    {STATE_CANCELLING, ON_ENDED_FIRST, "Nothing runs beside the preparer."},
    {STATE_CANCELLING, ON_BESIDE_ENDED, "Nothing runs beside the preparer."},
    {STATE_PREPARED, ON_ENDED_FIRST, "Nothing runs beside the preparer."},
    {STATE_PREPARED, ON_BESIDE_ENDED, "Nothing runs beside the preparer."},
    {STATE_RUNNING, ON_BESIDE_ENDED, "It is looked at when the command has ended."},
    {STATE_FINISHING, ON_EXITED, "The command has been reaped already."},
    {STATE_FINISHING, ON_KILLED, "The command has been reaped already."},
    {STATE_FINISHING, ON_ENDED_FIRST, "The command has been reaped already."},
    {STATE_FINISHING, ON_STOPPED_AS_INIT, "The command has been reaped already."},
    {STATE_FINISHING, ON_STOPPED_AS_JOB, "The command has been reaped already."},
    {STATE_FINISHING, ON_HALTED, "The command has been reaped already."},
    {STATE_FINISHING, ON_NONE_LEFT, "What runs beside is a child, and its end is told first."},
    {STATE_FINISHING, ON_OUT_OF_REACH, "Nothing is killed before its time is up."},
    {STATE_LEAVING, ON_ENDED_FIRST, "The command has been reaped already."},
    {STATE_LEAVING, ON_BESIDE_ENDED, "What is left is one thing here."},
    {STATE_OVER, ON_ENDED_FIRST, "No child is left."},
    {STATE_OVER, ON_BESIDE_ENDED, "No child is left."},
    {STATE_OVER, ON_END_SIGNAL,
        "Nothing is read any more: it stays pending and forbids the next phase."},
    {STATE_OVER, ON_HANG_UP, "As for TERM."},
    {STATE_OVER, ON_TERMINAL_HANG_UP, "As for TERM."},
    {STATE_OVER, ON_STOP_KEY,
        "Nothing is read any more: it stays pending until the command is there to get it."},
    {STATE_OVER, ON_TERMINAL_STOP,
        "Nothing is read any more: it stays pending and means nothing to the next phase."},
    {STATE_OVER, ON_OWN_PIPE,
        "Nothing is read any more: it stays pending and means nothing to the next phase."},
    {STATE_OVER, ON_CHILD_SIGNAL,
        "Nothing is read any more, and the next phase reaps at every wake-up."},
    {STATE_OVER, ON_OTHER_SIGNAL,
        "Nothing is read any more: it stays pending until the command is there to get it."},
    {STATE_OVER, ON_EXITED, "No child is left."},
    {STATE_OVER, ON_KILLED, "No child is left."},
    {STATE_OVER, ON_NONE_LEFT, "That is how we came here."},
    {STATE_OVER, ON_TIME_UP, "No clock runs."},
    {STATE_OVER, ON_DROPPED_SIGNAL,
        "Nothing is read any more, and it would be dropped by the next phase as well."},
    {STATE_OVER, ON_STOPPED_AS_INIT, "No child is left."},
    {STATE_OVER, ON_STOPPED_AS_JOB, "No child is left."},
    {STATE_OVER, ON_HALTED, "No child is left."},
    {STATE_OVER, ON_OUT_OF_REACH, "No child is left."},
};

static const char *why_impossible(int state, int event) {
    for (size_t i = 0; i < ARRAY_LENGTH(impossible); i++) {
        if ((int)impossible[i].state == state && (int)impossible[i].event == event) {
            return impossible[i].why;
        }
    }
    return NULL;
}

static void every_state_answers_every_event_with_a_reason(void **state) {
    (void)state;
    for (int s = 0; s < STATE_COUNT; s++) {
        for (int e = 0; e < SUPERVISOR_EVENT_COUNT; e++) {
            const struct supervisor_row *row =
                state_table_next((enum supervisor_state)s, (enum supervisor_event)e);
            const char *why = row == NULL ? why_impossible(s, e) : row->why;
            if (why == NULL || (row != NULL && why_impossible(s, e) != NULL)) {
                fail_msg("%s, %s: a row, or in impossible[] a reason why there is none", states[s],
                    events[e]);
                return;
            }
            assert_in_range(strlen(why), 10, 100);
            assert_int_equal(why[strlen(why) - 1], '.');
            if (row != NULL) {
                assert_in_range(row->next, 0, STATE_COUNT - 1);
                assert_in_range(row->action, 0, ACTION_COUNT - 1);
            }
        }
    }
}

/* All but what a signal does where the state stays as it is: that is in consequences[]. */
static void decisions_are_these(void **state) {
    (void)state;
    static const struct {
        enum supervisor_state state;
        enum supervisor_event event;
        enum supervisor_state next;
        enum supervisor_action action;
    } rows[] = {
        {STATE_PREPARING, ON_END_SIGNAL, STATE_CANCELLING, ACTION_CANCEL},
        {STATE_PREPARING, ON_HANG_UP, STATE_CANCELLING, ACTION_CANCEL},
        {STATE_PREPARING, ON_TERMINAL_HANG_UP, STATE_CANCELLING, ACTION_CANCEL},
        {STATE_PREPARING, ON_EXITED, STATE_PREPARED, ACTION_END_LEFTOVERS},
        {STATE_PREPARING, ON_KILLED, STATE_PREPARED, ACTION_KILL_LEFTOVERS},
        {STATE_CANCELLING, ON_TIME_UP, STATE_CANCELLING, ACTION_KILL_PREPARER},
        {STATE_CANCELLING, ON_KILLED, STATE_PREPARED, ACTION_KILL_LEFTOVERS},
        {STATE_PREPARED, ON_TIME_UP, STATE_PREPARED, ACTION_KILL_LEFTOVERS},
        {STATE_PREPARED, ON_NONE_LEFT, STATE_OVER, ACTION_NONE},
        {STATE_RUNNING, ON_EXITED, STATE_LEAVING, ACTION_END_LEFTOVERS},
        {STATE_RUNNING, ON_KILLED, STATE_LEAVING, ACTION_END_LEFTOVERS},
        {STATE_RUNNING, ON_ENDED_FIRST, STATE_FINISHING, ACTION_LET_FINISH},
        {STATE_FINISHING, ON_BESIDE_ENDED, STATE_LEAVING, ACTION_END_LEFTOVERS},
        {STATE_FINISHING, ON_TIME_UP, STATE_LEAVING, ACTION_END_LEFTOVERS},
        {STATE_LEAVING, ON_TIME_UP, STATE_LEAVING, ACTION_KILL_LEFTOVERS},
        {STATE_LEAVING, ON_NONE_LEFT, STATE_OVER, ACTION_NONE},
        {STATE_PREPARED, ON_OUT_OF_REACH, STATE_OVER, ACTION_GIVE_UP},
        {STATE_LEAVING, ON_OUT_OF_REACH, STATE_OVER, ACTION_GIVE_UP},
        {STATE_RUNNING, ON_STOPPED_AS_INIT, STATE_RUNNING, ACTION_RESUME},
        {STATE_RUNNING, ON_STOPPED_AS_JOB, STATE_RUNNING, ACTION_STOP_TOO},
        {STATE_RUNNING, ON_HALTED, STATE_RUNNING, ACTION_NONE},
        {STATE_PREPARING, ON_HALTED, STATE_PREPARING, ACTION_NONE},
        {STATE_PREPARING, ON_DROPPED_SIGNAL, STATE_PREPARING, ACTION_NONE},
        {STATE_RUNNING, ON_DROPPED_SIGNAL, STATE_RUNNING, ACTION_NONE},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        const struct supervisor_row *row = state_table_next(rows[i].state, rows[i].event);
        if (row == NULL || row->next != rows[i].next || row->action != rows[i].action) {
            fail_msg("%s, %s: %s and then %s, where this table has %s and then %s",
                states[rows[i].state], events[rows[i].event],
                actions[row == NULL ? NO_ROW : row->action],
                row == NULL ? "nothing" : states[row->next], actions[rows[i].action],
                states[rows[i].next]);
        }
    }
}

static void signals_are_told_apart_by_who_made_them(void **state) {
    (void)state;
    enum { SELF = 7, OTHER = 8 };
    static const struct {
        struct received_signal received;
        signal_mask ignored;
        enum supervisor_event event;
    } cases[] = {
        {{SIGTERM, false, OTHER}, 0, ON_END_SIGNAL},
        {{SIGINT, false, OTHER}, 0, ON_END_SIGNAL},
        {{SIGINT, true, 0}, 0, ON_END_SIGNAL},
        {{SIGQUIT, false, 0}, 0, ON_END_SIGNAL},
        {{SIGHUP, false, 0}, 0, ON_HANG_UP},
        {{SIGHUP, true, 0}, 0, ON_TERMINAL_HANG_UP},
        {{SIGHUP, true, 0}, SIGNAL_BIT(SIGHUP), ON_OTHER_SIGNAL},
        {{SIGINT, true, 0}, SIGNAL_BIT(SIGINT), ON_OTHER_SIGNAL},
        {{SIGINT, true, 0}, SIGNAL_BIT(SIGHUP), ON_END_SIGNAL},
        {{SIGTSTP, true, 0}, 0, ON_STOP_KEY},
        {{SIGTTIN, true, 0}, 0, ON_TERMINAL_STOP},
        {{SIGTTOU, true, 0}, 0, ON_TERMINAL_STOP},
        {{SIGTSTP, true, 0}, SIGNAL_BIT(SIGTSTP), ON_STOP_KEY},
        {{SIGTSTP, false, OTHER}, 0, ON_OTHER_SIGNAL},
        {{SIGTTIN, false, OTHER}, 0, ON_OTHER_SIGNAL},
        {{SIGTTOU, false, OTHER}, 0, ON_OTHER_SIGNAL},
        {{SIGCHLD, true, OTHER}, 0, ON_CHILD_SIGNAL},
        {{SIGCHLD, false, OTHER}, 0, ON_OTHER_SIGNAL},
        {{SIGPIPE, false, SELF}, 0, ON_OWN_PIPE},
        {{SIGPIPE, false, OTHER}, 0, ON_OTHER_SIGNAL},
        {{SIGUSR1, false, SELF}, 0, ON_OTHER_SIGNAL},
        {{SIGWINCH, true, 0}, 0, ON_OTHER_SIGNAL},
        {{SIGCONT, true, 0}, 0, ON_OTHER_SIGNAL},
        {{64, false, OTHER}, 0, ON_OTHER_SIGNAL},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        assert_int_equal(
            state_table_event_of(&cases[i].received, cases[i].ignored, SELF), cases[i].event);
    }
}

static void four_signals_forbid_a_start_and_the_clearest_is_named(void **state) {
    (void)state;
    assert_int_equal(state_table_stop_pending(0, 0, unchanged), 0);
    assert_int_equal(state_table_stop_pending(SIGNAL_BIT(SIGHUP), 0, unchanged), SIGHUP);
    assert_int_equal(
        state_table_stop_pending(SIGNAL_BIT(SIGHUP), SIGNAL_BIT(SIGHUP), unchanged), 0);
    assert_int_equal(
        state_table_stop_pending(SIGNAL_BIT(SIGHUP) | SIGNAL_BIT(SIGTERM), 0, unchanged), SIGTERM);
    assert_int_equal(
        state_table_stop_pending(SIGNAL_BIT(SIGINT) | SIGNAL_BIT(SIGQUIT), 0, unchanged), SIGINT);
    assert_int_equal(
        state_table_stop_pending(
            SIGNAL_BIT(SIGUSR1) | SIGNAL_BIT(SIGCHLD) | SIGNAL_BIT(SIGTSTP), 0, unchanged),
        0);
}

/* ---- every signal ---- */

enum { SELF_PROCESS = 7, OTHER_PROCESS = 8 };

/* What each signal is to the table: sent by a process, and made by the kernel. KILL and STOP never
 * reach us; they are here for --rewrite, which may make any signal of any other. */
static const struct {
    int number;
    enum supervisor_event from_process;
    enum supervisor_event from_kernel;
} meanings[] = {
    {SIGHUP, ON_HANG_UP, ON_TERMINAL_HANG_UP},
    {SIGINT, ON_END_SIGNAL, ON_END_SIGNAL},
    {SIGQUIT, ON_END_SIGNAL, ON_END_SIGNAL},
    {SIGILL, ON_OTHER_SIGNAL, ON_OTHER_SIGNAL},
    {SIGTRAP, ON_OTHER_SIGNAL, ON_OTHER_SIGNAL},
    {SIGABRT, ON_OTHER_SIGNAL, ON_OTHER_SIGNAL},
    {SIGBUS, ON_OTHER_SIGNAL, ON_OTHER_SIGNAL},
    {SIGFPE, ON_OTHER_SIGNAL, ON_OTHER_SIGNAL},
    {SIGKILL, ON_END_SIGNAL, ON_END_SIGNAL},
    {SIGUSR1, ON_OTHER_SIGNAL, ON_OTHER_SIGNAL},
    {SIGSEGV, ON_OTHER_SIGNAL, ON_OTHER_SIGNAL},
    {SIGUSR2, ON_OTHER_SIGNAL, ON_OTHER_SIGNAL},
    {SIGPIPE, ON_OTHER_SIGNAL, ON_OTHER_SIGNAL},
    {SIGALRM, ON_OTHER_SIGNAL, ON_OTHER_SIGNAL},
    {SIGTERM, ON_END_SIGNAL, ON_END_SIGNAL},
    {SIGSTKFLT, ON_OTHER_SIGNAL, ON_OTHER_SIGNAL},
    {SIGCHLD, ON_OTHER_SIGNAL, ON_CHILD_SIGNAL},
    {SIGCONT, ON_OTHER_SIGNAL, ON_OTHER_SIGNAL},
    {SIGSTOP, ON_OTHER_SIGNAL, ON_OTHER_SIGNAL},
    {SIGTSTP, ON_OTHER_SIGNAL, ON_STOP_KEY},
    {SIGTTIN, ON_OTHER_SIGNAL, ON_TERMINAL_STOP},
    {SIGTTOU, ON_OTHER_SIGNAL, ON_TERMINAL_STOP},
    {SIGURG, ON_OTHER_SIGNAL, ON_OTHER_SIGNAL},
    {SIGXCPU, ON_OTHER_SIGNAL, ON_OTHER_SIGNAL},
    {SIGXFSZ, ON_OTHER_SIGNAL, ON_OTHER_SIGNAL},
    {SIGVTALRM, ON_OTHER_SIGNAL, ON_OTHER_SIGNAL},
    {SIGPROF, ON_OTHER_SIGNAL, ON_OTHER_SIGNAL},
    {SIGWINCH, ON_OTHER_SIGNAL, ON_OTHER_SIGNAL},
    {SIGIO, ON_OTHER_SIGNAL, ON_OTHER_SIGNAL},
    {SIGPWR, ON_OTHER_SIGNAL, ON_OTHER_SIGNAL},
    {SIGSYS, ON_OTHER_SIGNAL, ON_OTHER_SIGNAL},
};

/* What an event leads to, in the order of the states. */
static const struct {
    enum supervisor_event event;
    enum supervisor_action actions[STATE_COUNT];
} consequences[] = {
    {ON_END_SIGNAL,
        {ACTION_CANCEL, ACTION_CANCEL, ACTION_REMEMBER, ACTION_FORWARD_AND_TIME,
            ACTION_END_LEFTOVERS, ACTION_HASTEN, NO_ROW}},
    {ON_HANG_UP,
        {ACTION_CANCEL, ACTION_CANCEL, ACTION_REMEMBER, ACTION_FORWARD, ACTION_NONE, ACTION_NONE,
            NO_ROW}},
    {ON_TERMINAL_HANG_UP,
        {ACTION_CANCEL, ACTION_CANCEL, ACTION_REMEMBER, ACTION_FORWARD_AND_RESUME,
            ACTION_END_LEFTOVERS, ACTION_NONE, NO_ROW}},
    {ON_STOP_KEY,
        {ACTION_NONE, ACTION_NONE, ACTION_NONE, ACTION_FORWARD, ACTION_NONE, ACTION_NONE, NO_ROW}},
    {ON_TERMINAL_STOP,
        {ACTION_NONE, ACTION_NONE, ACTION_NONE, ACTION_NONE, ACTION_NONE, ACTION_NONE, NO_ROW}},
    {ON_CHILD_SIGNAL,
        {ACTION_NONE, ACTION_NONE, ACTION_NONE, ACTION_NONE, ACTION_NONE, ACTION_NONE, NO_ROW}},
    {ON_OWN_PIPE,
        {ACTION_NONE, ACTION_NONE, ACTION_NONE, ACTION_NONE, ACTION_NONE, ACTION_NONE, NO_ROW}},
    {ON_OTHER_SIGNAL,
        {ACTION_NONE, ACTION_NONE, ACTION_NONE, ACTION_FORWARD, ACTION_NONE, ACTION_NONE, NO_ROW}},
};

static void assert_answer_in_every_state(int number, enum supervisor_event event) {
    size_t at = 0;
    while (at < ARRAY_LENGTH(consequences) && consequences[at].event != event) {
        at++;
    }
    assert_in_range(at, 0, ARRAY_LENGTH(consequences) - 1);
    for (int s = 0; s < STATE_COUNT; s++) {
        const struct supervisor_row *row = state_table_next((enum supervisor_state)s, event);
        /* Nothing is read any more once it is over. */
        enum supervisor_action action = row == NULL ? NO_ROW : row->action;
        if (action != consequences[at].actions[s] || (row == NULL) != (s == STATE_OVER)) {
            fail_msg("SIG%s, which is %s, in %s: %s, where consequences[] has %s",
                signals_name(number), events[event], states[s], actions[action],
                actions[consequences[at].actions[s]]);
        }
    }
}

static void there_is_a_sentence_for_every_signal_in_every_phase(void **state) {
    (void)state;
    for (int number = 1; number <= SIGNAL_LAST; number++) {
        enum supervisor_event from_process = ON_OTHER_SIGNAL;
        enum supervisor_event from_kernel = ON_OTHER_SIGNAL;
        if (number <= SIGSYS) {
            assert_int_equal(meanings[number - 1].number, number);
            from_process = meanings[number - 1].from_process;
            from_kernel = meanings[number - 1].from_kernel;
        }
        const struct received_signal sent = {number, false, OTHER_PROCESS};
        const struct received_signal made = {number, true, 0};
        const struct received_signal own = {number, false, SELF_PROCESS};
        enum supervisor_event from_self = number == SIGPIPE ? ON_OWN_PIPE : from_process;
        assert_int_equal(state_table_event_of(&sent, 0, SELF_PROCESS), from_process);
        assert_int_equal(state_table_event_of(&made, 0, SELF_PROCESS), from_kernel);
        assert_int_equal(state_table_event_of(&own, 0, SELF_PROCESS), from_self);
        assert_answer_in_every_state(number, from_process);
        assert_answer_in_every_state(number, from_kernel);
        assert_answer_in_every_state(number, from_self);
        /* Where no phase runs it waits: it forbids the next one, or goes to the command. */
        bool means_an_end = from_process == ON_END_SIGNAL || from_process == ON_HANG_UP;
        assert_int_equal(
            state_table_stop_pending(SIGNAL_BIT(number), 0, unchanged), means_an_end ? number : 0);
    }
}

static void what_was_inherited_as_ignored_never_means_an_end(void **state) {
    (void)state;
    for (int number = 1; number <= SIGNAL_LAST; number++) {
        const struct received_signal sent = {number, false, OTHER_PROCESS};
        assert_int_equal(
            state_table_event_of(&sent, SIGNAL_BIT(number), SELF_PROCESS), ON_OTHER_SIGNAL);
        assert_int_equal(
            state_table_stop_pending(SIGNAL_BIT(number), SIGNAL_BIT(number), unchanged), 0);
    }
}

static void pid_1_ignores_what_it_inherited_so_only_once_a_command_runs(void **state) {
    (void)state;
    static const struct {
        bool is_init;
        bool has_command;
        signal_mask ignored;
    } cases[] = {
        {true, false, 0},
        {true, true, SIGNAL_MASK_ALL},
        {false, false, SIGNAL_MASK_ALL},
        {false, true, SIGNAL_MASK_ALL},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        assert_true(state_table_ignored(SIGNAL_MASK_ALL, cases[i].is_init, cases[i].has_command) ==
            cases[i].ignored);
    }
}

static void any_signal_can_be_rewritten_but_not_the_news_of_our_own(void **state) {
    (void)state;
    signal_rewrites all_to_usr1;
    memset(all_to_usr1, SIGUSR1, sizeof all_to_usr1);
    for (int number = 1; number <= SIGNAL_LAST; number++) {
        const struct received_signal sent = {number, false, OTHER_PROCESS};
        assert_int_equal(state_table_rewrite_of(&sent, all_to_usr1, SELF_PROCESS), SIGUSR1);
        assert_int_equal(state_table_rewrite_of(&sent, unchanged, SELF_PROCESS), number);
    }
    const struct received_signal child = {SIGCHLD, true, OTHER_PROCESS};
    const struct received_signal pipe = {SIGPIPE, false, SELF_PROCESS};
    assert_int_equal(state_table_rewrite_of(&child, all_to_usr1, SELF_PROCESS), SIGCHLD);
    assert_int_equal(state_table_rewrite_of(&pipe, all_to_usr1, SELF_PROCESS), SIGPIPE);
}

static void what_is_rewritten_to_nothing_is_dropped(void **state) {
    (void)state;
    const struct received_signal dropped = {0, false, OTHER_PROCESS};
    assert_int_equal(
        state_table_event_of(&dropped, SIGNAL_MASK_ALL, SELF_PROCESS), ON_DROPPED_SIGNAL);
}

static void a_waiting_signal_forbids_a_start_by_what_it_is_rewritten_to(void **state) {
    (void)state;
    signal_rewrites rewrites;
    memcpy(rewrites, unchanged, sizeof rewrites);
    rewrites[SIGTERM] = 0;
    rewrites[SIGUSR1] = SIGQUIT;
    rewrites[SIGUSR2] = SIGKILL;
    rewrites[SIGCHLD] = SIGTERM;
    assert_int_equal(state_table_stop_pending(SIGNAL_BIT(SIGTERM), 0, rewrites), 0);
    assert_int_equal(state_table_stop_pending(SIGNAL_BIT(SIGUSR1), 0, rewrites), SIGQUIT);
    assert_int_equal(
        state_table_stop_pending(SIGNAL_BIT(SIGUSR1) | SIGNAL_BIT(SIGUSR2), 0, rewrites), SIGKILL);
    assert_int_equal(state_table_stop_pending(SIGNAL_BIT(SIGCHLD), 0, rewrites), 0);
}

static void only_a_terminal_s_stop_is_undone(void **state) {
    (void)state;
    static const int of_terminal[] = {SIGTSTP, SIGTTIN, SIGTTOU};
    for (size_t i = 0; i < ARRAY_LENGTH(of_terminal); i++) {
        assert_int_equal(state_table_stop_event_of(of_terminal[i], true, true), ON_STOPPED_AS_INIT);
        assert_int_equal(state_table_stop_event_of(of_terminal[i], true, false), ON_STOPPED_AS_JOB);
        assert_int_equal(state_table_stop_event_of(of_terminal[i], false, true), ON_HALTED);
    }
    assert_int_equal(state_table_stop_event_of(SIGSTOP, true, true), ON_HALTED);
    assert_int_equal(state_table_stop_event_of(SIGSTOP, true, false), ON_HALTED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_state_answers_every_event_with_a_reason),
        cmocka_unit_test(decisions_are_these),
        cmocka_unit_test(signals_are_told_apart_by_who_made_them),
        cmocka_unit_test(four_signals_forbid_a_start_and_the_clearest_is_named),
        cmocka_unit_test(there_is_a_sentence_for_every_signal_in_every_phase),
        cmocka_unit_test(what_was_inherited_as_ignored_never_means_an_end),
        cmocka_unit_test(pid_1_ignores_what_it_inherited_so_only_once_a_command_runs),
        cmocka_unit_test(any_signal_can_be_rewritten_but_not_the_news_of_our_own),
        cmocka_unit_test(what_is_rewritten_to_nothing_is_dropped),
        cmocka_unit_test(a_waiting_signal_forbids_a_start_by_what_it_is_rewritten_to),
        cmocka_unit_test(only_a_terminal_s_stop_is_undone),
    };
    return cmocka_run_group_tests(tests, rewrite_nothing, NULL);
}
