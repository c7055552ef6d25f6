/* Captures sessions: as a test that they come to their end and are the same each time; --list gives
 * their names, --write NAME SEED [WITHOUT] one on standard output, for tests/ref/session_ref.py,
 * with a mechanism of both ends switched off. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"
#include "core/base/heap.h"
#include "core/base/log.h"
#include "tests/ref/capture_world.h"
#include "tests/sim/sim_table.h"

static struct capture_file *capture(const struct capture_plan *plan, const char **trouble)
{
    struct capture_file *f = heap_alloc(sizeof *f);

    CHECK(f);
    capture_file_init(f);
    *trouble = capture_world_run(plan, f);
    return f;
}

static void give_back(struct capture_file *f)
{
    capture_file_release(f);
    heap_free(f);
}

static bool check(const struct capture_plan *plan)
{
    const char *trouble;
    struct capture_file *a = capture(plan, &trouble);

    if (trouble == NULL) {
        struct capture_file *b = capture(plan, &trouble);
        if (!bytes_equal(buf_bytes(&a->buf), buf_bytes(&b->buf)))
            trouble = "it is not the same a second time";
        give_back(b);
    }
    give_back(a);
    if (trouble)
        printf("FAIL capture %s: %s\n", plan->name, trouble);
    return trouble == NULL;
}

static int write_out(const char *name, const char *seed, const char *without)
{
    struct capture_plan plan;
    const char *trouble;
    size_t i = 0;

    while (capture_plan_get(i, &plan) && strcmp(plan.name, name) != 0)
        i++;
    if (!capture_plan_get(i, &plan)) {
        fprintf(stderr, "no capture %s\n", name);
        return 2;
    }
    plan.seed = strtoull(seed, NULL, 10);
    if (without)
        plan.client.without = plan.server.without = (uint32_t)sim_table_bit(without);
    struct capture_file *f = capture(&plan, &trouble);
    bool written = fwrite(f->buf.p, 1, f->buf.n, stdout) == f->buf.n && fflush(stdout) == 0;
    give_back(f);
    if (trouble)
        fprintf(stderr, "capture %s: %s\n", name, trouble);
    return trouble || !written;
}

int main(int argc, char **argv)
{
    struct capture_plan plan;
    unsigned good = 0, bad = 0;

    log_set_level(LOG_ERROR); /* a stranger is refused on purpose */
    if (argc >= 4 && strcmp(argv[1], "--write") == 0)
        return write_out(argv[2], argv[3], argv[4]);
    for (size_t i = 0; capture_plan_get(i, &plan); i++)
        if (argc == 2 && strcmp(argv[1], "--list") == 0)
            printf("%s\n", plan.name);
        else if (check(&plan))
            good++;
        else
            bad++;
    if (argc == 1)
        printf("session_capture_test: %u passed, %u failed\n", good, bad);
    return bad ? 1 : 0;
}
