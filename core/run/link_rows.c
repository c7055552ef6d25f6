#include "core/run/link_rows.h"

#include <stdio.h>
#include <string.h>

#include "core/base/heap.h"
#include "core/base/num.h"
#include "core/os/netns.h"
#include "core/run/link_figures.h"
#include "core/run/link_lab.h"
#include "core/run/stop.h"

/* What the payload goes over: our own session, else kernel TCP with that congestion control. */
enum { OURS, CARRIERS = 3 };

static const char *const carriers[CARRIERS] = {"farspan", "cubic", "bbr"};

struct link_rows {
    const struct run_link_config *config;
    struct run *run;
    struct loop *loop;
    struct stop *stop;
    struct link_lab *lab;
    int netns[2]; /* owned; -1: none */
    bool headed;  /* the table has begun */
    struct link_figures figures[CARRIERS][LINK_FIGURES_RUNS];
};

/* ---- what is said ---- */

enum { VALUE_CHARS = 32 };

static void print_value(enum link_figure f, uint64_t v, char to[VALUE_CHARS])
{
    const char *name = link_row_figure(f);
    size_t n = strlen(name);

    if (strcmp(name + n - 4, "_bps") == 0)
        snprintf(to, VALUE_CHARS, "%.1f Mbit/s", (double)v / 1e6);
    else if (strcmp(name + n - 4, "_ppm") == 0)
        snprintf(to, VALUE_CHARS, "%.1f %%", (double)v / 1e4);
    else
        snprintf(to, VALUE_CHARS, "%.1f ms", (double)v / 1e3);
}

static bool reaches(const struct link_goal *g, uint64_t seen)
{
    return g->least ? seen >= g->bound : seen <= g->bound;
}

static void print_seen(const struct link_figures *f, unsigned runs, enum link_figure which,
                       char to[VALUE_CHARS])
{
    uint64_t seen;

    if (link_figures_middle(f, runs, which, &seen))
        print_value(which, seen, to);
    else
        snprintf(to, VALUE_CHARS, "not seen");
}

/* The lines of a row for people: what is hoped for, then what was seen over each carrier. */
static void say_lines(struct link_rows *t, const struct link_row *row, unsigned over, unsigned runs)
{
    bool compares = t->config->compare;

    if (!t->headed)
        run_say(t->run, "%-11s %-16s %-16s %14s       %14s %14s", "row", "figure", "goal",
                carriers[OURS], compares ? carriers[1] : "", compares ? carriers[2] : "");
    t->headed = true;
    for (unsigned i = 0; i < LINK_GOALS && row->goal[i].figure; i++) {
        const struct link_goal *g = &row->goal[i];
        char goal[VALUE_CHARS] = "", sign[] = "  ", text[CARRIERS][VALUE_CHARS] = {"", "", ""};
        const char *verdict = "";
        uint64_t seen;
        if (g->bound) {
            bool has = link_figures_middle(t->figures[OURS], runs, g->figure, &seen);
            memcpy(sign, g->least ? ">=" : "<=", 2);
            print_value(g->figure, g->bound, goal);
            verdict = has && reaches(g, seen) ? "pass" : "MISS";
        }
        for (unsigned c = 0; c < over; c++)
            print_seen(t->figures[c], runs, g->figure, text[c]);
        run_say(t->run, "%-11s %-16s %s %-13s %14s  %-4s %14s %14s", row->name,
                link_row_figure(g->figure), sign, goal, text[OURS], verdict, text[1], text[2]);
    }
}

static struct json *figure_of(const struct link_figures *f, unsigned runs, bool ours,
                              const struct link_goal *g)
{
    struct json *j = json_new();
    uint64_t seen;
    bool has = link_figures_middle(f, runs, g->figure, &seen);

    json_put_string(j, "figure", link_row_figure(g->figure));
    if (has)
        json_put_int(j, "seen", (int64_t)seen);
    else
        json_put_null(j, "seen");
    if (!g->bound || !ours)
        return j;
    json_put_int(j, g->least ? "at_least" : "at_most", (int64_t)g->bound);
    json_put_bool(j, "pass", has && reaches(g, seen));
    return j;
}

static void put_means(const struct link_figures *f, unsigned runs, struct json *j)
{
    double goodput_bps = 0, loss = 0, cpu = 0, far_cpu = 0;

    for (unsigned i = 0; i < runs; i++) {
        goodput_bps += (double)f[i].goodput_bps / runs;
        loss += f[i].loss / runs;
        cpu += f[i].cpu_s_per_gb / runs;
        far_cpu += f[i].far_cpu_s_per_gb / runs;
    }
    json_put_real(j, "mean_goodput_bps", goodput_bps);
    json_put_real(j, "mean_loss", loss);
    json_put_real(j, "mean_cpu_s_per_gb", cpu);
    json_put_real(j, "mean_far_cpu_s_per_gb", far_cpu);
}

static enum err say_row(struct link_rows *t, const struct link_lab_setup *s, unsigned carrier,
                        unsigned runs)
{
    const struct link_figures *f = t->figures[carrier];
    struct json *j = json_new(), *list = json_new_list();

    json_put_string(j, "event", "row");
    json_put_string(j, "row", s->row->name);
    json_put_string(j, "link", s->row->says);
    json_put_string(j, "over", carriers[carrier]);
    json_put_int(j, "runs", runs);
    json_put_int(j, "for_us", (int64_t)s->for_us);
    for (unsigned i = 0; i < LINK_GOALS && s->row->goal[i].figure; i++)
        json_append(list, figure_of(f, runs, carrier == OURS, &s->row->goal[i]));
    json_put(j, "figures", list);
    put_means(f, runs, j);
    return run_event(t->run, j);
}

enum err link_rows_list(struct run *run)
{
    enum err e = OK;

    for (const struct link_row *r = link_row_table; r->name && !e; r++) {
        struct json *j = json_new();
        json_put_string(j, "event", "row");
        json_put_string(j, "row", r->name);
        json_put_string(j, "link", r->says);
        json_put_int(j, "for_us", (int64_t)r->for_us);
        run_say(run, "%-11s %s", r->name, r->says);
        e = run_event(run, j);
    }
    return e;
}

/* ---- rows ---- */

/* One run of the row over farspan, with what goes beside it. */
static enum err try_ours(struct link_rows *t, const struct link_lab_setup *s,
                         struct link_figures *out)
{
    struct link_plain *beside = NULL;
    enum err e = link_lab_open(t->lab, s);

    if (!e && s->row->beside) {
        struct link_lab_setup longer = *s;
        longer.for_us += 1000000; /* the session begins a little later */
        e = link_plain_new(t->loop, &longer, s->row->beside, &beside);
    }
    if (!e)
        e = link_lab_try(t->lab);
    if (!e)
        link_figures_read(t->lab, s, out);
    if (!e && beside)
        link_figures_share(t->lab, beside, s, out);
    link_plain_free(beside);
    link_lab_close(t->lab);
    return e;
}

/* One run of the row over kernel TCP. */
static enum err try_plain(struct link_rows *t, const struct link_lab_setup *s, const char *control,
                          struct link_figures *out)
{
    struct link_plain *p = NULL;
    enum err e = link_lab_open(t->lab, s), why;

    if (!e)
        e = link_plain_new(t->loop, s, control, &p);
    while (!e && !link_plain_over(p, &why) && !t->run->signal)
        loop_run(t->loop);
    if (!e)
        e = t->run->signal ? ERR_AGAIN : why;
    if (!e)
        link_figures_read_plain(p, s, out);
    link_plain_free(p);
    link_lab_close(t->lab);
    return e == OK || e == ERR_AGAIN
               ? e
               : reason_give(&t->run->reason, e, "kernel TCP with %s: %s", control, err_text(e));
}

/* All runs of the row over one carrier, and the event of what came of them. */
static enum err try_over(struct link_rows *t, const struct link_lab_setup *setup, unsigned carrier)
{
    unsigned runs = (unsigned)t->config->runs;
    struct link_lab_setup s = *setup;
    enum err e = OK;

    for (unsigned i = 0; i < runs && !e; i++) {
        struct link_figures *f = &t->figures[carrier][i];
        s.seed = i + 1;
        e = carrier == OURS ? try_ours(t, &s, f) : try_plain(t, &s, carriers[carrier], f);
    }
    return e ? e : say_row(t, &s, carrier, runs);
}

static enum err try_row(struct link_rows *t, const struct link_row *row)
{
    bool alone = row->direct || row->happening == LINK_REBIND; /* nothing for packets of others */
    struct link_lab_setup s = {.row = row,
                               .for_us = t->config->for_us ? t->config->for_us : row->for_us,
                               .netns = t->config->compare && !alone ? t->netns : NULL};
    unsigned over = s.netns && row->callers == 1 && !row->beside ? CARRIERS : 1;
    enum err e = OK;

    for (unsigned c = 0; c < over && !e; c++)
        e = try_over(t, &s, c);
    if (!e)
        say_lines(t, row, over, (unsigned)t->config->runs);
    return e;
}

static bool is_chosen(const struct run_link_config *c, const struct link_row *row)
{
    bool chosen = c->row.n == 0 && (c->compare || !row->beside);

    for (size_t i = 0; i < c->row.n; i++)
        chosen |= strcmp(c->row.item[i], row->name) == 0;
    return chosen;
}

static void on_asked(void *ctx)
{
    struct link_rows *t = ctx;

    link_lab_stop(t->lab);
    loop_leave(t->loop);
}

static enum err check(const struct run_link_config *c, struct run *run)
{
    for (size_t i = 0; i < c->row.n; i++) {
        const struct link_row *row = link_row_find(c->row.item[i]);
        if (!row)
            return reason_give(&run->reason, ERR_USAGE,
                               "bench link: --row %.40s: no such row (--rows lists them)",
                               c->row.item[i]);
        if (row->beside && !c->compare)
            return reason_give(&run->reason, ERR_USAGE,
                               "bench link: --row %s: only with --compare, for its kernel TCP",
                               row->name);
    }
    return OK;
}

static enum err make_namespaces(struct link_rows *t)
{
    enum err e = OK;

    for (int i = 0; i < 2 && t->config->compare && !e; i++)
        e = netns_make(&t->netns[i]);
    return e == ERR_UNSUPPORTED
               ? reason_give(&t->run->reason, e,
                             "bench link: --compare needs root, for its network namespaces")
               : e;
}

static enum err begin(struct link_rows *t)
{
    enum err e = check(t->config, t->run);

    if (!e)
        e = make_namespaces(t);
    if (!e)
        e = loop_new(&t->loop);
    if (!e)
        e = link_lab_new(t->loop, t->run, &t->lab);
    if (!e)
        e = stop_new(t->loop, &(struct stop_owner){.asked = on_asked, .ctx = t}, t->run, &t->stop);
    return e;
}

enum err link_rows_run(const struct run_link_config *config, struct run *run)
{
    struct link_rows *t = heap_alloc(sizeof *t);

    if (!t)
        return ERR_MEMORY;
    t->config = config;
    t->run = run;
    t->netns[0] = t->netns[1] = -1;
    enum err e = begin(t);
    for (const struct link_row *r = link_row_table; r->name && !e; r++)
        if (is_chosen(config, r))
            e = try_row(t, r);
    link_lab_free(t->lab);
    stop_free(t->stop);
    loop_free(t->loop);
    netns_close(&t->netns[0]);
    netns_close(&t->netns[1]);
    heap_free(t);
    return e == ERR_AGAIN ? OK : e;
}
