/* keysym: X11 keysyms, their names, and the characters they stand for. */
#ifndef FARSPAN_KEYSYM_H
#define FARSPAN_KEYSYM_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/bytes.h"

/* The keysyms that the code speaks of by name (X11 protocol, keysymdef.h). */
enum {
    KEYSYM_NONE = 0,
    KEYSYM_BACKSPACE = 0xff08,
    KEYSYM_TAB = 0xff09,
    KEYSYM_RETURN = 0xff0d,
    KEYSYM_ESCAPE = 0xff1b,
    KEYSYM_HOME = 0xff50,
    KEYSYM_LEFT,
    KEYSYM_UP,
    KEYSYM_RIGHT,
    KEYSYM_DOWN,
    KEYSYM_PAGE_UP,
    KEYSYM_PAGE_DOWN,
    KEYSYM_END,
    KEYSYM_KP_ENTER = 0xff8d,
    KEYSYM_SHIFT_L = 0xffe1,
    KEYSYM_SHIFT_R,
    KEYSYM_CONTROL_L,
    KEYSYM_CONTROL_R,
    KEYSYM_META_L = 0xffe7,
    KEYSYM_META_R,
    KEYSYM_ALT_L,
    KEYSYM_ALT_R,
    KEYSYM_SUPER_L,
    KEYSYM_SUPER_R,
    KEYSYM_DELETE = 0xffff,
    KEYSYM_LEVEL3 = 0xfe03, /* ISO_Level3_Shift, the AltGr key */
    KEYSYM_UNICODE = 0x01000000
};

/* A keysym with its name, and the character it types (0: none). */
struct keysym_entry {
    const char *name;
    uint32_t keysym;
    uint32_t code;
};

/* Every keysym known by name, by rising keysym (one keysym may have several names, the usual one
 * first). Unicode keysyms beyond Latin-1 need no entry. */
extern const struct keysym_entry keysym_table[];
extern const size_t keysym_table_count;

/* The character (UTF-32) that `keysym` types, 0 when it types none (Return and Tab type none). */
uint32_t keysym_to_code(uint32_t keysym);

/* The keysym that types the character `code`: itself in Latin-1, Tab and Return for their control
 * characters, else 0x01000000 + code; KEYSYM_NONE for other control characters, surrogates and what
 * is no code point. */
uint32_t keysym_of_code(uint32_t code);

/* The keysym called `name` (borrowed): a name of the table ("Return", "eacute"; letters' case
 * counts), one UTF-8 character, or "U+" and 2 to 6 hexadecimal digits. KEYSYM_NONE when there is no
 * such. */
uint32_t keysym_of_name(struct bytes name);

/* The name of `keysym`, static, or NULL when the table has none. */
const char *keysym_name(uint32_t keysym);

#endif
