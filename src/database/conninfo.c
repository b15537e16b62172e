/*
 * Keywords and values as text. libpq's arrays would take an empty value for none and put a PG*
 * variable there, where Ruby's driver, which writes such a text, keeps it empty.
 */
#include "signalbox/database/conninfo.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "signalbox/base/string_list.h"
#include "signalbox/postgres/session.h"

/* Of several hosts, the one that can be written to. */
static bool wants_writable_host(const struct database *database) {
    return database->host != NULL && strchr(database->host, ',') != NULL &&
        getenv("PGTARGETSESSIONATTRS") == NULL &&
        !string_list_has(&database->keywords, "target_session_attrs");
}

/* musl asks DNS for `localhost` where an image has no /etc/hosts; RFC 6761 (6.3) says what it is.
 */
static bool is_localhost_without_hosts_file(const char *host) {
    return host != NULL && strcmp(host, "localhost") == 0 && access("/etc/hosts", F_OK) != 0;
}

static void append_application_name(struct text *conninfo) {
    AUTO_TEXT struct text application = {.data = NULL};
    char host[65] = "";
    (void)gethostname(host, sizeof host - 1);
    text_append_format(&application, "signalbox/%s", host);
    session_append_setting(conninfo, "application_name", text_string(&application));
}

void conninfo_write(const struct database *database, const char *name, struct text *conninfo) {
    append_application_name(conninfo);
    /* What we write and log is UTF-8, whatever encoding the database has. */
    session_append_setting(conninfo, "client_encoding", "UTF8");
    if (is_localhost_without_hosts_file(database->host)) {
        session_append_setting(conninfo, "hostaddr", "127.0.0.1");
    }
    session_append_setting(conninfo, "host", database->host);
    session_append_setting(conninfo, "port", database->port);
    session_append_setting(conninfo, "user", database->user);
    if (database->password_command == NULL) {
        session_append_setting(conninfo, "password", database->password);
    }
    session_append_setting(conninfo, "dbname", name == NULL ? database->name : name);
    if (wants_writable_host(database)) {
        session_append_setting(conninfo, "target_session_attrs", "read-write");
    }
    for (size_t i = 0; i < database->keywords.count; i++) {
        session_append_setting(conninfo, database->keywords.items[i], database->values.items[i]);
    }
}
