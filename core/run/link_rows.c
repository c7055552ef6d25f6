#include "core/run/link_rows.h"

#include <stdio.h>
#include <string.h>

#include "core/base/heap.h"
#include "core/base/num.h"
#include "core/run/link_figures.h"
#include "core/run/link_lab.h"
#include "core/run/stop.h"

struct link_rows {
    const struct run_link_config *config;
    struct run *run;
    struct loop *loop;
    struct stop *stop;
    struct link_lab *lab;
    struct link_figures figures[LINK_FIGURES_RUNS];
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

/* One figure of the row, as JSON and for people. */
static struct json *say_figure(struct link_rows *t, const struct link_row *row, const char *over,
                               const struct link_goal *g, unsigned runs)
{
    char goal[VALUE_CHARS] = "", text[VALUE_CHARS] = "not seen";
    struct json *j = json_new();
    uint64_t seen;
    bool has = link_figures_middle(t->figures, runs, g->figure, &seen);

    json_put_string(j, "figure", link_row_figure(g->figure));
    if (has) {
        json_put_int(j, "seen", (int64_t)seen);
        print_value(g->figure, seen, text);
    } else {
        json_put_null(j, "seen");
    }
    if (g->bound) {
        bool pass = has && reaches(g, seen);
        json_put_int(j, g->least ? "at_least" : "at_most", (int64_t)g->bound);
        json_put_bool(j, "pass", pass);
        print_value(g->figure, g->bound, goal);
        run_say(t->run, "%-11s %-8s %-16s %14s  %s %-13s %s", row->name, over,
                link_row_figure(g->figure), text, g->least ? ">=" : "<=", goal,
                pass ? "pass" : "MISS");
    } else {
        run_say(t->run, "%-11s %-8s %-16s %14s", row->name, over, link_row_figure(g->figure), text);
    }
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

static enum err say_row(struct link_rows *t, const struct link_lab_setup *s, const char *over,
                        unsigned runs)
{
    struct json *j = json_new(), *list = json_new_list();

    json_put_string(j, "event", "row");
    json_put_string(j, "row", s->row->name);
    json_put_string(j, "link", s->row->says);
    json_put_string(j, "over", over);
    json_put_int(j, "runs", runs);
    json_put_int(j, "for_us", (int64_t)s->for_us);
    for (unsigned i = 0; i < LINK_GOALS && s->row->goal[i].figure; i++)
        json_append(list, say_figure(t, s->row, over, &s->row->goal[i], runs));
    json_put(j, "figures", list);
    put_means(t->figures, runs, j);
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

static enum err try_row(struct link_rows *t, const struct link_row *row)
{
    unsigned runs = (unsigned)t->config->runs;
    struct link_lab_setup s = {.row = row,
                               .for_us = t->config->for_us ? t->config->for_us : row->for_us};
    enum err e = OK;

    for (unsigned i = 0; i < runs && !e; i++) {
        s.seed = i + 1;
        e = link_lab_open(t->lab, &s);
        if (!e)
            e = link_lab_try(t->lab);
        if (!e)
            link_figures_read(t->lab, &s, &t->figures[i]);
        link_lab_close(t->lab);
    }
    return e ? e : say_row(t, &s, "farspan", runs);
}

static bool is_chosen(const struct run_link_config *c, const struct link_row *row)
{
    bool chosen = c->row.n == 0;

    for (size_t i = 0; i < c->row.n; i++)
        chosen |= strcmp(c->row.item[i], row->name) == 0;
    return chosen;
}

static void on_asked(void *ctx)
{
    struct link_rows *t = ctx;

    link_lab_stop(t->lab);
}

static enum err begin(struct link_rows *t)
{
    enum err e = loop_new(&t->loop);

    for (size_t i = 0; i < t->config->row.n && !e; i++)
        if (!link_row_find(t->config->row.item[i]))
            e = reason_give(&t->run->reason, ERR_USAGE,
                            "bench link: --row %.40s: no such row (--rows lists them)",
                            t->config->row.item[i]);
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
    enum err e = begin(t);
    for (const struct link_row *r = link_row_table; r->name && !e; r++)
        if (is_chosen(config, r))
            e = try_row(t, r);
    link_lab_free(t->lab);
    stop_free(t->stop);
    loop_free(t->loop);
    heap_free(t);
    return e == ERR_AGAIN ? OK : e;
}
