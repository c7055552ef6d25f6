#include "core/crypt/known.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"
#include "core/base/heap.h"
#include "core/base/num.h"

enum { LINE_BYTES_MIN = KEY_TEXT_CHARS + 3 }; /* a host of one character, blank, KEY, line end */

static enum err parse_line(struct keyfile *f, struct known_host *out, struct keyfile_error *error)
{
    struct target_error why;

    if (target_parse(keyfile_word(f), TARGET_REACH, &out->target, &why) != OK)
        return keyfile_refuse(error, f->line, "%s (character %zu of the first word)", why.reason,
                              why.at + 1);
    if (key_from_text(keyfile_word(f), out->key) != OK)
        return keyfile_refuse(error, f->line, "the second word is no key of %d characters",
                              KEY_TEXT_CHARS);
    if (keyfile_rest(f).n)
        return keyfile_refuse(error, f->line, "more than HOST:PORT and KEY");
    out->line = f->line;
    return OK;
}

static int by_target(const void *a, const void *b)
{
    const struct known_host *x = a, *y = b;
    int order = target_compare(&x->target, &y->target);

    return order ? order : (x->line > y->line) - (x->line < y->line);
}

/* Sorts, and drops lines that say the same again. */
static enum err order_hosts(struct known *k, struct keyfile_error *error)
{
    size_t kept = 0;

    qsort(k->hosts, k->count, sizeof *k->hosts, by_target);
    for (size_t i = 0; i < k->count; i++) {
        const struct known_host *last = kept ? &k->hosts[kept - 1] : NULL, *next = &k->hosts[i];
        if (last && target_compare(&last->target, &next->target) == 0) {
            if (memcmp(last->key, next->key, KEY_BYTES) != 0)
                return keyfile_refuse(error, next->line, "another key for the host of line %u",
                                      last->line);
            continue;
        }
        k->hosts[kept++] = *next;
    }
    k->count = kept;
    return OK;
}

static enum err parse_lines(struct known *k, size_t room, struct keyfile *f,
                            struct keyfile_error *error)
{
    enum err e;

    while ((e = keyfile_next(f, error)) == OK) {
        struct known_host one = {0};
        e = parse_line(f, &one, error);
        if (e != OK)
            return e;
        CHECK(k->count < room);
        k->hosts[k->count++] = one;
    }
    return e == ERR_END ? order_hosts(k, error) : e;
}

enum err known_parse(struct known *k, struct bytes text, struct keyfile_error *error)
{
    struct keyfile f;

    *k = (struct known){0};
    enum err e = keyfile_open(&f, text, error);
    if (e != OK)
        return e;
    size_t room = num_min(keyfile_lines(text), text.n / LINE_BYTES_MIN + 1);
    k->hosts = heap_array(room, sizeof *k->hosts);
    if (!k->hosts)
        return ERR_MEMORY;
    e = parse_lines(k, room, &f, error);
    if (e != OK)
        known_release(k);
    return e;
}

const struct known_host *known_find(const struct known *k, const struct target *target)
{
    size_t low = 0, high = k->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = target_compare(&k->hosts[middle].target, target);
        if (order == 0)
            return &k->hosts[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

enum known_verdict known_check(const struct known *k, const struct target *target,
                               const uint8_t key[KEY_BYTES])
{
    const struct known_host *host = known_find(k, target);

    if (!host)
        return KNOWN_NEW;
    return memcmp(host->key, key, KEY_BYTES) == 0 ? KNOWN_SAME : KNOWN_OTHER;
}

void known_line(const struct target *target, const uint8_t key[KEY_BYTES],
                char line[KNOWN_LINE_CHARS])
{
    char where[TARGET_TEXT_CHARS], text[KEY_TEXT_CHARS + 1];

    target_print(target, where);
    key_to_text(key, text);
    snprintf(line, KNOWN_LINE_CHARS, "%s %s", where, text);
}

void known_release(struct known *k)
{
    heap_free(k->hosts);
    *k = (struct known){0};
}
