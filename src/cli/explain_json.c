/*
 * The explanation as JSON. Keys are only ever added.
 */
#include "cli/explain_page.h"

#include "signalbox/base/json.h"
#include "signalbox/base/number.h"
#include "signalbox/base/secret.h"
#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"
#include "signalbox/process/privileges.h"

static void append_list(struct text *page, const char *key, char *const *items, size_t count) {
    text_append_format(page, "\"%s\":[", key);
    AUTO_STRING_LIST struct string_list masked = {.items = NULL};
    secret_mask_words(items, count, &masked);
    for (size_t i = 0; i < count; i++) {
        text_append_string(page, i == 0 ? "" : ",");
        json_append(page, masked.items[i]);
    }
    text_append_string(page, "],");
}

static void append_string(struct text *page, const char *key, const char *value) {
    text_append_format(page, "\"%s\":", key);
    json_append_or_null(page, value);
    text_append_string(page, ",");
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
    append_string(page, "kind", recognise_kind_name(explanation->command->kind));
    append_string(page, "rule", explanation->command->rule);
    text_append_format(page, "\"word\":%zu,", explanation->command->word);
    append_list(page, "plan", phases.items, phases.count);
    append_list(page, "steps", steps.items, steps.count);
}

/* A number where it is one, since that is what scripts expect; of several hosts it is a list. */
static void append_port(const char *port, struct text *page) {
    int64_t number = 0;
    if (port != NULL && port[0] != '0' && number_parse(port, 1, 65535, &number)) {
        text_append_format(page, "\"port\":%lld,", (long long)number);
        return;
    }
    append_string(page, "port", port);
}

static void append_database(const struct database *database, struct text *page) {
    text_append_string(page, "{");
    append_string(page, "adapter", database->adapter);
    append_string(page, "host", database->host);
    append_port(database->port, page);
    append_string(page, "name", database->name);
    append_string(page, "user", database->user);
    text_append_string(page, "\"source\":");
    json_append(page, database->source);
    text_append_string(page, "}");
}

static void append_target(const struct target *target, struct text *page) {
    if (target == NULL) {
        text_append_string(page,
            "\"lock\":null,\"lock_path\":null,\"database\":null,\"databases\":[],\"asks_rails\":"
            "null,\"asks_wrapper\":null,"
            "\"environment\":null,\"fingerprint\":null,\"watched\":{\"files\":0,\"bytes\":0},");
        return;
    }
    append_string(page, "lock", explain_parts_lock(target));
    append_string(page, "lock_path", target->lock_path);
    text_append_string(page, "\"database\":");
    if (target->database == NULL) {
        text_append_string(page, "null");
    } else {
        append_database(target->database, page);
    }
    text_append_string(page, ",\"databases\":[");
    for (size_t i = 0; i < target->databases.count; i++) {
        const struct database *database = &target->databases.items[i];
        text_append_string(page, i == 0 ? "" : ",");
        append_database(database, page);
        page->length--; /* The object goes on. */
        text_append_string(page, ",");
        append_string(page, "schema_search_path", database->schema_search_path);
        append_list(page, "migrations_paths", database->migrations_paths.items,
            database->migrations_paths.count);
        text_append_string(page, "\"role\":");
        json_append(page, database->is_for_lock_only ? "lock" : database->role);
        text_append_string(page, "}");
    }
    text_append_string(page, "],");
    append_string(
        page, "asks_rails", target->needs_rails_why[0] == '\0' ? NULL : target->needs_rails_why);
    append_string(page, "asks_wrapper", target->unasked);
    append_string(page, "environment", target->environment);
    append_string(page, "fingerprint", target->has_fingerprint ? target->fingerprint : NULL);
    text_append_format(page, "\"watched\":{\"files\":%lld,\"bytes\":%lld},",
        (long long)target->files, (long long)target->bytes);
}

/* By now this process is what the command will be. */
static void append_identity(const struct explanation *explanation, struct text *page) {
    AUTO_CREDENTIALS struct credentials now = {.groups = NULL};
    AUTO_STRING_LIST struct string_list names = {.items = NULL};
    struct error error;
    if (explanation->refusal != NULL || privileges_read(&now, &error) != 0) {
        text_append_string(page, "\"identity\":null,");
        return;
    }
    text_append_format(
        page, "\"identity\":{\"uid\":%u,\"gid\":%u,\"groups\":[", now.uids[0], now.gids[0]);
    for (size_t i = 0; i < now.group_count; i++) {
        text_append_format(page, "%s%u", i == 0 ? "" : ",", now.groups[i]);
    }
    text_append_string(page, "],");
    privileges_list_capabilities(now.permitted, &names);
    append_list(page, "capabilities", names.items, names.count);
    text_append_format(page, "\"no_new_privs\":%s},", now.no_new_privs ? "true" : "false");
}

static void append_options(const struct options *options, struct text *page) {
    text_append_string(page, "\"options\":{");
    for (size_t i = 0; i < options_count(); i++) {
        struct option_description option = options_describe(options, i);
        text_append_string(page, i == 0 ? "" : ",");
        json_append(page, option.flag + 2);
        text_append_string(page, ":{\"value\":");
        json_append(page, text_string(&option.value));
        text_append_string(page, ",\"source\":");
        json_append(page, option.source);
        text_append_string(page, "}");
        text_release(&option.value);
    }
    text_append_string(page, "},");
}

void explain_json(const struct explanation *explanation, const struct target *target,
    const char *problem, struct text *page) {
    AUTO_STRING_LIST struct string_list warnings = {.items = NULL};
    explain_parts_warnings(explanation, target, &warnings);
    text_append_string(page, "{");
    append_command(explanation, page);
    append_target(target, page);
    append_identity(explanation, page);
    append_options(explanation->options, page);
    append_string(page, "problem", problem);
    append_list(page, "warnings", warnings.items, warnings.count);
    /* The last member's comma becomes the end of the object. */
    page->data[page->length - 1] = '}';
    text_append_string(page, "\n");
}
