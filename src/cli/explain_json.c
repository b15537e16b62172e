/*
 * The explanation as JSON. Keys are only ever added.
 */
#include "cli/explain_page.h"

#include <stdbool.h>
#include <string.h>

#include "signalbox/base/json.h"
#include "signalbox/base/number.h"
#include "signalbox/base/secret.h"
#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"
#include "signalbox/process/privileges.h"

static void append_list(struct text *page, const char *key, char *const *items, size_t count) {
    json_array_begin(page, key);
    AUTO_STRING_LIST struct string_list masked = {.items = NULL};
    secret_mask_words(items, count, &masked);
    for (size_t i = 0; i < count; i++) {
        json_string(page, NULL, masked.items[i]);
    }
    json_array_end(page);
}

static size_t count_words(char *const *words) {
    size_t count = 0;
    while (words[count] != NULL) {
        count++;
    }
    return count;
}

static void append_command(const struct explanation *explanation, struct text *page) {
    AUTO_STRING_LIST struct string_list phases = {.items = NULL};
    AUTO_STRING_LIST struct string_list steps = {.items = NULL};
    char *const *command = explanation->options->command;
    explain_parts_phases(explanation, &phases);
    for (size_t i = 0; i < explanation->commands->count; i++) {
        string_list_append(&steps, explanation->commands->items[i].text);
    }
    append_list(page, "command", command, count_words(command));
    json_string(page, "kind", recognise_kind_name(explanation->command->kind));
    json_string(page, "rule", explanation->command->rule);
    json_integer(page, "word", (int64_t)explanation->command->word);
    append_list(page, "plan", phases.items, phases.count);
    append_list(page, "steps", steps.items, steps.count);
}

/* A number where it is one, since that is what scripts expect; of several hosts it is a list. */
static void append_port(const char *port, struct text *page) {
    int64_t number = 0;
    if (port != NULL && port[0] != '0' && number_parse(port, 1, 65535, &number)) {
        json_integer(page, "port", number);
        return;
    }
    json_string(page, "port", port);
}

static void append_address(const struct database *database, struct text *page) {
    json_string(page, "adapter", database->adapter);
    json_string(page, "host", database->host);
    append_port(database->port, page);
    json_string(page, "name", database->name);
    json_string(page, "user", database->user);
    json_string(page, "source", database->source);
}

static void append_databases(const struct target *target, struct text *page) {
    if (target == NULL || target->database == NULL) {
        json_null(page, "database");
    } else {
        json_object_begin(page, "database");
        append_address(target->database, page);
        json_object_end(page);
    }
    json_array_begin(page, "databases");
    for (size_t i = 0; target != NULL && i < target->databases.count; i++) {
        const struct database *database = &target->databases.items[i];
        json_object_begin(page, NULL);
        append_address(database, page);
        json_string(page, "schema_search_path", database->schema_search_path);
        append_list(page, "migrations_paths", database->migrations_paths.items,
            database->migrations_paths.count);
        json_string(page, "role", database->is_for_lock_only ? "lock" : database->role);
        json_object_end(page);
    }
    json_array_end(page);
}

/* All keys are there, whether a target could be made or not. */
static void append_target(const struct target *target, struct text *page) {
    bool has_target = target != NULL;
    bool needs_rails = has_target && target->needs_rails_why[0] != '\0';
    bool has_fingerprint = has_target && target->has_fingerprint;
    json_string(page, "lock", has_target ? explain_parts_lock(target) : NULL);
    json_string(page, "lock_path", has_target ? target->lock_path : NULL);
    append_databases(target, page);
    json_string(page, "asks_rails", needs_rails ? target->needs_rails_why : NULL);
    json_string(page, "asks_wrapper", has_target ? target->unasked : NULL);
    json_string(page, "asks_password", has_target ? explain_parts_password(target) : NULL);
    json_string(page, "environment", has_target ? target->environment : NULL);
    json_string(page, "fingerprint", has_fingerprint ? target->fingerprint : NULL);
    json_object_begin(page, "watched");
    json_integer(page, "files", has_target ? (int64_t)target->files : 0);
    json_integer(page, "bytes", has_target ? (int64_t)target->bytes : 0);
    json_object_end(page);
}

/* By now this process is what the command will be. */
static void append_identity(const struct explanation *explanation, struct text *page) {
    AUTO_CREDENTIALS struct credentials now = {.groups = NULL};
    AUTO_STRING_LIST struct string_list names = {.items = NULL};
    struct error error;
    if (explanation->refusal != NULL || privileges_read(&now, &error) != 0) {
        json_null(page, "identity");
        return;
    }
    json_object_begin(page, "identity");
    json_integer(page, "uid", now.uids[0]);
    json_integer(page, "gid", now.gids[0]);
    json_array_begin(page, "groups");
    for (size_t i = 0; i < now.group_count; i++) {
        json_integer(page, NULL, now.groups[i]);
    }
    json_array_end(page);
    privileges_list_capabilities(now.permitted, &names);
    append_list(page, "capabilities", names.items, names.count);
    json_boolean(page, "no_new_privs", now.no_new_privs);
    json_object_end(page);
}

static void append_options(const struct options *options, struct text *page) {
    json_object_begin(page, "options");
    for (size_t i = 0; i < options_count(); i++) {
        struct option_description option = options_describe(options, i);
        json_object_begin(page, option.flag + strlen("--"));
        json_string(page, "value", text_string(&option.value));
        json_string(page, "source", option.source);
        json_object_end(page);
        text_release(&option.value);
    }
    json_object_end(page);
}

void explain_json(const struct explanation *explanation, const struct target *target,
    const char *problem, struct text *page) {
    AUTO_STRING_LIST struct string_list warnings = {.items = NULL};
    explain_parts_warnings(explanation, target, &warnings);
    json_object_begin(page, NULL);
    append_command(explanation, page);
    append_target(target, page);
    append_identity(explanation, page);
    append_options(explanation->options, page);
    json_string(page, "problem", problem);
    append_list(page, "warnings", warnings.items, warnings.count);
    json_object_end(page);
    text_append_string(page, "\n");
}
