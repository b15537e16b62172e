/*
 * The decisions. A first boot that was killed while it loaded a schema leaves tables without
 * schema_migrations. They look like another application's and are our own, and the ledger's row of
 * that run says on which databases it began while they were empty.
 */
#include "prepare/preflight/preflight.h"

#include <stdio.h>
#include <string.h>

#include "signalbox/base/text.h"

bool preflight_names(const char *names, const char *name) {
    size_t length = strlen(name);
    while (*names != '\0') {
        size_t line = strcspn(names, "\n");
        if (line == length && strncmp(names, name, length) == 0) {
            return true;
        }
        names += line + (names[line] == '\n' ? 1 : 0);
    }
    return false;
}

/* The steps would create it, or load its schema. */
static bool is_new(const struct probed *item) {
    switch (item->condition) {
    case CONDITION_MISSING:
    case CONDITION_EMPTY:
    case CONDITION_FOREIGN:
        return true;
    case CONDITION_UNKNOWN:
    case CONDITION_BEHIND:
    case CONDITION_COMPLETE:
    case CONDITION_COUNT:
        break;
    }
    return false;
}

static const char *name_of(const struct database *database) {
    return database->name == NULL ? "" : database->name;
}

static void append_missing(const struct probed *item, struct text *text) {
    const char *path = migrations_path_of(&item->migrations, item->first_missing);
    text_append_string(text, path == NULL ? item->first_missing : path);
}

static void append_more(const struct probed *item, struct text *text) {
    if (item->missing > 1) {
        text_append_format(text, ", and %lld more", (long long)item->missing - 1);
    }
}

void preflight_stale_reason(const struct probe *probe, char stale_reason[RUN_REASON_LENGTH]) {
    AUTO_TEXT struct text text = {.data = NULL};
    for (size_t i = 0; i < probe->count && text.length == 0; i++) {
        const struct probed *item = &probe->items[i];
        const char *name = name_of(item->database);
        const char *role = item->database->role;
        switch (item->condition) {
        case CONDITION_UNKNOWN:
            text_append_format(&text, "the state of the database %s (%s) is not known: %.160s",
                name, role, item->reason);
            break;
        case CONDITION_MISSING:
            text_append_format(&text, "the database %s (%s) is gone since then", name, role);
            break;
        case CONDITION_EMPTY:
        case CONDITION_FOREIGN:
            text_append_format(&text,
                "the database %s (%s) has lost its schema_migrations since then", name, role);
            break;
        case CONDITION_BEHIND:
            append_missing(item, &text);
            text_append_format(
                &text, " has been undone since then in the database %s (%s)", name, role);
            append_more(item, &text);
            break;
        case CONDITION_COMPLETE:
        case CONDITION_COUNT:
            break;
        }
    }
    (void)snprintf(stale_reason, RUN_REASON_LENGTH, "%s", text_string(&text));
}

static const struct probed *find(const struct probe *probe, const struct database *database) {
    for (size_t i = 0; i < probe->count; i++) {
        if (probe->items[i].database == database) {
            return &probe->items[i];
        }
    }
    return NULL;
}

struct first_database preflight_first(const struct probe *probe, const struct database *database) {
    const struct probed *item = find(probe, database);
    if (item == NULL) {
        return (struct first_database){.condition = CONDITION_UNKNOWN};
    }
    return (struct first_database){
        .condition = item->condition, .tables = item->tables, .missing = item->missing};
}

/* Whether it lacks what the steps should have done, to the very number as before, in every schema.
 * Where the steps cannot be known by their name, migrations that are lacking may be such as Rails
 * never looks for; only a database without any record of them is certain then. */
static bool is_untouched(const struct probed *item, const struct steps_trace *trace) {
    if (item->is_complete_beside || item->condition != trace->before.condition ||
        item->tables != trace->before.tables || item->missing != trace->before.missing) {
        return false;
    }
    switch (item->condition) {
    case CONDITION_MISSING:
    case CONDITION_EMPTY:
    case CONDITION_FOREIGN:
        return true;
    case CONDITION_BEHIND:
        return trace->are_named;
    case CONDITION_UNKNOWN:
    case CONDITION_COMPLETE:
    case CONDITION_COUNT:
        break;
    }
    return false;
}

void preflight_find_elsewhere(const struct probe *probe, const struct database *database,
    const struct steps_trace *trace, char elsewhere[RUN_REASON_LENGTH]) {
    const struct probed *item = find(probe, database);
    AUTO_TEXT struct text text = {.data = NULL};
    elsewhere[0] = '\0';
    if (item == NULL || !trace->migrate_wholly || trace->were_seen || !is_untouched(item, trace)) {
        return;
    }
    text_append_format(&text, "its steps seem to have migrated another database: %s (%s) ",
        name_of(database), database->role);
    if (item->condition == CONDITION_BEHIND) {
        text_append_string(&text, "still lacks ");
        append_missing(item, &text);
        append_more(item, &text);
    } else if (item->condition == CONDITION_MISSING) {
        text_append_string(&text, "still does not exist");
    } else {
        text_append_string(&text, "still has no schema_migrations");
    }
    (void)snprintf(elsewhere, RUN_REASON_LENGTH, "%s", text_string(&text));
}

static void append_name(const struct database *database, char names[RUN_DATABASES_LENGTH]) {
    size_t used = strlen(names);
    size_t length = strlen(database->role);
    if (strchr(database->role, '\n') == NULL && used + length + 2 <= RUN_DATABASES_LENGTH) {
        (void)snprintf(names + used, RUN_DATABASES_LENGTH - used, "%s%s", used == 0 ? "" : "\n",
            database->role);
    }
}

void preflight_list_in_order(const struct probe *probe, char names[RUN_DATABASES_LENGTH]) {
    names[0] = '\0';
    for (size_t i = 0; i < probe->count; i++) {
        if (probe->items[i].condition == CONDITION_COMPLETE) {
            append_name(probe->items[i].database, names);
        }
    }
}

/* Of what an unfinished run had begun, the tables are its own. */
static bool is_begun(const struct probed *item, const char *begun) {
    return item->condition == CONDITION_FOREIGN && preflight_names(begun, item->database->role);
}

void preflight_list_new(const struct probe *probe, char names[RUN_DATABASES_LENGTH]) {
    names[0] = '\0';
    for (size_t i = 0; i < probe->count; i++) {
        const struct probed *item = &probe->items[i];
        if (item->condition == CONDITION_MISSING || item->condition == CONDITION_EMPTY) {
            append_name(item->database, names);
        }
    }
}

/* The steps will initialise it. */
static bool is_first_new(const struct probe *probe, const struct preflight_rules *rules) {
    return rules->is_first_missing ||
        (probe->count > 0 && is_new(&probe->items[0]) &&
            tasks_concern(&rules->tasks, probe->items[0].database->role));
}

void preflight_explain(
    const struct probe *probe, const struct preflight_rules *rules, struct preflight *preflight) {
    AUTO_TEXT struct text text = {.data = NULL};
    *preflight = (struct preflight){.is_new = is_first_new(probe, rules)};
    for (size_t i = 0; i < probe->count && text.length == 0; i++) {
        const struct probed *item = &probe->items[i];
        if (is_new(item) && tasks_concern(&rules->tasks, item->database->role)) {
            text_append_format(&text, "the database %s (%s) is new", name_of(item->database),
                item->database->role);
        } else if (item->condition == CONDITION_BEHIND && rules->since->id == 0) {
            append_missing(item, &text);
            text_append_format(
                &text, " has not been run in the database %s", name_of(item->database));
            append_more(item, &text);
        } else if (item->condition == CONDITION_BEHIND &&
            preflight_names(rules->since->databases, item->database->role)) {
            append_missing(item, &text);
            text_append_format(&text, " is new since run %lld", (long long)rules->since->id);
            append_more(item, &text);
        }
    }
    (void)snprintf(preflight->reason, sizeof preflight->reason, "%s", text_string(&text));
}

static void append_where(const struct database *database, struct text *line) {
    text_append_format(line, "the database %s (%s) at ", name_of(database), database->role);
    database_describe(database, line);
    text_append_format(line, ", from %s, ", database->source);
}

static void append_way_out(const struct database *database, struct text *line) {
    if (database->has_own_url) {
        text_append_string(line, "its `url:` there says where it is");
        return;
    }
    database_append_variable(database, line);
    text_append_string(line, " says where it is");
}

static void append_not_to_be_had(const struct probed *item, struct text *line) {
    append_where(item->database, line);
    if (item->condition == CONDITION_UNKNOWN) {
        text_append_format(line, "is not reachable: %.200s; ", item->reason);
    } else {
        text_append_format(line,
            "does not exist and could not be created: %.200s; create it, let its role create "
            "databases, or ",
            item->reason);
    }
    append_way_out(item->database, line);
}

enum preflight_outcome preflight_judge(const struct probe *probe, size_t index,
    const struct preflight_rules *rules, struct text *line) {
    const struct probed *item = &probe->items[index];
    if (item->condition == CONDITION_FOREIGN && rules->tasks.loader != NULL &&
        tasks_concern(&rules->tasks, item->database->role) && !rules->allow_schema_load &&
        !is_begun(item, rules->begun)) {
        append_where(item->database, line);
        text_append_format(line,
            "has %lld table%s but no schema_migrations: %s would load its schema over %s and drop "
            "what is in its way; give another database, or --allow-schema-load where %s may go "
            "(an earlier first boot may have left %s)",
            (long long)item->tables, item->tables == 1 ? "" : "s", rules->tasks.loader,
            item->tables == 1 ? "it" : "them", item->tables == 1 ? "it" : "they",
            item->tables == 1 ? "it" : "them");
        return PREFLIGHT_TABLES;
    }
    if (rules->tasks.concern_all && is_first_new(probe, rules) &&
        (item->condition == CONDITION_UNKNOWN ||
            (item->condition == CONDITION_MISSING && !item->is_creatable))) {
        append_not_to_be_had(item, line);
        return PREFLIGHT_NOT_ALL;
    }
    return PREFLIGHT_PASSED;
}
