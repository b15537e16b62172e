/*
 * The walk from the left. Behind a word that is not known only one rule counts: the one of Rails'
 * own entrypoint.
 */
#include "command/resolve.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "command/context.h"
#include "command/program.h"
#include "command/rake_task.h"
#include "command/script.h"
#include "command/shell.h"
#include "command/wrapper.h"
#include "signalbox/base/path.h"
#include "signalbox/base/string.h"
#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"

/* How many of a server's words are read for its options. */
enum { WORDS_KEPT = 1024 };

void resolve_decide(
    struct match *match, enum command_kind kind, size_t word, const char *format, ...) {
    const char *link = kind == COMMAND_SERVER || kind == COMMAND_WORKER ? " behind " : ", behind ";
    char what[128];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    match->kind = kind;
    match->ends = false;
    match->opens_way = false;
    match->word = word;
    (void)snprintf(match->rule, sizeof match->rule, "%s%s%s", what,
        match->behind[0] == '\0' ? "" : link, match->behind);
}

void resolve_add_behind(struct match *match, const char *name) {
    size_t used = strlen(match->behind);
    (void)snprintf(match->behind + used, sizeof match->behind - used, "%s`%.24s`",
        used == 0 ? "" : ", ", name);
}

void resolve_release(struct resolver *resolver) {
    string_list_release(&resolver->owned);
    string_list_release(&resolver->deeds);
    string_list_release(&resolver->server);
    free(resolver->inner_step);
}

/* A path exactly, a leading ./ aside; without a slash by base name. */
static bool is_named(const char *named, const char *word) {
    if (strchr(named, '/') == NULL) {
        return strcmp(named, path_base_name(word)) == 0;
    }
    named += string_has_prefix(named, "./") ? 2 : 0;
    word += string_has_prefix(word, "./") ? 2 : 0;
    return strcmp(named, word) == 0;
}

static bool is_named_server(
    const struct string_list *named, const struct word_list *words, size_t at) {
    if (named->count > words->count - at) {
        return false;
    }
    for (size_t i = 0; i < named->count; i++) {
        const struct word *word = &words->items[at + i];
        bool is_same = i == 0 ? is_named(named->items[i], word->text)
                              : strcmp(named->items[i], word->text) == 0;
        if (word->is_substituted || !is_same) {
            return false;
        }
    }
    return true;
}

static bool decide_named_server(
    struct resolver *resolver, const struct word_list *words, size_t at, struct match *match) {
    const struct server_list *servers = resolver->request->servers;
    for (size_t i = 0; servers != NULL && i < servers->count; i++) {
        if (is_named_server(&servers->items[i], words, at)) {
            resolve_decide(match, COMMAND_SERVER, words->items[at].index,
                "`%.60s`, which --server names", words->items[at].text);
            return true;
        }
    }
    return false;
}

static void decide_program(struct resolver *resolver, const struct program *program,
    const struct word_list *words, size_t at, struct match *match) {
    struct program_reading reading = program_read(program, words, at);
    match->environment = reading.environment;
    match->names_rails_env = reading.names_rails_env;
    resolve_decide(match, reading.kind, words->items[at].index, "%s", reading.rule);
    bool is_first = match->kind == COMMAND_SERVER && resolver->server.count == 0;
    for (size_t i = at; is_first && i < words->count && i - at < WORDS_KEPT; i++) {
        string_list_append(&resolver->server, words->items[i].text);
    }
}

static bool is_word(const struct word *word, const char *text) {
    return !word->is_substituted && strcmp(word->text, text) == 0;
}

/* Whether it is a word that the last rule begins with. */
static bool may_be_last_rule(const struct word *word) {
    const char *name = path_base_name(word->text);
    return !word->is_substituted &&
        (strcmp(name, "rails") == 0 || strcmp(name, "bundle") == 0 || strcmp(name, "bundler") == 0);
}

/* Whether the last rule finds a server at `at`: `rails server`, or `bundle exec` and a server. */
static bool decide_by_last_rule(
    struct resolver *resolver, const struct word_list *words, size_t at, struct match *match) {
    const struct word *word = &words->items[at];
    const char *name = path_base_name(word->text);
    if (at + 1 == words->count) {
        return false;
    }
    if (strcmp(name, "rails") == 0 && is_word(word + 1, "server")) {
        decide_program(resolver, tables_find_program(name), words, at, match);
        return match->kind == COMMAND_SERVER;
    }
    if (strcmp(name, "rails") != 0 && is_word(word + 1, "exec")) {
        AUTO_SENTENCE struct word_list rest = {.items = NULL};
        word_list_splice(&rest, 0, 0, words->items + at, words->count - at);
        resolver->effort -= rest.count < resolver->effort ? rest.count : resolver->effort;
        resolver->is_in_last_rule = true;
        resolve_words(resolver, &rest, 0, match);
        resolver->is_in_last_rule = false;
        return match->kind == COMMAND_SERVER;
    }
    return false;
}

static void decide_unknown(
    const struct word *word, enum command_kind otherwise, struct match *match) {
    const char *name = path_base_name(word->text);
    if (word->is_unresolved || (word->is_substituted && name[0] == '\0')) {
        resolve_decide(match, otherwise, word->index,
            "the program comes from a substitution, which only a shell can resolve");
    } else if (word->is_substituted) {
        resolve_decide(match, otherwise, word->index,
            "the program comes from a substitution (`%.60s` unless a variable says otherwise), "
            "which only a shell can resolve",
            name);
    } else {
        resolve_decide(match, otherwise, word->index,
            otherwise == COMMAND_TASK ? "a shell with the script `%.60s`"
                                      : "`%.60s` is not a server we know",
            name);
    }
}

/* The words from `from` up to `to` run what follows, in an unknown way: so the steps go
 * behind them as they stand. */
static void repeat_unknown(
    struct context *around, const struct word_list *words, size_t from, size_t to) {
    AUTO_TEXT struct text whom = {.data = NULL};
    text_append_format(&whom, "`%s`", words->items[from].text);
    AUTO_STRING_LIST struct string_list kept = {.items = NULL};
    for (size_t i = from; i < to; i++) {
        around->is_prefix_partial = around->is_prefix_partial || words->items[i].is_unresolved;
        string_list_append(&kept, words->items[i].text);
    }
    context_repeat_unknown(around, text_string(&whom), kept.items, kept.count);
}

/* The word at `at` is not known, or its wrapper's words were not understood. What runs it begins at
 * `from`. */
static void resolve_unknown(struct resolver *resolver, const struct word_list *words, size_t from,
    size_t at, enum command_kind otherwise, struct match *match) {
    const char *name = path_base_name(words->items[at].text);
    struct match behind = *match;
    resolve_add_behind(&behind, name);
    for (size_t i = at + 1; !resolver->is_in_last_rule && i < words->count && resolver->effort > 0;
         i++) {
        struct match attempt = behind;
        if (!may_be_last_rule(&words->items[i])) {
            continue;
        }
        context_copy(&match->around, &attempt.around);
        repeat_unknown(&attempt.around, words, from, i);
        resolver->effort -= i - from < resolver->effort ? i - from : resolver->effort;
        bool is_server = decide_by_last_rule(resolver, words, i, &attempt);
        if (is_server) {
            context_release(&match->around);
            *match = attempt;
            return;
        }
        context_release(&attempt.around);
    }
    decide_unknown(&words->items[at], otherwise, match);
}

static void resolve_shell(struct resolver *resolver, struct word_list *words, size_t at,
    size_t first, struct match *match) {
    const char *name = at < words->count ? path_base_name(words->items[at].text) : "sh";
    size_t index = at < words->count ? words->items[at].index : 0;
    size_t from = at < words->count ? at : first;
    size_t options = first;
    resolve_add_behind(match, name);
    switch (shell_read(words, &first)) {
    case SHELL_STRING:
        script_resolve(resolver,
            &(struct shell_call){.words = words,
                .string = &words->items[first],
                .from = from,
                .to = at < words->count ? first : from,
                .first_argument = first + 1,
                .ends_on_failure = shell_ends_on_failure(words, options, first)},
            match);
        return;
    case SHELL_SCRIPT:
        if (!decide_named_server(resolver, words, first, match)) {
            resolve_unknown(resolver, words, from, first, COMMAND_TASK, match);
        }
        return;
    case SHELL_CONSOLE:
        match->behind[0] = '\0';
        resolve_decide(match, COMMAND_TASK, index, "a shell, `%.40s`", name);
        return;
    case SHELL_NOTHING:
        resolve_decide(match, COMMAND_OTHER, index, "nothing to run");
        return;
    case SHELL_LOST:
        resolve_unknown(resolver, words, from, first, COMMAND_OTHER, match);
        return;
    }
}

static void add_wrapper(struct match *match, const struct wrapper *wrapper) {
    AUTO_TEXT struct text name = {.data = NULL};
    wrapper_describe(wrapper, &name);
    resolve_add_behind(match, text_string(&name));
}

/* Reads the wrapper at *at. True where the walk goes on: behind it, or where it wraps nothing at
 * the same word, as a program. */
static bool resolve_wrapper(struct resolver *resolver, const struct wrapper *wrapper,
    struct word_list *words, size_t *at, struct match *match, bool *is_foreign) {
    size_t index = words->items[*at].index;
    struct wrapper_reading reading = {.wrapper = wrapper,
        .words = words,
        .at = *at,
        .around = &match->around,
        .owned = &resolver->owned};
    struct context before;
    context_copy(&match->around, &before);
    enum wrapper_result result = wrapper_read(&reading);
    bool goes_on = false;
    switch (result) {
    case WRAPPER_RUNS:
        add_wrapper(match, wrapper);
        *at = reading.at;
        goes_on = true;
        break;
    case WRAPPER_STRING:
        add_wrapper(match, wrapper);
        script_resolve(resolver,
            &(struct shell_call){.words = &reading.arguments, .string = &reading.string}, match);
        break;
    case WRAPPER_SHELL:
        resolve_add_behind(match, wrapper->name);
        resolve_shell(resolver, &reading.arguments, reading.arguments.count, 0, match);
        break;
    case WRAPPER_CONSOLE:
        resolve_decide(match, COMMAND_TASK, index, "a console, `%.40s`", wrapper->name);
        break;
    case WRAPPER_NOTHING:
        resolve_decide(match, COMMAND_OTHER, index, "`%.40s` has nothing to run", wrapper->name);
        break;
    case WRAPPER_FOREIGN:
        *is_foreign = true;
        goes_on = true;
        break;
    case WRAPPER_LOST:
        /* Half of a wrapper in front of a step would be worse than none. */
        context_release(&match->around);
        match->around = before;
        before = (struct context){.directory = NULL};
        if (reading.is_shell) {
            resolve_decide(match, COMMAND_OTHER, index,
                "`%.40s` runs a shell, with words that we do not know", wrapper->name);
        } else {
            resolve_unknown(resolver, words, *at, *at, COMMAND_OTHER, match);
        }
        break;
    }
    context_release(&before);
    word_list_release(&reading.arguments);
    return goes_on;
}

void resolve_words(
    struct resolver *resolver, struct word_list *words, size_t at, struct match *match) {
    while (at < words->count && resolver->effort > 0) {
        const struct word *word = &words->items[at];
        const char *name = path_base_name(word->text);
        bool is_foreign = false;
        resolver->effort--;
        if (word->is_substituted) {
            resolve_unknown(resolver, words, at, at, COMMAND_OTHER, match);
            return;
        }
        if (rake_task_decide(resolver, words, at, match) ||
            decide_named_server(resolver, words, at, match)) {
            return;
        }
        if (tables_is_shell(name)) {
            resolve_shell(resolver, words, at, at + 1, match);
            return;
        }
        const struct wrapper *wrapper = tables_find_wrapper(name);
        if (wrapper != NULL &&
            !resolve_wrapper(resolver, wrapper, words, &at, match, &is_foreign)) {
            return;
        }
        if (wrapper != NULL && !is_foreign) {
            continue;
        }
        const struct program *program = tables_find_program(name);
        rake_task_note(resolver, words, at);
        if (program != NULL) {
            decide_program(resolver, program, words, at, match);
        } else if (tables_is_manager(name)) {
            resolve_decide(match, COMMAND_OTHER, word->index,
                "`%.40s` starts what a file of its own lists", name);
            match->is_manager = true;
        } else if (is_foreign || tables_is_other(name)) {
            resolve_decide(match, COMMAND_OTHER, word->index, "`%.40s` is no server", name);
        } else {
            resolve_unknown(resolver, words, at, at, COMMAND_OTHER, match);
        }
        match->ends = rake_task_ends(resolver, words, at);
        match->opens_way = rake_task_opens_way(words, at);
        return;
    }
    resolve_decide(match, COMMAND_OTHER, words->count == 0 ? 0 : words->items[0].index,
        resolver->effort == 0 ? "too entangled to follow" : "nothing to run");
}
