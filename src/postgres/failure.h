/*
 * What went wrong, out of libpq's words. Pure.
 */
#ifndef POSTGRES_FAILURE_H
#define POSTGRES_FAILURE_H

#include "signalbox/postgres/session.h"

/* `message` is libpq's with PQERRORS_VERBOSE, several lines; `password` is masked, may be NULL. */
void failure_of_connecting(
    const char *message, const char *password, struct session_failure *failure);

/* `sqlstate` is NULL where the connection itself broke. */
void failure_of_statement(const char *sqlstate, const char *message, const char *password,
    struct session_failure *failure);

/* No answer before the deadline. */
void failure_of_silence(struct session_failure *failure);

/* The program that is asked for the password has none to give: `clause` is what it did. */
void failure_of_password(
    const char *clause, enum session_trouble trouble, struct session_failure *failure);

/* A password that was refused may be one that has just expired or has yet to be known everywhere:
 * where the next will be another, the refusal passes. */
void failure_allow_another_password(struct session_failure *failure);

/* What we ourselves cannot go on with, though every statement was answered. */
void failure_of_ours(const char *message, struct session_failure *failure);

#endif
