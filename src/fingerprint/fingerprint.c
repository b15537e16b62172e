/*
 * The fingerprint: what is added up, and in which order. tree.c finds the files, and content.c
 * reads them. Every value has a label and an end, so that two different lists never give the same
 * bytes.
 */
#include "signalbox/fingerprint/fingerprint.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fingerprint/content.h"
#include "fingerprint/tree.h"
#include "fingerprint/watch.h"
#include "signalbox/base/exit_status.h"
#include "signalbox/base/hex.h"
#include "signalbox/base/string.h"
#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"

struct adding {
    EVP_MD_CTX *digest;
    const struct watch_tree *tree; /* Whose files are being added … */
    char *real_directory;          /* … and where that really is; NULL where it is not known. */
    const struct string_list *left_out;
    struct fingerprint *fingerprint;
    struct string_list *warnings;
    bool has_variable;
};

static int no_digest(struct error *error) {
    error_set(error, EXIT_STATUS_SYSTEM, "OpenSSL has no SHA-256");
    return -1;
}

static int add(const struct adding *adding, const void *bytes, size_t length, struct error *error) {
    return EVP_DigestUpdate(adding->digest, bytes, length) == 1 ? 0 : no_digest(error);
}

/* A label and a value, each with its NUL, so that no two different lists look alike. */
static int add_pair(
    const struct adding *adding, const char *label, const char *value, struct error *error) {
    return add(adding, label, strlen(label) + 1, error) == 0
        ? add(adding, value, strlen(value) + 1, error)
        : -1;
}

/* Files of another tree than the application's are told apart by where that is. */
static int add_path(
    const struct adding *adding, const char *label, const char *path, struct error *error) {
    return adding->tree->label == NULL || add_pair(adding, "in", adding->tree->label, error) == 0
        ? add_pair(adding, label, path, error)
        : -1;
}

static int add_link(
    const struct adding *adding, const struct tree_entry *entry, struct error *error) {
    char target[4096];
    ssize_t length = readlinkat(entry->root_fd, entry->path, target, sizeof target - 1);
    if (length < 0) {
        return errno == ENOENT ? 0 : tree_cannot_read(adding->tree, entry->path, errno, error);
    }
    target[length] = '\0';
    adding->fingerprint->files++;
    return add_path(adding, "link", entry->path, error) == 0 ? add_pair(adding, "to", target, error)
                                                             : -1;
}

/* Rails' schema files are in a folder `db`. Elsewhere the name stands for good reasons, such as an
 * initializer that keeps the table out of the dump. */
static bool may_be_schema(const char *path) {
    return string_has_prefix(path, "db/") || strstr(path, "/db/") != NULL;
}

static void note_content(
    const struct adding *adding, const struct tree_entry *entry, const struct content *content) {
    struct fingerprint *fingerprint = adding->fingerprint;
    if (content->names_ledger && may_be_schema(entry->path) &&
        fingerprint->ledger_named_in[0] == '\0') {
        (void)snprintf(
            fingerprint->ledger_named_in, sizeof fingerprint->ledger_named_in, "%s", entry->path);
    }
    if (content->is_restless && !entry->is_only_searched) {
        AUTO_TEXT struct text warning = {.data = NULL};
        text_append_format(&warning,
            "%s changes while it is read, so every start may find new content to prepare: write it "
            "elsewhere, or say with --watch which files count",
            entry->path);
        string_list_append(adding->warnings, text_string(&warning));
    }
}

static int add_content(
    const struct adding *adding, const struct tree_entry *entry, struct error *error) {
    struct content content;
    switch (content_read(entry->root_fd, entry->path, entry->kind == TREE_LINKED_FILE, &content)) {
    case CONTENT_READ:
        break;
    case CONTENT_UNREADABLE:
        /* What is gone between two looks was not there. */
        return content.reason == ENOENT
            ? 0
            : tree_cannot_read(adding->tree, entry->path, content.reason, error);
    case CONTENT_NO_DIGEST:
        return no_digest(error);
    }
    note_content(adding, entry, &content);
    if (entry->is_only_searched) {
        return 0;
    }
    adding->fingerprint->files++;
    adding->fingerprint->bytes += content.bytes;
    return add_path(adding, "file", entry->path, error) == 0
        ? add(adding, content.digest, sizeof content.digest, error)
        : -1;
}

static bool is_left_out(const struct adding *adding, const struct tree_entry *entry) {
    AUTO_TEXT struct text path = {.data = NULL};
    if (adding->tree->label != NULL || adding->left_out == NULL || adding->left_out->count == 0 ||
        adding->real_directory == NULL) {
        return false;
    }
    bool is_root = strcmp(adding->real_directory, "/") == 0;
    text_append_format(&path, "%s/%s", is_root ? "" : adding->real_directory, entry->path);
    return string_list_has(adding->left_out, text_string(&path));
}

static int add_entry(void *self, const struct tree_entry *entry, struct error *error) {
    const struct adding *adding = self;
    if (is_left_out(adding, entry)) {
        return 0;
    }
    switch (entry->kind) {
    case TREE_FILE:
    case TREE_LINKED_FILE:
        return add_content(adding, entry, error);
    case TREE_LINK:
        return entry->is_only_searched ? 0 : add_link(adding, entry, error);
    case TREE_SPECIAL:
        break;
    }
    if (entry->is_only_searched) {
        return 0;
    }
    adding->fingerprint->files++;
    return add_path(adding, "special", entry->path, error);
}

static int add_trees(struct adding *adding, struct watch *watch, struct error *error) {
    const struct tree_visitor visitor = {.visit = add_entry, .self = adding};
    for (size_t i = 0; i < watch->count; i++) {
        adding->tree = &watch->trees[i];
        AUTO_FREE char *real_directory = realpath(watch->trees[i].directory, NULL);
        adding->real_directory = real_directory;
        if (tree_walk(
                &watch->trees[i], !watch->is_whole_image, &visitor, adding->warnings, error) != 0) {
            return -1;
        }
    }
    return 0;
}

/* An empty variable is one that is not set. */
static int add_variables(
    struct adding *adding, const struct string_list *names, struct error *error) {
    for (size_t i = 0; i < names->count; i++) {
        const char *value = getenv(names->items[i]);
        if (value == NULL || value[0] == '\0') {
            continue;
        }
        adding->has_variable = true;
        if (add_pair(adding, "variable", names->items[i], error) != 0 ||
            add_pair(adding, "is", value, error) != 0) {
            return -1;
        }
    }
    return 0;
}

/* Web may go to a database through a pooler and a worker not: what leads there does not count. Nor
 * does a first database that only --database-url knows, where there are others that Rails knows. */
static int add_databases(
    const struct adding *adding, const struct databases *databases, struct error *error) {
    if (databases == NULL) {
        return add_pair(adding, "databases", "as Rails says", error);
    }
    for (size_t i = 0; i < databases->count; i++) {
        const struct database *database = &databases->items[i];
        const char *search_path = database->schema_search_path;
        if (database->is_for_lock_only) {
            continue;
        }
        if (add_pair(adding, "role", database->role, error) != 0 ||
            add_pair(adding, "database", database->name == NULL ? "" : database->name, error) !=
                0 ||
            add_pair(adding, "schema_search_path", search_path == NULL ? "" : search_path, error) !=
                0) {
            return -1;
        }
    }
    return 0;
}

static int add_settings(
    struct adding *adding, const struct fingerprint_request *request, struct error *error) {
    /* GitLab's and others' migrations run in two parts by it, before and after the deploy. */
    const char *skipping = getenv("SKIP_POST_DEPLOYMENT_MIGRATIONS");
    for (size_t i = 0; i < request->steps->count; i++) {
        if (add_pair(adding, "step", request->steps->items[i].text, error) != 0) {
            return -1;
        }
    }
    if (add_pair(adding, "environment", request->environment, error) != 0 ||
        add_databases(adding, request->databases, error) != 0) {
        return -1;
    }
    if (skipping != NULL && skipping[0] != '\0' &&
        add_pair(adding, "SKIP_POST_DEPLOYMENT_MIGRATIONS", skipping, error) != 0) {
        return -1;
    }
    return request->release == NULL ? 0 : add_pair(adding, "release", request->release, error);
}

static int finish(const struct adding *adding, struct error *error) {
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    if (EVP_DigestFinal_ex(adding->digest, bytes, &length) != 1 || length != 32) {
        return no_digest(error);
    }
    hex_write(bytes, length, adding->fingerprint->hex);
    return 0;
}

/* An entry that chooses nothing may be a slip of the pen: what it was meant to choose then decides
 * nothing. */
static void warn_of_idle_patterns(const struct watch *watch, struct string_list *warnings) {
    for (size_t tree = 0; tree < watch->count; tree++) {
        for (size_t i = 0; i < watch->trees[tree].count; i++) {
            const struct watch_pattern *pattern = &watch->trees[tree].patterns[i];
            if (pattern->entry != NULL && !pattern->has_matched) {
                AUTO_TEXT struct text warning = {.data = NULL};
                text_append_format(&warning, "--watch: `%s` matches no file, so it decides nothing",
                    pattern->entry);
                string_list_append(warnings, text_string(&warning));
            }
        }
    }
}

static int add_all(struct adding *adding, const struct fingerprint_request *request,
    struct watch *watch, struct error *error) {
    if (adding->digest == NULL || EVP_DigestInit_ex(adding->digest, EVP_sha256(), NULL) != 1) {
        return no_digest(error);
    }
    if (add_trees(adding, watch, error) != 0 ||
        add_variables(adding, &watch->variables, error) != 0 ||
        add_settings(adding, request, error) != 0) {
        return -1;
    }
    warn_of_idle_patterns(watch, adding->warnings);
    if (adding->fingerprint->files > 0 || adding->has_variable) {
        return finish(adding, error);
    }
    adding->fingerprint->nothing = watch->is_whole_image
        ? "the working directory has no files to watch (set WORKDIR in the Dockerfile, or --watch)"
        : "no file that --watch names exists";
    return 0;
}

int fingerprint_make(const struct fingerprint_request *request, struct fingerprint *fingerprint,
    struct string_list *warnings, struct error *error) {
    struct watch watch;
    struct watch_request asked = {.directory = request->directory,
        .entries = request->watch,
        .databases = request->databases};
    *fingerprint = (struct fingerprint){.files = 0};
    int result = watch_make(&asked, &watch, warnings, error);
    if (result == 0) {
        struct adding adding = {.digest = EVP_MD_CTX_new(),
            .left_out = request->left_out,
            .fingerprint = fingerprint,
            .warnings = warnings};
        result = add_all(&adding, request, &watch, error);
        EVP_MD_CTX_free(adding.digest);
    }
    watch_release(&watch);
    return result;
}
