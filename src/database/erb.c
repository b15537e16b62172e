/*
 * ERB without a trim mode, as Rails reads database.yml: the newline behind a tag stays, and `-%>`
 * is a syntax error. Only tags that print a value, set a variable or choose with `if` are carried
 * out.
 * The trap: any other tag may print anything, new keys included. One that is not read makes the
 * whole file unclear, unless it can only change the value of one key
 * (ignored_keys.h).
 */
#include "database/erb.h"

#include <stdbool.h>
#include <string.h>

#include "database/expression.h"
#include "database/ignored_keys.h"
#include "database/scanner.h"
#include "signalbox/base/memory.h"
#include "signalbox/base/string.h"
#include "signalbox/base/text.h"

enum { BRANCHES_MOST = 32, EXCERPT_MOST = 120 };

struct branch {
    bool is_live;    /* What stands here now is rendered. */
    bool was_chosen; /* One of its alternatives was. */
    bool has_else;
};

struct template {
    const char *start;
    const char *at;
    const char *end;
    int line;
    struct ruby_scope scope;
    struct branch branches[BRANCHES_MOST];
    size_t depth;
    struct rendering *rendering;
    struct reading_note *reading_note;
};

/* A tag's code and where it began. */
struct tag {
    char type; /* '=', '#', or 0. */
    const char *code;
    size_t length;
    int line;
};

static void emit(struct template *template, const char *bytes, size_t length) {
    struct rendering *rendering = template->rendering;
    for (size_t i = 0; i < length; i++) {
        bool starts_line =
            rendering->text.length == 0 || rendering->text.data[rendering->text.length - 1] == '\n';
        if (starts_line) {
            rendering->lines =
                memory_grow(rendering->lines, rendering->line_count, sizeof *rendering->lines);
            rendering->lines[rendering->line_count++] = template->line;
        }
        text_append(&rendering->text, bytes + i, 1);
    }
}

static bool is_live(const struct template *template) {
    return template->depth == 0 || template->branches[template->depth - 1].is_live;
}

/* Whether the quote that opens at the end of `before` holds a name and not a value. */
static bool holds_name(const struct text *before) {
    static const char *const openings[] = {"[", "fetch(", "key?("};
    for (size_t i = 0; i < ARRAY_LENGTH(openings); i++) {
        size_t length = strlen(openings[i]);
        if (before->length >= length &&
            memcmp(before->data + before->length - length, openings[i], length) == 0) {
            return true;
        }
    }
    return false;
}

/* The code on one line, and every literal in it but names of variables left out: a default may be a
 * password. */
static void append_excerpt(struct text *excerpt, const struct tag *tag) {
    struct text code = {.data = NULL};
    const char *end = tag->code + tag->length;
    for (const char *at = tag->code; at < end && code.length < EXCERPT_MOST; at++) {
        bool is_space = strchr(" \t\r\n", *at) != NULL;
        if (*at == '%' || *at == '\0') {
            text_append_string(&code, "…");
            break;
        }
        if (*at == '"' || *at == '\'' || *at == '`') {
            const char *close = memchr(at + 1, *at, (size_t)(end - at) - 1);
            bool is_name = close != NULL && holds_name(&code);
            text_append(&code, at, 1);
            text_append(
                &code, is_name ? at + 1 : "…", is_name ? (size_t)(close - at) - 1 : strlen("…"));
            text_append(&code, at, 1);
            if (close == NULL) {
                break;
            }
            at = close;
        } else if (!is_space) {
            text_append(&code, at, 1);
        } else if (code.length > 0 && code.data[code.length - 1] != ' ') {
            text_append_string(&code, " ");
        }
    }
    if (code.length > 0 && code.data[code.length - 1] == ' ') {
        code.data[--code.length] = '\0';
    }
    text_append_format(excerpt, "`%s`", text_string(&code));
    text_release(&code);
}

static enum reading note(const struct template *template, enum reading reading,
    const struct tag *tag, const char *what) {
    AUTO_TEXT struct text excerpt = {.data = NULL};
    AUTO_FREE char *copy = string_copy(what); /* It may be what the finding says now. */
    append_excerpt(&excerpt, tag);
    return reading_note_set(
        template->reading_note, reading, tag->line, "%s %s", text_string(&excerpt), copy);
}

static enum reading note_needs_rails(const struct template *template, const struct tag *tag) {
    return note(template, READ_UNCLEAR, tag, "is more Ruby than is read here");
}

static enum reading evaluate(struct template *template, const struct tag *tag, const char *code,
    size_t length, struct ruby_value *value) {
    enum reading reading =
        expression_evaluate(code, length, &template->scope, false, value, template->reading_note);
    return reading == READ_WELL ? READ_WELL
                                : note(template, reading, tag, template->reading_note->what);
}

static void note_unread(struct rendering *rendering, const struct reading_note *reading_note) {
    rendering->unread =
        memory_grow(rendering->unread, rendering->unread_count, sizeof *rendering->unread);
    rendering->unread[rendering->unread_count++] = *reading_note;
}

static enum reading print_value(struct template *template, const struct tag *tag) {
    AUTO_TEXT struct text text = {.data = NULL};
    struct ruby_value value;
    enum reading reading = evaluate(template, tag, tag->code, tag->length, &value);
    if (reading == READ_WELL) {
        ruby_value_append(&value, &text);
        emit(template, text_string(&text), text.length);
    }
    ruby_value_release(&value);
    const struct aside_part whole = {template->start, template->end};
    const struct aside_part part = {template->at, tag->code + tag->length + strlen("%>")};
    const char *stand_in = reading == READ_UNCLEAR ? ignored_keys_stand_in(&whole, &part) : NULL;
    if (stand_in != NULL) {
        emit(template, stand_in, strlen(stand_in));
        note_unread(template->rendering, template->reading_note);
        return READ_WELL;
    }
    return reading;
}

/* ERB writes the text behind a tag on the same line of Ruby, so a comment would swallow it. */
static bool has_comment(const char *code, size_t length) {
    for (size_t i = 0; i < length; i++) {
        if (code[i] == '#' && (i + 1 == length || code[i + 1] != '{')) {
            return true;
        }
    }
    return false;
}

/* The condition of `if`, `unless` or `elsif`, only where it is asked in Ruby too. */
static enum reading decide(struct template *template, const struct tag *tag, const char *condition,
    size_t length, bool is_asked, bool *is_true) {
    struct ruby_value value = {.kind = RUBY_NIL};
    *is_true = false;
    if (memchr(condition, ';', length) != NULL || memchr(condition, '\n', length) != NULL ||
        (!is_asked && has_comment(condition, length))) {
        return note_needs_rails(template, tag);
    }
    if (!is_asked) {
        return READ_WELL;
    }
    enum reading reading = evaluate(template, tag, condition, length, &value);
    *is_true = ruby_value_is_true(&value);
    ruby_value_release(&value);
    return reading;
}

/* Leaves out a branch that holds only keys which lead nowhere. One of them is kept, so that a
 * section that has no others is not empty. */
static bool leave_out(
    const struct tag *tag, const char *condition, size_t length, struct template *template) {
    const struct aside_part rest = {tag->code + tag->length + strlen("%>"), template->end};
    struct aside_part key;
    if (!ignored_keys_is_harmless(condition, length) || !ignored_keys_is_branch(&rest, &key)) {
        return false;
    }
    emit(template, "\n", 1);
    emit(template, key.start, (size_t)(key.end - key.start));
    emit(template, " " ASIDE_VALUE, strlen(" " ASIDE_VALUE));
    return true;
}

static enum reading open_branch(struct template *template, const struct tag *tag,
    const char *condition, size_t length, bool wanted) {
    bool is_true = false;
    bool is_asked = is_live(template);
    if (template->depth == BRANCHES_MOST) {
        return note_needs_rails(template, tag);
    }
    enum reading reading = decide(template, tag, condition, length, is_asked, &is_true);
    bool is_left_out =
        is_asked && reading == READ_UNCLEAR && leave_out(tag, condition, length, template);
    if (is_left_out) {
        reading = READ_WELL;
    }
    bool is_chosen = is_asked && !is_left_out && is_true == wanted;
    /* Inside of what is not rendered nothing is ever chosen. */
    template->branches[template->depth++] =
        (struct branch){.is_live = is_chosen, .was_chosen = is_chosen || !is_asked || is_left_out};
    return reading;
}

static enum reading next_branch(struct template *template, const struct tag *tag,
    const char *condition, size_t length, bool is_else) {
    if (template->depth == 0 || template->branches[template->depth - 1].has_else) {
        return note_needs_rails(template, tag);
    }
    struct branch *branch = &template->branches[template->depth - 1];
    bool is_true = true;
    enum reading reading = READ_WELL;
    if (!is_else) {
        reading = decide(template, tag, condition, length, !branch->was_chosen, &is_true);
    }
    branch->is_live = !branch->was_chosen && is_true;
    branch->was_chosen = branch->was_chosen || branch->is_live;
    branch->has_else = is_else;
    return reading;
}

static enum reading close_branch(struct template *template, const struct tag *tag) {
    if (template->depth == 0) {
        return note_needs_rails(template, tag);
    }
    template->depth--;
    return READ_WELL;
}

static enum reading assign(
    struct template *template, const struct tag *tag, const char *code, size_t length) {
    struct ruby_value value;
    size_t name_length = strspn(code, "abcdefghijklmnopqrstuvwxyz_0123456789");
    const char *end = code + length;
    const char *at = code + name_length;
    at += strspn(at, " \t");
    bool is_assignment = name_length > 0 && (code[0] < '0' || code[0] > '9') && at + 1 < end &&
        *at == '=' && strchr("=~>", at[1]) == NULL;
    if (!is_assignment || !is_live(template)) {
        return note_needs_rails(template, tag);
    }
    enum reading reading = evaluate(template, tag, at + 1, (size_t)(end - at) - 1, &value);
    AUTO_FREE char *name = string_copy_part(code, name_length);
    if (reading == READ_WELL) {
        ruby_scope_assign(&template->scope, name, value);
    }
    if (reading == READ_UNCLEAR && ignored_keys_is_harmless(at + 1, (size_t)(end - at) - 1)) {
        ruby_scope_forget(&template->scope, name);
        reading = READ_WELL;
    }
    return reading;
}

/* Whether `code` is `word` or begins with it and a blank; what follows goes to `*rest`. */
static bool starts_with_word(const char *code, size_t length, const char *word, const char **rest) {
    size_t word_length = strlen(word);
    if (length < word_length || memcmp(code, word, word_length) != 0 ||
        (length > word_length && strchr(" \t(!", code[word_length]) == NULL)) {
        return false;
    }
    *rest = code + word_length;
    return true;
}

static enum reading carry_out(struct template *template, const struct tag *tag) {
    const char *code = tag->code;
    const char *end = tag->code + tag->length;
    const char *rest = NULL;
    while (code < end && strchr(" \t\r\n", *code) != NULL) {
        code++;
    }
    while (end > code && strchr(" \t\r\n", end[-1]) != NULL) {
        end--;
    }
    size_t length = (size_t)(end - code);
    if (length == 0) {
        return READ_WELL;
    }
    if (starts_with_word(code, length, "if", &rest)) {
        return open_branch(template, tag, rest, (size_t)(end - rest), true);
    }
    if (starts_with_word(code, length, "unless", &rest)) {
        return open_branch(template, tag, rest, (size_t)(end - rest), false);
    }
    if (starts_with_word(code, length, "elsif", &rest)) {
        return next_branch(template, tag, rest, (size_t)(end - rest), false);
    }
    if (starts_with_word(code, length, "else", &rest) && rest == end) {
        return next_branch(template, tag, rest, 0, true);
    }
    if (starts_with_word(code, length, "end", &rest) && rest == end) {
        return close_branch(template, tag);
    }
    return assign(template, tag, code, length);
}

/* Whether a tag that prints nothing here could still open a block and so shift every `end`, or hide
 * what follows it. */
static bool could_reach_further(const struct template *template, const struct tag *tag) {
    struct ruby_value value;
    struct reading_note reading_note;
    if (expression_evaluate(
            tag->code, tag->length, &template->scope, true, &value, &reading_note) == READ_WELL) {
        ruby_value_release(&value);
        return false;
    }
    return has_comment(tag->code, tag->length) || scanner_opens_block(tag->code, tag->length) ||
        memchr(tag->code, ';', tag->length) != NULL;
}

static enum reading process_tag(struct template *template, const struct tag *tag) {
    if (tag->type == '#') {
        return READ_WELL;
    }
    if (tag->length > 0 && tag->code[tag->length - 1] == '-') {
        return note(template, READ_WRONG, tag,
            "ends with `-%>`, which is a syntax error in Rails: write `%>`");
    }
    if (tag->type == 0) {
        return carry_out(template, tag);
    }
    if (!is_live(template)) {
        return could_reach_further(template, tag) ? note_needs_rails(template, tag) : READ_WELL;
    }
    return print_value(template, tag);
}

/* Reads the tag that begins at template->at. */
static enum reading read_tag(struct template *template) {
    struct tag tag = {.code = template->at + 2, .line = template->line};
    if (tag.code < template->end && (*tag.code == '=' || *tag.code == '#')) {
        tag.type = *tag.code++;
    }
    const char *close = memmem(tag.code, (size_t)(template->end - tag.code), "%>", strlen("%>"));
    if (close == NULL) {
        return reading_note_set(
            template->reading_note, READ_UNCLEAR, tag.line, "a `<%%` without its `%%>`");
    }
    tag.length = (size_t)(close - tag.code);
    if (tag.length > 0 && close[-1] == '%') {
        return note_needs_rails(template, &tag);
    }
    enum reading reading = process_tag(template, &tag);
    for (const char *at = template->at; at < close; at++) {
        template->line += *at == '\n' ? 1 : 0;
    }
    template->at = close + 2;
    return reading;
}

static enum reading render(struct template *template) {
    while (template->at < template->end) {
        size_t left = (size_t)(template->end - template->at);
        if (left >= 3 && memcmp(template->at, "<%%", 3) == 0) {
            if (is_live(template)) {
                emit(template, "<%", 2);
            }
            template->at += 3;
        } else if (left >= 2 && memcmp(template->at, "<%", 2) == 0) {
            enum reading reading = read_tag(template);
            if (reading != READ_WELL) {
                return reading;
            }
        } else {
            if (is_live(template)) {
                emit(template, template->at, 1);
            }
            template->line += *template->at == '\n' ? 1 : 0;
            template->at++;
        }
    }
    return template->depth == 0 ? READ_WELL
                                : reading_note_set(template->reading_note, READ_WRONG,
                                      template->line, "an `if` without its `end`");
}

enum reading erb_render(const char *template_text, size_t length, const char *environment,
    struct rendering *rendering, struct reading_note *reading_note) {
    struct template template = {
        .start = template_text,
        .at = template_text,
        .end = template_text + length,
        .line = 1,
        .scope = {.environment = environment},
        .rendering = rendering,
        .reading_note = reading_note,
    };
    *rendering = (struct rendering){.lines = NULL};
    enum reading reading = render(&template);
    ruby_scope_release(&template.scope);
    return reading;
}

int erb_rendering_line(const struct rendering *rendering, int line) {
    if (line < 1 || rendering->line_count == 0) {
        return 0;
    }
    size_t index = (size_t)line - 1;
    return rendering->lines[index < rendering->line_count ? index : rendering->line_count - 1];
}

const struct reading_note *erb_rendering_unread(const struct rendering *rendering, int line) {
    for (size_t i = 0; i < rendering->unread_count; i++) {
        if (rendering->unread[i].line == line) {
            return &rendering->unread[i];
        }
    }
    return NULL;
}

void erb_rendering_release(struct rendering *rendering) {
    text_release(&rendering->text);
    free(rendering->unread);
    free(rendering->lines);
    *rendering = (struct rendering){.lines = NULL};
}
