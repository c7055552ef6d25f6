/* given: where the text of an address or ticket comes from: a word, a file, stdin, the
 * environment. */
#ifndef FARSPAN_GIVEN_H
#define FARSPAN_GIVEN_H

#include "core/base/err.h"
#include "core/base/limits.h"
#include "core/base/reason.h"

enum { GIVEN_CHARS = LIMIT_TICKET_CHARS + 1 };

/* Copies the text that the borrowed word `given` stands for: "-" the first line of stdin, "@FILE"
 * the first ticket in that file (as where the output of who listens went, lines or JSON), or else
 * its first line; NULL or empty $FARSPAN_TICKET, anything else itself. Spaces around it are cut
 * off. ERR_USAGE when there is none or it is too long, ERR_NOT_FOUND, ERR_SYSTEM when it cannot be
 * read; with a reason that does not hold the text, which may be secret. */
enum err given_text(const char *given, char to[GIVEN_CHARS], struct reason *reason) MUST_USE;

#endif
