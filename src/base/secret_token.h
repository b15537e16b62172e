/*
 * Tokens that are known by their look: ghp_…, sk_live_…, AKIA…, a JWT.
 */
#ifndef BASE_SECRET_TOKEN_H
#define BASE_SECRET_TOKEN_H

#include <stddef.h>

/* The length of the token that begins at `string`, or 0. */
size_t secret_token_length(const char *string);

#endif
