/*
 * What a file is taken for by its first bytes. What is said of real files is in spawn_test.c.
 */
#include "unit.h"

#include <elf.h>

#include "process/executable.h"

#define HEAD(bytes) bytes, sizeof(bytes) - 1

static void a_file_is_what_its_first_bytes_are(void **state) {
    (void)state;
    static const struct {
        const char *head;
        size_t length;
        enum executable_kind kind;
    } rows[] = {
        {HEAD("echo hello\n"), EXECUTABLE_TEXT},
        {HEAD("\n"), EXECUTABLE_TEXT},
        {HEAD("no end of line"), EXECUTABLE_TEXT},
        {HEAD("#!/bin/sh\necho hello\n"), EXECUTABLE_TEXT},
        {HEAD("#!\necho hello\n"), EXECUTABLE_TEXT},
        {HEAD("\xEF\xBB\xBF"
              "echo hello\n"),
            EXECUTABLE_TEXT},
        /* An archive behind a line of text extracts itself. */
        {HEAD("exec tail -n +2 \"$0\"\n\x1f\x8b\x08\0"), EXECUTABLE_TEXT},
        {HEAD("#!/bin/sh\nexec tail\n\x1f\x8b\x08\0"), EXECUTABLE_TEXT},
        {HEAD("#!/bin/sh\n\0"), EXECUTABLE_DATA},
        {HEAD("\0"), EXECUTABLE_DATA},
        {HEAD("\x1f\x8b\x08\0"), EXECUTABLE_DATA},
        {HEAD("MZ\x90\0"), EXECUTABLE_DATA},
        {HEAD("\xCF\xFA\xED\xFE\x07\0\0\x01"), EXECUTABLE_DATA},
        {HEAD("\0asm"), EXECUTABLE_DATA},
        {HEAD(""), EXECUTABLE_EMPTY},
        {HEAD("\x7f"
              "ELF"),
            EXECUTABLE_ELF},
        {HEAD("\x7f"
              "EL"),
            EXECUTABLE_TEXT},
        {HEAD("\xEF\xBB\xBF#!/bin/sh\n"), EXECUTABLE_TEXT},
        {HEAD("\xFF\xFE#\0!\0"), EXECUTABLE_UTF16},
        {HEAD("\xFE\xFF\0#\0!"), EXECUTABLE_UTF16},
        {HEAD("#\0!\0/\0"), EXECUTABLE_UTF16},
        {HEAD("\0#\0!\0/"), EXECUTABLE_UTF16},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        enum executable_kind kind = executable_kind(rows[i].head, rows[i].length);
        if (kind != rows[i].kind) {
            fail_msg("row %zu is taken for %d", i, (int)kind);
        }
    }
}

static void an_interpreter_ends_where_the_kernel_ends_it(void **state) {
    (void)state;
    static const struct {
        const char *head;
        const char *interpreter;
    } rows[] = {
        {"#!/bin/sh\n", "/bin/sh"},
        {"#! \t/bin/sh -e\n", "/bin/sh"},
        {"#!/usr/bin/env\truby\n", "/usr/bin/env"},
        {"#!/bin/sh\r\n", "/bin/sh\r"},
        {"#!bin/relative", "bin/relative"},
        {"#!\n", ""},
        {"#!", ""},
        {"#", ""},
        {"/bin/sh\n", ""},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        const char *begin = "";
        size_t length = executable_interpreter(rows[i].head, strlen(rows[i].head), &begin);
        if (length != strlen(rows[i].interpreter) ||
            memcmp(begin, rows[i].interpreter, length) != 0) {
            fail_msg("row %zu: %.*s", i, (int)length, begin);
        }
    }
}

static void a_machine_has_the_name_that_images_give_it(void **state) {
    (void)state;
    static const struct {
        unsigned char order;
        unsigned char low;
        unsigned char high;
        const char *platform;
    } rows[] = {
        {ELFDATA2LSB, EM_X86_64, 0, "amd64"},
        {ELFDATA2LSB, EM_AARCH64, 0, "arm64"},
        {ELFDATA2LSB, EM_386, 0, "386"},
        {ELFDATA2LSB, EM_ARM, 0, "arm"},
        {ELFDATA2LSB, EM_PPC64, 0, "ppc64le"},
        {ELFDATA2MSB, 0, EM_PPC64, "ppc64"},
        {ELFDATA2MSB, 0, EM_S390, "s390x"},
        {ELFDATA2LSB, EM_RISCV, 0, "riscv64"},
        {ELFDATA2LSB, 2, 1, "loong64"},
        {ELFDATA2LSB, 0, 0, NULL},
        {ELFDATA2LSB, 0xFF, 0xFF, NULL},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        char head[20] = ELFMAG;
        head[EI_DATA] = (char)rows[i].order;
        head[18] = (char)rows[i].low;
        head[19] = (char)rows[i].high;
        const char *platform = executable_machine(head, sizeof head);
        assert_null(executable_machine(head, sizeof head - 1));
        if (rows[i].platform == NULL) {
            assert_null(platform);
        } else {
            assert_non_null(platform);
            assert_string_equal(platform, rows[i].platform);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_what_its_first_bytes_are),
        cmocka_unit_test(an_interpreter_ends_where_the_kernel_ends_it),
        cmocka_unit_test(a_machine_has_the_name_that_images_give_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
