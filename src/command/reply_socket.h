/*
 * Where the question and the answer meet: a socket with a name that cannot be guessed.
 *
 * Not a descriptor that is handed down, since sudo closes those above 2; not standard output, since
 * a wrapper may have led that into a log, in which the environment would then stand; not a file,
 * since there may be no directory that both users can write to. An abstract name needs none, has no
 * owner, and passes chroot. Only a wrapper with a network namespace of its own cannot reach it.
 */
#ifndef COMMAND_REPLY_SOCKET_H
#define COMMAND_REPLY_SOCKET_H

#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#define MEETING_WORD "signalbox:environment:"

enum { REPLY_NONCE_LENGTH = 32 };

/* The address for a nonce of that many hexadecimal digits. Returns its length. */
socklen_t reply_socket_address(const char *nonce, struct sockaddr_un *address);

/* The nonce in a word, or NULL where the word is no MEETING_WORD with one. */
const char *reply_socket_nonce(const char *word);

#endif
