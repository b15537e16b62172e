/*
 * The single flight, for spin. What a replica does next is not written here: table.pml is printed
 * from the rows of src/prepare/protocol/protocol.c (print_protocol promela), and a pair that the table does not
 * know fails an assertion. Written here is the world that it meets: a server with a lock, a ledger
 * and the sessions of steps; steps that are processes of their own; links and containers that stop;
 * and somebody who breaks FAULTS things at whatever moment is worst.
 *
 * Time is only where the protocol counts on it: `silence` counts, in units of 5 s, since when the
 * server has heard nothing from the holder of the lock.
 *
 * PROMPTLY marks the one assumption that is not proven here but measured by test/chaos: a runner
 * that is alive and whose lock the server has just taken away sees its socket closed, and kills its
 * step, before another replica has taken the lock, looked, inspected, recorded and fenced.
 *
 * Each -DBREAK_... is a way to build it wrong; run.sh sees every one of them found.
 */
#include "table.pml"

#ifndef REPLICAS
#define REPLICAS 3
#endif
#ifndef FAULTS
#define FAULTS 2
#endif
#define LAST (REPLICAS - 1)
#define NOBODY 3
/* Rows of the ledger, from 1: a replica begins again only after a fault. */
#define ROWS (REPLICAS + FAULTS + 1)

#ifdef BREAK_LATE_SWITCH
#define STEP_IS_DEAD_AFTER 7
#else
#define STEP_IS_DEAD_AFTER 5 /* 25 s */
#endif
#define SERVER_LETS_GO_AFTER 6 /* 30 s: idle_in_transaction_session_timeout */
#define WAS_STOPPED_AFTER 4 /* 20 s between two looks */

mtype:row = {row_none, row_running, row_succeeded, row_failed, row_died, row_interrupted};
mtype:process = {no_process, booting, working, exited_well, exited_badly, killed};
mtype:purpose = {if_due, always, to_wait};

/* --- the server --- */
byte lock = NOBODY;
byte silence;
mtype:row ledger[ROWS];
bit content_of[ROWS];
byte newest_row;
bool statement[3]; /* The step of this replica has a session, and may be at work in it. */
bool is_standby;

/* --- the replicas --- */
mtype:purpose purpose[3];
bit content[3];
mtype:process step[3];
bool is_over[3];
bool is_crashed[3];
bool is_asked_to_end[3];
bool is_cut[3];
bool is_frozen[3];
bool has_lost[3]; /* Its lock, and could know: the socket is closed, or it was stopped for long. */
bool must_rest[2];

byte faults;

/* --- what only the checks know --- */
bool has_succeeded[2]; /* A step of this content has ended well. */
bool is_prepared[2]; /* The same, and nobody has typed it since. */
bool is_unheard[3];  /* Its lock was taken away by force while its link was cut. */
byte in_flight;      /* Who has begun and is not over, a bit each. */
byte waited_for[ROWS]; /* Who was in protocol when it was decided. */

#define BIT(who) (1 << (who))
#define IS_ALIVE(who) (step[who] == booting || step[who] == working)
#define CAN_ACT(who) (!is_crashed[who] && !is_frozen[who])
#define BUDGET (faults < FAULTS)
#define HAS_OTHERS(who) ((who != 0 && statement[0]) || (who != 1 && statement[1]) || (who != 2 && statement[2]))
#ifdef BREAK_PROMPTLY
#define PROMPTLY(condition) true
#else
#define PROMPTLY(condition) (condition)
#endif
/* Another's step that lives: not one in a container that is stopped, and not one that can reach
 * nothing because its link is cut, whose lock nobody could have taken away but by force. */
#define IS_RIVAL(who) (me != who && IS_ALIVE(who) && !is_frozen[who] && !is_unheard[who])
/* Its own clock tells a runner that the lock may be gone, before it begins a step. */
#ifdef BREAK_NO_LOOK_BEFORE_STEP
#define KNOWS_LOSS(who) (has_lost[who] || is_begun && is_cut[who] && lock != who)
#else
#define KNOWS_LOSS(who) (has_lost[who] || is_cut[who] && (lock != who || \
    silence >= (is_begun -> STEP_IS_DEAD_AFTER : WAS_STOPPED_AFTER)))
#endif
/* A runner that has lost its lock and could have seen it by now. */
#define IS_LATE(who) (has_lost[who] && CAN_ACT(who) && IS_ALIVE(who))

inline let_lock_go(who) {
    if
    :: lock == who -> lock = NOBODY; silence = 0
    :: else
    fi
}

inline see_newest(who) {
    row = newest_row;
    do
    :: row > 0 && content_of[row] != content[who] -> row--
    :: else -> break
    od
}

/* flight_observe */
inline observe_ledger() {
    see_newest(me);
    if
    :: first == 0 && row > 0 && ledger[row] == row_running -> first = row
    :: first == 0 && !(row > 0 && ledger[row] == row_running) -> first = row + 1
    :: else
    fi;
    seen = seen_undecided;
    if
    :: purpose[me] == always
    :: purpose[me] != always && row > 0 && ledger[row] == row_succeeded -> seen = seen_succeeded
#ifdef BREAK_START_AFTER_DEATH
    :: purpose[me] != always && row > 0 && ledger[row] == row_interrupted -> seen = seen_succeeded
#endif
#ifdef BREAK_SHARE_WITH_LATER_ONES
    :: purpose[me] != always && row > 0 && ledger[row] == row_failed -> seen = seen_failed
#else
#ifndef BREAK_SHARE_WITH_NOBODY
    :: purpose[me] != always && row >= first && row > 0 && ledger[row] == row_failed -> seen = seen_failed
#endif
#endif
    :: else
    fi;
    if
    :: seen == seen_undecided && purpose[me] == to_wait -> seen = seen_not_ours_to_prepare
    :: seen == seen_undecided && purpose[me] != to_wait && is_standby -> seen = seen_on_a_standby
    :: seen == seen_undecided && purpose[me] == if_due && !is_standby && row > 0 &&
        ledger[row] == row_failed && must_rest[content[me]] -> seen = seen_too_soon_after_a_failure
#ifdef BREAK_WAIT_FOR_THE_DEAD
    :: seen == seen_undecided && purpose[me] == if_due && row > 0 && ledger[row] == row_running ->
        seen = seen_not_ours_to_prepare
#endif
    :: else
    fi
}

/* What any question to the server may come to instead of an answer. */
inline trouble() {
    if
    :: is_cut[me] -> seen = seen_connection_gone
    :: BUDGET && !is_cut[me] -> faults++; seen = seen_connection_gone
    :: BUDGET && !is_cut[me] -> faults++; seen = seen_refused
    :: BUDGET && !is_cut[me] && (act == act_connect || act == act_look || act == act_try_lock) ->
        faults++; seen = seen_no_connection_free
    :: is_asked_to_end[me] -> seen = seen_cancelled
    fi
}
#define TROUBLE (is_cut[me] || BUDGET || is_asked_to_end[me])

/* A run is decided: who is in protocol now has waited for it. */
inline decide(which, how) {
#ifndef BREAK_OVERWRITE
    assert(ledger[which] == row_running);
#else
    assert(ledger[which] == row_running || ledger[which] == row_none);
#endif
    ledger[which] = how;
    waited_for[which] = in_flight
}

inline bury_the_dead() {
    row = newest_row;
    do
    :: row > 0 ->
        if
        :: ledger[row] == row_running -> decide(row, row_interrupted)
        :: else
        fi;
        row--
    :: else -> break
    od
}

/* How many of the newest rows of this content are `which` in a row, up to 2. */
inline count_newest(which) {
    count = 0;
    row = newest_row;
    do
    :: row == 0 || count == 2 -> break
    :: else ->
        if
        :: content_of[row] != content[me] || row == my_run
        :: content_of[row] == content[me] && row != my_run && ledger[row] == which -> count++
        :: else -> break
        fi;
        row--
    od;
    row = 0
}

/* Ends what earlier runs do in the server; a step without its session is one that fails. */
inline sweep_others() {
    row = 0;
    do
    :: row < 3 ->
        if
        :: row != me -> statement[row] = false
        :: else
        fi;
        row++
    :: else -> break
    od;
    row = 0
}

/* The step is killed, and then what it was doing in the server, where that can be reached. */
inline end_step() {
    step[me] = no_process;
    is_begun = false;
    statement[me] = statement[me] && (is_cut[me] || outcome == exited_well)
}

/* A step may run again, once, after a pause in which anything may happen. Of three replicas only one
 * has a second try, which is a third of the states less. */
#if REPLICAS == 3
#define MAY_RETRY(who) ((who) == 0)
#else
#define MAY_RETRY(who) true
#endif
#ifdef BREAK_RETRY_WITHOUT_FENCE
#define END_TRY step[me] = no_process; is_begun = false
#else
#define END_TRY end_step()
#endif
#ifdef BREAK_RETRY_WITHOUT_LOOK
#define MAY_BEGIN(who) (!KNOWS_LOSS(who) || is_retried)
#else
#define MAY_BEGIN(who) (!KNOWS_LOSS(who))
#endif

proctype Replica(byte me) {
    mtype:state at = connecting;
    mtype:action act = act_connect;
    mtype:observation seen = seen_done;
    byte first = 0; /* Failed runs from this one on are shared. */
    byte my_run = 0;
    byte row = 0;
    byte count = 0;
    bool is_begun = false;
    bool is_retried = false;
    mtype:process outcome = no_process;

    atomic {
        in_flight = in_flight | BIT(me)
    }
    do
    :: atomic { is_crashed[me] -> break }

    :: atomic { CAN_ACT(me) && act == act_connect ->
        let_lock_go(me);
        has_lost[me] = false;
        if
        :: !is_cut[me] -> seen = seen_done
        :: is_cut[me] -> seen = seen_refused
        :: TROUBLE && !is_cut[me] -> trouble()
        fi;
        follow_row() }

    :: atomic { CAN_ACT(me) && act == act_look ->
        if
        :: !is_cut[me] -> observe_ledger()
        :: TROUBLE -> trouble()
        fi;
        if
        :: at == confirming && seen == seen_not_ours_to_prepare -> seen = seen_undecided
#ifdef BREAK_NO_CONFIRMATION
        :: at == confirming && seen == seen_succeeded -> seen = seen_undecided
#endif
        :: else
        fi;
        if
        :: seen == seen_failed -> my_run = row
        :: else
        fi;
        row = 0;
        follow_row() }

    :: atomic { CAN_ACT(me) && act == act_try_lock ->
        if
        :: !is_cut[me] && lock == NOBODY -> lock = me; has_lost[me] = false; seen = seen_done
        :: !is_cut[me] && lock != NOBODY -> seen = seen_lock_held
        :: TROUBLE -> trouble()
        fi;
        follow_row() }

    :: atomic { CAN_ACT(me) && act == act_pause ->
        if
        :: !is_asked_to_end[me] -> seen = seen_done
        :: BUDGET -> faults++; seen = seen_timed_out
        :: is_asked_to_end[me] -> seen = seen_cancelled
        fi;
        follow_row() }

    :: atomic { CAN_ACT(me) && act == act_inspect ->
        if
        :: !is_cut[me] -> seen = seen_done
        :: TROUBLE -> trouble()
        fi;
        follow_row() }

    :: atomic { CAN_ACT(me) && act == act_begin_run ->
        if
        :: !is_cut[me] ->
            /* Without a fault nobody prepares what is prepared, or what he has waited for in vain. */
            see_newest(me);
            assert(faults > 0 || purpose[me] == always || !is_prepared[content[me]]);
            assert(faults > 0 || purpose[me] == always || row == 0 || row < first ||
                ledger[row] != row_failed);
            bury_the_dead();
            newest_row++;
            my_run = newest_row;
            content_of[my_run] = content[me];
            ledger[my_run] = row_running;
            row = 0;
            if
            :: purpose[me] == always -> is_prepared[content[me]] = false
            :: else
            fi;
            if
            :: seen = seen_done
            :: BUDGET -> faults++; seen = seen_connection_gone /* It was written all the same. */
            fi
        :: TROUBLE -> trouble()
        fi;
        follow_row() }

    :: atomic { CAN_ACT(me) && act == act_fence ->
        if
#ifdef BREAK_NO_FENCE
        :: !is_cut[me] -> seen = seen_done; follow_row()
#else
        :: !is_cut[me] && !HAS_OTHERS(me) -> seen = seen_done; follow_row()
        :: !is_cut[me] && HAS_OTHERS(me) -> sweep_others()
#endif
        :: HAS_OTHERS(me) && has_lost[me] -> outcome = killed; seen = seen_lock_lost; follow_row()
        :: is_asked_to_end[me] -> outcome = killed; seen = seen_steps_stopped; follow_row()
        :: is_cut[me] -> seen = seen_connection_gone; follow_row()
        :: BUDGET && HAS_OTHERS(me) -> faults++; outcome = killed; seen = seen_timed_out; follow_row()
        :: BUDGET && !is_cut[me] -> faults++; seen = seen_connection_gone; follow_row()
        :: BUDGET && !is_cut[me] -> faults++; seen = seen_refused; follow_row()
        fi }

    /* The step: begun, and looked after until nothing of it is left. */
    :: atomic { CAN_ACT(me) && act == act_run_steps && !is_begun && MAY_BEGIN(me) &&
        PROMPTLY(!IS_LATE(0) && !IS_LATE(1) && !IS_LATE(2)) ->
        assert(is_unheard[me] || !IS_RIVAL(0) && !IS_RIVAL(1) && !IS_RIVAL(2));
        step[me] = booting;
        is_begun = true }
    :: atomic { CAN_ACT(me) && act == act_run_steps && is_begun && HAS_OTHERS(me) && !is_cut[me] ->
        sweep_others() }
    :: atomic { CAN_ACT(me) && act == act_run_steps && is_begun && step[me] == exited_badly &&
        MAY_RETRY(me) && !is_retried ->
        outcome = step[me];
        END_TRY;
        is_retried = true;
        outcome = no_process }
    :: atomic { CAN_ACT(me) && act == act_run_steps && is_begun && !IS_ALIVE(me) ->
        outcome = step[me];
        end_step();
        if
        :: outcome == exited_well -> seen = seen_steps_ended_well
        :: outcome == exited_badly -> seen = seen_a_step_failed
        :: outcome == killed -> seen = seen_a_step_died
        fi;
        follow_row() }
    :: atomic { CAN_ACT(me) && act == act_run_steps && (KNOWS_LOSS(me) ||
        is_begun && is_cut[me] && silence >= STEP_IS_DEAD_AFTER - 2) ->
        end_step(); outcome = killed; seen = seen_lock_lost; follow_row() }
    :: atomic { CAN_ACT(me) && act == act_run_steps && (is_begun || is_retried) &&
        is_asked_to_end[me] ->
        end_step(); outcome = killed; seen = seen_steps_stopped; follow_row() }

#ifdef BREAK_LET_GO_BEFORE_RECORDING
    :: atomic { CAN_ACT(me) && act == act_record_outcome && lock == me -> let_lock_go(me) }
#endif
    :: atomic { CAN_ACT(me) && act == act_record_outcome ->
        bool is_written = false;
        if
        :: !is_cut[me] -> is_written = true
        :: is_cut[me]
        :: BUDGET && !is_cut[me] -> faults++
        fi;
        if
        :: is_written && ledger[my_run] != row_running ->
#ifdef BREAK_OVERWRITE
            decide(my_run, row_succeeded);
#endif
            seen = seen_decided_elsewhere
        :: else ->
            mtype:row how;
            if
            :: seen == seen_steps_ended_well -> how = row_succeeded
            :: seen == seen_a_step_failed -> how = row_failed
            :: seen == seen_a_step_died ->
                count_newest(row_died);
                how = (count == 2 -> row_failed : row_died)
            :: seen == seen_steps_stopped || seen == seen_lock_lost || seen == seen_timed_out ->
                how = row_interrupted
            fi;
            if
            :: is_written ->
                /* Nothing of a step goes on after "succeeded". */
                assert(how != row_succeeded || !statement[me]);
                decide(my_run, how)
            :: else
            fi;
            if
            :: is_written && how == row_failed ->
                count_newest(row_failed);
                must_rest[content[me]] = count >= 1
            :: else
            fi;
            if
            :: how == row_succeeded && is_written -> seen = seen_succeeded
            :: how == row_succeeded && !is_written -> seen = seen_steps_ended_well
            :: how == row_failed -> seen = seen_failed
            :: else
            fi;
            count = 0;
            how = row_none
        fi;
        is_written = false;
        is_retried = false;
        outcome = no_process;
        follow_row();
        /* Not to be taken below for a failure of others. */
        my_run = 0 }

    :: atomic { CAN_ACT(me) && at == ended ->
        if
        :: act == act_start || act == act_start_unrecorded ->
            assert(purpose[me] == always || has_succeeded[content[me]])
        :: act == act_fail && my_run > 0 ->
            assert(ledger[my_run] == row_failed && content_of[my_run] == content[me]);
            assert((waited_for[my_run] & BIT(me)) != 0)
        :: else
        fi;
        let_lock_go(me);
        in_flight = in_flight & ~BIT(me);
        is_over[me] = true;
        break }
    od;
    at = ended; act = act_cancel; seen = seen_done; first = 0; my_run = 0; outcome = no_process
}

/* A step is a process of its own: its session in the server can outlive it. */
proctype Step(byte me) {
end:
    do
    :: atomic { step[me] == booting && !is_frozen[me] && !is_cut[me] && PROMPTLY(!IS_LATE(me)) ->
        assert(!HAS_OTHERS(me));
        /* Not even of this replica's own try before. */
        assert(!statement[me]);
        statement[me] = true;
        step[me] = working }
    :: atomic { step[me] == working && statement[me] && !is_frozen[me] && !is_cut[me] ->
        has_succeeded[content[me]] = true;
        is_prepared[content[me]] = true;
        step[me] = exited_well;
#ifndef BREAK_LEAVE_DAEMONS
        statement[me] = false
#else
        skip
#endif
        }
    /* It may fail with a statement still at work, and with its session ended it cannot but fail. */
    :: atomic { IS_ALIVE(me) && !is_frozen[me] && (BUDGET || !is_cut[me]) -> step[me] = exited_badly }
    :: atomic { IS_ALIVE(me) && !is_frozen[me] && BUDGET -> faults++; step[me] = killed }
    od
}

/* Whose link is cut hears nothing of it. */
inline lose_lock(who) {
    lock = NOBODY;
    silence = 0;
    has_lost[who] = has_lost[who] || !is_cut[who]
}

inline take_lock_away(who) {
    lose_lock(who);
    is_unheard[who] = is_cut[who]
}

/* Whatever takes time, and comes in the end. */
proctype Clock() {
    byte who;
end:
    do
    :: atomic { lock != NOBODY && (is_cut[lock] || is_frozen[lock]) && silence < SERVER_LETS_GO_AFTER &&
        (silence < STEP_IS_DEAD_AFTER || is_crashed[lock] || is_frozen[lock] || !IS_ALIVE(lock)) ->
        silence++ }
    :: atomic { lock != NOBODY && silence == SERVER_LETS_GO_AFTER ->
        who = lock; lose_lock(who); who = 0 }
    :: atomic { must_rest[0] -> must_rest[0] = false }
    :: atomic { must_rest[1] -> must_rest[1] = false }
    :: atomic { is_standby -> is_standby = false }
    :: atomic { is_frozen[0] -> who = 0; goto thaw }
    :: atomic { is_frozen[1] -> who = 1; goto thaw }
    :: atomic { is_frozen[2] -> who = 2; goto thaw }
    od;
thaw:
    atomic {
        is_frozen[who] = false;
        if
        :: IS_ALIVE(who) && (silence >= WAS_STOPPED_AFTER || lock != who) -> has_lost[who] = true
        :: else
        fi;
        if
        :: lock == who && !is_cut[who] -> silence = 0
        :: else
        fi;
        who = 0;
        goto end
    }
}

/* Breaks what it likes, FAULTS times. */
proctype Chaos() {
    byte who;
end:
    do
    :: atomic { BUDGET ->
        if
        :: who = 0
        :: who = 1
        :: who = 2
        fi;
        if
        :: !is_over[who] && !is_crashed[who] ->
            /* SIGKILL: the kernel ends its step with it; what that does in the server goes on. */
            faults++;
            is_crashed[who] = true;
            is_frozen[who] = false;
            is_over[who] = true;
            in_flight = in_flight & ~BIT(who);
#ifndef BREAK_ORPHANS_LIVE
            step[who] = no_process;
#endif
            if
            :: lock == who && !is_cut[who] -> lock = NOBODY; silence = 0
            :: else
            fi
        :: !is_over[who] && !is_asked_to_end[who] -> faults++; is_asked_to_end[who] = true
        :: !is_over[who] && !is_cut[who] -> faults++; is_cut[who] = true
        :: !is_over[who] && !is_frozen[who] -> faults++; is_frozen[who] = true
        :: lock == who -> faults++; take_lock_away(who) /* Its backend is ended. */
        :: statement[who] -> faults++; statement[who] = false
        :: !is_standby -> faults++; is_standby = true
        :: lock == who -> /* The server is started again. */
            faults++;
            take_lock_away(who);
            statement[0] = false; statement[1] = false; statement[2] = false
        fi;
        who = 0 }
    od
}

init {
    atomic {
        /* Two contents; the last replica may only wait, or be the step typed by hand. */
        if
        :: content[LAST] = 0
        :: content[LAST] = 1
        fi;
        purpose[0] = if_due;
        purpose[1] = if_due;
        if
        :: purpose[LAST] = if_due
        :: purpose[LAST] = always
        :: purpose[LAST] = to_wait
        fi;
        run Replica(0); run Replica(1);
        run Step(0); run Step(1);
#if REPLICAS == 3
        run Replica(2); run Step(2);
#else
        is_over[2] = true;
#endif
        run Clock(); run Chaos()
    }
}

/* Everybody who prepares leaves in the end; who only waits leaves when something is decided. */
ltl everybody_leaves {
    <> (is_over[0] && (is_over[1] || purpose[1] == to_wait) &&
        (is_over[2] || purpose[2] == to_wait))
}
