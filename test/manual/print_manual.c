/*
 * Prints a part of doc/signalbox.1, in mdoc, from what the program itself has: the option table,
 * the exit statuses and the version. update.sh puts the parts into the page. The trap is a page
 * that drifts: nothing here knows an option, and the compiler misses an exit status.
 */
#include <stdio.h>
#include <string.h>

#include "cli/option_table.h"
#include "signalbox/base/exit_status.h"

enum { LINE_WIDTH = 72 };

/* What README.md says of each as well, without its marks; a test holds one against the other. */
static const char *meaning(enum exit_status status) {
    switch (status) {
    case EXIT_STATUS_SUCCESS:
        return "what was asked for is done";
    case EXIT_STATUS_NOT_PREPARED:
        return "only from --status: this image's content is not prepared";
    case EXIT_STATUS_USAGE:
        return "an option makes no sense, or there is no command: the image needs a CMD";
    case EXIT_STATUS_UNAVAILABLE:
        return "a database was not reachable in time, or is missing and cannot be created";
    case EXIT_STATUS_SYSTEM:
        return "the operating system refused: no process, no memory";
    case EXIT_STATUS_WAITED_TOO_LONG:
        return "waited too long for another replica, or the lock was lost while preparing";
    case EXIT_STATUS_PRIVILEGES:
        return "--user or --caps cannot be had here: the container lacks the capability for it";
    case EXIT_STATUS_CONFIGURATION:
        return "the configuration cannot work: no database named, wrong password, unreadable file, "
               "no such user, tables of unknown origin where the steps would load their schema";
    case EXIT_STATUS_NOT_EXECUTABLE:
        return "the command is there and cannot be executed";
    case EXIT_STATUS_NOT_FOUND:
        return "the command is not there";
    case EXIT_STATUS_SIGNAL_BASE:
        return "signal N ended the command";
    }
    return NULL;
}

/* A word as mdoc's text: a hyphen is not to be broken or made a dash, and no line is a request. */
static void print_word(const char *word, size_t length, bool begins_line) {
    if (begins_line && (word[0] == '.' || word[0] == '\'')) {
        fputs("\\&", stdout);
    }
    for (size_t i = 0; i < length; i++) {
        if (word[i] == '`') {
            fputs("\\(aq", stdout);
        } else if (word[i] == '\\') {
            fputs("\\e", stdout);
        } else if (word[i] == '-' && (i == 0 || word[i - 1] == '-')) {
            fputs("\\-", stdout);
        } else {
            putchar(word[i]);
        }
    }
}

/* Text in lines of a page's source; each sentence begins one, as mdoc wants it. */
static void print_text(const char *text) {
    size_t column = 0;
    bool ends_sentence = false;
    while (*text != '\0') {
        size_t length = strcspn(text, " \n");
        if (column > 0 && (ends_sentence || column + 1 + length > LINE_WIDTH)) {
            putchar('\n');
            column = 0;
        } else if (column > 0) {
            putchar(' ');
        }
        print_word(text, length, column == 0);
        column += length + 1;
        ends_sentence = length > 0 && text[length - 1] == '.';
        text += length + strspn(text + length, " \n");
    }
    puts(ends_sentence ? "" : ".");
}

static void print_row(const struct option_row *row) {
    printf(".It Fl \\-%s", row->flag + 2);
    if (row->argument != NULL) {
        printf(" Ns = Ns Ar %s", row->argument);
    }
    printf("\n.Pq Ev %s\n", row->variable);
    print_text(row->help);
    if (row->initial != NULL && row->type != OPTION_SWITCH) {
        printf("The default is\n.Ql %s .\n", row->initial);
    }
}

static void print_options(void) {
    for (int group = 0; group < GROUP_COUNT; group++) {
        printf(".Ss %s\n.Bl -tag -width Ds\n", option_table_group_titles[group]);
        for (size_t i = 0; i < option_table_row_count; i++) {
            if ((int)option_table_rows[i].group == group) {
                print_row(&option_table_rows[i]);
            }
        }
        puts(".El");
    }
    puts(".Ss Instead of running\n.Bl -tag -width Ds");
    for (size_t i = 0; i < option_table_request_count; i++) {
        printf(".It Fl \\-%s\n", option_table_requests[i].flag + 2);
        print_text(option_table_requests[i].help);
    }
    puts(".El");
}

static void print_statuses(void) {
    puts(".Bl -tag -width Ds");
    for (int status = EXIT_STATUS_SUCCESS; status <= EXIT_STATUS_SIGNAL_BASE; status++) {
        const char *text = meaning((enum exit_status)status);
        if (text != NULL) {
            printf(".It %d%s\n", status, status == EXIT_STATUS_SIGNAL_BASE ? " + N" : "");
            print_text(text);
        }
    }
    puts(".El");
}

int main(int argc, char *argv[]) {
    if (argc == 2 && strcmp(argv[1], "version") == 0) {
        puts(".Os signalbox " SIGNALBOX_VERSION);
    } else if (argc == 2 && strcmp(argv[1], "options") == 0) {
        print_options();
    } else if (argc == 2 && strcmp(argv[1], "statuses") == 0) {
        print_statuses();
    } else {
        (void)fputs("usage: print_manual version|options|statuses\n", stderr);
        return EXIT_STATUS_USAGE;
    }
    return fflush(stdout) == EOF ? EXIT_STATUS_SYSTEM : EXIT_STATUS_SUCCESS;
}
