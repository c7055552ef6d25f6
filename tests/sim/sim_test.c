/* The simulator's program: named scenarios, swarms by seed, replay, mechanisms switched off. */
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "tests/sim/sim_table.h"

enum { QUICK_SWARMS = 3, NAMED_SEED = 1 };

static const char usage[] =
    "usage: sim                       all scenarios, with and without what each is about, then a\n"
    "                                 few swarms\n"
    "       sim --list                what there is\n"
    "       sim [OPTION]... NAME...   these scenarios\n"
    "       sim [OPTION]... --swarm FIRST COUNT\n"
    "       sim [OPTION]... --desk-swarm FIRST COUNT\n"
    "       sim [OPTION]... --path-swarm FIRST COUNT\n"
    "       sim [OPTION]... --share-swarm FIRST COUNT\n"
    "       sim --prove NAME...       these, and that each fails without what it is about\n"
    "       sim --open                the goals that are not reached yet\n"
    "options: --without MECHANISM, --seed N, --log (once, with the log on stdout)\n";

struct options {
    uint64_t without;
    uint64_t seed;
    bool log;
    unsigned passed, failed;
};

static void report(struct options *o, const struct sim_scenario *sc, uint64_t seed,
                   const struct sim_outcome *outcome)
{
    if (!outcome->failure[0]) {
        o->passed++;
        return;
    }
    o->failed++;
    printf("FAIL %s: seed %" PRIu64 ": %s (replay: build/sim --seed %" PRIu64 " --log %s)\n",
           sc->name, seed, outcome->failure, seed, sc->name);
    fflush(stdout);
}

/* That both runs are the same is shown by the plain build; sanitizers are too slow for it. */
#ifdef __SANITIZE_ADDRESS__
enum { TWICE = 0 };
#else
enum { TWICE = 1 };
#endif

static void run(struct options *o, const struct sim_scenario *sc, uint64_t seed)
{
    struct sim_outcome outcome =
        o->log || !TWICE ? sim_scenario_run(sc, seed, o->without, o->log ? stdout : NULL)
                         : sim_scenario_run_twice(sc, seed, o->without);

    report(o, sc, seed, &outcome);
}

static void run_swarms(struct options *o, const struct sim_scenario *sc, uint64_t first,
                       uint64_t count)
{
    for (uint64_t seed = first; seed < first + count; seed++)
        run(o, sc, seed);
}

/* A scenario that cannot fail is worth nothing: without its mechanism it must. */
static void prove(struct options *o, const struct sim_scenario *sc)
{
    if (sc->without == NULL)
        return;
    struct sim_outcome outcome = sim_scenario_run(sc, o->seed, sim_table_bit(sc->without), NULL);
    if (outcome.failure[0]) {
        o->passed++;
        printf("%s without %s: %s\n", sc->name, sc->without, outcome.failure);
    } else {
        o->failed++;
        printf("FAIL %s: passes without %s\n", sc->name, sc->without);
    }
}

/* Named scenarios, each also without its mechanism; sanitizers have enough to do with the first. */
static void run_all(struct options *o)
{
    const struct sim_scenario *sc;

    for (size_t i = 0; (sc = sim_table_scenario(i)) != NULL; i++) {
        if (sim_table_seen(sc))
            continue;
        run(o, sc, o->seed);
        if (TWICE && o->without == 0)
            prove(o, sc);
    }
    run_swarms(o, &scenario_swarm, 1, QUICK_SWARMS);
    run_swarms(o, &scenario_desk_swarm, 1, QUICK_SWARMS);
    run_swarms(o, &scenario_path_swarm, 1, QUICK_SWARMS);
    run_swarms(o, &scenario_share_swarm, 1, QUICK_SWARMS);
}

static void run_open(struct options *o)
{
    const struct sim_scenario *sc;

    for (size_t i = 0; (sc = sim_table_scenario(i)) != NULL; i++)
        if (sim_table_seen(sc))
            run(o, sc, o->seed);
}

static void list(void)
{
    const struct sim_scenario *sc;

    for (size_t i = 0; (sc = sim_table_scenario(i)) != NULL; i++)
        printf("%-28s %-12s %s%s%s\n", sc->name, sc->without ? sc->without : "-", sc->what,
               sim_table_seen(sc) ? "; OPEN: " : "", sim_table_seen(sc) ? sim_table_seen(sc) : "");
    printf("\nmechanisms:");
    for (size_t i = 0; i < sim_table_mechanisms; i++)
        printf(" %s", sim_table_mechanism[i].name);
    printf("\n");
}

static const struct sim_scenario *named(const char *name)
{
    const struct sim_scenario *sc = sim_table_find(name);

    if (sc)
        return sc;
    fprintf(stderr, "sim: no scenario %s (--list shows them)\n", name);
    exit(2);
}

static uint64_t number(const char *text)
{
    char *end;
    uint64_t n = text ? strtoull(text, &end, 10) : 0;

    if (text && *text && !*end)
        return n;
    fputs(usage, stderr);
    exit(2);
}

static const struct sim_scenario *swarm_called(const char *option)
{
    return strcmp(option, "--swarm") == 0         ? &scenario_swarm
           : strcmp(option, "--desk-swarm") == 0  ? &scenario_desk_swarm
           : strcmp(option, "--path-swarm") == 0  ? &scenario_path_swarm
           : strcmp(option, "--share-swarm") == 0 ? &scenario_share_swarm
                                                  : NULL;
}

/* Does what the arguments say; false: there was nothing but options. */
static bool obey(struct options *o, char **arg)
{
    bool any = false, proving = false;

    for (; *arg; arg++) {
        if (strcmp(*arg, "--without") == 0 && arg[1] && sim_table_bit(arg[1])) {
            o->without |= sim_table_bit(*++arg);
        } else if (strcmp(*arg, "--seed") == 0) {
            o->seed = number(*++arg);
        } else if (strcmp(*arg, "--log") == 0) {
            o->log = true;
        } else if (swarm_called(*arg) && arg[1]) {
            run_swarms(o, swarm_called(*arg), number(arg[1]), number(arg[2]));
            arg += 2;
            any = true;
        } else if (strcmp(*arg, "--open") == 0) {
            run_open(o);
            any = true;
        } else if (strcmp(*arg, "--prove") == 0) {
            proving = true;
        } else if (**arg == '-') {
            fputs(usage, stderr);
            exit(2);
        } else {
            any = true;
            run(o, named(*arg), o->seed);
            if (proving)
                prove(o, named(*arg));
        }
    }
    return any;
}

int main(int argc, char **argv)
{
    struct options o = {.seed = NAMED_SEED};

    (void)argc;
    /* One world after another: what the last one had needs no new pages from the kernel. */
    mallopt(M_MMAP_MAX, 0);
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
    log_set_level(LOG_ERROR); /* what goes wrong on purpose */
    if (argv[1] && strcmp(argv[1], "--list") == 0) {
        list();
        return 0;
    }
    if (!obey(&o, argv + 1))
        run_all(&o);
    printf("sim_test: %u passed, %u failed\n", o.passed, o.failed);
    return o.failed ? 1 : 0;
}
