/*
 * Steps from text. ` && ` inside quotes belongs to the step, so quotes are respected when the text
 * is cut.
 */
#include "signalbox/command/step.h"

#include <ctype.h>
#include <string.h>

#include "signalbox/base/exit_status.h"
#include "signalbox/base/memory.h"
#include "signalbox/base/path.h"
#include "signalbox/base/secret.h"
#include "signalbox/base/string.h"
#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"
#include "signalbox/command/recognise.h"
#include "signalbox/command/words.h"

/* POSIX 2.10.2, rule 7: a name before the first '='. */
static bool is_assignment(const char *word) {
    if (!isalpha((unsigned char)word[0]) && word[0] != '_') {
        return false;
    }
    size_t name = 1;
    while (isalnum((unsigned char)word[name]) || word[name] == '_') {
        name++;
    }
    return word[name] == '=';
}

static void step_release(struct step *step) {
    free(step->text);
    free(step->label);
    string_list_release(&step->assignments);
    string_list_release(&step->argv);
}

static char *text_without_secrets(const char *line) {
    struct text masked = {.data = NULL};
    secret_mask(line, &masked);
    return masked.data == NULL ? string_copy("") : masked.data;
}

static void append_step(struct step_list *steps, struct step *step) {
    steps->items = memory_grow(steps->items, steps->count, sizeof *steps->items);
    steps->items[steps->count++] = *step;
}

int step_list_append(struct step_list *steps, const char *line, struct error *error) {
    AUTO_STRING_LIST struct string_list words = {.items = NULL};
    AUTO_FREE char *text = text_without_secrets(line);
    size_t offset = 0;
    switch (words_split(line, &words, &offset)) {
    case WORDS_OK:
        break;
    case WORDS_OPEN_QUOTE:
        error_set(error, EXIT_STATUS_USAGE, "a quote is not closed in: %s", text);
        return -1;
    case WORDS_SHELL_SYNTAX:
        error_set(error, EXIT_STATUS_USAGE,
            "a command here is words, not shell, and '%c' is shell: write sh -c '…' instead of: %s",
            line[offset] == '\n' ? ' ' : line[offset], text);
        return -1;
    }
    size_t first = 0;
    while (first < words.count && is_assignment(words.items[first])) {
        first++;
    }
    if (first == words.count) {
        error_set(error, EXIT_STATUS_USAGE, "a command is empty");
        return -1;
    }
    struct step step = {.text = take_pointer(&text)};
    step.label = string_copy(step.text);
    for (size_t i = 0; i < words.count; i++) {
        string_list_append_owned(
            i < first ? &step.assignments : &step.argv, take_pointer(&words.items[i]));
    }
    append_step(steps, &step);
    return 0;
}

/* The offset of the next unquoted ` && `, or of the end. */
static size_t find_conjunction(const char *text) {
    char quote = '\0';
    size_t at = 0;
    for (; text[at] != '\0'; at++) {
        if (quote == '\0' && strncmp(text + at, " && ", 4) == 0) {
            return at;
        }
        if (text[at] == '\\' && quote != '\'' && text[at + 1] != '\0') {
            at++;
        } else if (quote == text[at]) {
            quote = '\0';
        } else if (quote == '\0' && (text[at] == '\'' || text[at] == '"')) {
            quote = text[at];
        }
    }
    return at;
}

int step_list_append_joined(struct step_list *steps, const char *lines, struct error *error) {
    for (;;) {
        size_t length = find_conjunction(lines);
        AUTO_FREE char *line = string_copy_part(lines, length);
        if (step_list_append(steps, line, error) != 0) {
            return -1;
        }
        if (lines[length] == '\0') {
            return 0;
        }
        lines += length + 4;
    }
}

static void append_words(struct string_list *words, const struct string_list *more) {
    for (size_t i = 0; i < more->count; i++) {
        string_list_append(words, more->items[i]);
    }
}

static char *text_of(const struct string_list *words) {
    AUTO_TEXT struct text text = {.data = NULL};
    words_join(words->items, words->count, &text);
    return text_without_secrets(text_string(&text));
}

/* Of a wrapper's words and a shell's text it is not known what is secret in them. */
static char *label_behind(const char *label) {
    struct text behind = {.data = NULL};
    text_append_format(&behind, "%s (behind the command's own wrapper)", label);
    return behind.data;
}

static char *label_of_command(const struct string_list *words, size_t word) {
    AUTO_STRING_LIST struct string_list inner = {.items = NULL};
    if (word < words->count && strpbrk(words->items[word], " \t\n;&|") != NULL) {
        AUTO_TEXT struct text label = {.data = NULL};
        text_append_format(&label, "`%s` with a text of its own", path_base_name(words->items[0]));
        return string_copy(text_string(&label));
    }
    for (size_t i = word; i < words->count; i++) {
        string_list_append(&inner, words->items[i]);
    }
    AUTO_FREE char *label = text_of(&inner);
    return word == 0 ? take_pointer(&label) : label_behind(label);
}

void step_list_append_wrapped(struct step_list *wrapped, const struct step_list *steps,
    const struct context *around, const char *assignment) {
    for (size_t i = 0; i < steps->count; i++) {
        const struct step *inner = &steps->items[i];
        struct step step = {.text = NULL};
        if (around->prefix.count == 0) {
            step.text = string_copy(inner->text);
            step.label = string_copy(inner->label);
            append_words(&step.assignments, &inner->assignments);
            append_words(&step.argv, &inner->argv);
        } else {
            AUTO_STRING_LIST struct string_list words = {.items = NULL};
            if (assignment != NULL || inner->assignments.count > 0) {
                string_list_append(&words, "env");
            }
            if (assignment != NULL) {
                string_list_append(&words, assignment);
            }
            append_words(&words, &inner->assignments);
            append_words(&words, &inner->argv);
            context_wrap(around, words.items, words.count, &step.argv);
            step.text = text_of(&step.argv);
            step.label = label_behind(inner->label);
        }
        append_step(wrapped, &step);
    }
}

void step_list_append_command(struct step_list *steps, char *const argv[], size_t word) {
    struct step step = {.text = NULL};
    for (size_t i = 0; argv[i] != NULL; i++) {
        string_list_append(&step.argv, argv[i]);
    }
    step.text = text_of(&step.argv);
    step.label = label_of_command(&step.argv, word);
    append_step(steps, &step);
}

void step_list_release(struct step_list *steps) {
    for (size_t i = 0; i < steps->count; i++) {
        step_release(&steps->items[i]);
    }
    free(steps->items);
    *steps = (struct step_list){.items = NULL};
}
