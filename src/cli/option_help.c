/*
 * --help, from the option table.
 */
#include <stdio.h>
#include <string.h>

#include "cli/option_table.h"
#include "signalbox/base/text.h"

enum { HELP_COLUMN = 26 };

static void help_entry(struct text *text, const char *left, const char *help) {
    bool fits = strlen(left) + 4 <= HELP_COLUMN;
    text_append_format(text, "  %-*s", fits ? HELP_COLUMN - 2 : 0, left);
    if (!fits) {
        text_append_format(text, "\n%*s", HELP_COLUMN, "");
    }
    for (;;) {
        size_t length = strcspn(help, "\n");
        text_append(text, help, length);
        text_append_string(text, "\n");
        if (help[length] == '\0') {
            return;
        }
        help += length + 1;
        text_append_format(text, "%*s", HELP_COLUMN, "");
    }
}

static void help_option(struct text *text, const struct option_row *row) {
    AUTO_TEXT struct text left = {.data = NULL};
    AUTO_TEXT struct text help = {.data = NULL};
    text_append_format(&left, "%s%s%s", row->flag, row->argument == NULL ? "" : "=",
        row->argument == NULL ? "" : row->argument);
    text_append_string(&help, row->help);
    if (row->initial != NULL && row->type != OPTION_SWITCH) {
        text_append_format(&help, "\n[%s]", row->initial);
    }
    help_entry(text, text_string(&left), text_string(&help));
}

void option_help(struct text *text) {
    text_append_string(text,
        "Usage: signalbox [options] [--] command...\n\n"
        "The entrypoint of a Rails image: prepares the database once in the whole\n"
        "cluster while the other replicas wait, then runs the command as PID 1.\n");
    for (int group = 0; group < GROUP_COUNT; group++) {
        text_append_format(text, "\n%s:\n", option_table_group_titles[group]);
        for (size_t i = 0; i < option_table_row_count; i++) {
            if ((int)option_table_rows[i].group == group) {
                help_option(text, &option_table_rows[i]);
            }
        }
    }
    text_append_string(text, "\nInstead of running:\n");
    for (size_t i = 0; i < option_table_request_count; i++) {
        help_entry(text, option_table_requests[i].flag, option_table_requests[i].help);
    }
    text_append_string(text,
        "\nEvery option is a variable too: --lock-key is SIGNALBOX_LOCK_KEY (--step is\n"
        "SIGNALBOX_STEPS). The flag wins.\n\n"
        "Examples:\n"
        "  ENTRYPOINT [\"/usr/local/bin/signalbox\"]\n"
        "  CMD [\"./bin/thrust\", \"./bin/rails\", \"server\"]\n\n"
        "  signalbox --explain ./bin/rails server\n"
        "  SIGNALBOX_PREPARE=never signalbox bundle exec sidekiq\n"
        "  signalbox --step='./bin/rails db:migrate' --server=bin/boot bin/boot\n");
}
