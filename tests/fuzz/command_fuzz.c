/* The command line of a QEMU that another host sends, and the rules of this one: what is planned
 * of it is sound, whatever it is. The text before the first zero byte are the rules. */
#include <string.h>

#include "core/base/check.h"
#include "core/base/heap.h"
#include "core/qemu/command_owner.h"
#include "core/qemu/command_plan.h"
#include "tests/fuzz/fuzz.h"

static void ignore(void *ctx, const char *problem)
{
    unsigned *told = ctx;

    CHECK(problem[0]);
    ++*told;
}

static bool plugged(void *ctx, const char *id)
{
    (void)ctx;
    return id[0] != 'g';
}

/* Files are in the folder, or where a rule says; nothing is told twice with different ends. */
static void look(const struct command_plan *p, const struct command_rules *rules)
{
    size_t folder = strlen(rules->folder);

    CHECK(!p->word[p->words]);
    for (size_t i = 0; i < p->words; i++)
        CHECK(p->word[i]);
    for (size_t i = 0; i < p->files; i++) {
        const struct command_file *f = &p->file[i];
        CHECK(f->to[0] == '/' && f->from[0]);
        if (rules->n == 0) /* rules may have anything in their paths: they are this host's own */
            CHECK(strncmp(f->to, rules->folder, folder) == 0 && f->to[folder] == '/' &&
                  !strchr(f->to + folder + 1, '/'));
    }
}

static void try_line(struct bytes words, const struct command_rules *rules, bool copy)
{
    struct command_line *line = heap_alloc(sizeof *line);
    struct command_plan *plan = heap_alloc(sizeof *plan);
    struct command_wish wish = {.rules = rules,
                                .folder = "/src",
                                .monitor = "/dst/farspan-1.qmp",
                                .copy = copy,
                                .plugged = plugged};
    struct reason why = {0};
    unsigned told = 0;

    if (line && plan && command_line_read(line, words, &why) == OK) {
        (void)command_owner(line);
        if (command_plan_make(plan, line, &wish, ignore, &told) == OK && !told)
            look(plan, rules);
        command_plan_release(plan);
    }
    if (line)
        command_line_release(line);
    heap_free(line);
    heap_free(plan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size ? memchr(data, 0, size) : NULL;
    struct command_rules *rules = heap_alloc(sizeof *rules);
    struct reason why = {0};

    if (end && rules &&
        command_rules_read(rules, "/dst", bytes_of(data, (size_t)(end - data)), &why) == OK) {
        size_t used = (size_t)(end - data) + 1;
        try_line(bytes_of(data + used, size - used), rules, size & 1);
    }
    if (rules)
        command_rules_release(rules);
    heap_free(rules);
    return 0;
}
