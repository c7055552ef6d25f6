/* json: JSON objects out, one a line, and JSON text in (the only jansson). */
#ifndef FARSPAN_JSON_H
#define FARSPAN_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "core/base/buf.h"
#include "core/base/bytes.h"
#include "core/base/err.h"

struct json;       /* an object or array being built */
struct json_value; /* a parsed value */

/* Gives an empty object. NULL without memory; every call below takes NULL and does nothing, so a
 * line can be built without checks and fails once, in json_print. */
struct json *json_new(void);

/* Gives an empty array; else as json_new. */
struct json *json_new_list(void);

/* Takes `j` and frees it; NULL is fine. */
void json_free(struct json *j);

/* Sets a member of object `j` to a string (borrowed; bytes that are no UTF-8 become '?'). */
void json_put_string(struct json *j, const char *key, const char *value);

/* Sets a member of object `j` to an integer. */
void json_put_int(struct json *j, const char *key, int64_t value);

/* Sets a member of object `j` to a real number; NaN and infinities become null. */
void json_put_real(struct json *j, const char *key, double value);

/* Sets a member of object `j` to true or false. */
void json_put_bool(struct json *j, const char *key, bool value);

/* Sets a member of object `j` to null. */
void json_put_null(struct json *j, const char *key);

/* Sets a member of object `j` to `value`, which it takes. */
void json_put(struct json *j, const char *key, struct json *value);

/* Appends `value`, which it takes, to list `j`. */
void json_append(struct json *j, struct json *value);

/* Takes `j`, writes it as one line and flushes. ERR_MEMORY when `j` is NULL or a member was lost,
 * ERR_SYSTEM when the file cannot be written. */
enum err json_print(struct json *j, FILE *to) MUST_USE;

/* Takes `j` and appends it to `to` as one line. ERR_MEMORY as json_print, ERR_LIMIT; then nothing
 * was added. */
enum err json_write(struct json *j, struct buf *to) MUST_USE;

/* Parses one JSON value from borrowed text; *out is the caller's. ERR_MALFORMED. */
enum err json_parse(struct bytes text, struct json_value **out) MUST_USE;

/* Takes a parsed value and frees it; NULL is fine. */
void json_discard(struct json_value *v);

/* The member `key` of an object, borrowed; NULL when absent or `v` is NULL or no object. */
const struct json_value *json_member(const struct json_value *v, const char *key);

/* Item `i` of an array, borrowed; NULL when absent or `v` is NULL or no array. */
const struct json_value *json_item(const struct json_value *v, size_t i);

/* The name of member `i` of an object, in the order of the text, borrowed; NULL when absent or `v`
 * is NULL or no object. Takes time in proportion to `i`. */
const char *json_key(const struct json_value *v, size_t i);

/* The string value, borrowed, or NULL. */
const char *json_text(const struct json_value *v);

/* Whether it is true; false also when `v` is NULL or no truth value. */
bool json_flag(const struct json_value *v);

/* Whether it is null; false also when `v` is NULL. */
bool json_is_none(const struct json_value *v);

/* Whether it is true or false; *flag is which. */
bool json_truth(const struct json_value *v, bool *flag);

/* The items of an array; 0 when `v` is NULL or none. */
size_t json_count(const struct json_value *v);

/* The integer value, or `otherwise` when `v` is NULL or no integer. */
int64_t json_int(const struct json_value *v, int64_t otherwise);

/* The value of any number, or `otherwise` when `v` is NULL or none. */
double json_decimal(const struct json_value *v, double otherwise);

#endif
