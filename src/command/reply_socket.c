/*
 * The name of the socket, made from the word that is handed through the wrapper.
 */
#include "command/reply_socket.h"

#include <string.h>

socklen_t meeting_address(const char *nonce, struct sockaddr_un *address) {
    static const char name[] = "signalbox-environment-";
    size_t length = sizeof name - 1;
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    /* The first byte stays NUL: that makes it abstract. */
    memcpy(address->sun_path + 1, name, length);
    memcpy(address->sun_path + 1 + length, nonce, MEETING_NONCE_LENGTH);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length + MEETING_NONCE_LENGTH);
}

const char *meeting_nonce(const char *word) {
    size_t length = sizeof MEETING_WORD - 1;
    if (strncmp(word, MEETING_WORD, length) != 0) {
        return NULL;
    }
    const char *nonce = word + length;
    return strspn(nonce, "0123456789abcdef") == MEETING_NONCE_LENGTH &&
            nonce[MEETING_NONCE_LENGTH] == '\0'
        ? nonce
        : NULL;
}
