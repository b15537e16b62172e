/*
 * Reading and writing the ledger's text.
 * The trap: a file that another program cut off or half overwrote may still look like a ledger, and
 * a run in it could say "succeeded" that never did. So none of it is believed unless the last
 * line's count and checksum agree.
 */
#include "prepare/file/file_ledger.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "signalbox/base/memory.h"
#include "signalbox/base/number.h"
#include "signalbox/base/string.h"
#include "signalbox/base/text.h"

static const char first_line[] = "signalbox ledger 1";
static const char damaged[] = "is damaged or cut off";

static const char *const column_names[] = {
    [COLUMN_ID] = "id",
    [COLUMN_RUN] = "run",
    [COLUMN_LOCK_KEY] = "lock_key",
    [COLUMN_FINGERPRINT] = "fingerprint",
    [COLUMN_RELEASE] = "release",
    [COLUMN_STATE] = "state",
    [COLUMN_HOST] = "host",
    [COLUMN_STARTED] = "started",
    [COLUMN_FINISHED] = "finished",
    [COLUMN_EXIT_STATUS] = "exit_status",
    [COLUMN_STEP] = "step",
    [COLUMN_OUTPUT] = "output",
    [COLUMN_DATABASES] = "databases",
    [COLUMN_INITIALISES] = "initialises",
    [COLUMN_ELSEWHERE] = "elsewhere",
    [COLUMN_TRIES] = "tries",
};
_Static_assert(ARRAY_LENGTH(column_names) == COLUMN_COUNT, "every column has a name");

/* FNV-1a, against accidents and not against attacks. */
static uint64_t checksum_of(const char *bytes, size_t length) {
    uint64_t sum = 14695981039346656037U;
    for (size_t i = 0; i < length; i++) {
        sum = (sum ^ (unsigned char)bytes[i]) * 1099511628211U;
    }
    return sum;
}

/* A tab, a line's end or a backslash in a value would be taken for the file's own. */
static const struct {
    char plain;
    char letter;
} escapes[] = {{'\\', '\\'}, {'\t', 't'}, {'\n', 'n'}, {'\r', 'r'}};

static void append_escaped(struct text *text, const char *value) {
    for (; *value != '\0'; value++) {
        const char *written = value;
        for (size_t i = 0; i < ARRAY_LENGTH(escapes); i++) {
            if (escapes[i].plain == *value) {
                text_append_string(text, "\\");
                written = &escapes[i].letter;
            }
        }
        text_append(text, written, 1);
    }
}

static char *unescape(const char *bytes, size_t length) {
    char *value = memory_allocate(length + 1, 1);
    size_t used = 0;
    for (size_t at = 0; at < length; at++) {
        char plain = bytes[at];
        if (plain == '\\' && at + 1 < length) {
            plain = bytes[++at];
            for (size_t i = 0; i < ARRAY_LENGTH(escapes); i++) {
                if (escapes[i].letter == bytes[at]) {
                    plain = escapes[i].plain;
                }
            }
        }
        value[used++] = plain;
    }
    return value;
}

/* A part of the bytes up to a separator; `rest` moves behind it. */
struct part {
    const char *bytes;
    size_t length;
};

static bool part_next(struct part *rest, char separator, struct part *part) {
    if (rest->bytes == NULL) {
        return false;
    }
    const char *end = memchr(rest->bytes, separator, rest->length);
    *part = (struct part){rest->bytes, end == NULL ? rest->length : (size_t)(end - rest->bytes)};
    *rest = end == NULL ? (struct part){NULL, 0}
                        : (struct part){end + 1, rest->length - part->length - 1};
    return true;
}

static bool part_is(const struct part *part, const char *string) {
    return part->length == strlen(string) && memcmp(part->bytes, string, part->length) == 0;
}

/* The last line must be the one that format writes for all that stands before it. */
static bool is_whole(const char *bytes, size_t length, size_t *body_length, size_t *count) {
    enum { END_MOST = 64 };
    if (length == 0 || bytes[length - 1] != '\n' || memchr(bytes, '\0', length) != NULL) {
        return false;
    }
    size_t start = length - 1;
    while (start > 0 && bytes[start - 1] != '\n') {
        start--;
    }
    size_t lines = 0;
    for (size_t i = 0; i < start; i++) {
        lines += bytes[i] == '\n' ? 1 : 0;
    }
    char expected[END_MOST];
    int expected_length = snprintf(expected, sizeof expected, "end\t%zu\t%016llx\n",
        lines < 2 ? 0 : lines - 2, (unsigned long long)checksum_of(bytes, start));
    *body_length = start;
    *count = lines < 2 ? 0 : lines - 2;
    return lines >= 2 && (size_t)expected_length == length - start &&
        memcmp(expected, bytes + start, length - start) == 0;
}

/* Which of our columns stands at which place; COLUMN_COUNT for one that we do not know. */
struct layout {
    enum file_ledger_column *columns;
    size_t count;
};

static bool read_layout(struct part line, struct layout *layout) {
    struct part name;
    bool has[COLUMN_COUNT] = {false};
    while (part_next(&line, '\t', &name)) {
        enum file_ledger_column found = COLUMN_COUNT;
        for (size_t i = 0; i < COLUMN_COUNT; i++) {
            if (part_is(&name, column_names[i]) && !has[i]) {
                found = (enum file_ledger_column)i;
                has[i] = true;
            }
        }
        layout->columns = memory_grow(layout->columns, layout->count, sizeof *layout->columns);
        layout->columns[layout->count++] = found;
    }
    return has[COLUMN_ID] && has[COLUMN_FINGERPRINT] && has[COLUMN_STATE];
}

static struct file_run run_make(void) {
    struct file_run run;
    for (size_t i = 0; i < COLUMN_COUNT; i++) {
        run.fields[i] = string_copy("");
    }
    return run;
}

static void run_release(struct file_run *run) {
    for (size_t i = 0; i < COLUMN_COUNT; i++) {
        free(run->fields[i]);
    }
}

static struct file_run *add_run(struct file_ledger *ledger) {
    ledger->runs = memory_grow(ledger->runs, ledger->count, sizeof *ledger->runs);
    ledger->runs[ledger->count] = run_make();
    return &ledger->runs[ledger->count++];
}

static bool read_run(struct part line, const struct layout *layout, struct file_ledger *ledger) {
    int64_t previous_id =
        ledger->count == 0 ? 0 : file_ledger_run_id(&ledger->runs[ledger->count - 1]);
    struct file_run *run = add_run(ledger);
    struct part value;
    size_t place = 0;
    for (; part_next(&line, '\t', &value); place++) {
        if (place < layout->count && layout->columns[place] != COLUMN_COUNT) {
            char **field = &run->fields[layout->columns[place]];
            free(*field);
            *field = unescape(value.bytes, value.length);
        }
    }
    return place == layout->count && file_ledger_run_id(run) > previous_id &&
        file_ledger_run_state(run) != RUN_NONE;
}

static const char *read_runs(
    struct part body, size_t count, const struct layout *layout, struct file_ledger *ledger) {
    struct part line;
    for (size_t i = 0; i < count; i++) {
        if (!part_next(&body, '\n', &line) || !read_run(line, layout, ledger)) {
            return damaged;
        }
    }
    return NULL;
}

const char *file_ledger_parse(const char *bytes, size_t length, struct file_ledger *ledger) {
    struct layout layout = {.columns = NULL};
    struct part body = {.bytes = bytes};
    struct part line;
    size_t count = 0;
    *ledger = (struct file_ledger){.runs = NULL};
    if (!is_whole(bytes, length, &body.length, &count)) {
        return damaged;
    }
    if (!part_next(&body, '\n', &line) || !part_is(&line, first_line)) {
        return "is not a ledger of this version";
    }
    const char *problem = part_next(&body, '\n', &line) && read_layout(line, &layout)
        ? read_runs(body, count, &layout, ledger)
        : damaged;
    free(layout.columns);
    if (problem != NULL) {
        file_ledger_release(ledger);
    }
    return problem;
}

void file_ledger_format(const struct file_ledger *ledger, struct text *text) {
    size_t start = text->length;
    text_append_format(text, "%s\n", first_line);
    for (size_t column = 0; column < COLUMN_COUNT; column++) {
        text_append_format(text, "%s%s", column == 0 ? "" : "\t", column_names[column]);
    }
    text_append_string(text, "\n");
    for (size_t i = 0; i < ledger->count; i++) {
        for (size_t column = 0; column < COLUMN_COUNT; column++) {
            text_append_string(text, column == 0 ? "" : "\t");
            append_escaped(text, ledger->runs[i].fields[column]);
        }
        text_append_string(text, "\n");
    }
    uint64_t checksum = checksum_of(text->data + start, text->length - start);
    text_append_format(text, "end\t%zu\t%016llx\n", ledger->count, (unsigned long long)checksum);
}

void file_ledger_run_set(struct file_run *run, enum file_ledger_column column, const char *value) {
    char *copy = string_copy(value);
    free(run->fields[column]);
    run->fields[column] = copy;
}

void file_ledger_run_set_id(struct file_run *run, int64_t id) {
    char number[24];
    (void)snprintf(number, sizeof number, "%lld", (long long)id);
    file_ledger_run_set(run, COLUMN_ID, number);
}

struct file_run *file_ledger_append(struct file_ledger *ledger) {
    int64_t id = ledger->count == 0 ? 0 : file_ledger_run_id(&ledger->runs[ledger->count - 1]);
    struct file_run *run = add_run(ledger);
    file_ledger_run_set_id(run, id + 1);
    return run;
}

int64_t file_ledger_run_id(const struct file_run *run) {
    int64_t id = 0;
    return number_parse(run->fields[COLUMN_ID], 1, INT64_MAX - 1, &id) ? id : 0;
}

enum run_state file_ledger_run_state(const struct file_run *run) {
    return run_state_from_name(run->fields[COLUMN_STATE]);
}

struct file_run *file_ledger_find(const struct file_ledger *ledger, int64_t id) {
    for (size_t i = 0; i < ledger->count; i++) {
        if (file_ledger_run_id(&ledger->runs[i]) == id) {
            return &ledger->runs[i];
        }
    }
    return NULL;
}

enum keeping { RUN_DROPPED, RUN_KEPT_FOR_NOW, RUN_KEPT_AS_SUCCESS };

/* Whether this success is its fingerprint's newest, and among the last thousand of these. */
static bool is_success_to_keep(
    const struct file_ledger *ledger, const enum keeping *keeping, size_t index) {
    enum { SUCCESSES_MOST = 1000 };
    const struct file_run *run = &ledger->runs[index];
    size_t newer = 0;
    if (file_ledger_run_state(run) != RUN_SUCCEEDED) {
        return false;
    }
    for (size_t i = index + 1; i < ledger->count; i++) {
        if (keeping[i] != RUN_KEPT_AS_SUCCESS) {
            continue;
        }
        newer++;
        if (strcmp(ledger->runs[i].fields[COLUMN_FINGERPRINT], run->fields[COLUMN_FINGERPRINT]) ==
            0) {
            return false;
        }
    }
    return newer < SUCCESSES_MOST;
}

void file_ledger_prune(struct file_ledger *ledger) {
    enum { OTHERS_MOST = 100 };
    AUTO_FREE enum keeping *keeping = memory_allocate(ledger->count, sizeof *keeping);
    size_t others = 0;
    for (size_t i = ledger->count; i-- > 0;) {
        if (is_success_to_keep(ledger, keeping, i)) {
            keeping[i] = RUN_KEPT_AS_SUCCESS;
        } else if (others < OTHERS_MOST) {
            keeping[i] = RUN_KEPT_FOR_NOW;
            others++;
        }
    }
    size_t used = 0;
    for (size_t i = 0; i < ledger->count; i++) {
        if (keeping[i] == RUN_DROPPED) {
            run_release(&ledger->runs[i]);
        } else {
            ledger->runs[used++] = ledger->runs[i];
        }
    }
    ledger->count = used;
}

void file_ledger_release(struct file_ledger *ledger) {
    for (size_t i = 0; i < ledger->count; i++) {
        run_release(&ledger->runs[i]);
    }
    free(ledger->runs);
    *ledger = (struct file_ledger){.runs = NULL};
}
