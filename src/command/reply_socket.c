/*
 * The name of the socket, made from the word that is handed through the wrapper.
 */
#include "command/reply_socket.h"

#include <string.h>

socklen_t reply_socket_address(const char *nonce, struct sockaddr_un *address) {
    static const char name[] = "signalbox-environment-";
    size_t length = sizeof name - 1;
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    /* The first byte stays NUL: that makes it abstract. */
    memcpy(address->sun_path + 1, name, length);
    memcpy(address->sun_path + 1 + length, nonce, REPLY_NONCE_LENGTH);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length + REPLY_NONCE_LENGTH);
}

const char *reply_socket_nonce(const char *word) {
    size_t length = sizeof MEETING_WORD - 1;
    if (strncmp(word, MEETING_WORD, length) != 0) {
        return NULL;
    }
    const char *nonce = word + length;
    return strspn(nonce, "0123456789abcdef") == REPLY_NONCE_LENGTH &&
            nonce[REPLY_NONCE_LENGTH] == '\0'
        ? nonce
        : NULL;
}
