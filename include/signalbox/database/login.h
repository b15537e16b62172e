/*
 * What a session to a database is opened with: the settings as libpq takes them, and where the
 * password comes from.
 */
#ifndef SIGNALBOX_DATABASE_LOGIN_H
#define SIGNALBOX_DATABASE_LOGIN_H

#include <stdint.h>

#include "signalbox/base/text.h"
#include "signalbox/database/database.h"
#include "signalbox/database/password_command.h"
#include "signalbox/postgres/session.h"

struct login {
    struct session_request request; /* Points into the rest, and into the database. */
    struct text conninfo;
    struct password_command_question asked;
};

/* To the database, or to the database `name` of its server; `name` and `interrupt` may be NULL. The
 * login is needed only until the opening has started. */
void login_make(const struct database *database, const char *name,
    const struct interrupt *interrupt, struct login *login);
void login_release(struct login *login);

/* Until when an attempt to connect may take, which begins now and has `duration_ms` where the
 * password is at hand. */
int64_t login_deadline_ms(const struct database *database, int64_t duration_ms);

#endif
