/*
 * What a started program finds: its words, descriptors, group, signals; and what is said when it
 * cannot be executed. Programs report through a pipe or by their exit status.
 */
#include "unit.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "signalbox/process/spawn.h"

static char directory[] = "/tmp/signalbox-spawn-XXXXXX";
static struct signal_inheritance nothing_inherited;

struct outcome {
    int status;
    char output[4096];
};

/* exec takes words without const and does not write to them; literals have it here. */
static char *const *words(const char *const literals[]) {
    union {
        const char *const *given;
        char *const *taken;
    } pointer = {.given = literals};
    return pointer.taken;
}

static struct spawn_request request_for(const char *const argv[]) {
    return (struct spawn_request){
        .argv = words(argv),
        .stdin_fd = -1,
        .stdout_fd = -1,
        .stderr_fd = -1,
        .group = SPAWN_OWN_GROUP,
        .signals = &nothing_inherited,
    };
}

/* Runs it to its end; standard output and standard error come together. */
static struct outcome run(struct spawn_request request) {
    struct outcome outcome = {.status = -1};
    struct error error;
    pid_t process = 0;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    request.stdout_fd = ends[1];
    request.stderr_fd = ends[1];
    assert_int_equal(spawn_process(&request, &process, &error), 0);
    (void)close(ends[1]);

    size_t used = 0;
    ssize_t length;
    while ((length = read(ends[0], outcome.output + used, sizeof outcome.output - 1 - used)) > 0) {
        used += (size_t)length;
    }
    (void)close(ends[0]);
    int status = 0;
    assert_int_equal(waitpid(process, &status, 0), process);
    outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    return outcome;
}

static void bytes_write(const char *name, mode_t mode, const void *bytes, size_t length) {
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, length), (ssize_t)length);
    assert_int_equal(fchmod(fd, mode), 0);
    (void)close(fd);
}

static void file_write(const char *name, mode_t mode, const char *text) {
    bytes_write(name, mode, text, strlen(text));
}

static void its_own_exit_status_is_what_is_reaped(void **state) {
    (void)state;
    const char *argv[] = {"sh", "-c", "echo \"$0 $1\"; exit 3", "a", "b c", NULL};
    struct outcome outcome = run(request_for(argv));
    assert_int_equal(outcome.status, 3);
    assert_string_equal(outcome.output, "a b c\n");
}

static void what_cannot_be_executed_is_127_or_126_with_a_message(void **state) {
    (void)state;
    static const struct {
        const char *name;
        int status;
        const char *message;
    } cases[] = {
        {"no-such-program", 127, "signalbox: cannot run no-such-program: not found in PATH\n"},
        {"./no/such", 127, "signalbox: cannot run ./no/such: No such file or directory\n"},
        {"./plain", 126, "signalbox: cannot run ./plain: Permission denied\n"},
        {"./plain/below", 127, "signalbox: cannot run ./plain/below: Not a directory\n"},
        {".", 126, "signalbox: cannot run .: Permission denied\n"},
        {"./", 126, "signalbox: cannot run ./: Permission denied\n"},
        {"", 127, "signalbox: cannot run : not found in PATH\n"},
        {"./lost", 127,
            "signalbox: cannot run ./lost: its interpreter /no/such/interpreter is not there\n"},
        {"./empty", 126, "signalbox: cannot run ./empty: the file is empty\n"},
    };
    file_write("empty", 0755, "");
    file_write("plain", 0644, "exit 5\n");
    file_write("lost", 0755, "#!/no/such/interpreter\n");
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        const char *argv[] = {cases[i].name, NULL};
        struct outcome outcome = run(request_for(argv));
        assert_int_equal(outcome.status, cases[i].status);
        assert_string_equal(outcome.output, cases[i].message);
    }
}

/* A program for a machine that the tests do not run on, with a word in it that a shell would run.
 */
static void write_foreign_program(const char *name) {
    char program[256] = ELFMAG "\2\2\1";
    static const char words[] = "\necho taken for a script\n";
    program[19] = EM_S390;
    memcpy(program + 64, words, sizeof words - 1);
    bytes_write(name, 0755, program, sizeof program);
}

/* A program with nothing but a loader, which is not there. */
static void write_lost_program(const char *name, const char *loader) {
    struct program {
        Elf64_Ehdr header;
        Elf64_Phdr row;
        char loader[64];
    } program = {.header = {.e_type = ET_DYN, .e_version = EV_CURRENT}};
    static const union {
        uint16_t number;
        unsigned char first;
    } order = {.number = 1};
    memcpy(program.header.e_ident, ELFMAG "\2", 5);
    program.header.e_ident[EI_DATA] = order.first == 1 ? ELFDATA2LSB : ELFDATA2MSB;
    program.header.e_ident[EI_VERSION] = EV_CURRENT;
#if defined(__x86_64__)
    program.header.e_machine = EM_X86_64;
#else
    program.header.e_machine = EM_AARCH64;
#endif
    program.header.e_ehsize = sizeof program.header;
    program.header.e_phoff = offsetof(struct program, row);
    program.header.e_phentsize = sizeof program.row;
    program.header.e_phnum = 1;
    program.row.p_type = PT_INTERP;
    program.row.p_offset = offsetof(struct program, loader);
    program.row.p_filesz = strlen(loader) + 1;
    memcpy(program.loader, loader, strlen(loader) + 1);
    bytes_write(name, 0755, &program, sizeof program);
}

static void what_is_no_script_is_not_given_to_the_shell(void **state) {
    (void)state;
    static const struct {
        const char *name;
        int status;
        const char *says;
    } rows[] = {
        {"./foreign", 126, "it is built for s390x, and this machine is "},
        {"foreign", 126, "it is built for s390x, and this machine is "},
        {"./short", 126, "it is a program that ends too early\n"},
        {"./data", 126, "it is neither a Linux program nor text\n"},
        {"./utf16", 126, "it is written in UTF-16"},
        {"./crlf", 127, "its interpreter /bin/sh is looked for with a carriage return at its end"},
        {"./nested", 127,
            "its interpreter ./lost cannot be run: its interpreter /no/such/interpreter "
            "is not there\n"},
        {"lost", 127, "its interpreter /no/such/interpreter is not there\n"},
        {"./glibc", 127, "its loader /no/ld-linux-x86-64.so.2 is not there: it is built for glibc"},
        {"./musl", 127, "its loader /no/ld-musl-x86_64.so.1 is not there: it is built for musl"},
        {"./other", 127, "its loader /no/loader is not there\n"},
    };
    char path[256];
    const char *environment[] = {path, NULL};
    (void)snprintf(path, sizeof path, "PATH=/usr/bin:%s", directory);
    write_foreign_program("foreign");
    write_lost_program("glibc", "/no/ld-linux-x86-64.so.2");
    write_lost_program("musl", "/no/ld-musl-x86_64.so.1");
    write_lost_program("other", "/no/loader");
    bytes_write("short", 0755, ELFMAG "\2\1\1", 7);
    bytes_write("data", 0755, "x\0y", 3);
    bytes_write("utf16", 0755, "\xFF\xFE#\0!\0/\0", 8);
    file_write("crlf", 0755, "#!/bin/sh\r\necho taken for a script\r\n");
    file_write("lost", 0755, "#!/no/such/interpreter\n");
    file_write("nested", 0755, "#!./lost\n");
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        const char *argv[] = {rows[i].name, NULL};
        struct spawn_request request = request_for(argv);
        request.environment = words(environment);
        struct outcome outcome = run(request);
        if (outcome.status != rows[i].status || strstr(outcome.output, rows[i].says) == NULL ||
            strstr(outcome.output, "taken") != NULL) {
            fail_msg("%s: %d, %s", rows[i].name, outcome.status, outcome.output);
        }
    }
}

static void the_program_is_searched_in_the_path_it_will_have(void **state) {
    (void)state;
    char path[256];
    (void)snprintf(path, sizeof path, "PATH=/no/such:%s/plain:%s", directory, directory);
    file_write("plain", 0644, "");
    file_write("only-here", 0755, "#!/bin/sh\necho \"$PATH\"\n");
    const char *argv[] = {"only-here", NULL};
    const char *environment[] = {path, NULL};

    struct spawn_request request = request_for(argv);
    assert_int_equal(run(request).status, 127);
    request.environment = words(environment);
    struct outcome outcome = run(request);
    assert_int_equal(outcome.status, 0);
    assert_int_equal(strncmp(outcome.output, path + 5, strlen(path + 5)), 0);
}

static void a_file_that_may_not_be_executed_does_not_hide_a_later_one(void **state) {
    (void)state;
    char path[256];
    const char *argv[] = {"twice", NULL};
    const char *environment[] = {path, NULL};
    (void)snprintf(path, sizeof path, "PATH=%s/first:%s", directory, directory);
    char first[128];
    (void)snprintf(first, sizeof first, "%s/first", directory);
    (void)mkdir(first, 0700);
    file_write("first/twice", 0644, "");

    struct spawn_request request = request_for(argv);
    request.environment = words(environment);
    assert_int_equal(run(request).status, 126);
    file_write("twice", 0755, "#!/bin/sh\nexit 4\n");
    assert_int_equal(run(request).status, 4);
}

static void an_empty_element_of_the_path_is_the_current_directory(void **state) {
    (void)state;
    const char *argv[] = {"in-current", NULL};
    const char *environment[] = {"PATH=/no/such::/nor/this", NULL};
    file_write("in-current", 0755, "#!/bin/sh\nexit 6\n");
    struct spawn_request request = request_for(argv);
    request.environment = words(environment);
    assert_int_equal(run(request).status, 6);
}

static void a_script_without_an_interpreter_line_is_run_by_the_shell(void **state) {
    (void)state;
    file_write("script", 0755, "echo \"$0|$#|$1|$2\"; exit 8\n");
    const char *argv[] = {"./script", "one", "two words", NULL};
    struct outcome outcome = run(request_for(argv));
    assert_int_equal(outcome.status, 8);
    assert_string_equal(outcome.output, "./script|2|one|two words\n");
    assert_string_equal(argv[0], "./script");

    const char *alone[] = {"./script", NULL};
    outcome = run(request_for(alone));
    assert_string_equal(outcome.output, "./script|0||\n");

    /* The shell complains of the first line and goes on. */
    file_write("marked", 0755, "\xEF\xBB\xBF#!/bin/sh\nexit 9\n");
    const char *marked[] = {"./marked", NULL};
    assert_int_equal(run(request_for(marked)).status, 9);
}

static void a_group_or_a_session_is_its_own(void **state) {
    (void)state;
    /* Fields 5 and 6 of the line: process group and session. */
    static const char script[] =
        "read -r pid name state parent group session rest </proc/self/stat;"
        "[ $group = $$ ] && echo $((session == $$)) $((session == $1))";
    const char *argv[] = {"sh", "-c", script, "sh", NULL, NULL};
    char ours[16];
    (void)snprintf(ours, sizeof ours, "%d", (int)getsid(0));
    argv[4] = ours;

    struct spawn_request request = request_for(argv);
    assert_string_equal(run(request).output, "0 1\n");
    request.group = SPAWN_OWN_SESSION;
    assert_string_equal(run(request).output, "1 0\n");
}

static void descriptors_are_placed(void **state) {
    (void)state;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(write(ends[1], "hello\n", 6), 6);
    (void)close(ends[1]);
    const char *argv[] = {"cat", NULL};
    struct spawn_request request = request_for(argv);
    request.stdin_fd = ends[0];
    assert_string_equal(run(request).output, "hello\n");
    (void)close(ends[0]);
}

static void a_descriptor_already_in_its_place_is_passed_on(void **state) {
    (void)state;
    int saved = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 10);
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(write(ends[1], "here\n", 5), 5);
    (void)close(ends[1]);
    assert_int_equal(dup3(ends[0], STDIN_FILENO, O_CLOEXEC), STDIN_FILENO);
    (void)close(ends[0]);

    const char *argv[] = {"cat", NULL};
    struct spawn_request request = request_for(argv);
    request.stdin_fd = STDIN_FILENO;
    struct outcome outcome = run(request);
    assert_int_equal(dup2(saved, STDIN_FILENO), STDIN_FILENO);
    (void)close(saved);
    assert_string_equal(outcome.output, "here\n");
}

/* glibc's posix_spawn ignores them in each child, and nobody can have them back by sigaction. Who
 * runs this test may have used it. */
static signal_mask ignored_by_posix_spawn(void) {
    signal_mask ignored = 0;
    char line[128];
    FILE *status = fopen("/proc/self/status", "re");
    assert_non_null(status);
    while (fgets(line, sizeof line, status) != NULL) {
        if (sscanf(line, "SigIgn: %" SCNx64, &ignored) == 1) {
            break;
        }
    }
    (void)fclose(status);
    return ignored & (SIGNAL_BIT(32) | SIGNAL_BIT(33));
}

static void mask_and_ignored_signals_arrive_exactly(void **state) {
    (void)state;
    char expected[64];
    /* The program is execed by ours at once: a shell in between would change them. */
    const char *argv[] = {"grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status", NULL};
    const struct signal_inheritance inherited = {
        .mask = SIGNAL_BIT(SIGUSR1) | SIGNAL_BIT(33) | SIGNAL_BIT(34) | SIGNAL_BIT(64),
        .ignored = SIGNAL_BIT(SIGHUP) | SIGNAL_BIT(SIGPIPE) | SIGNAL_BIT(35),
    };
    struct spawn_request request = request_for(argv);
    request.signals = &inherited;
    (void)snprintf(expected, sizeof expected,
        "SigBlk:\t8000000300000200\n"
        "SigIgn:\t%016" PRIx64 "\n",
        inherited.ignored | ignored_by_posix_spawn());
    assert_string_equal(run(request).output, expected);
}

static void a_full_standard_error_does_not_hold_the_parent(void **state) {
    (void)state;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    (void)fcntl(ends[1], F_SETFL, O_NONBLOCK);
    char block[4096] = {0};
    while (write(ends[1], block, sizeof block) > 0) {
    }
    (void)fcntl(ends[1], F_SETFL, 0);

    const char *argv[] = {"no-such-program", NULL};
    struct spawn_request request = request_for(argv);
    struct error error;
    pid_t process = 0;
    int status = 0;
    request.stderr_fd = ends[1];
    assert_int_equal(spawn_process(&request, &process, &error), 0);
    assert_int_equal(waitpid(process, &status, 0), process);
    assert_int_equal(WEXITSTATUS(status), 127);

    /* Nobody reads any more: SIGPIPE must not become the exit status. */
    (void)close(ends[0]);
    assert_int_equal(spawn_process(&request, &process, &error), 0);
    assert_int_equal(waitpid(process, &status, 0), process);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 127);
    (void)close(ends[1]);
}

static void a_child_that_shall_not_outlive_us_does_not(void **state) {
    (void)state;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t parent = fork();
    if (parent == 0) {
        const char *argv[] = {"sh", "-c", "echo up; exec sleep 1000", NULL};
        struct spawn_request request = request_for(argv);
        struct error error;
        pid_t process = 0;
        request.stdout_fd = ends[1];
        request.die_with_parent = true;
        _exit(spawn_process(&request, &process, &error) == 0 && pause() == 0 ? 0 : 1);
    }
    (void)close(ends[1]);
    char text[16];
    assert_int_equal(read(ends[0], text, sizeof text), 3);
    assert_int_equal(kill(parent, SIGKILL), 0);
    /* The end of file comes when the last holder of the other end is gone. */
    assert_int_equal(read(ends[0], text, sizeof text), 0);
    (void)close(ends[0]);
    assert_int_equal(waitpid(parent, NULL, 0), parent);
}

static int replaced_status(const char *const argv[]) {
    pid_t child = fork();
    if (child == 0) {
        _exit(spawn_replace(words(argv), &nothing_inherited));
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void this_process_becomes_the_program(void **state) {
    (void)state;
    char script[64];
    (void)snprintf(script, sizeof script, "[ $PPID = %d ] && exit 11", (int)getpid());
    const char *argv[] = {"sh", "-c", script, NULL};
    assert_int_equal(replaced_status(argv), 11);

    const char *nothing[] = {"/no/such", NULL};
    assert_int_equal(replaced_status(nothing), 127);
    file_write("script", 0755, "exit 12\n");
    const char *shebangless[] = {"./script", NULL};
    assert_int_equal(replaced_status(shebangless), 12);
}

static int directory_make(void **state) {
    (void)state;
    return mkdtemp(directory) != NULL && chdir(directory) == 0 ? 0 : -1;
}

static int directory_remove(void **state) {
    (void)state;
    const char *argv[] = {"rm", "-rf", directory, NULL};
    return chdir("/") == 0 ? run(request_for(argv)).status : -1;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_own_exit_status_is_what_is_reaped),
        cmocka_unit_test(what_cannot_be_executed_is_127_or_126_with_a_message),
        cmocka_unit_test(what_is_no_script_is_not_given_to_the_shell),
        cmocka_unit_test(the_program_is_searched_in_the_path_it_will_have),
        cmocka_unit_test(a_file_that_may_not_be_executed_does_not_hide_a_later_one),
        cmocka_unit_test(an_empty_element_of_the_path_is_the_current_directory),
        cmocka_unit_test(a_script_without_an_interpreter_line_is_run_by_the_shell),
        cmocka_unit_test(a_group_or_a_session_is_its_own),
        cmocka_unit_test(descriptors_are_placed),
        cmocka_unit_test(a_descriptor_already_in_its_place_is_passed_on),
        cmocka_unit_test(mask_and_ignored_signals_arrive_exactly),
        cmocka_unit_test(a_full_standard_error_does_not_hold_the_parent),
        cmocka_unit_test(a_child_that_shall_not_outlive_us_does_not),
        cmocka_unit_test(this_process_becomes_the_program),
    };
    return cmocka_run_group_tests(tests, directory_make, directory_remove);
}
