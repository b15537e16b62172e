/*
 * The walk from the left. The trap is everything that stands behind a word that is not known: there
 * one rule alone remains, the one of Rails' own entrypoint.
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

/* Of a server's words, for its options: more is nobody's. */
enum { WORDS_KEPT = 1024 };

void finding_decide(
    struct finding *finding, enum command_kind kind, size_t word, const char *format, ...) {
    const char *link = kind == COMMAND_SERVER || kind == COMMAND_WORKER ? " behind " : ", behind ";
    char what[128];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    finding->kind = kind;
    finding->ends = false;
    finding->opens_way = false;
    finding->word = word;
    (void)snprintf(finding->rule, sizeof finding->rule, "%s%s%s", what,
        finding->behind[0] == '\0' ? "" : link, finding->behind);
}

void finding_add_behind(struct finding *finding, const char *name) {
    size_t used = strlen(finding->behind);
    (void)snprintf(finding->behind + used, sizeof finding->behind - used, "%s`%.24s`",
        used == 0 ? "" : ", ", name);
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
    const struct string_list *named, const struct sentence *words, size_t at) {
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
    struct walk *walk, const struct sentence *words, size_t at, struct finding *finding) {
    const struct server_list *servers = walk->request->servers;
    for (size_t i = 0; servers != NULL && i < servers->count; i++) {
        if (is_named_server(&servers->items[i], words, at)) {
            finding_decide(finding, COMMAND_SERVER, words->items[at].index,
                "`%.60s`, which --server names", words->items[at].text);
            return true;
        }
    }
    return false;
}

static void decide_program(struct walk *walk, const struct program *program,
    const struct sentence *words, size_t at, struct finding *finding) {
    struct program_reading reading = program_read(program, words, at);
    finding->environment = reading.environment;
    finding->names_rails_env = reading.names_rails_env;
    finding_decide(finding, reading.kind, words->items[at].index, "%s", reading.rule);
    bool is_first = finding->kind == COMMAND_SERVER && walk->server.count == 0;
    for (size_t i = at; is_first && i < words->count && i - at < WORDS_KEPT; i++) {
        string_list_append(&walk->server, words->items[i].text);
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
    struct walk *walk, const struct sentence *words, size_t at, struct finding *finding) {
    const struct word *word = &words->items[at];
    const char *name = path_base_name(word->text);
    if (at + 1 == words->count) {
        return false;
    }
    if (strcmp(name, "rails") == 0 && is_word(word + 1, "server")) {
        decide_program(walk, program_find(name), words, at, finding);
        return finding->kind == COMMAND_SERVER;
    }
    if (strcmp(name, "rails") != 0 && is_word(word + 1, "exec")) {
        AUTO_SENTENCE struct sentence rest = {.items = NULL};
        sentence_splice(&rest, 0, 0, words->items + at, words->count - at);
        walk->effort -= rest.count < walk->effort ? rest.count : walk->effort;
        walk->is_in_last_rule = true;
        walk_words(walk, &rest, 0, finding);
        walk->is_in_last_rule = false;
        return finding->kind == COMMAND_SERVER;
    }
    return false;
}

static void decide_unknown(
    const struct word *word, enum command_kind otherwise, struct finding *finding) {
    const char *name = path_base_name(word->text);
    if (word->is_unresolved || (word->is_substituted && name[0] == '\0')) {
        finding_decide(finding, otherwise, word->index,
            "the program is what a substitution stands for, which only a shell can know");
    } else if (word->is_substituted) {
        finding_decide(finding, otherwise, word->index,
            "the program is what a substitution stands for (`%.60s` unless a variable says "
            "otherwise), which only a shell can know",
            name);
    } else {
        finding_decide(finding, otherwise, word->index,
            otherwise == COMMAND_TASK ? "a shell with the script `%.60s`"
                                      : "`%.60s` is not a server we know",
            name);
    }
}

/* The words from `from` up to `to` run what follows, in a way that nobody knows: so the steps go
 * behind them as they stand. */
static void repeat_unknown(
    struct surroundings *around, const struct sentence *words, size_t from, size_t to) {
    AUTO_TEXT struct text whom = {.data = NULL};
    text_append_format(&whom, "`%s`", words->items[from].text);
    AUTO_STRING_LIST struct string_list kept = {.items = NULL};
    for (size_t i = from; i < to; i++) {
        around->is_prefix_partial = around->is_prefix_partial || words->items[i].is_unresolved;
        string_list_append(&kept, words->items[i].text);
    }
    surroundings_repeat_unknown(around, text_string(&whom), kept.items, kept.count);
}

/* The word at `at` is not known, or its wrapper's words were not understood. What runs it begins at
 * `from`. */
static void walk_unknown(struct walk *walk, const struct sentence *words, size_t from, size_t at,
    enum command_kind otherwise, struct finding *finding) {
    const char *name = path_base_name(words->items[at].text);
    struct finding behind = *finding;
    finding_add_behind(&behind, name);
    for (size_t i = at + 1; !walk->is_in_last_rule && i < words->count && walk->effort > 0; i++) {
        struct finding attempt = behind;
        if (!may_be_last_rule(&words->items[i])) {
            continue;
        }
        surroundings_copy(&finding->around, &attempt.around);
        repeat_unknown(&attempt.around, words, from, i);
        walk->effort -= i - from < walk->effort ? i - from : walk->effort;
        bool is_server = decide_by_last_rule(walk, words, i, &attempt);
        if (is_server) {
            surroundings_release(&finding->around);
            *finding = attempt;
            return;
        }
        surroundings_release(&attempt.around);
    }
    decide_unknown(&words->items[at], otherwise, finding);
}

static void walk_shell(
    struct walk *walk, struct sentence *words, size_t at, size_t first, struct finding *finding) {
    const char *name = at < words->count ? path_base_name(words->items[at].text) : "sh";
    size_t index = at < words->count ? words->items[at].index : 0;
    size_t from = at < words->count ? at : first;
    size_t options = first;
    finding_add_behind(finding, name);
    switch (shell_read(words, &first)) {
    case SHELL_STRING:
        script_walk(walk,
            &(struct shell_call){.words = words,
                .string = &words->items[first],
                .from = from,
                .to = at < words->count ? first : from,
                .first_argument = first + 1,
                .ends_on_failure = shell_ends_on_failure(words, options, first)},
            finding);
        return;
    case SHELL_SCRIPT:
        if (!decide_named_server(walk, words, first, finding)) {
            walk_unknown(walk, words, from, first, COMMAND_TASK, finding);
        }
        return;
    case SHELL_CONSOLE:
        finding->behind[0] = '\0';
        finding_decide(finding, COMMAND_TASK, index, "a shell, `%.40s`", name);
        return;
    case SHELL_NOTHING:
        finding_decide(finding, COMMAND_OTHER, index, "nothing to run");
        return;
    case SHELL_LOST:
        walk_unknown(walk, words, from, first, COMMAND_OTHER, finding);
        return;
    }
}

static void add_wrapper(struct finding *finding, const struct wrapper *wrapper) {
    AUTO_TEXT struct text name = {.data = NULL};
    wrapper_describe(wrapper, &name);
    finding_add_behind(finding, text_string(&name));
}

/* Reads the wrapper at *at. True where the walk goes on: behind it, or where it wraps nothing at
 * the same word, as a program. */
static bool walk_wrapper(struct walk *walk, const struct wrapper *wrapper, struct sentence *words,
    size_t *at, struct finding *finding, bool *is_foreign) {
    size_t index = words->items[*at].index;
    struct wrapper_reading reading = {.wrapper = wrapper,
        .words = words,
        .at = *at,
        .around = &finding->around,
        .owned = &walk->owned};
    struct surroundings before;
    surroundings_copy(&finding->around, &before);
    enum wrapper_result result = wrapper_read(&reading);
    bool goes_on = false;
    switch (result) {
    case WRAPPER_RUNS:
        add_wrapper(finding, wrapper);
        *at = reading.at;
        goes_on = true;
        break;
    case WRAPPER_STRING:
        add_wrapper(finding, wrapper);
        script_walk(walk,
            &(struct shell_call){.words = &reading.arguments, .string = &reading.string}, finding);
        break;
    case WRAPPER_SHELL:
        finding_add_behind(finding, wrapper->name);
        walk_shell(walk, &reading.arguments, reading.arguments.count, 0, finding);
        break;
    case WRAPPER_CONSOLE:
        finding_decide(finding, COMMAND_TASK, index, "a console, `%.40s`", wrapper->name);
        break;
    case WRAPPER_NOTHING:
        finding_decide(finding, COMMAND_OTHER, index, "`%.40s` has nothing to run", wrapper->name);
        break;
    case WRAPPER_FOREIGN:
        *is_foreign = true;
        goes_on = true;
        break;
    case WRAPPER_LOST:
        /* Half of a wrapper in front of a step would be worse than none. */
        surroundings_release(&finding->around);
        finding->around = before;
        before = (struct surroundings){.directory = NULL};
        if (reading.is_shell) {
            finding_decide(finding, COMMAND_OTHER, index,
                "`%.40s` runs a shell, with words that we do not know", wrapper->name);
        } else {
            walk_unknown(walk, words, *at, *at, COMMAND_OTHER, finding);
        }
        break;
    }
    surroundings_release(&before);
    sentence_release(&reading.arguments);
    return goes_on;
}

void walk_words(struct walk *walk, struct sentence *words, size_t at, struct finding *finding) {
    while (at < words->count && walk->effort > 0) {
        const struct word *word = &words->items[at];
        const char *name = path_base_name(word->text);
        bool is_foreign = false;
        walk->effort--;
        if (word->is_substituted) {
            walk_unknown(walk, words, at, at, COMMAND_OTHER, finding);
            return;
        }
        if (hook_decide(walk, words, at, finding) ||
            decide_named_server(walk, words, at, finding)) {
            return;
        }
        if (program_is_shell(name)) {
            walk_shell(walk, words, at, at + 1, finding);
            return;
        }
        const struct wrapper *wrapper = wrapper_find(name);
        if (wrapper != NULL && !walk_wrapper(walk, wrapper, words, &at, finding, &is_foreign)) {
            return;
        }
        if (wrapper != NULL && !is_foreign) {
            continue;
        }
        const struct program *program = program_find(name);
        hook_note(walk, words, at);
        if (program != NULL) {
            decide_program(walk, program, words, at, finding);
        } else if (program_is_manager(name)) {
            finding_decide(finding, COMMAND_OTHER, word->index,
                "`%.40s` starts what a file of its own lists", name);
            finding->is_manager = true;
        } else if (is_foreign || program_is_other(name)) {
            finding_decide(finding, COMMAND_OTHER, word->index, "`%.40s` is no server", name);
        } else {
            walk_unknown(walk, words, at, at, COMMAND_OTHER, finding);
        }
        finding->ends = hook_ends(walk, words, at);
        finding->opens_way = hook_opens_way(words, at);
        return;
    }
    finding_decide(finding, COMMAND_OTHER, words->count == 0 ? 0 : words->items[0].index,
        walk->effort == 0 ? "too entangled to follow" : "nothing to run");
}
