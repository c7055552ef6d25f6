#include "core/crypt/keyfile.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum err keyfile_refuse(struct keyfile_error *error, uint32_t line, const char *format, ...)
{
    va_list args;

    error->line = line;
    va_start(args, format);
    vsnprintf(error->reason, sizeof error->reason, format, args);
    va_end(args);
    return ERR_MALFORMED;
}

enum err keyfile_open(struct keyfile *f, struct bytes text, struct keyfile_error *error)
{
    *f = (struct keyfile){.left = text};
    *error = (struct keyfile_error){0};
    if (text.n <= LIMIT_KEYFILE_BYTES)
        return OK;
    (void)!keyfile_refuse(error, 0, "more than %d bytes", LIMIT_KEYFILE_BYTES);
    return ERR_LIMIT;
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

/* Takes a line off what is left, without its end. */
static struct bytes take_line(struct keyfile *f)
{
    const uint8_t *end = memchr(f->left.p, '\n', f->left.n);
    size_t n = end ? (size_t)(end - f->left.p) : f->left.n;
    struct bytes line = bytes_of(f->left.p, n);

    f->left.p += n + (end != NULL);
    f->left.n -= n + (end != NULL);
    f->line++;
    if (line.n && line.p[line.n - 1] == '\r')
        line.n--;
    return line;
}

/* Leaves out a comment and the blanks around. */
static struct bytes strip(struct bytes line)
{
    for (size_t i = 0; i < line.n; i++)
        if (line.p[i] == '#' && (i == 0 || is_blank(line.p[i - 1])))
            line.n = i;
    while (line.n && is_blank(line.p[line.n - 1]))
        line.n--;
    while (line.n && is_blank(line.p[0]))
        line = bytes_of(line.p + 1, line.n - 1);
    return line;
}

enum err keyfile_next(struct keyfile *f, struct keyfile_error *error)
{
    while (f->left.n) {
        struct bytes line = take_line(f);
        if (line.n > LIMIT_LINE_CHARS)
            return keyfile_refuse(error, f->line, "more than %d characters", LIMIT_LINE_CHARS);
        for (size_t i = 0; i < line.n; i++)
            if ((line.p[i] < ' ' && line.p[i] != '\t') || line.p[i] == 127)
                return keyfile_refuse(error, f->line, "a control character (column %zu)", i + 1);
        f->rest = strip(line);
        if (f->rest.n)
            return OK;
    }
    return ERR_END;
}

struct bytes keyfile_word(struct keyfile *f)
{
    struct bytes word = f->rest;
    size_t n = 0;

    while (n < word.n && !is_blank(word.p[n]))
        n++;
    f->rest = strip(bytes_of(word.p + n, word.n - n));
    return bytes_of(word.p, n);
}

struct bytes keyfile_rest(struct keyfile *f)
{
    struct bytes rest = f->rest;

    f->rest.n = 0;
    return rest;
}

size_t keyfile_lines(struct bytes text)
{
    size_t lines = 1;

    for (size_t i = 0; i < text.n; i++)
        lines += text.p[i] == '\n';
    return lines;
}
