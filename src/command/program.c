/*
 * Programs. A word that only looks like the subcommand does not count: a value (`thin -p 3000
 * start`), a task's argument (`rails db:prepare server`), or the topic of a help request.
 */
#include "command/program.h"

#include <stdio.h>
#include <string.h>

#include "command/wrapper.h"

static bool lists(const char *list, const char *word) {
    return tables_has_word(list, word, strlen(word));
}

/* `-qh` for `-q -h`: a letter of help before one that takes the rest as its value. */
static bool has_help_letter(const struct program *program, const char *word) {
    if (word[0] != '-' || word[1] == '-' || lists(program->valued, word)) {
        return false;
    }
    for (const char *letter = word + 1; *letter != '\0'; letter++) {
        char name[3] = {'-', *letter, '\0'};
        if (lists(program->valued, name)) {
            return false;
        }
        if (lists(program->help, name)) {
            return true;
        }
    }
    return false;
}

/* `--hel` for `--help`, as OptionParser completes it. What is ambiguous ends in an error there, and
 * serves nothing either. */
static bool is_help_option(const struct program *program, const char *word, bool is_before) {
    char early[32];
    if (lists(program->help, word)) {
        return true;
    }
    (void)snprintf(early, sizeof early, "^%s", word);
    if (is_before && lists(program->help, early)) {
        return true;
    }
    if (has_help_letter(program, word)) {
        return true;
    }
    size_t length = strlen(word);
    return length > 2 &&
        ((lists(program->help, "--help") && strncmp("--help", word, length) == 0) ||
            (lists(program->help, "--version") && strncmp("--version", word, length) == 0));
}

/* The short option in `word`'s cluster that takes a value: NULL, or where its letter stands. */
static const char *valued_letter(const struct program *program, const char *word) {
    if (word[0] != '-' || word[1] == '-') {
        return NULL;
    }
    for (const char *letter = word + 1; *letter != '\0'; letter++) {
        char name[3] = {'-', *letter, '\0'};
        if (lists(program->valued, name)) {
            return letter;
        }
    }
    return NULL;
}

/* Whether the word at `at` takes the next one as its value. */
static bool takes_next(const struct program *program, const char *word) {
    const char *letter = valued_letter(program, word);
    return lists(program->valued, word) || (letter != NULL && letter[1] == '\0');
}

static bool names_environment(const struct program *program, const char *word, size_t length) {
    const char *list = program->environment;
    list += list[0] == '!';
    if (tables_has_word(list, word, length)) {
        return true;
    }
    return length > 3 && lists(list, "--environment") &&
        strncmp("--environment", word, length) == 0;
}

/* The value of the environment option at `at` in any of its forms, or NULL. */
static const char *environment_value(
    const struct program *program, const struct word_list *words, size_t at) {
    const struct word *word = &words->items[at];
    const struct word *next = at + 1 < words->count ? word + 1 : NULL;
    const char *text = word->text;
    const char *equals = strchr(text, '=');
    const char *letter = valued_letter(program, text);
    if (text[0] != '-' || word->is_unresolved) {
        return NULL;
    }
    if (names_environment(program, text, strlen(text))) {
        return next == NULL || next->is_unresolved ? NULL : next->text;
    }
    if (text[1] == '-') {
        return equals != NULL && names_environment(program, text, (size_t)(equals - text))
            ? equals + 1
            : NULL;
    }
    if (letter == NULL) {
        return NULL;
    }
    char name[3] = {'-', *letter, '\0'};
    if (!names_environment(program, name, 2)) {
        return NULL;
    }
    if (letter[1] != '\0') {
        return letter[1] == '=' ? letter + 2 : letter + 1;
    }
    return next == NULL || next->is_unresolved ? NULL : next->text;
}

/* Reads the options behind `at`: help, the environment. */
static void read_options(const struct program *program, const struct word_list *words, size_t at,
    bool is_before, struct program_reading *reading) {
    for (; at < words->count && strcmp(words->items[at].text, "--") != 0; at++) {
        const char *word = words->items[at].text;
        if (is_help_option(program, word, is_before)) {
            reading->kind = program->otherwise;
            (void)snprintf(reading->rule, sizeof reading->rule,
                "`%.30s` with `%.30s` serves nothing", program->name, word);
            return;
        }
        const char *environment = environment_value(program, words, at);
        if (environment != NULL && environment[0] != '\0' && environment[0] != '-') {
            reading->environment = environment;
            reading->names_rails_env = program->environment[0] == '!';
        }
        at += takes_next(program, word);
    }
}

/* The index of the subcommand, or the number of words. Sets *is_help where it is asked for before.
 */
static size_t find_subcommand(
    const struct program *program, const struct word_list *words, size_t at, bool *is_help) {
    if (program->place == PLACE_FIRST) {
        return at;
    }
    while (at < words->count && words->items[at].text[0] == '-') {
        const char *word = words->items[at].text;
        *is_help = *is_help || is_help_option(program, word, true);
        at += takes_next(program, word) ? 2 : 1;
    }
    return at < words->count ? at : words->count;
}

static bool is_worker_task(const struct word_list *words, size_t at) {
    bool found = false;
    for (; at < words->count; at++) {
        const char *word = words->items[at].text;
        if (tables_is_worker_task(word)) {
            found = true;
        } else if (word[0] != '-' && strchr(word, '=') == NULL &&
            strcmp(word, "environment") != 0) {
            return false;
        }
    }
    return found;
}

struct program_reading program_read(
    const struct program *program, const struct word_list *words, size_t at) {
    struct program_reading reading = {.kind = program->kind};
    size_t first = at + 1;
    bool is_help = false;
    bool is_rails = strcmp(program->name, "rails") == 0 || strcmp(program->name, "rake") == 0;
    if (first < words->count && wrapper_is_gem_version(words->items[first].text)) {
        first++;
    }
    if (is_rails && is_worker_task(words, first)) {
        reading.kind = COMMAND_WORKER;
        (void)snprintf(
            reading.rule, sizeof reading.rule, "a `%.20s` task that works off jobs", program->name);
        return reading;
    }
    if (program->subcommands == NULL) {
        (void)snprintf(reading.rule, sizeof reading.rule, "`%.40s`", program->name);
        read_options(program, words, first, true, &reading);
        return reading;
    }
    size_t place = find_subcommand(program, words, first, &is_help);
    const struct word *subcommand = place < words->count ? &words->items[place] : NULL;
    (void)snprintf(reading.rule, sizeof reading.rule, "`%.40s%s%.40s`", program->name,
        subcommand == NULL ? "" : " ", subcommand == NULL ? "" : subcommand->text);
    bool is_bare = subcommand == NULL && program->place == PLACE_OPTIONAL;
    if (is_help ||
        (!is_bare &&
            (subcommand == NULL || subcommand->is_substituted ||
                !lists(program->subcommands, subcommand->text)))) {
        reading.kind = program->otherwise;
        return reading;
    }
    read_options(program, words, first, is_bare, &reading);
    return reading;
}
