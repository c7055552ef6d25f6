/* command_table: the options of a QEMU that are known here, and what of each may be taken over. */
#ifndef FARSPAN_COMMAND_TABLE_H
#define FARSPAN_COMMAND_TABLE_H

#include <stdbool.h>
#include <stddef.h>

/* How an option is written. */
enum command_kind {
    COMMAND_FLAG,  /* alone */
    COMMAND_VALUE, /* with a word that is taken whole */
    COMMAND_PARTS  /* with a word of parts: KEY=VALUE,... or JSON */
};

/* What becomes of it at another host. */
enum command_deal {
    COMMAND_REFUSE,  /* nothing: a guest with it does not come */
    COMMAND_DROP,    /* it is left out: it was that process's, not the guest's */
    COMMAND_PASS,    /* it is kept; of parts those that a form has */
    COMMAND_FILE,    /* its value is a file that must be there */
    COMMAND_IMAGE,   /* its value is a disk */
    COMMAND_DISPLAY, /* nobody sits at that host */
    COMMAND_LINE,    /* its value is where a serial line ends */
    COMMAND_MONITOR, /* as that, of a monitor: kept when it is a local socket */
    COMMAND_SOUND    /* its value says where sound goes: nowhere there */
};

struct command_row {
    const char *name; /* without dashes; "": a word that is no option */
    enum command_kind kind;
    enum command_deal deal;
    const char *first; /* the key of a first part without one; NULL: there is none */
};

/* What a kept option with parts may have. Forms of one option are told apart by their first key's
 * value: `which` is such values, with blanks between them, `*` for any end; NULL: any.
 *
 * `keys` are the allowed keys, with blanks between them, `*` for any end, each alone (any value
 * without a slash and without controls) or followed by a colon and a letter:
 *   t  any text without controls
 *   f  a file that must be there        d  a disk       b  a format of disks that is known here
 *   s  a socket that QEMU listens on     l  a file that it makes
   h  a folder of the machine's for memory
 *   r  a source of randomness           n  no           e  nothing
 *   o  an address of that host alone: 127.0.0.1, [::1], localhost */
struct command_form {
    const char *option, *which, *keys;
};

/* The row of an option; NULL: it is not known. */
const struct command_row *command_table_row(const char *name);

/* The form of an option whose first key has that value (may be NULL); NULL: it is not known. */
const struct command_form *command_table_form(const char *name, const char *which);

/* What `keys` say of a key: its letter, 'p' for one that stands alone, 0 for one that is not
 * there. */
char command_table_key(const char *keys, const char *key);

/* Whether one of the words, with `*` for any end, is that text. */
bool command_table_has(const char *words, const char *text);

#endif
