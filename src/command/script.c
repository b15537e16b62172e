/*
 * What the commands of a shell string are together, and what the earlier ones change for the later
 * ones: assignments, export, cd. A variable may be known only to the shell: `E=x; puma -e $E` names
 * an environment although no variable of the process is called E.
 *
 * What the words alone say is put before the steps by env(1). Where only the shell can know it (a
 * file that is read, a substitution), the text itself is put before them, up to the server
 * (shell_setup.c).
 */
#include "command/script.h"

#include <string.h>

#include "command/context.h"
#include "command/rake_task.h"
#include "command/shell.h"
#include "command/shell_setup.h"
#include "command/tables.h"
#include "signalbox/base/cleanup.h"
#include "signalbox/base/string.h"
#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"
#include "signalbox/command/words.h"

enum { DEEPEST = 8, WORDS_MOST = 4096 };

struct scope {
    struct match found; /* What the next command begins with. */
    /* Variables of the shell that it does not export: NAME=VALUE, or NAME where only the shell
     * knows the value. */
    struct string_list locals;
    bool is_vague; /* A file that we cannot read may have set anything. */
    char *const *environment;
    bool ends;            /* All of it, so far, is known to end by itself. */
    bool opens_way;       /* Something in it may make the database or the way to it … */
    bool opens_way_first; /* … and what is for the lock comes only behind that. */
    bool ends_on_failure; /* `set -e` */
    struct setup setup;
};

/* For the lexer: locals, then what the command gets. */
static const char *look_up(const void *context, const char *name) {
    const struct scope *scope = context;
    size_t length = strlen(name);
    for (size_t i = scope->locals.count; i > 0; i--) {
        const char *local = scope->locals.items[i - 1];
        if (strncmp(local, name, length) == 0 && (local[length] == '=' || local[length] == '\0')) {
            return local[length] == '=' ? local + length + 1 : NULL;
        }
    }
    if (scope->is_vague) {
        return NULL;
    }
    const char *value = context_variable(&scope->found.around, scope->environment, name);
    if (value == NULL && (scope->environment != NULL || scope->found.around.clears_environment)) {
        return "";
    }
    return value;
}

/* A change that each step gets too. */
static void change(struct match *match, const struct word *assignment) {
    context_change(&match->around, assignment->text);
    string_list_append(&match->around.prefix, "env");
    string_list_append(&match->around.prefix, assignment->text);
}

/* From here on only the shell knows what the variable is worth. */
static void forget_value(struct scope *scope, const char *name) {
    scope->setup.is_needed = true;
    if (name[0] != '\0') {
        string_list_append(&scope->locals, name);
    }
}

/* NAME=VALUE as a command of its own: exported only if the variable was already. */
static void assign(struct scope *scope, const struct word *assignment) {
    size_t length = words_assignment_length(assignment->text);
    AUTO_FREE char *name = string_copy_part(assignment->text, length);
    bool is_exported = context_variable(&scope->found.around, scope->environment, name) != NULL;
    if (assignment->is_unresolved) {
        forget_value(scope, name); /* What it may be exported by comes later. */
    } else if (is_exported) {
        change(&scope->found, assignment);
    } else {
        string_list_append(&scope->locals, assignment->text);
    }
}

static void export(struct scope *scope, const struct word_list *words, size_t at) {
    for (at++; at < words->count; at++) {
        const struct word *word = &words->items[at];
        if (word->is_unresolved) {
            AUTO_FREE char *name =
                string_copy_part(word->text, words_assignment_length(word->text));
            forget_value(scope, name);
            continue;
        }
        if (words_assignment_length(word->text) > 0) {
            change(&scope->found, word);
            continue;
        }
        AUTO_TEXT struct text name = {.data = NULL};
        text_append_format(&name, "%s=", word->text);
        for (size_t i = scope->locals.count;
             i > 0 && strcmp(scope->locals.items[i - 1], word->text) != 0; i--) {
            if (string_has_prefix(scope->locals.items[i - 1], text_string(&name))) {
                change(&scope->found, &(struct word){.text = scope->locals.items[i - 1]});
                break;
            }
        }
    }
}

static void unset(struct scope *scope, const struct word_list *words, size_t at) {
    for (at++; at < words->count; at++) {
        const struct word *word = &words->items[at];
        if (word->text[0] != '-' && word->text[0] != '\0' && !word->is_unresolved &&
            strchr(word->text, '=') == NULL) {
            context_change(&scope->found.around, word->text);
            string_list_append(&scope->found.around.prefix, "env");
            string_list_append(&scope->found.around.prefix, "-u");
            string_list_append(&scope->found.around.prefix, word->text);
        }
    }
}

/* A step gets the directory by a shell, since not every env knows -C and there is a shell here. */
static void enter(struct scope *scope, const struct word_list *words, size_t at) {
    static const char *const prefix[] = {"sh", "-c", "cd \"$0\" && exec \"$@\""};
    for (at++; at < words->count && words->items[at].text[0] == '-'; at++) {
    }
    if (at + 1 != words->count || words->items[at].is_unresolved ||
        words->items[at].text[0] == '\0') {
        scope->setup.is_needed = true;
        return;
    }
    context_enter(&scope->found.around, words->items[at].text);
    for (size_t i = 0; i < ARRAY_LENGTH(prefix); i++) {
        string_list_append(&scope->found.around.prefix, prefix[i]);
    }
    string_list_append(&scope->found.around.prefix, words->items[at].text);
}

/* `set`: `-a` exports what is assigned from here on; what is no option is an argument. */
static void set_options(
    struct scope *scope, struct script *script, const struct word_list *words, size_t at) {
    for (at++; at < words->count; at++) {
        const char *option = words->items[at].text;
        if ((option[0] != '-' && option[0] != '+') || option[1] == '\0' || option[1] == '-') {
            script->has_arguments = false;
            return;
        }
        bool is_named = strchr(option, 'o') != NULL && at + 1 < words->count;
        bool exports_all = strchr(option, 'a') != NULL ||
            (is_named && strcmp(words->items[at + 1].text, "allexport") == 0);
        scope->setup.is_needed = scope->setup.is_needed || (exports_all && option[0] == '-');
        at += is_named;
    }
}

/* A command that only changes the shell itself; false for any other. */
static bool change_shell(
    struct scope *scope, struct script *script, const struct word_list *words, size_t at) {
    static const char setters[] = "export declare typeset readonly local";
    static const char readers[] = ". source eval read";
    static const char limits[] = "umask ulimit";
    static const char quiet[] = "shift trap shopt :";
    const struct word *word = &words->items[at];
    size_t length = strlen(word->text);
    if (word->is_substituted) {
        return false;
    }
    if (strcmp(word->text, "cd") == 0) {
        enter(scope, words, at);
    } else if (tables_has_word(setters, word->text, length)) {
        export(scope, words, at);
    } else if (strcmp(word->text, "unset") == 0) {
        unset(scope, words, at);
    } else if (strcmp(word->text, "set") == 0) {
        scope->ends_on_failure =
            scope->ends_on_failure || shell_ends_on_failure(words, at + 1, words->count);
        set_options(scope, script, words, at);
    } else if (tables_has_word(limits, word->text, length)) {
        scope->setup.is_needed = true;
    } else if (strcmp(word->text, "exec") == 0 && at + 1 == words->count) {
        return true; /* It only redirects. */
    } else if (tables_has_word(quiet, word->text, length)) {
        script->has_arguments = script->has_arguments && strcmp(word->text, "shift") != 0;
    } else {
        bool is_reader = tables_has_word(readers, word->text, length);
        scope->is_vague = scope->is_vague || is_reader;
        scope->setup.is_needed = scope->setup.is_needed || is_reader;
        return false;
    }
    return true;
}

/* How much a command matters among several. */
static int weight(enum command_kind kind) {
    switch (kind) {
    case COMMAND_SERVER:
        return 5;
    case COMMAND_WORKER:
        return 4;
    case COMMAND_PREPARE:
        return 3;
    case COMMAND_TASK:
        return 2;
    case COMMAND_OTHER:
        return 1;
    case COMMAND_NONE:
        return 0;
    }
    return 0;
}

static void copy_finding(struct resolver *resolver, const struct match *from, struct match *to) {
    size_t cost = from->around.prefix.count + from->around.changes.count;
    resolver->effort -= cost < resolver->effort ? cost : resolver->effort;
    *to = *from;
    context_copy(&from->around, &to->around);
}

/* The finding that a command begins with: what was set up before it, and its own assignments. */
static void begin_finding(struct resolver *resolver, struct scope *scope,
    const struct script *script, const struct word_list *words, size_t assignments,
    struct match *match) {
    bool was_needed = scope->setup.is_needed;
    for (size_t i = 0; i < assignments; i++) {
        scope->setup.is_needed = scope->setup.is_needed || words->items[i].is_unresolved;
    }
    copy_finding(resolver, &scope->found, match);
    bool is_repeated = shell_setup_repeat(&scope->setup, script, resolver, &match->around);
    for (size_t i = 0; i < assignments; i++) {
        if (words->items[i].is_unresolved) {
            continue;
        }
        if (is_repeated) {
            context_change(&match->around, words->items[i].text);
        } else {
            change(match, &words->items[i]);
        }
    }
    scope->setup.is_needed = was_needed;
}

/* Whether the lock can still be held for the string with that command in it. */
static void note_ending(struct scope *scope, const struct word *program, const struct match *match,
    const struct match *best) {
    /* A file that is read to set something up is read before the tasks. */
    static const char readers[] = ". source eval";
    bool is_prepare = match->kind == COMMAND_PREPARE;
    bool is_setup = best->kind != COMMAND_PREPARE && !program->is_substituted &&
        tables_has_word(readers, program->text, strlen(program->text));
    scope->ends = scope->ends && (is_prepare || match->ends || is_setup);
    scope->opens_way_first =
        scope->opens_way_first || (is_prepare && best->kind != COMMAND_PREPARE && scope->opens_way);
    scope->opens_way = scope->opens_way || match->opens_way;
}

/* One simple command: its assignments, then its words. */
static void resolve_command(struct resolver *resolver, struct scope *scope, struct script *script,
    struct word_list *words, struct match *best) {
    size_t at = 0;
    while (at < words->count && words_assignment_length(words->items[at].text) > 0) {
        at++;
    }
    resolver->hides_failure = resolver->hides_failure ||
        (script->follows_anyway && resolver->deeds.count > 0 && !scope->ends_on_failure);
    if (at == words->count) {
        for (size_t i = 0; i < at; i++) {
            assign(scope, &words->items[i]);
        }
        return;
    }
    if (change_shell(scope, script, words, at)) {
        return;
    }
    struct match match;
    begin_finding(resolver, scope, script, words, at, &match);
    resolve_words(resolver, words, at, &match);
    note_ending(scope, &words->items[at], &match, best);
    if (match.kind == COMMAND_PREPARE) {
        rake_task_remember(resolver, words, 0);
    }
    shell_setup_pass(&scope->setup, script, words, at, match.kind);
    if (weight(match.kind) > weight(best->kind)) {
        context_release(&best->around);
        *best = match;
    } else {
        context_release(&match.around);
    }
}

/* What stands in `$(…)` decides nothing of the command, but what is for the lock in it runs outside
 * of that. */
static void walk_substitutions(struct resolver *resolver, struct scope *scope,
    const struct script *script, struct string_list *commands) {
    for (size_t i = 0; i < commands->count && resolver->effort > 0; i++) {
        struct resolver inner = {
            .request = resolver->request, .effort = resolver->effort - 1, .depth = resolver->depth};
        const struct word string = {.text = commands->items[i], .index = script->index};
        const struct shell_call call = {.words = script->arguments,
            .string = &string,
            .first_argument = script->first_argument,
            .ends_on_failure = scope->ends_on_failure};
        struct match match;
        copy_finding(&inner, &scope->found, &match);
        script_resolve(&inner, &call, &match);
        scope->setup.has_tasks = scope->setup.has_tasks || inner.has_tasks;
        if (resolver->inner_step == NULL) {
            resolver->inner_step = take_pointer(&inner.inner_step);
        }
        resolver->effort = inner.effort;
        context_release(&match.around);
        resolve_release(&inner);
    }
    string_list_release(commands);
}

static void resolve_commands(
    struct resolver *resolver, struct scope *scope, struct script *script, struct match *best) {
    AUTO_SENTENCE struct word_list words = {.items = NULL};
    AUTO_STRING_LIST struct string_list substituted = {.items = NULL};
    script->lexer.commands = &substituted;
    for (;;) {
        enum script_result next = shell_next_command(script, &words);
        walk_substitutions(resolver, scope, script, &substituted);
        switch (next) {
        case SCRIPT_COMMAND:
            resolve_command(resolver, scope, script, &words, best);
            break;
        case SCRIPT_END:
            resolver->hides_failure = resolver->hides_failure || script->ends_anyway;
            scope->ends = scope->ends && !script->may_go_on;
            if (best->kind == COMMAND_PREPARE && (!scope->ends || scope->opens_way_first)) {
                resolve_decide(best, COMMAND_TASK, script->index,
                    "a shell string with tasks in it, and %s",
                    scope->ends ? "before them what may make the database" : "what may not end");
            }
            best->ends = scope->ends;
            best->opens_way = scope->opens_way;
            return;
        case SCRIPT_BROKEN:
            resolve_decide(best, COMMAND_OTHER, script->index,
                "a shell string with an open quote or a here-document");
            return;
        }
    }
}

void script_resolve(struct resolver *resolver, const struct shell_call *call, struct match *match) {
    const struct word *string = call->string;
    if (string->is_substituted || resolver->depth == DEEPEST) {
        resolve_decide(match, COMMAND_OTHER, string->index,
            string->is_substituted ? "a shell string that only a shell can make"
                                   : "shell strings too deep in each other");
        return;
    }
    struct scope scope = {.environment = resolver->request->environment,
        .ends = true,
        .ends_on_failure = call->ends_on_failure};
    struct script script = {
        .lexer = {.line = string->text,
            .dialect = LEXER_SHELL,
            .lookup = look_up,
            .context = &scope},
        .index = string->index,
        .arguments = call->words,
        .first_argument = call->first_argument,
        .has_arguments = true,
        .owned = &resolver->owned,
        .words_most = WORDS_MOST,
    };
    struct match best;
    shell_setup_begin(&scope.setup, call, &match->around);
    copy_finding(resolver, match, &scope.found);
    copy_finding(resolver, match, &best);
    resolve_decide(&best, COMMAND_NONE, string->index, "a shell string without a command");
    resolver->depth++;
    resolve_commands(resolver, &scope, &script, &best);
    resolver->depth--;
    if (best.kind == COMMAND_NONE) {
        best.kind = COMMAND_OTHER;
    }
    shell_script_release(&script);
    string_list_release(&scope.locals);
    shell_setup_release(&scope.setup);
    context_release(&scope.found.around);
    context_release(&match->around);
    *match = best;
}
