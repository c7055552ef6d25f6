#include "core/base/json.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "core/base/heap.h"

struct json {
    json_t *value; /* owned */
    bool lost;     /* a member could not be kept: the whole must not be printed */
};

static struct json *wrap(json_t *(*make)(void))
{
    static bool ready;

    if (!ready)
        json_set_alloc_funcs(heap_alloc, heap_free);
    ready = true;
    struct json *j = heap_alloc(sizeof *j);
    if (!j)
        return NULL;
    j->value = make();
    if (!j->value) {
        heap_free(j);
        return NULL;
    }
    return j;
}

struct json *json_new(void)
{
    return wrap(json_object);
}

struct json *json_new_list(void)
{
    return wrap(json_array);
}

void json_free(struct json *j)
{
    if (j)
        json_decref(j->value);
    heap_free(j);
}

/* Takes `value`; NULL means that making it failed. */
static void put(struct json *j, const char *key, json_t *value)
{
    if (!j)
        json_decref(value);
    else if (!value || json_object_set_new_nocheck(j->value, key, value) != 0)
        j->lost = true;
}

void json_put_string(struct json *j, const char *key, const char *value)
{
    json_t *text = json_string(value);

    if (!text && value) {
        char *safe = heap_string(value);
        for (char *p = safe; p && *p; p++)
            if ((unsigned char)*p >= 128)
                *p = '?';
        text = safe ? json_string(safe) : NULL;
        heap_free(safe);
    }
    put(j, key, text);
}

void json_put_int(struct json *j, const char *key, int64_t value)
{
    put(j, key, json_integer(value));
}

void json_put_real(struct json *j, const char *key, double value)
{
    put(j, key, isfinite(value) ? json_real(value) : json_null());
}

void json_put_bool(struct json *j, const char *key, bool value)
{
    put(j, key, json_boolean(value));
}

void json_put_null(struct json *j, const char *key)
{
    put(j, key, json_null());
}

/* Takes `from` and gives the value in it, or NULL when it is not whole. */
static json_t *unwrap(struct json *from)
{
    json_t *v = from && !from->lost ? json_incref(from->value) : NULL;

    json_free(from);
    return v;
}

void json_put(struct json *j, const char *key, struct json *value)
{
    put(j, key, unwrap(value));
}

void json_append(struct json *j, struct json *value)
{
    json_t *v = unwrap(value);

    if (!j)
        json_decref(v);
    else if (!v || json_array_append_new(j->value, v) != 0)
        j->lost = true;
}

/* Gives the text of `value`, or NULL. Not by json_dumps: it takes no notice when its buffer cannot
 * grow while it writes a member's name, and gives a broken line (jansson 2.14). */
static char *dump(const json_t *value)
{
    size_t flags = JSON_COMPACT | JSON_REAL_PRECISION(9), n = json_dumpb(value, NULL, 0, flags);
    char *line = n ? heap_alloc(n + 1) : NULL;

    if (line && json_dumpb(value, line, n, flags) != n) {
        heap_free(line);
        return NULL;
    }
    return line;
}

enum err json_print(struct json *j, FILE *to)
{
    char *line = j && !j->lost ? dump(j->value) : NULL;

    json_free(j);
    if (!line)
        return ERR_MEMORY;
    bool bad = fputs(line, to) == EOF || fputc('\n', to) == EOF || fflush(to) == EOF;
    heap_free(line);
    return bad ? ERR_SYSTEM : OK;
}

enum err json_write(struct json *j, struct buf *to)
{
    char *line = j && !j->lost ? dump(j->value) : NULL;
    size_t n = line ? strlen(line) : 0;

    json_free(j);
    enum err e = line ? buf_reserve(to, n + 1) : ERR_MEMORY;
    if (!e)
        e = buf_append(to, bytes_of(line, n));
    if (!e)
        e = buf_append(to, bytes_of("\n", 1));
    heap_free(line);
    return e;
}

/* A parsed value is jansson's own, under a name that keeps jansson in this file. */
static json_t *inside(const struct json_value *v)
{
    return (json_t *)(uintptr_t)v;
}

enum err json_parse(struct bytes text, struct json_value **out)
{
    *out = (struct json_value *)json_loadb((const char *)text.p, text.n,
                                           JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
    return *out ? OK : ERR_MALFORMED;
}

void json_discard(struct json_value *v)
{
    json_decref(inside(v));
}

const struct json_value *json_member(const struct json_value *v, const char *key)
{
    return (const struct json_value *)json_object_get(inside(v), key);
}

const struct json_value *json_item(const struct json_value *v, size_t i)
{
    return (const struct json_value *)json_array_get(inside(v), i);
}

const char *json_key(const struct json_value *v, size_t i)
{
    json_t *object = (json_t *)(uintptr_t)inside(v);
    void *at = json_object_iter(object);

    for (; at && i > 0; i--)
        at = json_object_iter_next(object, at);
    return at ? json_object_iter_key(at) : NULL;
}

const char *json_text(const struct json_value *v)
{
    return json_string_value(inside(v));
}

bool json_flag(const struct json_value *v)
{
    return json_is_true(inside(v));
}

bool json_is_none(const struct json_value *v)
{
    return json_is_null(inside(v));
}

bool json_truth(const struct json_value *v, bool *flag)
{
    *flag = json_is_true(inside(v));
    return json_is_boolean(inside(v));
}

size_t json_count(const struct json_value *v)
{
    return json_array_size(inside(v));
}

int64_t json_int(const struct json_value *v, int64_t otherwise)
{
    return json_is_integer(inside(v)) ? json_integer_value(inside(v)) : otherwise;
}

double json_decimal(const struct json_value *v, double otherwise)
{
    return json_is_number(inside(v)) ? json_number_value(inside(v)) : otherwise;
}
