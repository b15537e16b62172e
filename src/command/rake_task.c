/*
 * Tasks as rake and rails read them: options among them, NAME=VALUE for the environment, arguments
 * in brackets. Some words are no tasks: an option's value (`-f db:migrate`), the arguments of
 * `rails runner`, and all words of a rake that only prints what it would do.
 */
#include "command/rake_task.h"

#include <ctype.h>
#include <string.h>

#include "command/context.h"
#include "command/database_task.h"
#include "command/tables.h"
#include "command/wrapper.h"
#include "signalbox/base/path.h"
#include "signalbox/base/secret.h"
#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"
#include "signalbox/command/words.h"

/* No real command has more tasks, words or programs; of a longer list the beginning is kept. */
enum { KEPT_MOST = 256 };

static const char valued_options[] =
    "-f --rakefile -I --libdir -r --require -R --rakelibdir --rakelib -E --execute-continue "
    "--suppress-backtrace -C --directory";

/* With one of these no task is run. */
static const char looking_options[] =
    "-T --tasks -D --describe -W --where -P --prereqs -n --dry-run -e --execute -p --execute-print "
    "-h -H --help -V --version";

/* What rails does itself; everything else it hands to rake. */
static const char rails_commands[] =
    "runner r console c server s generate g destroy d dbconsole db new test t query plugin help "
    "version about";

/* Programs that do what they do and end. */
static const char programs_that_end[] =
    "[ [[ test true false : echo printf exit cat cp mv rm mkdir rmdir ln chmod chown touch date ls "
    "find grep sed awk tee curl wget pg_isready pg_dump psql redis-cli getent id whoami hostname "
    "printenv sort head wc cut tr gem pwd alias hash type break continue return";

/* Those of them that may create a database, or open the way to it. */
static const char opening_programs[] = "psql curl wget";

/* What bundler does to the gems, and ends. */
static const char bundle_commands[] = "install check config";

static bool lists(const char *list, const char *word) {
    return tables_has_word(list, word, strlen(word));
}

static bool is_rails_or_rake(const char *name) {
    return strcmp(name, "rails") == 0 || strcmp(name, "rake") == 0;
}

/* What the program at `at` is asked to do, as far as it is tasks. */
struct task_reading {
    struct string_list tasks;             /* In order, with their arguments. */
    struct string_list assignments;       /* NAME=VALUE. */
    const struct database_task *locking;  /* The first that is for the lock, or NULL. */
    const struct database_task *dropping; /* The last that drops a database, or NULL. */
    bool reverts;
    bool works; /* One of them works off jobs, and never ends. */
};

static void release_tasks(struct task_reading *reading) {
    string_list_release(&reading->tasks);
    string_list_release(&reading->assignments);
}

static void take_task(struct task_reading *reading, const struct word *word) {
    const struct database_task *task =
        word->is_substituted ? NULL : database_task_find(word->text, strcspn(word->text, "["));
    if (reading->tasks.count < KEPT_MOST) {
        string_list_append(&reading->tasks, word->is_substituted ? "" : word->text);
    }
    reading->works = reading->works || tables_is_worker_task(word->text);
    if (task == NULL) {
        return;
    }
    switch (task->effect) {
    case TASK_HARMLESS:
        break;
    case TASK_REVERTS:
        reading->reverts = true;
        reading->locking = reading->locking == NULL ? task : reading->locking;
        break;
    case TASK_ADVANCES:
        reading->locking = reading->locking == NULL ? task : reading->locking;
        break;
    case TASK_DROPS:
        reading->dropping = task;
        break;
    }
}

/* True where the program is rails or rake, and runs tasks. The caller releases the reading. */
static bool read_tasks(const struct word_list *words, size_t at, struct task_reading *reading) {
    const char *name = path_base_name(words->items[at].text);
    *reading = (struct task_reading){.locking = NULL};
    if (!is_rails_or_rake(name)) {
        return false;
    }
    at += at + 1 < words->count && wrapper_is_gem_version(words->items[at + 1].text) ? 2 : 1;
    for (; at < words->count; at++) {
        const struct word *word = &words->items[at];
        if (lists(looking_options, word->text)) {
            return false;
        }
        if (word->text[0] == '-') {
            bool takes_number = lists("-j --jobs", word->text) && at + 1 < words->count &&
                isdigit((unsigned char)words->items[at + 1].text[0]);
            at += takes_number || lists(valued_options, word->text);
        } else if (words_assignment_length(word->text) > 0) {
            if (reading->assignments.count < KEPT_MOST) {
                string_list_append(&reading->assignments, word->text);
            }
        } else if (reading->tasks.count == 0 && strcmp(name, "rails") == 0 &&
            lists(rails_commands, word->text)) {
            return false;
        } else {
            take_task(reading, word);
        }
    }
    return reading->tasks.count > 0;
}

/* Appends what the program at `at` does: a task an item, anything else as its words. What a
 * substitution says is like nothing. */
static void append_deeds(const struct word_list *words, size_t at, struct string_list *deeds) {
    struct task_reading reading;
    AUTO_STRING_LIST struct string_list texts = {.items = NULL};
    AUTO_TEXT struct text line = {.data = NULL};
    bool is_known = words->count - at <= KEPT_MOST;
    if (deeds->count >= KEPT_MOST) {
        return;
    }
    if (read_tasks(words, at, &reading)) {
        for (size_t i = 0; i < reading.tasks.count; i++) {
            string_list_append(deeds, reading.tasks.items[i]);
        }
    } else {
        for (size_t i = at; is_known && i < words->count; i++) {
            const char *text = words->items[i].text;
            is_known = !words->items[i].is_substituted;
            string_list_append(&texts, i == at ? path_base_name(text) : text);
        }
        words_join(texts.items, texts.count, &line);
        string_list_append(deeds, is_known ? text_string(&line) : "");
    }
    release_tasks(&reading);
}

/* The words of a step, and where they begin behind its own wrappers. */
static void read_step(
    struct resolver *resolver, const struct step *step, struct word_list *words, size_t *at) {
    *at = 0;
    for (size_t i = 0; i < step->argv.count; i++) {
        word_list_append(words, &(struct word){.text = step->argv.items[i]});
    }
    while (*at < words->count) {
        struct context around = {.directory = NULL};
        struct wrapper_reading reading = {
            .wrapper = tables_find_wrapper(path_base_name(words->items[*at].text)),
            .words = words,
            .at = *at,
            .around = &around,
            .owned = &resolver->owned};
        bool runs = reading.wrapper != NULL && wrapper_read(&reading) == WRAPPER_RUNS;
        context_release(&around);
        word_list_release(&reading.arguments);
        if (!runs) {
            return;
        }
        *at = reading.at;
    }
}

/* Whether what was done begins with the whole of the steps. */
static bool begins_with_steps(struct resolver *resolver) {
    const struct step_list *steps = resolver->request->steps;
    AUTO_STRING_LIST struct string_list due = {.items = NULL};
    for (size_t i = 0; steps != NULL && i < steps->count; i++) {
        AUTO_SENTENCE struct word_list words = {.items = NULL};
        size_t at = 0;
        read_step(resolver, &steps->items[i], &words, &at);
        if (at < words.count) {
            append_deeds(&words, at, &due);
        }
    }
    bool is_whole = due.count > 0 && due.count <= resolver->deeds.count;
    for (size_t i = 0; is_whole && i < due.count; i++) {
        is_whole = due.items[i][0] != '\0' && strcmp(due.items[i], resolver->deeds.items[i]) == 0;
    }
    return is_whole;
}

/* Two programs that run the same task; other words must be the same. */
static bool is_same_program(const char *one, const char *other) {
    const char *name = path_base_name(one);
    const char *other_name = path_base_name(other);
    return strcmp(name, other_name) == 0 ||
        (is_rails_or_rake(name) && is_rails_or_rake(other_name));
}

/* Whether it is that step, word by word. */
static bool is_step(
    struct resolver *resolver, const struct step *given, const struct word_list *words, size_t at) {
    AUTO_SENTENCE struct word_list step = {.items = NULL};
    size_t first = 0;
    read_step(resolver, given, &step, &first);
    if (first == step.count || step.count - first != words->count - at) {
        return false;
    }
    for (size_t i = 0; first + i < step.count; i++) {
        const struct word *word = &words->items[at + i];
        const char *text = step.items[first + i].text;
        if (word->is_substituted ||
            !(i == 0 ? is_same_program(text, word->text) : strcmp(text, word->text) == 0)) {
            return false;
        }
    }
    return true;
}

static bool is_the_step(struct resolver *resolver, const struct word_list *words, size_t at) {
    const struct step_list *steps = resolver->request->steps;
    return steps != NULL && steps->count == 1 && is_step(resolver, &steps->items[0], words, at);
}

/* What the user has named as a step is known to end. */
static bool is_any_step(struct resolver *resolver, const struct word_list *words, size_t at) {
    const struct step_list *steps = resolver->request->steps;
    for (size_t i = 0; steps != NULL && i < steps->count; i++) {
        if (is_step(resolver, &steps->items[i], words, at)) {
            return true;
        }
    }
    return false;
}

static bool has_variable(
    const struct resolver *resolver, const struct match *match, const char *name) {
    const char *value = context_variable(&match->around, resolver->request->environment, name);
    return value != NULL && value[0] != '\0';
}

static void decide_tasks(struct resolver *resolver, const struct word_list *words, size_t at,
    const struct task_reading *reading, struct match *match) {
    size_t index = words->items[at].index;
    bool is_the_one = is_the_step(resolver, words, at);
    const struct database_task *task = is_the_one ? NULL : reading->dropping;
    resolver->has_tasks = true;
    if (task != NULL) {
        resolve_decide(match, COMMAND_TASK, index,
            "`%s` %s, and no lock can be held in what is dropped", task->name, task->does);
    } else if (is_the_one || reading->locking == NULL) {
        resolve_decide(match, COMMAND_PREPARE, index, "it is the step itself");
    } else {
        resolve_decide(match, COMMAND_PREPARE, index, "`%s` %s", reading->locking->name,
            reading->locking->does);
    }
    match->ends = true;
    if (match->kind != COMMAND_PREPARE) {
        return;
    }
    for (size_t i = 0; i < reading->assignments.count; i++) {
        context_change(&match->around, reading->assignments.items[i]);
    }
    resolver->reverts = resolver->reverts || reading->reverts;
    resolver->is_versioned = resolver->is_versioned || has_variable(resolver, match, "VERSION") ||
        has_variable(resolver, match, "SCOPE");
}

void rake_task_remember(struct resolver *resolver, const struct word_list *words, size_t at) {
    AUTO_STRING_LIST struct string_list texts = {.items = NULL};
    AUTO_TEXT struct text line = {.data = NULL};
    struct text masked = {.data = NULL};
    if (resolver->inner_step != NULL) {
        return;
    }
    for (size_t i = at; i < words->count && texts.count < KEPT_MOST; i++) {
        string_list_append(&texts, words->items[i].text);
    }
    words_join(texts.items, texts.count, &line);
    secret_mask(text_string(&line), &masked);
    resolver->inner_step = masked.data;
}

static void note(struct resolver *resolver, const struct word_list *words, size_t at) {
    if (!resolver->is_in_last_rule) {
        append_deeds(words, at, &resolver->deeds);
    }
}

void rake_task_note(struct resolver *resolver, const struct word_list *words, size_t at) {
    struct task_reading reading;
    if (!read_tasks(words, at, &reading)) {
        note(resolver, words, at);
    }
    release_tasks(&reading);
}

bool rake_task_decide(
    struct resolver *resolver, const struct word_list *words, size_t at, struct match *match) {
    struct task_reading reading;
    bool runs_tasks = read_tasks(words, at, &reading);
    bool is_hook = is_the_step(resolver, words, at);
    if (runs_tasks || is_hook) {
        note(resolver, words, at);
    }
    if (reading.works && reading.locking != NULL && !resolver->is_in_last_rule) {
        rake_task_remember(resolver, words, at);
    }
    if (runs_tasks && !reading.works) {
        is_hook = is_hook || reading.locking != NULL || reading.dropping != NULL ||
            begins_with_steps(resolver);
    }
    if (is_hook) {
        decide_tasks(resolver, words, at, &reading, match);
    }
    release_tasks(&reading);
    return is_hook;
}

bool rake_task_is_step(struct resolver *resolver) {
    return !resolver->hides_failure && !resolver->reverts && begins_with_steps(resolver);
}

/* `for NAME in` and words that all stand there. */
static bool is_counted_loop(const struct word_list *words, size_t at) {
    if (at + 2 >= words->count || strcmp(words->items[at + 2].text, "in") != 0) {
        return false;
    }
    for (size_t i = at; i < words->count; i++) {
        if (words->items[i].is_substituted) {
            return false;
        }
    }
    return true;
}

bool rake_task_ends(struct resolver *resolver, const struct word_list *words, size_t at) {
    struct task_reading reading;
    const char *name = path_base_name(words->items[at].text);
    const char *next = at + 1 < words->count ? words->items[at + 1].text : "";
    bool runs_tasks = read_tasks(words, at, &reading) && !reading.works;
    release_tasks(&reading);
    return runs_tasks || lists(programs_that_end, name) || is_any_step(resolver, words, at) ||
        (strcmp(name, "sleep") == 0 && isdigit((unsigned char)next[0])) ||
        (lists("bundle bundler", name) && lists(bundle_commands, next)) ||
        (strcmp(name, "for") == 0 && is_counted_loop(words, at));
}

bool rake_task_opens_way(const struct word_list *words, size_t at) {
    return lists(opening_programs, path_base_name(words->items[at].text));
}
