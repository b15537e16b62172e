/*
 * What a prepare is about: which database, which steps with which environment, which content. Made
 * by one function that the preparer and --explain both call, in a child: it reads files and uses
 * OpenSSL.
 */
#ifndef SIGNALBOX_PREPARE_TARGET_H
#define SIGNALBOX_PREPARE_TARGET_H

#include <stdbool.h>
#include <stdint.h>

#include "signalbox/base/cleanup.h"
#include "signalbox/base/error.h"
#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"
#include "signalbox/command/recognise.h"
#include "signalbox/command/step.h"
#include "signalbox/database/ask_rails.h"
#include "signalbox/database/database.h"
#include "signalbox/database/password_command.h"
#include "signalbox/prepare/lock_choice.h"
#include "signalbox/rails/tasks.h"

struct target_request {
    const char *directory;                     /* Where the command will run; "." is here. */
    const char *database_url;                  /* NULL where the environment decides. */
    const char *database_url_source;           /* The option's name, where it is given. */
    struct password_command *password_command; /* --password-command, or NULL. */
    const struct step_list *steps; /* As configured, without what lies around the command. */
    const char *environment;       /* The Rails environment's name, such as "production" … */
    enum environment_source environment_source; /* … and what names it. */
    /* What the command's own words do to the environment, in the order for putenv(3). */
    const struct string_list *environment_changes;
    bool clears_environment;
    /* What may change the environment in a way that only it knows, for people: "`doppler run`".
     * Where it is given it has not been asked (yet). NULL where everything is known. */
    const char *unasked;
    const char *release;             /* --release, or NULL. */
    const struct lock_choice *lock;  /* --lock. */
    const struct string_list *watch; /* As --watch has it; NULL or empty: the whole image. */
    int64_t lock_key;
    bool allow_schema_load;
    bool has_lock_timeout;
    int64_t lock_timeout_ms;  /* --lock-timeout, which holds by … */
    const char *step_options; /* … PGOPTIONS as the steps find it, or NULL, … */
    bool has_step_options;    /* … unless what stands before the step makes another one of it. */
};

/* What becomes of a database that does not exist. */
enum missing_database {
    MISSING_IS_AN_ERROR, /* A typo must not become an empty database. */
    MISSING_IS_CREATED,  /* A step would create it, so that Signalbox may do it first. */
    MISSING_IS_AWAITED   /* Another replica will create it. */
};

struct target {
    struct databases databases;
    const struct database *database; /* The first; NULL while unclear, and where none is needed. */
    char needs_rails_why[640];       /* Why only Rails can say; empty where it need not be asked. */
    const char *unasked;             /* As in the request, where it decides; otherwise NULL. */
    const struct step_list *steps;
    const char *directory;                     /* As in the request. */
    const struct lock_choice *lock_choice;     /* As in the request. */
    struct password_command *password_command; /* As in the request. */
    enum lock_kind lock;                       /* What it comes to; LOCK_AUTO while unclear. */
    char *lock_path;                           /* Of LOCK_FILE, otherwise NULL. */
    int64_t lock_key;
    const char *environment;                    /* As in the request. */
    enum environment_source environment_source; /* As in the request. */
    bool has_fingerprint;
    char no_fingerprint[200];    /* Why there is none, as a clause. */
    struct string_list warnings; /* What is noteworthy about the watched files, a sentence each. */
    char fingerprint[65];
    int64_t files;
    int64_t bytes;
    char *migrations_table; /* The name that the application has for it. */
    int rails_major;        /* From the image's lock file; 0 where that does not say. */
    struct tasks tasks;     /* What is run does this to databases that are missing or empty. */
    bool migrates_wholly;   /* What is run has, when it ends well, run every migration there is. */
    bool are_steps_named;   /* They get their name in the server from us alone. */
    bool allow_schema_load; /* Over tables of unknown origin. */
    enum missing_database missing_database;
    bool has_lock_timeout;   /* As in the request, these four. */
    int64_t lock_timeout_ms; /* 0 without it. */
    const char *step_options;
    bool has_step_options;
    char ledger_named_in[256];  /* A file of the image that names the ledger's table, or empty. */
    bool commands_only_migrate; /* What is run is db:prepare or db:migrate, and nothing else. */
    bool migrates_only; /* Every step is db:prepare or db:migrate: what they do stays done when
                           other content is prepared in between. */
};

/* Changes the environment of this process, which must be a child for just this purpose. -1 with the
 * error filled where no database is named or a file cannot be read. Asks no other process: where
 * only Rails can say which databases there are, `unclear` says why, and `database` is NULL. The
 * fingerprint is the same whether Rails is asked or not. */
int target_make(
    const struct target_request *request, struct target *target, struct error *error) MUST_USE;

/* Whether what lies around the command has to be asked before the database can be known for
 * certain: not where --database-url says it, or the lock needs none. With --lock-timeout it is
 * asked what becomes of PGOPTIONS behind it, too. */
bool target_hangs_on_asking(const struct target_request *request);

/* Another command than the steps is what is run: it decides about databases that are missing. */
void target_run_instead(struct target *target, const struct step_list *commands);

/* Completes an unclear target by Rails' answer, and says in the log why that was needed and how
 * long it took. -1 with the error filled where Rails has none, or a signal ended the asking. */
int target_ask_rails(
    struct target *target, const struct rails_question *question, struct error *error) MUST_USE;

/* Why there is no fingerprint and what follows, as a sentence. */
void target_explain_no_fingerprint(const struct target *target, struct text *text);

void target_release(struct target *target);

#endif
