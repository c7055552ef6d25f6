/* keyfile: lines of words, as authorized_keys and known_hosts are made of. */
#ifndef FARSPAN_KEYFILE_H
#define FARSPAN_KEYFILE_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/bytes.h"
#include "core/base/err.h"
#include "core/base/limits.h"

/* Why a file was refused. */
struct keyfile_error {
    uint32_t line; /* from 1; 0: the file as a whole */
    char reason[LIMIT_REASON_CHARS];
};

/* A cursor over the lines of a file. */
struct keyfile {
    struct bytes left; /* borrowed: what is not read yet */
    struct bytes rest; /* borrowed: what is left of the line, without blanks in front */
    uint32_t line;     /* its number, from 1 */
};

/* A cursor at the start of a borrowed file. ERR_LIMIT above LIMIT_KEYFILE_BYTES, with *error. */
enum err keyfile_open(struct keyfile *f, struct bytes text, struct keyfile_error *error) MUST_USE;

/* Goes to the next line with a word in it. A line ends with LF or CR LF; blanks are spaces and
 * tabs; a word that starts with '#' makes itself and the rest a comment. ERR_END after the last;
 * ERR_MALFORMED, with *error, for a line above LIMIT_LINE_CHARS or with a control character. */
enum err keyfile_next(struct keyfile *f, struct keyfile_error *error) MUST_USE;

/* Takes the next word of the line, borrowed; empty at its end. */
struct bytes keyfile_word(struct keyfile *f);

/* Takes the words that are left, as they stand, without blanks at the end; borrowed. */
struct bytes keyfile_rest(struct keyfile *f);

/* The most lines that could hold a word: one more than there are line ends. */
size_t keyfile_lines(struct bytes text);

/* Fills *error with a line and a formatted reason; gives ERR_MALFORMED. */
enum err keyfile_refuse(struct keyfile_error *error, uint32_t line, const char *format, ...)
    __attribute__((format(printf, 3, 4))) MUST_USE;

#endif
