/*
 * What Rails prints when it is asked, between whatever else it prints.
 */
#ifndef DATABASE_ANSWER_H
#define DATABASE_ANSWER_H

#include "database/reading.h"
#include "signalbox/base/text.h"
#include "signalbox/database/database.h"

/* The Ruby that prints it: `load` first, which names the configurations `configurations`. */
void answer_script(const char *marker, const char *load, struct text *script);

/* Reads what was printed; lines without the marker are not ours. READ_WRONG with Rails' own
 * reason (an exception's class, the variable that is missing) or because the answer is not whole.
 */
enum reading answer_read(const struct text *output, const char *marker, struct databases *databases,
    struct reading_note *reading_note);

#endif
