/*
 * Runs a fuzz target over every file of its corpus, without libFuzzer, so that each build and each
 * compiler replays what was ever found. A corpus that is missing or empty is an error: a directory
 * that is misspelt must not pass.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "fuzz.h"
#include "signalbox/base/text.h"

static size_t replay_file(const char *path) {
    AUTO_TEXT struct text content = {.data = NULL};
    char block[4096];
    size_t length = 0;
    struct stat status;
    FILE *file = fopen(path, "re");
    if (file == NULL || fstat(fileno(file), &status) != 0 || !S_ISREG(status.st_mode)) {
        if (file != NULL) {
            (void)fclose(file);
        }
        return 0;
    }
    while ((length = fread(block, 1, sizeof block, file)) > 0) {
        text_append(&content, block, length);
    }
    (void)fclose(file);
    (void)LLVMFuzzerTestOneInput((const uint8_t *)text_string(&content), content.length);
    return 1;
}

int main(int argc, char *argv[]) {
    size_t files = 0;
    DIR *directory = argc == 2 ? opendir(argv[1]) : NULL;
    if (directory == NULL) {
        (void)fprintf(stderr, "no such corpus: %s\n", argc == 2 ? argv[1] : "none given");
        return 1;
    }
    for (const struct dirent *entry = readdir(directory); entry != NULL;
         entry = readdir(directory)) {
        AUTO_TEXT struct text path = {.data = NULL};
        text_append_format(&path, "%s/%s", argv[1], entry->d_name);
        files += replay_file(text_string(&path));
    }
    (void)closedir(directory);
    (void)printf("%zu files\n", files);
    if (files == 0) {
        (void)fprintf(stderr, "an empty corpus: %s\n", argv[1]);
        return 1;
    }
    return 0;
}
