/*
 * The table. The first row whose code and text are in the failure decides, so a text is listed
 * before the code that is less exact. Texts are compared without regard to case, because Supavisor
 * changed it between versions.
 * The trap: poolers use one code for many causes. PgBouncer says 08P01, and Supavisor and Neon say
 * XX000, both for a wrong password and for a server that is restarting.
 */
#include "postgres/causes.h"

#include <string.h>

#include "signalbox/base/cleanup.h"
#include "signalbox/base/string.h"

/* Codes that are none: libpq's own failures have no code, and some texts come under any. */
#define NONE "-"
#define ANY ""

static const char not_postgres[] = "what answers there is not PostgreSQL: look at host and port";
static const char needs_tls[] = "write sslmode=require";
static const char no_options[] =
    "remove `options` from the URL, or connect past the pooler with --database-url";
static const char supabase_user[] = "Supabase's pooler wants the user as NAME.PROJECT-REF";

static const struct cause {
    const char *code; /* The beginning of the SQLSTATE. */
    const char *text; /* A part of the message. */
    enum session_trouble trouble;
    const char *advice;
} causes[] = {
    /* libpq's fe-connect.c, of versions 15 to 18: what the parameters say. */
    {NONE, "invalid integer value", TROUBLE_FINAL, NULL},
    {NONE, "invalid port number", TROUBLE_FINAL, NULL},
    {NONE, "invalid connection option", TROUBLE_FINAL, NULL},
    {NONE, "invalid percent-encoded token", TROUBLE_FINAL, NULL},
    {NONE, "invalid ssl protocol version range", TROUBLE_FINAL, NULL},
    {NONE, " value: \"", TROUBLE_FINAL, NULL},
    {NONE, "invalid value \"", TROUBLE_FINAL, NULL},
    {NONE, "support is not compiled in", TROUBLE_FINAL,
        "Signalbox's own libpq is built without it: remove the parameter, or set it to `prefer`"},
    {NONE, "could not match ", TROUBLE_FINAL, "write as many ports or addresses as hosts"},
    {NONE, "weak sslmode", TROUBLE_FINAL, "sslrootcert=system wants sslmode=verify-full"},
    {NONE, "weak sslnegotiation", TROUBLE_FINAL, NULL},
    {NONE, "definition of service \"", TROUBLE_FINAL, NULL},
    {NONE, "service file \"", TROUBLE_FINAL, NULL},
    {NONE, "nested service specifications", TROUBLE_FINAL, NULL},
    {NONE, "is too long (maximum", TROUBLE_FINAL, "the path of a Unix socket has 107 bytes"},
    {NONE, "could not parse network address", TROUBLE_FINAL, NULL},
    /* libpq's fe-auth.c and common/username.c: who we are. Containers often run as a number that
     * their /etc/passwd does not have. */
    {NONE, "local user with ID", TROUBLE_FINAL, "no user is named: put one into the URL"},
    {NONE, "no password supplied", TROUBLE_FINAL,
        "the server wants one: set it where the URL is set"},
    {NONE, "authentication method requirement", TROUBLE_FINAL, "require_auth does not allow it"},
    {NONE, "authentication not supported", TROUBLE_FINAL, NULL},
    {NONE, "authentication method not supported", TROUBLE_FINAL, NULL},
    {NONE, "channel binding required", TROUBLE_FINAL, NULL},
    {NONE, "channel binding is required", TROUBLE_FINAL, NULL},
    {NONE, "requirepeer specifies", TROUBLE_FINAL, NULL},
    {NONE, "GSSAPI encryption required", TROUBLE_FINAL, NULL},
    {NONE, "doesn't support GSSAPI encryption", TROUBLE_FINAL, NULL},
    /* libpq's fe-secure-openssl.c and fe-secure-common.c. */
    {NONE, "server does not support SSL", TROUBLE_FINAL,
        "the server has no TLS, and sslmode asks for it"},
    {NONE, "certificate verify failed", TROUBLE_FINAL,
        "it has expired, or no authority that is trusted here signed it: give sslrootcert"},
    {NONE, "root certificate", TROUBLE_FINAL,
        "give sslrootcert, or `sslrootcert=system` for the image's own certificates"},
    {NONE, "server certificate for", TROUBLE_FINAL, "the certificate belongs to another host"},
    {NONE, "host name must be specified", TROUBLE_FINAL, NULL},
    {NONE, "private key file", TROUBLE_FINAL, NULL},
    {NONE, "certificate file", TROUBLE_FINAL, NULL},
    {NONE, "does not support any SSL protocol version", TROUBLE_FINAL, NULL},
    {NONE, "alert unknown ca", TROUBLE_FINAL, "the server does not trust the client's certificate"},
    {NONE, "alert bad certificate", TROUBLE_FINAL, NULL},
    {NONE, "alert certificate", TROUBLE_FINAL, NULL},
    {NONE, "without ALPN", TROUBLE_FINAL, not_postgres},
    /* libpq's fe-connect.c and fe-protocol3.c: what is at the other end. */
    {NONE, "expected authentication request from server", TROUBLE_FINAL, not_postgres},
    {NONE, "received invalid response to", TROUBLE_FINAL, not_postgres},
    {NONE, "out of memory", TROUBLE_FINAL, NULL},
    {NONE, "could not translate host name", TROUBLE_PASSING, NULL},
    {NONE, "connection refused", TROUBLE_PASSING, NULL},
    {NONE, "no such file or directory", TROUBLE_PASSING, NULL},
    {NONE, "timed out", TROUBLE_PASSING, NULL},
    {NONE, "timeout expired", TROUBLE_PASSING, NULL},
    {NONE, "no route to host", TROUBLE_PASSING, NULL},
    {NONE, "network is unreachable", TROUBLE_PASSING, NULL},
    {NONE, "server closed the connection unexpectedly", TROUBLE_PASSING, NULL},
    /* After a failover the name points at the wrong one for a while. */
    {NONE, "session is read-only", TROUBLE_PASSING, NULL},
    {NONE, "session is not read-only", TROUBLE_PASSING, NULL},
    {NONE, "hot standby mode", TROUBLE_PASSING, NULL},

    /* PgBouncer's client.c, objects.c, server.c and scram.c, measured with 1.18 and 1.24. The older
     * one hands on a server's refusals under its own code. */
    {"08P01", "no more connections allowed", TROUBLE_NO_SLOT, NULL},
    {"08P01", "client connections exceeded", TROUBLE_NO_SLOT, NULL},
    {"08P01", "too many connections", TROUBLE_NO_SLOT, NULL},
    {"08P01", "remaining connection slots", TROUBLE_NO_SLOT, NULL},
    {"08P01", "too many clients", TROUBLE_NO_SLOT, NULL},
    {"08P01", "no such database", TROUBLE_FINAL,
        "PgBouncer has no entry for it in [databases]: add one, or give --database-url the "
        "server's own address"},
    {"08P01", "role \"", TROUBLE_FINAL, "the server has no such role"},
    {"08P01", "\" does not exist", TROUBLE_MISSING_DATABASE, NULL},
    {"08P01", "SASL authentication failed", TROUBLE_FINAL,
        "PgBouncer does not accept the user or the password"},
    {"08P01", "password authentication failed", TROUBLE_FINAL,
        "the server does not accept the user or the password"},
    {"08P01", "authentication failed", TROUBLE_FINAL, NULL},
    {"08P01", "login rejected", TROUBLE_FINAL,
        "PgBouncer's own pg_hba.conf does not allow this connection"},
    {"08P01", "no such user", TROUBLE_FINAL, "PgBouncer does not know the user"},
    {"08P01", "SSL required", TROUBLE_FINAL, needs_tls},
    {"08P01", "TLS connection required", TROUBLE_FINAL, needs_tls},
    {"08P01", "TLS client certificate required", TROUBLE_FINAL, NULL},
    {"08P01", "in statement pooling mode", TROUBLE_FINAL,
        "behind statement pooling nothing can hold a lock: give --database-url the server's own "
        "address, or a pool in session or transaction mode"},
    {ANY, "unsupported startup parameter", TROUBLE_FINAL,
        "PgBouncer refuses it: ignore_startup_parameters, or no `options` in the URL"},
    {ANY, "query_wait_timeout", TROUBLE_PASSING,
        "PgBouncer had no server connection to give: its pool is full, or the server behind it is "
        "down"},

    /* Supavisor's client_handler/error.ex (1.x) and errors (2.x). */
    {"XX000", "tenant or user not found", TROUBLE_FINAL, supabase_user},
    {"XX000", "(ENOTFOUND)", TROUBLE_FINAL, supabase_user},
    {"XX000", "no tenant identifier", TROUBLE_FINAL, supabase_user},
    {"XX000", "invalid format for user or db_name", TROUBLE_FINAL, supabase_user},
    {"XX000", "SSL connection is required", TROUBLE_FINAL, needs_tls},
    {"XX000", "not in tenant allow_list", TROUBLE_FINAL, NULL},
    {"XX000", "tenant is banned", TROUBLE_FINAL, NULL},
    {"XX000", "max clients reached", TROUBLE_NO_SLOT, NULL},
    {"XX000", "max client connections reached", TROUBLE_NO_SLOT, NULL},
    {"XX000", "max pools count reached", TROUBLE_NO_SLOT, NULL},

    /* The Neon proxy's auth/mod.rs and control_plane. A suspended compute that wakes up passes. */
    {ANY, "endpoint ID is not specified", TROUBLE_FINAL,
        "give the host by its name: it is the name that says which endpoint"},
    {ANY, "not allowed to connect to this endpoint", TROUBLE_FINAL, NULL},
    {ANY, "from a blocked network", TROUBLE_FINAL, NULL},
    {ANY, "endpoint could not be found", TROUBLE_FINAL, NULL},
    {ANY, "endpoint cannot be found", TROUBLE_FINAL, NULL},
    {ANY, "endpoint is disabled", TROUBLE_FINAL, NULL},
    {ANY, "endpoint has been disabled", TROUBLE_FINAL, NULL},
    {ANY, "time quota", TROUBLE_FINAL, NULL},
    {ANY, "transfer quota", TROUBLE_FINAL, NULL},
    {ANY, "unsupported authentication method", TROUBLE_FINAL, NULL},
    {ANY, "too many connections to this endpoint", TROUBLE_NO_SLOT, NULL},
    {ANY, "too many connections attempts", TROUBLE_NO_SLOT, NULL},
    {ANY, "failed to acquire permit", TROUBLE_NO_SLOT, NULL},

    /* RDS Proxy: "Troubleshooting for RDS Proxy" in the user guide, which names no codes. */
    {ANY, "has no credentials for the role", TROUBLE_FINAL,
        "RDS Proxy needs a secret in Secrets Manager for this role"},
    {ANY, "IAM authentication failed because of too many competing requests", TROUBLE_NO_SLOT,
        NULL},
    {ANY, "IAM authentication failed for the", TROUBLE_FINAL,
        "tokens last for 15 minutes and are for one user, host and region"},
    {ANY, "IAM authentication failed for user", TROUBLE_FINAL,
        "tokens last for 15 minutes and are for one user, host and region"},
    {ANY, "allowed only with SSL connections", TROUBLE_FINAL, needs_tls},
    {ANY, "RDS Proxy requires TLS connections", TROUBLE_FINAL, needs_tls},
    {ANY, "RDS supports only IAM", TROUBLE_FINAL, NULL},
    {ANY, "a user name is missing from the connection startup", TROUBLE_FINAL, NULL},
    {ANY, "RDS Proxy currently doesn't support", TROUBLE_FINAL, no_options},
    {ANY, "RDS Proxy supports only", TROUBLE_FINAL, NULL},
    {ANY, "the password that was provided for the role", TROUBLE_FINAL,
        "user and password differ from those in the secret"},
    {ANY, "client connections to the proxy exceeded", TROUBLE_NO_SLOT, NULL},
    {ANY, "rate of connection to proxy exceeded", TROUBLE_NO_SLOT, NULL},

    /* PostgreSQL's auth.c, postinit.c, postmaster.c and guc.c, by appendix A of its manual. */
    {"28P01", ANY, TROUBLE_FINAL, "the server does not accept the user or the password"},
    {"28000", "no pg_hba.conf entry", TROUBLE_FINAL,
        "the server's pg_hba.conf does not allow this user, database and TLS mode"},
    {"28000", "does not exist", TROUBLE_FINAL, "the server has no such role"},
    {"28", ANY, TROUBLE_FINAL, NULL},
    {"3D000", ANY, TROUBLE_MISSING_DATABASE, NULL},
    {"53300", ANY, TROUBLE_NO_SLOT, NULL},
    /* No CONNECT on the database. */
    {"42501", ANY, TROUBLE_FINAL, NULL},
    {"0A000", ANY, TROUBLE_FINAL, NULL},
    /* What `options` asks for is not understood, not known, not for a client or has a bad value. */
    {"42601", ANY, TROUBLE_FINAL, NULL},
    {"42602", ANY, TROUBLE_FINAL, NULL},
    {"42704", ANY, TROUBLE_FINAL, NULL},
    {"55P02", ANY, TROUBLE_FINAL, NULL},
    {"22", ANY, TROUBLE_FINAL, NULL},
    {"55000", "invalid database", TROUBLE_FINAL,
        "a DROP DATABASE was interrupted there: drop it again"},
    /* It was closed to connections, as an upgrade does for a while. */
    {"55000", "not currently accepting connections", TROUBLE_PASSING, NULL},
    {"57P03", ANY, TROUBLE_PASSING, NULL},
};

static bool is_code(const char *code, const char *sqlstate) {
    return strcmp(code, NONE) == 0 ? sqlstate[0] == '\0' : string_has_prefix(sqlstate, code);
}

enum session_trouble causes_find(const char *sqlstate, const char *message, const char **advice) {
    for (size_t i = 0; i < ARRAY_LENGTH(causes); i++) {
        if (is_code(causes[i].code, sqlstate) && strcasestr(message, causes[i].text) != NULL) {
            *advice = causes[i].advice;
            return causes[i].trouble;
        }
    }
    *advice = NULL;
    return TROUBLE_PASSING;
}
