#include "core/crypt/authorized.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"
#include "core/base/heap.h"
#include "core/base/num.h"
#include "core/crypt/role.h"

enum { LINE_BYTES_MIN = KEY_TEXT_CHARS + 6 }; /* KEY, blank, "view", line end */

static enum err parse_line(struct keyfile *f, struct authorized_key *out,
                           struct keyfile_error *error)
{
    if (key_from_text(keyfile_word(f), out->key) != OK)
        return keyfile_refuse(error, f->line, "the first word is no key of %d characters",
                              KEY_TEXT_CHARS);
    if (role_parse(keyfile_word(f), &out->roles) != OK)
        return keyfile_refuse(error, f->line,
                              "the second word is no list of roles: view, control, "
                              "migrate, replicate, bench");
    struct bytes name = keyfile_rest(f);
    if (name.n > LIMIT_NAME_CHARS)
        return keyfile_refuse(error, f->line, "the name is longer than %d bytes", LIMIT_NAME_CHARS);
    if (name.n)
        memcpy(out->name, name.p, name.n);
    out->line = f->line;
    return OK;
}

static int by_key(const void *a, const void *b)
{
    const struct authorized_key *x = a, *y = b;
    int order = memcmp(x->key, y->key, KEY_BYTES);

    return order ? order : (x->line > y->line) - (x->line < y->line);
}

static enum err parse_lines(struct authorized *a, size_t room, struct keyfile *f,
                            struct keyfile_error *error)
{
    enum err e;

    while ((e = keyfile_next(f, error)) == OK) {
        struct authorized_key one = {0};
        e = parse_line(f, &one, error);
        if (e != OK)
            return e;
        CHECK(a->count < room);
        a->keys[a->count++] = one;
    }
    if (e != ERR_END)
        return e;
    qsort(a->keys, a->count, sizeof *a->keys, by_key);
    for (size_t i = 1; i < a->count; i++)
        if (memcmp(a->keys[i - 1].key, a->keys[i].key, KEY_BYTES) == 0)
            return keyfile_refuse(error, a->keys[i].line, "the key of line %u once more",
                                  a->keys[i - 1].line);
    return OK;
}

enum err authorized_parse(struct authorized *a, struct bytes text, struct keyfile_error *error)
{
    struct keyfile f;

    *a = (struct authorized){0};
    enum err e = keyfile_open(&f, text, error);
    if (e != OK)
        return e;
    /* So many entries fit at most, however many line ends there are. */
    size_t room = num_min(keyfile_lines(text), text.n / LINE_BYTES_MIN + 1);
    a->keys = heap_array(room, sizeof *a->keys);
    if (!a->keys)
        return ERR_MEMORY;
    e = parse_lines(a, room, &f, error);
    if (e != OK)
        authorized_release(a);
    return e;
}

const struct authorized_key *authorized_find(const struct authorized *a,
                                             const uint8_t key[KEY_BYTES])
{
    size_t low = 0, high = a->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = memcmp(a->keys[middle].key, key, KEY_BYTES);
        if (order == 0)
            return &a->keys[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

void authorized_release(struct authorized *a)
{
    heap_free(a->keys);
    *a = (struct authorized){0};
}
