/*
 * The rows, in the order of doc/options.md within each group. Help texts are cut by hand to fit
 * behind the column that --help gives them.
 */
#include "cli/option_table.h"

static const char *const prepare_choices[] = {"auto", "any", "never", "wait", NULL};
static const char *const init_choices[] = {"auto", "always", "never", NULL};
static const char *const log_choices[] = {"text", "json", NULL};
static const char *const level_choices[] = {"error", "warn", "info", "debug", NULL};
_Static_assert(PREPARE_AUTO == 0 && PREPARE_ANY == 1 && PREPARE_NEVER == 2 && PREPARE_WAIT == 3,
    "choices are enums by position");
_Static_assert(
    INIT_AUTO == 0 && INIT_ALWAYS == 1 && INIT_NEVER == 2, "choices are enums by position");
_Static_assert(REPORT_TEXT == 0 && REPORT_JSON == 1, "choices are enums by position");
_Static_assert(REPORT_ERROR == 0 && REPORT_DEBUG == 3, "choices are enums by position");

#define AT(member) offsetof(struct options, member)

const struct option_row option_table_rows[] = {
    {"--prepare", "SIGNALBOX_PREPARE", OPTION_CHOICE, GROUP_PREPARING, AT(prepare), "auto", "WHEN",
        prepare_choices,
        "auto: server commands prepare first, anything\n"
        "else starts at once. any: other commands too.\n"
        "never: none. wait: hold the command until another\n"
        "replica has prepared this image's content"},
    {"--step", "SIGNALBOX_STEPS", OPTION_STEPS, GROUP_PREPARING, AT(steps),
        "./bin/rails db:prepare", "CMD", NULL,
        "what preparing is; repeat for several, in order\n"
        "(variable: joined by ` && `). Words, no shell"},
    {"--on-finish", "SIGNALBOX_ON_FINISH", OPTION_COMMAND, GROUP_PREPARING, AT(on_finish), NULL,
        "CMD", NULL,
        "run once a run when its outcome is recorded, with\n"
        "the outcome in its environment; 30 s at most"},
    {"--server", "SIGNALBOX_SERVER", OPTION_COMMANDS, GROUP_PREPARING, AT(servers), NULL, "WORDS",
        NULL,
        "commands that begin with these words are servers\n"
        "too; repeat for several (variable: ; or newline)"},
    {"--database-url", "SIGNALBOX_DATABASE_URL", OPTION_SECRET, GROUP_PREPARING, AT(database_url),
        NULL, "URL", NULL,
        "where to lock, such as the direct address past a\n"
        "pooler; else PRIMARY_DATABASE_URL, DATABASE_URL"},
    {"--password-command", "SIGNALBOX_PASSWORD_COMMAND", OPTION_COMMAND, GROUP_PREPARING,
        AT(password_command), NULL, "CMD", NULL,
        "prints the password for each new connection, for\n"
        "databases without a fixed one (IAM tokens, Vault)"},
    {"--lock", "SIGNALBOX_LOCK", OPTION_LOCK, GROUP_PREPARING, AT(lock), "auto", "HOW", NULL,
        "what keeps replicas apart: postgres; file[:PATH]\n"
        "on one host; none. auto: as the database has it,\n"
        "for SQLite a file beside it"},
    {"--lock-key", "SIGNALBOX_LOCK_KEY", OPTION_NUMBER, GROUP_PREPARING, AT(lock_key), "0", "N",
        NULL, "for apps that share a database but need not\nexclude each other"},
    {"--watch", "SIGNALBOX_WATCH", OPTION_PATHS, GROUP_PREPARING, AT(watch), NULL, "PATHS", NULL,
        "files whose content decides whether a prepare is\n"
        "due, or `schema`; without it the whole image"},
    {"--allow-schema-load", "SIGNALBOX_ALLOW_SCHEMA_LOAD", OPTION_SWITCH, GROUP_PREPARING,
        AT(allow_schema_load), "off", NULL, NULL, "load the schema over tables of unknown origin"},
    {"--release", "SIGNALBOX_RELEASE", OPTION_TEXT, GROUP_PREPARING, AT(release), NULL, "ID", NULL,
        "prepare once per release even if no file changed"},

    {"--connect-timeout", "SIGNALBOX_CONNECT_TIMEOUT", OPTION_DURATION, GROUP_TIMES,
        AT(connect_timeout_ms), "60s", "TIME", NULL, "how long the database may take to come up"},
    {"--wait-timeout", "SIGNALBOX_WAIT_TIMEOUT", OPTION_DURATION, GROUP_TIMES, AT(wait_timeout_ms),
        "1h", "TIME", NULL, "how long to wait for another replica"},
    {"--step-timeout", "SIGNALBOX_STEP_TIMEOUT", OPTION_DURATION, GROUP_TIMES, AT(step_timeout_ms),
        NULL, "TIME", NULL, "how long a step may take; TERM, then KILL after\nthe grace"},
    {"--lock-timeout", "SIGNALBOX_LOCK_TIMEOUT", OPTION_LOCK_TIMEOUT, GROUP_TIMES,
        AT(lock_timeout_ms), NULL, "TIME", NULL,
        "PostgreSQL's lock_timeout in the steps: how long a\n"
        "statement waits for a lock. 0s: without limit"},
    {"--step-retries", "SIGNALBOX_STEP_RETRIES", OPTION_COUNT, GROUP_TIMES, AT(step_retries), "0",
        "N", NULL,
        "tries more for a step that failed of a lock\n"
        "timeout, a deadlock or a serialization failure"},
    {"--grace", "SIGNALBOX_GRACE", OPTION_DURATION, GROUP_TIMES, AT(grace_ms), "5s", "TIME", NULL,
        "between TERM and KILL for what is left over"},

    {"--user", "SIGNALBOX_USER", OPTION_USER, GROUP_COMMAND, AT(user), NULL, "NAME[:GROUP]", NULL,
        "become this user before anything else"},
    {"--caps", "SIGNALBOX_CAPS", OPTION_CAPS, GROUP_COMMAND, AT(caps), NULL, "LIST", NULL,
        "keep only these capabilities (net_bind_service),\nor none, and set no_new_privs"},
    {"--signal-group", "SIGNALBOX_SIGNAL_GROUP", OPTION_SWITCH, GROUP_COMMAND, AT(signal_group),
        "off", NULL, NULL, "forward signals to the command's process group"},
    {"--rewrite", "SIGNALBOX_REWRITE", OPTION_REWRITES, GROUP_COMMAND, AT(rewrites), NULL,
        "FROM:TO", NULL, "forward another signal (TERM:QUIT), or none;\nrepeat for several"},
    {"--ok-exit", "SIGNALBOX_OK_EXIT", OPTION_STATUSES, GROUP_COMMAND, AT(ok_exits), NULL, "CODE",
        NULL, "report this exit status as 0; repeat for several"},
    {"--init", "SIGNALBOX_INIT", OPTION_CHOICE, GROUP_COMMAND, AT(init), "auto", "WHEN",
        init_choices, "auto, always or never: stay as the parent, or\nbecome the command"},
    {"--jemalloc", "SIGNALBOX_JEMALLOC", OPTION_SWITCH, GROUP_COMMAND, AT(jemalloc), "off", NULL,
        NULL, "preload the image's jemalloc unless LD_PRELOAD is\nset"},

    {"--log", "SIGNALBOX_LOG", OPTION_CHOICE, GROUP_LOG, AT(log), "text", "FORMAT", log_choices,
        "text or json, on standard error"},
    {"--log-level", "SIGNALBOX_LOG_LEVEL", OPTION_CHOICE, GROUP_LOG, AT(log_level), "info", "LEVEL",
        level_choices, "error, warn, info or debug"},
};
const size_t option_table_row_count = ARRAY_LENGTH(option_table_rows);
_Static_assert(ARRAY_LENGTH(option_table_rows) <= OPTIONS_MOST, "a source for every row");

const struct request_row option_table_requests[] = {
    {"--explain", REQUEST_EXPLAIN, "say what would be done, and do nothing"},
    {"--status", REQUEST_STATUS, "ask whether this content is prepared: 0 yes, 1 no"},
    {"--version", REQUEST_VERSION, "print the version, and those of the libraries in it"},
    {"--help", REQUEST_HELP, "print this"},
};
const size_t option_table_request_count = ARRAY_LENGTH(option_table_requests);

const char *const option_table_group_titles[GROUP_COUNT] = {
    [GROUP_PREPARING] = "Preparing",
    [GROUP_TIMES] = "Times (500ms, 30s, 10m, 1h)",
    [GROUP_COMMAND] = "The command",
    [GROUP_LOG] = "What is said",
};
