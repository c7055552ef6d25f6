#include "tests/unit/migration_stream.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/num.h"

enum { PAGE = 4096, SMALL_PAGES = 4, SECTION = 2 };

struct maker {
    struct rng *rng;
    struct buf *out;
    uint8_t *memory;
    unsigned pages;
    const char *block; /* of the last record */
    bool good;
};

static void put(struct maker *m, const void *p, size_t n)
{
    m->good = m->good && buf_append(m->out, bytes_of(p, n)) == OK;
}

static void put_be(struct maker *m, size_t n, uint64_t v)
{
    uint8_t b[8];

    num_put_be(b, n, v);
    put(m, b, n);
}

static void put_name(struct maker *m, const char *name)
{
    put_be(m, 1, strlen(name));
    put(m, name, strlen(name));
}

static void put_record(struct maker *m, const char *block, uint64_t address, unsigned flags)
{
    bool go_on = m->block && strcmp(m->block, block) == 0;

    put_be(m, 8, address | flags | (go_on ? 0x20 : 0));
    if (!go_on)
        put_name(m, block);
    m->block = block;
}

static bool is_zero(const uint8_t *p)
{
    for (size_t i = 0; i < PAGE; i++)
        if (p[i])
            return false;
    return true;
}

static void put_page(struct maker *m, unsigned page)
{
    const uint8_t *p = m->memory + (size_t)page * PAGE;

    put_record(m, "pc.ram", (uint64_t)page * PAGE, is_zero(p) ? 0x02 : 0x08);
    if (is_zero(p))
        put_be(m, 1, 0);
    else
        put(m, p, PAGE);
}

static void section(struct maker *m, unsigned type)
{
    put_be(m, 1, type);
    put_be(m, 4, SECTION);
    m->block = NULL;
}

static void end_section(struct maker *m)
{
    put_be(m, 8, 0x10);
    put_be(m, 1, 0x7e);
    put_be(m, 4, SECTION);
}

static void begin(struct maker *m)
{
    put_be(m, 4, 0x5145564d);
    put_be(m, 4, 3);
    put_be(m, 1, 7);
    put_be(m, 4, 14);
    put(m, "pc-i440fx-7.2x", 14);
    put_be(m, 1, 5); /* as an Arm guest's */
    put_name(m, "configuration/target-page-bits");
    put_be(m, 4, 1);
    put_be(m, 4, 12);
    put_be(m, 1, 8); /* a ping */
    put_be(m, 2, 2);
    put_be(m, 2, 4);
    put_be(m, 4, 1);
    put_be(m, 1, 1);
    put_be(m, 4, SECTION);
    put_name(m, "ram");
    put_be(m, 4, 0);
    put_be(m, 4, 4);
    put_be(m, 8, (uint64_t)(m->pages + 2 * SMALL_PAGES) * PAGE | 0x04);
    put_name(m, "pc.ram");
    put_be(m, 8, (uint64_t)m->pages * PAGE);
    put_name(m, "pc.bios");
    put_be(m, 8, SMALL_PAGES * PAGE);
    put_name(m, "pc.rom");
    put_be(m, 8, SMALL_PAGES * PAGE);
    end_section(m);
}

/* A third is zeroes, some are copies of others, some of one byte. */
static void fill(struct maker *m)
{
    for (unsigned i = 0; i < m->pages; i++) {
        uint8_t *p = m->memory + (size_t)i * PAGE;
        uint64_t what = rng_below(m->rng, 10);
        if (what < 3)
            memset(p, 0, PAGE);
        else if (what < 5 && i > 0)
            memcpy(p, m->memory + rng_below(m->rng, i) * PAGE, PAGE);
        else
            rng_fill(m->rng, p, PAGE);
    }
}

static void change(struct maker *m, unsigned page, const char *kind)
{
    uint8_t *p = m->memory + (size_t)page * PAGE;

    if (strcmp(kind, "new") == 0)
        rng_fill(m->rng, p, PAGE);
    else if (strcmp(kind, "delta") == 0)
        for (int i = 0; i < 5; i++)
            p[rng_below(m->rng, PAGE)] ^= (uint8_t)(1 + rng_below(m->rng, 255));
}

bool migration_stream_make(const struct migration_guest *g, struct rng *rng, struct buf *out)
{
    struct maker m = {.rng = rng, .out = out, .pages = g->pages, .good = true};
    uint8_t junk[1000];

    m.memory = calloc(g->pages, PAGE);
    if (!m.memory)
        return false;
    fill(&m);
    begin(&m);
    section(&m, 2);
    put_record(&m, "pc.bios", PAGE, 0x02);
    put_be(&m, 1, 0xff); /* a page of another byte */
    for (unsigned i = 0; i < m.pages; i++)
        put_page(&m, i);
    end_section(&m);
    for (unsigned round = 0; round < g->rounds; round++) {
        section(&m, round + 1 < g->rounds ? 2 : 3);
        unsigned at = (unsigned)rng_below(rng, m.pages);
        for (unsigned i = 0; i < g->dirty_pages; i++, at++) {
            if (rng_below(rng, 8) == 0)
                at = (unsigned)rng_below(rng, m.pages);
            change(&m, at % m.pages, g->kind);
            put_page(&m, at % m.pages);
        }
        end_section(&m);
    }
    put_be(&m, 1, 4); /* a device */
    rng_fill(rng, junk, sizeof junk);
    put(&m, junk, sizeof junk);
    free(m.memory);
    return m.good;
}
