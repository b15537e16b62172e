/*
 * Ruby's and ActiveSupport's methods on nil, booleans, integers and strings. What depends on
 * Unicode is left to Ruby.
 */
#include "database/ruby.h"

#include <stdio.h>
#include <string.h>

#include "signalbox/base/json.h"
#include "signalbox/base/memory.h"
#include "signalbox/base/string.h"
#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"

void ruby_value_release(struct ruby_value *value) {
    free(value->string);
    *value = (struct ruby_value){.kind = RUBY_NIL};
}

bool ruby_value_is_true(const struct ruby_value *value) {
    return value->kind != RUBY_NIL && value->kind != RUBY_FALSE;
}

void ruby_value_append(const struct ruby_value *value, struct text *text) {
    switch (value->kind) {
    case RUBY_NIL:
        break;
    case RUBY_FALSE:
        text_append_string(text, "false");
        break;
    case RUBY_TRUE:
        text_append_string(text, "true");
        break;
    case RUBY_INTEGER:
        text_append_format(text, "%lld", (long long)value->integer);
        break;
    case RUBY_STRING:
        text_append_string(text, value->string);
        break;
    }
}

struct ruby_value ruby_string(const char *string) {
    return (struct ruby_value){.kind = RUBY_STRING, .string = string_copy(string)};
}

struct ruby_value ruby_boolean(bool is_true) {
    return (struct ruby_value){.kind = is_true ? RUBY_TRUE : RUBY_FALSE};
}

struct ruby_value ruby_copy(const struct ruby_value *value) {
    struct ruby_value copy = *value;
    copy.string = value->string == NULL ? NULL : string_copy(value->string);
    return copy;
}

bool ruby_equal(const struct ruby_value *one, const struct ruby_value *other) {
    if (one->kind != other->kind) {
        return false;
    }
    return one->kind == RUBY_STRING ? strcmp(one->string, other->string) == 0
                                    : one->integer == other->integer;
}

static void become(struct ruby_value *value, struct ruby_value other) {
    ruby_value_release(value);
    *value = other;
}

static bool is_ascii(const char *string) {
    for (; *string != '\0'; string++) {
        if ((unsigned char)*string >= 0x80) {
            return false;
        }
    }
    return true;
}

/* ActiveSupport's blank?: false, nil, nothing but white space. */
static bool find_blank(const struct ruby_value *value, bool *is_blank) {
    switch (value->kind) {
    case RUBY_NIL:
    case RUBY_FALSE:
        *is_blank = true;
        return true;
    case RUBY_TRUE:
    case RUBY_INTEGER:
        *is_blank = false;
        return true;
    case RUBY_STRING:
        break;
    }
    size_t spaces = strspn(value->string, " \t\n\v\f\r");
    *is_blank = value->string[spaces] == '\0';
    /* Unicode has more white space; whether the rest is that is left to Ruby. */
    return *is_blank || (unsigned char)value->string[spaces] < 0x80;
}

static bool call_to_i(struct ruby_value *value) {
    int64_t number = 0;
    if (value->kind == RUBY_INTEGER) {
        return true;
    }
    if (value->kind == RUBY_STRING) {
        const char *at = value->string + strspn(value->string, " \t\n\v\f\r");
        bool is_negative = *at == '-';
        at += is_negative || *at == '+' ? 1 : 0;
        for (bool had_digit = false; (*at >= '0' && *at <= '9') ||
             (*at == '_' && had_digit && at[1] >= '0' && at[1] <= '9');
             at++) {
            had_digit = true;
            if (*at != '_' &&
                (__builtin_mul_overflow(number, 10, &number) ||
                    __builtin_add_overflow(number, *at - '0', &number))) {
                return false;
            }
        }
        number = is_negative ? -number : number;
    } else if (value->kind != RUBY_NIL) {
        return false;
    }
    become(value, (struct ruby_value){.kind = RUBY_INTEGER, .integer = number});
    return true;
}

static bool call_to_s(struct ruby_value *value) {
    AUTO_TEXT struct text text = {.data = NULL};
    ruby_value_append(value, &text);
    become(value, ruby_string(text_string(&text)));
    return true;
}

static bool call_to_json(struct ruby_value *value) {
    AUTO_TEXT struct text text = {.data = NULL};
    if (value->kind == RUBY_STRING) {
        json_append(&text, value->string);
    } else if (value->kind == RUBY_NIL) {
        text_append_string(&text, "null");
    } else {
        ruby_value_append(value, &text);
    }
    become(value, ruby_string(text_string(&text)));
    return true;
}

static bool call_presence(struct ruby_value *value) {
    bool is_blank = false;
    if (!find_blank(value, &is_blank)) {
        return false;
    }
    if (is_blank) {
        ruby_value_release(value);
    }
    return true;
}

static bool call_blank(struct ruby_value *value) {
    bool is_blank = false;
    if (!find_blank(value, &is_blank)) {
        return false;
    }
    become(value, ruby_boolean(is_blank));
    return true;
}

static bool call_present(struct ruby_value *value) {
    bool is_blank = false;
    if (!find_blank(value, &is_blank)) {
        return false;
    }
    become(value, ruby_boolean(!is_blank));
    return true;
}

static bool call_nil(struct ruby_value *value) {
    become(value, ruby_boolean(value->kind == RUBY_NIL));
    return true;
}

static bool call_empty(struct ruby_value *value) {
    if (value->kind != RUBY_STRING) {
        return false;
    }
    become(value, ruby_boolean(value->string[0] == '\0'));
    return true;
}

static bool call_strip(struct ruby_value *value) {
    if (value->kind != RUBY_STRING || !is_ascii(value->string)) {
        return false;
    }
    const char *start = value->string + strspn(value->string, " \t\n\v\f\r");
    size_t length = strlen(start);
    while (length > 0 && strchr(" \t\n\v\f\r", start[length - 1]) != NULL) {
        length--;
    }
    AUTO_FREE char *stripped = string_copy_part(start, length);
    become(value, ruby_string(stripped));
    return true;
}

bool ruby_call(struct ruby_value *value, const char *method) {
    static const struct {
        const char *name;
        bool (*call)(struct ruby_value *value);
    } methods[] = {
        {"to_i", call_to_i},
        {"to_s", call_to_s},
        {"to_json", call_to_json},
        {"presence", call_presence},
        {"present?", call_present},
        {"blank?", call_blank},
        {"nil?", call_nil},
        {"empty?", call_empty},
        {"strip", call_strip},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(methods); i++) {
        if (strcmp(methods[i].name, method) == 0) {
            return methods[i].call(value);
        }
    }
    return false;
}

bool ruby_calculate(struct ruby_value *value, char operation, const struct ruby_value *other) {
    if (operation == '+' && value->kind == RUBY_STRING && other->kind == RUBY_STRING) {
        AUTO_TEXT struct text text = {.data = NULL};
        ruby_value_append(value, &text);
        ruby_value_append(other, &text);
        become(value, ruby_string(text_string(&text)));
        return true;
    }
    if (value->kind != RUBY_INTEGER || other->kind != RUBY_INTEGER) {
        return false;
    }
    switch (operation) {
    case '+':
        return !__builtin_add_overflow(value->integer, other->integer, &value->integer);
    case '-':
        return !__builtin_sub_overflow(value->integer, other->integer, &value->integer);
    default: /* The third of them. */
        return !__builtin_mul_overflow(value->integer, other->integer, &value->integer);
    }
}

void ruby_scope_assign(struct ruby_scope *scope, const char *name, struct ruby_value value) {
    for (size_t i = 0; i < scope->names.count; i++) {
        if (strcmp(scope->names.items[i], name) == 0) {
            become(&scope->values[i], value);
            return;
        }
    }
    scope->values = memory_grow(scope->values, scope->names.count, sizeof *scope->values);
    scope->values[scope->names.count] = value;
    string_list_append(&scope->names, name);
}

void ruby_scope_forget(struct ruby_scope *scope, const char *name) {
    for (size_t i = 0; i < scope->names.count; i++) {
        if (strcmp(scope->names.items[i], name) == 0) {
            /* No expression has an empty name. */
            scope->names.items[i][0] = '\0';
        }
    }
}

void ruby_scope_release(struct ruby_scope *scope) {
    for (size_t i = 0; i < scope->names.count; i++) {
        ruby_value_release(&scope->values[i]);
    }
    free(scope->values);
    scope->values = NULL;
    string_list_release(&scope->names);
}
