/*
 * From libyaml's events to values, with anchors and merge keys exactly as Psych's ToRuby has them:
 * a `<<` takes effect where it stands, so what comes later in the mapping overrides it, and it
 * overrides what came before; of a list of merges the first wins. Nothing else includes yaml.h.
 * The trap: a small file can mean a large one. An alias is the same value and costs nothing, copies
 * made by merging are counted, and depth is bounded.
 */
#include "database/yaml.h"

#include <string.h>
#include <yaml.h>

#include "database/ignored_keys.h"
#include "database/scalar.h"
#include "signalbox/base/memory.h"
#include "signalbox/base/string.h"

enum { DEPTH_MOST = 64, ANCHORS_MOST = 4096 };

struct anchor {
    char *name;
    struct value *value;
    bool is_open; /* Its mapping or sequence has not ended: an alias would be a circle. */
};

struct document {
    yaml_parser_t parser;
    struct value_pool *pool;
    struct anchor *anchors;
    size_t anchor_count;
    struct reading_note *reading_note;
    enum reading reading;
};

static int line_of(yaml_mark_t mark) {
    return (int)mark.line + 1;
}

static bool next_event(struct document *document, yaml_event_t *event) {
    if (yaml_parser_parse(&document->parser, event) == 1) {
        return true;
    }
    const char *problem = document->parser.problem;
    document->reading =
        reading_note_set(document->reading_note, READ_WRONG, line_of(document->parser.problem_mark),
            "YAML cannot be read: %s", problem == NULL ? "it is not text" : problem);
    return false;
}

static void note_needs_rails(struct document *document, int line, const char *what) {
    document->reading = reading_note_set(document->reading_note, READ_UNCLEAR, line, "%s", what);
}

/* The place of the new anchor, or -1 where the value has none. */
static long register_anchor(
    struct document *document, const yaml_char_t *name, struct value *value, bool is_open) {
    if (name == NULL) {
        return -1;
    }
    if (document->anchor_count == ANCHORS_MOST) {
        note_needs_rails(document, value->line, "more anchors than are read here");
        return -1;
    }
    document->anchors =
        memory_grow(document->anchors, document->anchor_count, sizeof *document->anchors);
    document->anchors[document->anchor_count] =
        (struct anchor){string_copy((const char *)name), value, is_open};
    return (long)document->anchor_count++;
}

static void close_anchor(struct document *document, long place) {
    if (place >= 0) {
        document->anchors[place].is_open = false;
    }
}

static struct value *find_alias(struct document *document, const yaml_event_t *event) {
    const char *name = (const char *)event->data.alias.anchor;
    for (size_t i = document->anchor_count; i > 0; i--) {
        const struct anchor *anchor = &document->anchors[i - 1];
        if (strcmp(anchor->name, name) == 0) {
            if (anchor->is_open) {
                note_needs_rails(
                    document, line_of(event->start_mark), "an alias that contains itself");
                return NULL;
            }
            return anchor->value;
        }
    }
    document->reading = reading_note_set(document->reading_note, READ_WRONG,
        line_of(event->start_mark), "the alias *%.60s has no anchor before it", name);
    return NULL;
}

static struct value *make_scalar(struct document *document, const yaml_event_t *event) {
    const char *text = (const char *)event->data.scalar.value;
    const char *tag = (const char *)event->data.scalar.tag;
    size_t length = event->data.scalar.length;
    int line = line_of(event->start_mark);
    struct value *value = NULL;
    if (tag != NULL) {
        bool is_string = strcmp(tag, "tag:yaml.org,2002:str") == 0 || strcmp(tag, "!str") == 0;
        value = value_make(
            document->pool, is_string ? VALUE_STRING : VALUE_UNCLEAR, text, length, line);
    } else if (event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE) {
        value = value_make(document->pool, VALUE_STRING, text, length, line);
    } else {
        value = scalar_resolve(document->pool, text, length, line);
    }
    if (value->text != NULL && strlen(value->text) != value->length) {
        /* With a NUL in it, it would be cut here and refused by libpq in Ruby. */
        value->kind = VALUE_UNCLEAR;
    }
    if (strstr(text, ASIDE_TAG) != NULL || (tag != NULL && strcmp(tag, UNREAD_TAG) == 0)) {
        value->kind = VALUE_UNREAD;
    }
    (void)register_anchor(document, event->data.scalar.anchor, value, false);
    return value;
}

static struct value *read_node(
    struct document *document, yaml_event_t *event, int depth, bool *is_sequence_node);

/* The items of a sequence, until its end. */
static struct value *read_sequence(
    struct document *document, const yaml_event_t *start, int depth) {
    struct value *sequence =
        value_make(document->pool, VALUE_SEQUENCE, NULL, 0, line_of(start->start_mark));
    long anchor = register_anchor(document, start->data.sequence_start.anchor, sequence, true);
    if (start->data.sequence_start.tag != NULL) {
        note_needs_rails(document, sequence->line, "a sequence with a tag");
    }
    while (document->reading == READ_WELL) {
        yaml_event_t event;
        bool ignored = false;
        if (!next_event(document, &event)) {
            break;
        }
        bool is_end = event.type == YAML_SEQUENCE_END_EVENT;
        struct value *item = is_end ? NULL : read_node(document, &event, depth + 1, &ignored);
        yaml_event_delete(&event);
        if (is_end) {
            close_anchor(document, anchor);
            return sequence;
        }
        if (item != NULL) {
            value_append(sequence, item);
        }
    }
    return NULL;
}

/* `<<: [*a, *b]`: false where an item is no mapping, which Ruby then keeps as an ordinary key. */
static bool merge_sequence(
    struct document *document, struct value *mapping, const struct value *sequence) {
    for (size_t i = 0; i < sequence->count; i++) {
        if (sequence->items[i]->kind != VALUE_MAPPING) {
            return false;
        }
    }
    struct value *merged = value_make(document->pool, VALUE_MAPPING, NULL, 0, sequence->line);
    for (size_t i = sequence->count; i > 0; i--) {
        value_merge(document->pool, merged, sequence->items[i - 1]);
    }
    value_merge(document->pool, mapping, merged);
    return true;
}

static bool has_unread(const struct value *value) {
    for (size_t i = 0; value->kind == VALUE_SEQUENCE && i < value->count; i++) {
        if (value->items[i]->kind == VALUE_UNREAD) {
            return true;
        }
    }
    return value->kind == VALUE_UNREAD;
}

static void add_pair(struct document *document, struct value *mapping, struct value *key,
    struct value *value, bool is_sequence_node) {
    bool is_merge = key->kind == VALUE_STRING && strcmp(key->text, "<<") == 0;
    bool is_merged = false;
    if (is_merge && has_unread(value)) {
        note_needs_rails(document, value->line, "Ruby makes what is merged here");
        return;
    }
    if (is_merge && value->kind == VALUE_MAPPING) {
        value_merge(document->pool, mapping, value);
        is_merged = true;
    } else if (is_merge && is_sequence_node) {
        is_merged = merge_sequence(document, mapping, value);
    }
    if (!is_merged) {
        value_put(document->pool, mapping, key, value);
    }
    if (document->pool->pairs >= VALUE_PAIRS_MOST) {
        note_needs_rails(document, key->line, "more keys than are read here");
    }
}

static struct value *read_mapping(struct document *document, const yaml_event_t *start, int depth) {
    struct value *mapping =
        value_make(document->pool, VALUE_MAPPING, NULL, 0, line_of(start->start_mark));
    long anchor = register_anchor(document, start->data.mapping_start.anchor, mapping, true);
    struct value *key = NULL;
    if (start->data.mapping_start.tag != NULL) {
        note_needs_rails(document, mapping->line, "a mapping with a tag");
    }
    while (document->reading == READ_WELL) {
        yaml_event_t event;
        bool is_sequence_node = false;
        if (!next_event(document, &event)) {
            break;
        }
        bool is_end = event.type == YAML_MAPPING_END_EVENT;
        bool is_tagged_key =
            key == NULL && event.type == YAML_SCALAR_EVENT && event.data.scalar.tag != NULL;
        struct value *node =
            is_end ? NULL : read_node(document, &event, depth + 1, &is_sequence_node);
        yaml_event_delete(&event);
        if (is_end) {
            close_anchor(document, anchor);
            return mapping;
        }
        if (node == NULL) {
            break;
        }
        if (key != NULL) {
            add_pair(document, mapping, key, node, is_sequence_node);
            key = NULL;
            continue;
        }
        if (is_tagged_key || node->kind == VALUE_MAPPING || node->kind == VALUE_SEQUENCE ||
            node->kind == VALUE_UNCLEAR || node->kind == VALUE_UNREAD) {
            note_needs_rails(document, node->line, "a key that is not plain text");
            break;
        }
        key = node;
    }
    return NULL;
}

/* The node that `event` begins, or NULL with the reading noted. */
static struct value *read_node(
    struct document *document, yaml_event_t *event, int depth, bool *is_sequence_node) {
    if (depth > DEPTH_MOST) {
        note_needs_rails(document, line_of(event->start_mark), "deeper than is read here");
        return NULL;
    }
    switch ((int)event->type) {
    case YAML_ALIAS_EVENT:
        return find_alias(document, event);
    case YAML_SCALAR_EVENT:
        return make_scalar(document, event);
    case YAML_SEQUENCE_START_EVENT:
        *is_sequence_node = true;
        return read_sequence(document, event, depth);
    case YAML_MAPPING_START_EVENT:
        return read_mapping(document, event, depth);
    default: /* Not our enum: what libyaml cannot send here. */
        note_needs_rails(document, line_of(event->start_mark), "YAML that is not read here");
        return NULL;
    }
}

/* As Psych.parse: the first document, whose end is read as well; what follows is not. */
static struct value *read_document(struct document *document) {
    struct value *root = NULL;
    for (;;) {
        yaml_event_t event;
        bool ignored = false;
        if (!next_event(document, &event)) {
            return NULL;
        }
        bool is_end = event.type == YAML_DOCUMENT_END_EVENT || event.type == YAML_STREAM_END_EVENT;
        bool is_start =
            event.type == YAML_STREAM_START_EVENT || event.type == YAML_DOCUMENT_START_EVENT;
        if (!is_end && !is_start) {
            root = read_node(document, &event, 0, &ignored);
        }
        yaml_event_delete(&event);
        if (is_end || document->reading != READ_WELL) {
            return root;
        }
    }
}

enum reading yaml_read(const char *text, size_t length, struct value_pool *pool,
    struct value **root, struct reading_note *reading_note) {
    struct document document = {.pool = pool, .reading_note = reading_note, .reading = READ_WELL};
    *root = NULL;
    if (yaml_parser_initialize(&document.parser) != 1) {
        return reading_note_set(reading_note, READ_WRONG, 0, "no memory to read YAML");
    }
    yaml_parser_set_input_string(&document.parser, (const unsigned char *)text, length);
    struct value *read = read_document(&document);
    yaml_parser_delete(&document.parser);
    for (size_t i = 0; i < document.anchor_count; i++) {
        free(document.anchors[i].name);
    }
    free(document.anchors);
    if (document.reading == READ_WELL) {
        *root = read;
    }
    return document.reading;
}
