/*
 * Well-known tokens, as their issuers and the scanners of GitHub and GitLab describe them. A prefix
 * alone proves nothing (`sk-` begins many words), so each row says how much must follow.
 */
#include "base/secret_token.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "signalbox/base/cleanup.h"
#include "signalbox/base/string.h"

/* Which bytes may follow the prefix. */
enum token_bytes { BYTES_CAPITAL, BYTES_HEX, BYTES_WORD, BYTES_DOTTED, BYTES_PATH };

static const struct {
    const char *prefix;
    size_t least; /* Bytes after the prefix. */
    enum token_bytes bytes;
} rows[] = {
    /* Code hosts and registries. */
    {"ghp_", 16, BYTES_WORD},
    {"gho_", 16, BYTES_WORD},
    {"ghu_", 16, BYTES_WORD},
    {"ghs_", 16, BYTES_WORD},
    {"ghr_", 16, BYTES_WORD},
    {"github_pat_", 20, BYTES_WORD},
    {"glpat-", 16, BYTES_DOTTED},
    {"gldt-", 16, BYTES_DOTTED},
    {"npm_", 30, BYTES_WORD},
    {"pypi-", 30, BYTES_WORD},
    {"rubygems_", 30, BYTES_HEX},
    {"dckr_pat_", 16, BYTES_WORD},
    /* Clouds and hosting. */
    {"AKIA", 16, BYTES_CAPITAL},
    {"ASIA", 16, BYTES_CAPITAL},
    {"AIza", 30, BYTES_WORD},
    {"ya29.", 20, BYTES_DOTTED},
    {"dop_v1_", 30, BYTES_HEX},
    {"doo_v1_", 30, BYTES_HEX},
    {"HRKU-", 20, BYTES_WORD},
    {"fm1_", 30, BYTES_PATH},
    {"fm2_", 30, BYTES_PATH},
    {"rnd_", 20, BYTES_WORD},
    {"pscale_", 30, BYTES_DOTTED},
    {"tskey-", 16, BYTES_WORD},
    /* Vaults. */
    {"hvs.", 20, BYTES_WORD},
    {"hvb.", 20, BYTES_WORD},
    {"dp.pt.", 20, BYTES_DOTTED},
    {"dp.st.", 20, BYTES_DOTTED},
    {"ops_eyJ", 20, BYTES_WORD},
    {"AGE-SECRET-KEY-1", 20, BYTES_CAPITAL},
    /* Payments, mail, messages. */
    {"sk_live_", 10, BYTES_WORD},
    {"sk_test_", 10, BYTES_WORD},
    {"rk_live_", 10, BYTES_WORD},
    {"rk_test_", 10, BYTES_WORD},
    {"whsec_", 16, BYTES_PATH},
    {"shpat_", 20, BYTES_HEX},
    {"shpss_", 20, BYTES_HEX},
    {"SG.", 30, BYTES_DOTTED},
    {"xkeysib-", 20, BYTES_WORD},
    {"key-", 32, BYTES_HEX},
    {"SK", 32, BYTES_HEX},
    {"xoxb-", 10, BYTES_WORD},
    {"xoxp-", 10, BYTES_WORD},
    {"xoxa-", 10, BYTES_WORD},
    {"xoxe-", 10, BYTES_WORD},
    {"xoxs-", 10, BYTES_WORD},
    {"xapp-", 10, BYTES_WORD},
    {"hooks.slack.com/services/", 20, BYTES_PATH},
    /* Models and monitoring. */
    {"sk-ant-", 16, BYTES_WORD},
    {"sk-proj-", 16, BYTES_WORD},
    {"sk-", 32, BYTES_WORD},
    {"hf_", 30, BYTES_WORD},
    {"NRAK-", 20, BYTES_CAPITAL},
    {"glsa_", 20, BYTES_WORD},
    {"sntrys_", 20, BYTES_PATH},
    {"sntryu_", 20, BYTES_HEX},
    {"lin_api_", 20, BYTES_WORD},
};

static bool is_of(enum token_bytes bytes, char byte) {
    unsigned char character = (unsigned char)byte;
    switch (bytes) {
    case BYTES_CAPITAL:
        return isupper(character) != 0 || isdigit(character) != 0;
    case BYTES_HEX:
        return isxdigit(character) != 0;
    case BYTES_WORD:
        return isalnum(character) != 0 || byte == '_' || byte == '-';
    case BYTES_DOTTED:
        return isalnum(character) != 0 || byte == '_' || byte == '-' || byte == '.';
    case BYTES_PATH:
        return isalnum(character) != 0 || (byte != '\0' && strchr("_-./+=,", byte) != NULL);
    }
    return false;
}

static size_t run_length(const char *string, enum token_bytes bytes) {
    size_t length = 0;
    while (is_of(bytes, string[length])) {
        length++;
    }
    return length;
}

/* Two objects of JSON in base64 and a signature, which may be empty. */
static size_t jwt_length(const char *string) {
    static const char object[] = "eyJ";
    if (!string_has_prefix(string, object)) {
        return 0;
    }
    size_t head = run_length(string, BYTES_WORD);
    if (string[head] != '.' || !string_has_prefix(string + head + 1, object)) {
        return 0;
    }
    return run_length(string, BYTES_DOTTED);
}

size_t secret_token_length(const char *string) {
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        if (string_has_prefix(string, rows[i].prefix)) {
            size_t prefix = strlen(rows[i].prefix);
            size_t rest = run_length(string + prefix, rows[i].bytes);
            if (rest >= rows[i].least) {
                return prefix + rest;
            }
        }
    }
    return jwt_length(string);
}
