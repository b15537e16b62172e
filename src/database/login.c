/*
 * The one place where a password goes from a database's settings to a session.
 */
#include "signalbox/database/login.h"

#include <string.h>

#include "signalbox/base/deadline.h"
#include "signalbox/database/conninfo.h"

void login_make(const struct database *database, const char *name,
    const struct interrupt *interrupt, struct login *login) {
    *login = (struct login){.conninfo = {.data = NULL}};
    conninfo_write(database, name, &login->conninfo);
    login->request = (struct session_request){
        .conninfo = text_string(&login->conninfo),
        .password = database->password,
        .interrupt = interrupt,
    };
    if (database->password_command != NULL) {
        password_command_ask(database->password_command, database, name, &login->asked);
        login->request.question = &login->asked.question;
    }
}

void login_release(struct login *login) {
    text_wipe(&login->conninfo);
    password_command_release(&login->asked);
}

int64_t login_deadline_ms(const struct database *database, int64_t duration_ms) {
    return deadline_later_ms(deadline_after_ms(duration_ms),
        database->password_command == NULL ? 0 : PASSWORD_ANSWER_MS);
}
