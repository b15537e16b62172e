/*
 * An application may move config/database.yml, replace what is read from it, or set variables in
 * its own boot files or through dotenv. None of that is carried out here: it is noticed, and then
 * Rails is asked. It is enough to notice too much, which costs a second; too little costs the right
 * database. A method that hides it deeper than these files is not seen.
 */
#include "database/surroundings.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "signalbox/base/cleanup.h"

enum { FILE_SIZE_MOST = 1 << 20 };

enum file_result surroundings_read(const char *directory, const char *path, struct text *content) {
    AUTO_TEXT struct text full = {.data = NULL};
    struct stat status;
    char buffer[4096];
    text_append_format(&full, "%s/%s", directory, path);
    AUTO_FD int fd = open(text_string(&full), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return errno == ENOENT || errno == ENOTDIR ? FILE_MISSING : FILE_UNREADABLE;
    }
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        errno = S_ISDIR(status.st_mode) ? EISDIR : EINVAL;
        return FILE_UNREADABLE;
    }
    for (;;) {
        ssize_t length = read(fd, buffer, sizeof buffer);
        if (length < 0) {
            if (errno == EINTR) {
                continue;
            }
            return FILE_UNREADABLE;
        }
        if (length == 0) {
            return FILE_READ;
        }
        text_append(content, buffer, (size_t)length);
        if (content->length > FILE_SIZE_MOST) {
            errno = EFBIG;
            return FILE_UNREADABLE;
        }
    }
}

static bool is_name_byte(char byte) {
    return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
        (byte >= '0' && byte <= '9') || byte == '_';
}

/* Whether the variable could be read for the databases: by the template, by ActiveRecord, by libpq
 * or for the environment's name. */
static bool matters(const char *name, const char *template) {
    static const char *const suffix = "DATABASE_URL";
    size_t length = strlen(name);
    size_t tail = strlen(suffix);
    if (length >= tail && strcmp(name + length - tail, suffix) == 0) {
        return true;
    }
    return string_has_prefix(name, "PG") || strcmp(name, "RAILS_ENV") == 0 ||
        strcmp(name, "RACK_ENV") == 0 || (length > 0 && strstr(template, name) != NULL);
}

/* `ENV["X"] = …` and `ENV["X"] ||= …` on this line, with X in `name`. */
static bool assigns_variable(const char *line, struct text *name, bool *only_unset) {
    const char *at = strstr(line, "ENV[");
    if (at == NULL || (at[4] != '"' && at[4] != '\'')) {
        return false;
    }
    const char *start = at + 5;
    size_t length = 0;
    while (is_name_byte(start[length])) {
        length++;
    }
    const char *rest = start + length;
    if (*rest != at[4] || rest[1] != ']') {
        return false;
    }
    rest += 2 + strspn(rest + 2, " \t");
    *only_unset = string_has_prefix(rest, "||=");
    if (!*only_unset && (rest[0] != '=' || rest[1] == '=' || rest[1] == '~')) {
        return false;
    }
    text_release(name);
    text_append(name, start, length);
    return true;
}

/* A line of Ruby that changes the configuration; `what` says how. */
static bool changes_by_ruby(const char *line, const char *template, struct text *what) {
    static const char *const words[] = {
        "config/database", "database_configuration", "register_db_config_handler", "Dotenv"};
    AUTO_TEXT struct text name = {.data = NULL};
    bool only_unset = false;
    const char *start = line + strspn(line, " \t");
    if (*start == '#') {
        return false;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
        if (strstr(start, words[i]) != NULL) {
            text_append_format(what, "`%s` here can change the databases", words[i]);
            return true;
        }
    }
    if (!assigns_variable(start, &name, &only_unset) || !matters(text_string(&name), template) ||
        (only_unset && getenv(text_string(&name)) != NULL)) {
        return false;
    }
    text_append_format(what, "%s is set here", text_string(&name));
    return true;
}

/* A line of an .env file that sets what is not set; dotenv leaves alone what is. */
static bool changes_by_dotenv(const char *line, const char *template, struct text *what) {
    const char *start = line + strspn(line, " \t");
    if (string_has_prefix(start, "export ")) {
        start += strlen("export ");
    }
    size_t length = 0;
    while (is_name_byte(start[length])) {
        length++;
    }
    AUTO_FREE char *name = string_copy_part(start, length);
    const char *rest = start + length + strspn(start + length, " \t");
    if (length == 0 || (*rest != '=' && *rest != ':') || getenv(name) != NULL ||
        !matters(name, template)) {
        return false;
    }
    text_append_format(what, "%s is set here", name);
    return true;
}

/* The first line of the file that changes something. */
static bool find_change(const char *directory, const char *path, const char *template,
    bool (*changes)(const char *line, const char *template, struct text *what),
    struct finding *finding) {
    AUTO_TEXT struct text content = {.data = NULL};
    if (surroundings_read(directory, path, &content) != FILE_READ || content.length == 0) {
        return false;
    }
    int number = 1;
    for (char *line = content.data; line != NULL; number++) {
        AUTO_TEXT struct text what = {.data = NULL};
        char *newline = strchr(line, '\n');
        if (newline != NULL) {
            *newline = '\0';
        }
        if (changes(line, template, &what)) {
            (void)finding_set(finding, READ_UNCLEAR, number, "%s", text_string(&what));
            return true;
        }
        line = newline == NULL ? NULL : newline + 1;
    }
    return false;
}

static bool has_dotenv(const char *directory) {
    AUTO_TEXT struct text lock = {.data = NULL};
    return surroundings_read(directory, "Gemfile.lock", &lock) == FILE_READ &&
        strstr(text_string(&lock), "\n    dotenv") != NULL;
}

bool surroundings_change_it(const char *directory, const char *environment, const char *template,
    struct text *place, struct finding *finding) {
    const struct {
        const char *before;
        bool has_environment;
        const char *after;
        bool is_dotenv;
    } files[] = {
        {"config/boot.rb", false, "", false},
        {"config/application.rb", false, "", false},
        {"config/environments/", true, ".rb", false},
        {".env.", true, ".local", true},
        {".env.local", false, "", true},
        {".env.", true, "", true},
        {".env", false, "", true},
    };
    bool dotenv = has_dotenv(directory);
    for (size_t i = 0; i < ARRAY_LENGTH(files); i++) {
        if (files[i].is_dotenv && !dotenv) {
            continue;
        }
        text_release(place);
        text_append_format(place, "%s%s%s", files[i].before,
            files[i].has_environment ? environment : "", files[i].after);
        if (find_change(directory, text_string(place), template,
                files[i].is_dotenv ? changes_by_dotenv : changes_by_ruby, finding)) {
            return true;
        }
    }
    return false;
}
