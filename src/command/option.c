/*
 * Options as getopt, getopt_long, Go's pflag and OptionParser read them. What matters is which
 * options take a value: with one word too few or too many, a value is read as the program.
 */
#include "command/option.h"

#include <string.h>

struct entry {
    char mark;
    char letter;
};

/* The length of the option's name in the table's notation. */
static size_t entry_name_length(const char *at) {
    size_t length = strcspn(at, " ");
    size_t name = 0;
    while (name < length && strchr(":?~+!.", at[name]) == NULL) {
        name++;
    }
    return name;
}

static struct entry entry_parse(const char *at) {
    struct entry entry = {.mark = '.', .letter = '\0'};
    size_t name = entry_name_length(at);
    if (at[name] != ' ' && at[name] != '\0') {
        entry.mark = at[name];
        if (at[name + 1] != ' ') {
            entry.letter = at[name + 1];
        }
    }
    return entry;
}

/* The entry of that name; with abbreviations, of the only one that it begins. */
static bool find_entry(
    const struct wrapper *wrapper, const char *name, size_t length, struct entry *entry) {
    bool abbreviates = (wrapper->style & STYLE_ABBREVIATES) != 0 && length > 2 && name[1] == '-';
    unsigned begun = 0;
    for (const char *at = wrapper->options; *at != '\0';) {
        size_t known = entry_name_length(at);
        if (known >= length && memcmp(at, name, length) == 0) {
            if (known == length) {
                *entry = entry_parse(at);
                return true;
            }
            begun++;
            if (abbreviates) {
                *entry = entry_parse(at);
            }
        }
        at += strcspn(at, " ");
        at += strspn(at, " ");
    }
    return abbreviates && begun == 1;
}

static void add_effect(
    struct option_reading *reading, char letter, const struct word *word, const char *value) {
    if (letter != '\0' && reading->count < OPTION_EFFECTS) {
        struct option_effect *effect = &reading->effects[reading->count++];
        effect->letter = letter;
        if (word != NULL) {
            effect->value = *word;
            effect->value.text = value;
        }
    }
}

static enum option_result take_next_word(
    const struct word_list *words, struct option_reading *reading, char letter) {
    if (reading->at == words->count) {
        return OPTION_UNKNOWN;
    }
    const struct word *word = &words->items[reading->at++];
    add_effect(reading, letter, word, word->text);
    return OPTION_READ;
}

/* dotenvx: as many words as are no option, but without a `--` behind them only one, since the
 * command itself would be among them. */
static enum option_result take_several(
    const struct word_list *words, struct option_reading *reading) {
    size_t end = reading->at;
    /* The first is a value whatever it looks like, since one there must be. */
    end += end < words->count && strcmp(words->items[end].text, "--") != 0 ? 1U : 0U;
    reading->took_several = true;
    /* A dash alone is a value like any other. */
    while (end < words->count &&
        (words->items[end].text[0] != '-' || words->items[end].text[1] == '\0')) {
        end++;
    }
    size_t dashes = end;
    while (dashes < words->count && strcmp(words->items[dashes].text, "--") != 0) {
        dashes++;
    }
    if (dashes == words->count) {
        return take_next_word(words, reading, '\0');
    }
    reading->at = end;
    return OPTION_READ;
}

static enum option_result nothing_result(struct entry entry) {
    return entry.letter == 'T' ? OPTION_CONSOLE : OPTION_NOTHING;
}

/* The value that stands in the word itself, or none, or the next word. */
static enum option_result take_value(const struct word_list *words, struct option_reading *reading,
    struct entry entry, const struct word *word, const char *attached) {
    switch (entry.mark) {
    case '!':
        return nothing_result(entry);
    case ':':
        if (attached == NULL) {
            return take_next_word(words, reading, entry.letter);
        }
        break;
    case '+':
        if (attached == NULL) {
            return take_several(words, reading);
        }
        break;
    case '~':
        if (attached == NULL && reading->at < words->count &&
            words->items[reading->at].text[0] != '-') {
            return take_next_word(words, reading, entry.letter);
        }
        break;
    default: /* A character, not one of our enums: `?` and `.`, which take nothing further. */
        break;
    }
    add_effect(reading, entry.letter, attached == NULL ? NULL : word, attached);
    return OPTION_READ;
}

static enum option_result read_cluster(const struct wrapper *wrapper, const struct word_list *words,
    const struct word *word, struct option_reading *reading) {
    for (const char *letter = word->text + 1; *letter != '\0'; letter++) {
        char name[2] = {'-', *letter};
        struct entry entry;
        if (!find_entry(wrapper, name, sizeof name, &entry)) {
            return OPTION_UNKNOWN;
        }
        if (entry.mark == '.') {
            add_effect(reading, entry.letter, NULL, NULL);
            continue;
        }
        const char *attached = letter[1] == '\0' ? NULL : letter + 1;
        if (attached != NULL && attached[0] == '=' && (wrapper->style & STYLE_SWITCHES) != 0) {
            attached++;
        }
        return take_value(words, reading, entry, word, attached);
    }
    return OPTION_READ;
}

/* `-10`, `--10`, `-+10`: nice's old form of an adjustment. */
static bool is_number_option(const char *word) {
    const char *digits = word + 1;
    digits += *digits == '-' || *digits == '+';
    return digits[0] != '\0' && strspn(digits, "0123456789") == strlen(digits);
}

enum option_result option_read(
    const struct wrapper *wrapper, const struct word_list *words, struct option_reading *reading) {
    const struct word *word = &words->items[reading->at];
    const char *text = word->text;
    struct entry entry;
    reading->count = 0;
    if (text[0] != '-') {
        return OPTION_NONE;
    }
    if (strcmp(text, "--") == 0 && !word->is_substituted) {
        reading->at++;
        return OPTION_DASHES;
    }
    if (word->is_substituted && strpbrk(text, " \t\n") != NULL) {
        return OPTION_UNKNOWN;
    }
    bool is_long = text[1] == '-' || (wrapper->style & STYLE_CLUSTERS) == 0 || text[1] == '\0';
    size_t name = is_long ? strcspn(text, "=") : strlen(text);
    if (find_entry(wrapper, text, name, &entry) && (is_long || name == 2)) {
        const char *attached = text[name] == '=' ? text + name + 1 : NULL;
        if (attached != NULL && entry.mark == '.') {
            attached = NULL;
            if ((wrapper->style & STYLE_SWITCHES) == 0) {
                return OPTION_UNKNOWN;
            }
        }
        reading->at++;
        return take_value(words, reading, entry, word, attached);
    }
    if (text[1] == '\0') {
        return OPTION_NONE;
    }
    if ((wrapper->style & STYLE_NUMBERS) != 0 && is_number_option(text)) {
        reading->at++;
        return OPTION_READ;
    }
    if (is_long) {
        reading->at += (wrapper->style & STYLE_LENIENT) != 0;
        return (wrapper->style & STYLE_LENIENT) != 0 ? OPTION_READ : OPTION_UNKNOWN;
    }
    reading->at++;
    return read_cluster(wrapper, words, word, reading);
}
