/*
 * The kernel's side of --user and --caps: capabilities by name, and this process's credentials read
 * and changed. Only privileges.c knows libcap.
 */
#ifndef SIGNALBOX_PROCESS_PRIVILEGES_H
#define SIGNALBOX_PROCESS_PRIVILEGES_H

#include <stdint.h>

#include "signalbox/base/cleanup.h"
#include "signalbox/base/error.h"
#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"
#include "signalbox/process/credentials.h"

/* "none", or names with commas between them, in any case, with or without their "cap_". -1 with the
 * error filled (64) for anything else, with the nearest known name. */
int privileges_parse_capabilities(const char *list, uint64_t *set, struct error *error) MUST_USE;

/* Appends each name, without its "cap_". */
void privileges_list_capabilities(uint64_t set, struct string_list *names);

/* Appends the names with commas between them, or "none". */
void privileges_describe_capabilities(uint64_t set, struct text *text);

/* -1 with the error filled (77) where the kernel or a seccomp filter does not say. Release them in
 * any case. */
int privileges_read(struct credentials *credentials, struct error *error) MUST_USE;

/*
 * Carries out a plan for `user`, which may be NULL. A change of uid or gid makes the kernel forget
 * two things that have nothing to do with it, and which are set again: the signal at our parent's
 * death, and that /proc/self is ours (prctl(2), PR_SET_DUMPABLE). -1 with the error filled (77),
 * the changes before it made: the caller can only exit.
 */
int privileges_change(
    const struct credentials_plan *plan, const struct user *user, struct error *error) MUST_USE;

#endif
