/*
 * Where the certificates are. Our OpenSSL looks where Debian keeps them; other distributions keep
 * one bundle elsewhere, and `sslrootcert=system` alone misses distroless images. A user's
 * SSL_CERT_FILE, SSL_CERT_DIR or OPENSSL_CONF always wins.
 */
#include <stdlib.h>
#include <unistd.h>

#include "signalbox/base/cleanup.h"
#include "signalbox/postgres/session.h"

void session_find_certificates(void) {
    static const char *const bundles[] = {
        "/etc/ssl/certs/ca-certificates.crt", /* Debian, Alpine, distroless */
        "/etc/ssl/cert.pem",                  /* Alpine */
        "/etc/pki/tls/certs/ca-bundle.crt",   /* Red Hat */
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    };
    /* A system's openssl.cnf that activates only a FIPS provider breaks TLS in a static program. */
    (void)setenv("OPENSSL_CONF", "/dev/null", 0);
    if (getenv("SSL_CERT_FILE") != NULL || getenv("SSL_CERT_DIR") != NULL) {
        return;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(bundles); i++) {
        if (access(bundles[i], R_OK) == 0) {
            (void)setenv("SSL_CERT_FILE", bundles[i], 1);
            return;
        }
    }
}
