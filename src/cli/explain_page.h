/*
 * The two forms of an explanation.
 */
#ifndef CLI_EXPLAIN_PAGE_H
#define CLI_EXPLAIN_PAGE_H

#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"
#include "signalbox/cli/explain.h"

/* `target` is NULL where none could be made; `problem` is NULL where the plan can be carried out.
 */
void explain_text(const struct explanation *explanation, const struct target *target,
    const char *problem, struct text *page);

/* One object, whose keys are a promise to scripts (design, section 8). */
void explain_json(const struct explanation *explanation, const struct target *target,
    const char *problem, struct text *page);

/* What is noteworthy and no obstacle, one sentence each. */
void explain_parts_warnings(const struct explanation *explanation, const struct target *target,
    struct string_list *warnings);

/* "postgres", "file", "none", or NULL where only Rails can say. */
const char *explain_parts_lock(const struct target *target);
/* The words that are asked for passwords, or NULL. */
const char *explain_parts_password(const struct target *target);

/* "prepare", "run", "wait": the phases of the plan, in order. */
void explain_parts_phases(const struct explanation *explanation, struct string_list *phases);

#endif
