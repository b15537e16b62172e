/*
 * The answer's form: lines that begin with a marker that cannot be known beforehand, values in
 * hexadecimal, so that nothing that booting prints is taken for it, and a last line that says how
 * many databases there were. An exception's message is never printed: Ruby's own for a URL that it
 * refuses has the password in it.
 */
#include "database/answer.h"

#include <string.h>

#include "database/configurations.h"
#include "database/settings.h"
#include "signalbox/base/hex.h"
#include "signalbox/base/memory.h"
#include "signalbox/base/number.h"
#include "signalbox/base/string.h"
#include "signalbox/base/text.h"

void answer_script(const char *marker, const char *load, struct text *script) {
    text_append_format(script,
        "m = %s\n"
        "out = lambda { |*w| $stdout.syswrite(\"\\n\" + ([m] + w).join(' ') + \"\\n\") }\n"
        "hex = lambda { |v| v.to_s.unpack1('H*') }\n"
        "$stdout.sync = true\n"
        "begin\n"
        "  %s\n"
        "  found = configurations.configs_for(env_name: Rails.env.to_s)\n"
        "  found.each do |c|\n"
        "    out.call('database', hex.call(c.name))\n"
        "    c.configuration_hash.each do |k, v|\n"
        "      case v\n"
        "      when nil then nil\n"
        "      when Array then v.each { |i| out.call('item', hex.call(k), hex.call(i)) }\n"
        "      when Hash then v.each { |n, w| out.call('item', hex.call(k), hex.call(n)) unless "
        "w.nil? } if k.to_s == 'variables'\n"
        "      else out.call('value', hex.call(k), hex.call(v))\n"
        "      end\n"
        "    end\n"
        "  end\n"
        "  out.call('end', found.size)\n"
        "rescue Exception => e\n"
        "  root = e\n"
        "  root = root.cause while root.cause\n"
        "  e = root if root.is_a?(KeyError)\n"
        "  out.call('failed', hex.call(e.class.name), hex.call(e.is_a?(KeyError) ? e.key : ''))\n"
        "end\n",
        marker, load);
}

struct answer {
    struct value_pool pool;
    struct value *settings; /* Of the database being read; NULL before the first. */
    char *role;
    struct databases *databases;
    struct reading_note *reading_note;
};

/* The next word's bytes; NULL where it is not hexadecimal or means a NUL. */
static char *read_hex(const char **at) {
    *at += strspn(*at, " ");
    size_t length = strcspn(*at, " ");
    char *bytes = memory_allocate(length / 2 + 1, 1);
    for (size_t i = 0; i + 1 < length; i += 2) {
        int byte = hex_byte(*at + i);
        if (byte <= 0) {
            free(bytes);
            return NULL;
        }
        bytes[i / 2] = (char)byte;
    }
    *at += length;
    return bytes;
}

static bool finish_database(struct answer *answer) {
    struct database database;
    if (answer->settings == NULL) {
        return true;
    }
    enum reading reading = settings_to_database(answer->settings, &database, answer->reading_note);
    if (reading != READ_WELL) {
        database_release(&database);
        return false;
    }
    database.role = answer->role;
    database.source = string_copy("Rails");
    answer->role = NULL;
    answer->settings = NULL;
    configurations_append(answer->databases, &database);
    return true;
}

static bool add_setting(struct answer *answer, const char *rest, bool is_item) {
    AUTO_FREE char *key = read_hex(&rest);
    AUTO_FREE char *text = read_hex(&rest);
    if (answer->settings == NULL || key == NULL || text == NULL) {
        return false;
    }
    struct value *value = value_make(&answer->pool, VALUE_STRING, text, strlen(text), 0);
    struct value *place = is_item ? value_get(answer->settings, key) : value;
    if (place == NULL) {
        place = value_make(&answer->pool, VALUE_SEQUENCE, NULL, 0, 0);
    }
    if (is_item) {
        value_append(place, value);
    }
    value_put(&answer->pool, answer->settings,
        value_make(&answer->pool, VALUE_STRING, key, strlen(key), 0), place);
    return true;
}

static enum reading note_failure(const struct answer *answer, const char *rest) {
    AUTO_FREE char *class_name = read_hex(&rest);
    AUTO_FREE char *key = read_hex(&rest);
    if (key != NULL && key[0] != '\0') {
        return reading_note_set(answer->reading_note, READ_WRONG, 0, "%.80s is not set", key);
    }
    return reading_note_set(answer->reading_note, READ_WRONG, 0, "it raised %.80s",
        class_name == NULL ? "an exception" : class_name);
}

/* One line behind the marker; READ_UNCLEAR: there is more to come. */
static enum reading read_line(struct answer *answer, const char *line) {
    if (string_has_prefix(line, "database ")) {
        const char *rest = line + strlen("database ");
        if (finish_database(answer)) {
            free(answer->role);
            answer->role = read_hex(&rest);
            answer->settings = value_make(&answer->pool, VALUE_MAPPING, NULL, 0, 0);
            return answer->role == NULL
                ? reading_note_set(answer->reading_note, READ_WRONG, 0, "its answer is not whole")
                : READ_UNCLEAR;
        }
        return READ_WRONG;
    }
    bool is_item = string_has_prefix(line, "item ");
    if (is_item || string_has_prefix(line, "value ")) {
        return add_setting(answer, line + strlen(is_item ? "item " : "value "), is_item)
            ? READ_UNCLEAR
            : reading_note_set(answer->reading_note, READ_WRONG, 0, "its answer is not whole");
    }
    if (string_has_prefix(line, "failed ")) {
        return note_failure(answer, line + strlen("failed "));
    }
    int64_t count = 0;
    if (!string_has_prefix(line, "end ") || !finish_database(answer)) {
        return reading_note_set(answer->reading_note, READ_WRONG, 0, "its answer cannot be used");
    }
    if (!number_parse(line + strlen("end "), 0, INT32_MAX, &count) ||
        (size_t)count != answer->databases->count) {
        return reading_note_set(answer->reading_note, READ_WRONG, 0, "its answer is not whole");
    }
    return count > 0 ? READ_WELL
                     : reading_note_set(answer->reading_note, READ_WRONG, 0,
                           "it knows no database for this environment");
}

enum reading answer_read(const struct text *output, const char *marker, struct databases *databases,
    struct reading_note *reading_note) {
    struct answer answer = {.databases = databases, .reading_note = reading_note};
    enum reading reading = READ_UNCLEAR;
    const char *end = text_string(output) + output->length;
    for (const char *line = text_string(output); reading == READ_UNCLEAR && line < end;) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        const char *stop = newline == NULL ? end : newline;
        AUTO_FREE char *copy = string_copy_part(line, (size_t)(stop - line));
        size_t length = strlen(marker);
        if (string_has_prefix(copy, marker) && copy[length] == ' ') {
            reading = read_line(&answer, copy + length + 1);
        }
        line = stop + 1;
    }
    value_pool_release(&answer.pool);
    free(answer.role);
    if (reading == READ_UNCLEAR) {
        reading = reading_note_set(reading_note, READ_WRONG, 0, "it ended without an answer");
    }
    if (reading != READ_WELL) {
        database_list_release(databases);
    } else {
        configurations_put_primary_first(databases);
    }
    return reading;
}
