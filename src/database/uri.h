/*
 * `URI.parse(…)` in an expression, as far as the files of a platform's generator use it: a URL
 * whose path is changed by a block.
 */
#ifndef DATABASE_URI_H
#define DATABASE_URI_H

#include "database/ruby.h"
#include "database/scanner.h"

/* From behind the name `URI`; the value is the URL as text, which is what it prints as.
 * `read_expression` reads an argument. */
struct ruby_value uri_read(
    struct scanner *scanner, struct ruby_value (*read_expression)(struct scanner *));

#endif
