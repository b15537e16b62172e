/*
 * Owns what a file's first bytes tell, as the kernel (fs/binfmt_script.c, binfmt_elf.c) and bash's
 * check_binary_file read them. Executes nothing and writes nothing.
 * The trap: ENOEXEC alone does not prove that a file is a script. A shell that is given a program
 * of another machine carries out whatever its bytes look like.
 */
#include "process/executable.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

/* How the names of container images' platforms and the kernel's own correspond. Bytes that do not
 * matter are 0. */
static const struct {
    unsigned machine;
    unsigned char order;
    char platform[8];
    char kernel[12];
} machines[] = {
    {EM_X86_64, 0, "amd64", "x86_64"},
    {EM_AARCH64, 0, "arm64", "aarch64"},
    {EM_386, 0, "386", "i686"},
    {EM_ARM, 0, "arm", "armv7l"},
    {EM_PPC64, ELFDATA2LSB, "ppc64le", "ppc64le"},
    {EM_PPC64, ELFDATA2MSB, "ppc64", "ppc64"},
    {EM_S390, 0, "s390x", "s390x"},
    {EM_RISCV, 0, "riscv64", "riscv64"},
    {EM_MIPS, ELFDATA2LSB, "mipsle", "mips"},
    {EM_MIPS, ELFDATA2MSB, "mips", "mips"},
    {258, 0, "loong64", "loongarch64"},
};

/* Interpreters of interpreters, as many as the kernel follows. */
enum { DEPTH_MOST = 5, PROGRAM_HEADERS_MOST = 64 };

/* --- pure: what the bytes say --------------------------------------------------------------- */

static bool begins_with(const char *head, size_t length, const char *with, size_t with_length) {
    return with_length <= length && memcmp(head, with, with_length) == 0;
}

/* A NUL in the first line, or in the first two where that is a #! line. */
static bool has_early_nul(const char *head, size_t length) {
    int lines = begins_with(head, length, "#!", 2) ? 2 : 1;
    for (size_t i = 0; i < length && lines > 0; i++) {
        if (head[i] == '\0') {
            return true;
        }
        lines -= head[i] == '\n' ? 1 : 0;
    }
    return false;
}

enum executable_kind executable_kind(const char *head, size_t length) {
    if (length == 0) {
        return EXECUTABLE_EMPTY;
    }
    if (begins_with(head, length, ELFMAG, SELFMAG)) {
        return EXECUTABLE_ELF;
    }
    if (begins_with(head, length, "\xFF\xFE", 2) || begins_with(head, length, "\xFE\xFF", 2) ||
        begins_with(head, length, "#\0!", 3) || begins_with(head, length, "\0#\0!", 4)) {
        return EXECUTABLE_UTF16;
    }
    return has_early_nul(head, length) ? EXECUTABLE_DATA : EXECUTABLE_TEXT;
}

size_t executable_interpreter(const char *head, size_t length, const char **begin) {
    size_t at = 2;
    if (!begins_with(head, length, "#!", 2)) {
        return 0;
    }
    while (at < length && (head[at] == ' ' || head[at] == '\t')) {
        at++;
    }
    *begin = head + at;
    size_t end = at;
    while (end < length && strchr(" \t\n", head[end]) == NULL) {
        end++;
    }
    return end - at;
}

static unsigned machine_number(const char *head, size_t length) {
    if (length < EI_NIDENT + 4) {
        return EM_NONE;
    }
    /* e_machine stands in the same place in every class, in the file's own order of bytes. */
    unsigned first = (unsigned char)head[EI_NIDENT + 2];
    unsigned second = (unsigned char)head[EI_NIDENT + 3];
    return head[EI_DATA] == ELFDATA2MSB ? first << 8 | second : second << 8 | first;
}

const char *executable_machine(const char *head, size_t length) {
    unsigned number = machine_number(head, length);
    for (size_t i = 0; i < ARRAY_LENGTH(machines); i++) {
        if (machines[i].machine == number &&
            (machines[i].order == 0 || machines[i].order == (unsigned char)head[EI_DATA])) {
            return machines[i].platform;
        }
    }
    return NULL;
}

/* --- the file ------------------------------------------------------------------------------- */

struct head {
    char bytes[EXECUTABLE_HEAD_LENGTH];
    size_t length;
};

static bool head_read(const char *file, struct head *head) {
    AUTO_FD int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    ssize_t length = fd < 0 ? -1 : pread(fd, head->bytes, sizeof head->bytes, 0);
    head->length = length < 0 ? 0 : (size_t)length;
    return length >= 0;
}

bool executable_is_text(const char *file) {
    struct head head;
    return head_read(file, &head) && executable_kind(head.bytes, head.length) == EXECUTABLE_TEXT;
}

/* Where a program of 32 or 64 bits, in our own order of bytes, has the path of its loader. */
static bool loader_place(int fd, const struct head *head, off_t *place, size_t *length) {
    Elf64_Ehdr wide;
    Elf32_Ehdr narrow;
    if (head->length < sizeof wide) {
        return false;
    }
    memcpy(&wide, head->bytes, sizeof wide);
    memcpy(&narrow, head->bytes, sizeof narrow);
    bool is_wide = head->bytes[EI_CLASS] == ELFCLASS64;
    size_t count = is_wide ? wide.e_phnum : narrow.e_phnum;
    for (size_t i = 0; i < count && i < PROGRAM_HEADERS_MOST; i++) {
        Elf64_Phdr wide_row = {.p_type = PT_NULL};
        Elf32_Phdr narrow_row = {.p_type = PT_NULL};
        off_t at = is_wide ? (off_t)(wide.e_phoff + i * sizeof wide_row)
                           : (off_t)(narrow.e_phoff + i * sizeof narrow_row);
        ssize_t got = is_wide ? pread(fd, &wide_row, sizeof wide_row, at)
                              : pread(fd, &narrow_row, sizeof narrow_row, at);
        if (got <= 0) {
            return false;
        }
        if ((is_wide ? wide_row.p_type : narrow_row.p_type) == PT_INTERP) {
            *place = is_wide ? (off_t)wide_row.p_offset : (off_t)narrow_row.p_offset;
            *length = is_wide ? (size_t)wide_row.p_filesz : (size_t)narrow_row.p_filesz;
            return true;
        }
    }
    return false;
}

/* The path of the loader that a dynamic program names; false where it names none. */
static bool loader_read(const char *file, const struct head *head, char loader[PATH_MAX]) {
    AUTO_FD int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    off_t place = 0;
    size_t length = 0;
    if (fd < 0 || !loader_place(fd, head, &place, &length) || length == 0 || length > PATH_MAX) {
        return false;
    }
    ssize_t got = pread(fd, loader, length, place);
    return got == (ssize_t)length && loader[length - 1] == '\0';
}

/* --- the words ------------------------------------------------------------------------------ */

struct words {
    char *data;
    size_t used;
    size_t capacity;
};

/* What does not fit is left out. */
static void say_part(struct words *words, const char *part, size_t length) {
    size_t room = words->capacity - 1 - words->used;
    length = length > room ? room : length;
    memcpy(words->data + words->used, part, length);
    words->used += length;
    words->data[words->used] = '\0';
}

static void say(struct words *words, const char *part) {
    say_part(words, part, strlen(part));
}

static const char *own_platform(const struct utsname *name) {
    for (size_t i = 0; i < ARRAY_LENGTH(machines); i++) {
        if (strcmp(machines[i].kernel, name->machine) == 0) {
            return machines[i].platform;
        }
    }
    return name->machine;
}

static void explain_elf(const struct head *head, struct words *words) {
    struct utsname name = {.machine = "another one"};
    (void)uname(&name);
    const char *ours = own_platform(&name);
    const char *its = executable_machine(head->bytes, head->length);
    if (machine_number(head->bytes, head->length) == EM_NONE) {
        say(words, "it is a program that ends too early");
    } else if (its == NULL || strcmp(its, ours) != 0) {
        say(words, "it is built for ");
        say(words, its == NULL ? "a machine without a name" : its);
        say(words, ", and this machine is ");
        say(words, ours);
        say(words, " (docker build --platform=linux/");
        say(words, ours);
        say(words, " builds for this one)");
    } else if (head->bytes[EI_CLASS] == ELFCLASS32) {
        say(words, "it is a 32-bit program, which this kernel does not run");
    } else if (head->bytes[EI_DATA] == ELFDATA2MSB) {
        say(words, "it is built for another byte order than this machine's");
    } else {
        say(words, "it is a damaged program, or one that ends too early");
    }
}

static void explain_format(const struct head *head, struct words *words) {
    switch (executable_kind(head->bytes, head->length)) {
    case EXECUTABLE_ELF:
        explain_elf(head, words);
        return;
    case EXECUTABLE_EMPTY:
        say(words, "the file is empty");
        return;
    case EXECUTABLE_UTF16:
        say(words, "it is written in UTF-16: save it as UTF-8");
        return;
    case EXECUTABLE_DATA:
        say(words, "it is neither a Linux program nor text");
        return;
    case EXECUTABLE_TEXT:
        say(words, "it is text without a #! line of its own, and /bin/sh cannot be run for it");
        return;
    }
}

static void explain_loader(const char *loader, struct words *words) {
    say(words, "its loader ");
    say(words, loader);
    say(words, " is not there");
    if (strstr(loader, "/ld-linux") != NULL) {
        say(words, ": it is built for glibc (Debian, Ubuntu), or for another machine");
    } else if (strstr(loader, "/ld-musl") != NULL) {
        say(words, ": it is built for musl (Alpine), or for another machine");
    }
}

/* What the interpreter's name is followed by; one that ends in a carriage return is there without
 * it, mostly. */
static void explain_interpreter(const char *interpreter, size_t length, struct words *words) {
    bool is_crlf = interpreter[length - 1] == '\r';
    say(words, "its interpreter ");
    say_part(words, interpreter, is_crlf ? length - 1 : length);
    say(words,
        is_crlf ? " is looked for with a carriage return at its end: save the file with the line "
                  "ends of Unix (LF) and not of Windows (CRLF)"
                : " is not there");
}

/* The file is there, and the kernel says that something is not: looks for what that is. */
static void explain_absence(const char *file, struct words *words) {
    char path[PATH_MAX];
    struct head head;
    for (int depth = 0; depth < DEPTH_MOST && head_read(file, &head); depth++) {
        const char *interpreter = NULL;
        size_t length = executable_interpreter(head.bytes, head.length, &interpreter);
        if (executable_kind(head.bytes, head.length) == EXECUTABLE_ELF &&
            loader_read(file, &head, path) && access(path, F_OK) != 0) {
            explain_loader(path, words);
            return;
        }
        if (length == 0) {
            break;
        }
        memcpy(path, interpreter, length);
        path[length] = '\0';
        if (access(path, F_OK) != 0) {
            explain_interpreter(interpreter, length, words);
            return;
        }
        say(words, "its interpreter ");
        say(words, path);
        say(words, " cannot be run: ");
        file = path;
    }
    say(words, "an interpreter or a loader that it needs is not there");
}

void executable_explain(const char *file, int error_number, char explanation[], size_t capacity) {
    struct words words = {.data = explanation, .capacity = capacity};
    struct head head;
    explanation[0] = '\0';
    if (error_number == ENOENT) {
        explain_absence(file, &words);
    } else if (error_number == ENOEXEC && head_read(file, &head)) {
        explain_format(&head, &words);
    }
}
