#include "core/run/given.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/os/file.h"

/* Keeps the first line of `n` bytes, without spaces around it. */
static enum err keep(const char *text, size_t n, char to[GIVEN_CHARS], struct reason *reason)
{
    const char *end = memchr(text, '\n', n);

    if (end)
        n = (size_t)(end - text);
    while (n && isspace((unsigned char)*text))
        text++, n--;
    while (n && isspace((unsigned char)text[n - 1]))
        n--;
    if (n == 0)
        return reason_give(reason, ERR_USAGE, "no address or ticket was given");
    if (n >= GIVEN_CHARS || memchr(text, 0, n))
        return reason_give(reason, ERR_USAGE, "what was given is too long for a ticket");
    memcpy(to, text, n);
    to[n] = 0;
    return OK;
}

static enum err from_stdin(char to[GIVEN_CHARS], struct reason *reason)
{
    char line[GIVEN_CHARS + 64];

    if (!fgets(line, sizeof line, stdin))
        line[0] = 0;
    return keep(line, strlen(line), to, reason);
}

/* The first ticket in what a program of ours printed, as text or JSON; all of it when there is
 * none. */
static struct bytes find_ticket(struct bytes all)
{
    static const char scheme[] = "farspan://";
    const uint8_t *at = memmem(all.p, all.n, scheme, sizeof scheme - 1);
    size_t n = 0;

    if (!at)
        return all;
    all.n -= (size_t)(at - all.p);
    while (n < all.n && at[n] > ' ' && at[n] != '"')
        n++;
    return bytes_of(at, n);
}

static enum err from_file(const char *path, char to[GIVEN_CHARS], struct reason *reason)
{
    struct buf b;

    buf_init(&b, LIMIT_KEYFILE_BYTES);
    enum err e = file_read(path, false, &b);
    if (e) {
        reason_give(reason, e, "cannot read a ticket from %.120s", path);
    } else {
        struct bytes found = find_ticket(bytes_of(b.p, b.n));
        e = keep(found.n ? (const char *)found.p : "", found.n, to, reason);
    }
    buf_release(&b);
    return e;
}

enum err given_text(const char *given, char to[GIVEN_CHARS], struct reason *reason)
{
    if (!given || !*given)
        given = getenv("FARSPAN_TICKET");
    if (!given)
        given = "";
    if (strcmp(given, "-") == 0)
        return from_stdin(to, reason);
    if (given[0] == '@')
        return from_file(given + 1, to, reason);
    return keep(given, strlen(given), to, reason);
}
