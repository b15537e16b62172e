/*
 * Reading a file one buffer at a time. A name may lie across the border of two buffers, so the end
 * of the first is kept in front of the next. A file may be written meanwhile, and half of the old
 * content with half of the new never existed; so a file that changes is read again.
 */
#include "fingerprint/content.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    BUFFER_LENGTH = 65536,
    KEPT_LENGTH = sizeof CONTENT_LEDGER_NAME - 2, /* One less than the name has. */
    ATTEMPTS = 3
};

static void free_digest(EVP_MD_CTX **digest) {
    EVP_MD_CTX_free(*digest);
}

static bool is_same(const struct stat *before, const struct stat *after) {
    return before->st_size == after->st_size && before->st_mtim.tv_sec == after->st_mtim.tv_sec &&
        before->st_mtim.tv_nsec == after->st_mtim.tv_nsec;
}

static ssize_t read_some(int fd, char *buffer, size_t capacity) {
    ssize_t length = 0;
    do {
        length = read(fd, buffer, capacity);
    } while (length < 0 && errno == EINTR);
    return length;
}

static enum content_result unreadable(struct content *content) {
    content->reason = errno;
    return CONTENT_UNREADABLE;
}

static enum content_result read_once(int fd, EVP_MD_CTX *digest, struct content *content) {
    char buffer[KEPT_LENGTH + BUFFER_LENGTH];
    size_t kept = 0;
    ssize_t length = 0;
    unsigned digest_length = 0;
    *content = (struct content){.bytes = 0};
    if (EVP_DigestInit_ex(digest, EVP_sha256(), NULL) != 1) {
        return CONTENT_NO_DIGEST;
    }
    while ((length = read_some(fd, buffer + kept, BUFFER_LENGTH)) > 0) {
        size_t held = kept + (size_t)length;
        if (EVP_DigestUpdate(digest, buffer + kept, (size_t)length) != 1) {
            return CONTENT_NO_DIGEST;
        }
        content->names_ledger = content->names_ledger ||
            memmem(buffer, held, CONTENT_LEDGER_NAME, sizeof CONTENT_LEDGER_NAME - 1) != NULL;
        content->bytes += length;
        kept = held < KEPT_LENGTH ? held : KEPT_LENGTH;
        memmove(buffer, buffer + held - kept, kept);
    }
    if (length < 0) {
        return unreadable(content);
    }
    return EVP_DigestFinal_ex(digest, content->digest, &digest_length) == 1 &&
            digest_length == CONTENT_DIGEST_LENGTH
        ? CONTENT_READ
        : CONTENT_NO_DIGEST;
}

/* Reads it until it has not changed meanwhile, but not for ever. */
static enum content_result read_at_rest(int fd, EVP_MD_CTX *digest, struct content *content) {
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        struct stat before;
        struct stat after;
        if (fstat(fd, &before) != 0 || lseek(fd, 0, SEEK_SET) != 0) {
            return unreadable(content);
        }
        enum content_result result = read_once(fd, digest, content);
        if (result != CONTENT_READ) {
            return result;
        }
        if (fstat(fd, &after) != 0) {
            return unreadable(content);
        }
        if (is_same(&before, &after)) {
            return CONTENT_READ;
        }
    }
    content->is_restless = true;
    return CONTENT_READ;
}

enum content_result content_read(
    int directory_fd, const char *path, bool follows, struct content *content) {
    *content = (struct content){.bytes = 0};
    AUTO_FD int fd =
        openat(directory_fd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | (follows ? 0 : O_NOFOLLOW));
    if (fd < 0) {
        return unreadable(content);
    }
    __attribute__((cleanup(free_digest))) EVP_MD_CTX *digest = EVP_MD_CTX_new();
    return digest == NULL ? CONTENT_NO_DIGEST : read_at_rest(fd, digest, content);
}
