/* qemu_words: how a QEMU of this host was started, for the host that its guest goes to. */
#ifndef FARSPAN_QEMU_WORDS_H
#define FARSPAN_QEMU_WORDS_H

#include "core/base/json.h"
#include "core/base/reason.h"
#include "core/qemu/command_line.h"

/* The words that the process was started with and its folder, as an object for an offer; NULL: they
 * may not be looked at (logged), or there is no memory. */
struct json *qemu_words_put(int pid);

/* ERR_UNSUPPORTED with a reason when a manager owns that QEMU, and would start its guest again when
 * it has gone. What cannot be looked at is nobody's. */
enum err qemu_words_free(int pid, struct reason *why) MUST_USE;

/* ERR_UNSUPPORTED with a reason when that QEMU was started to take a guest in from elsewhere than
 * it is told later. What cannot be looked at does. */
enum err qemu_words_defers(int pid, struct reason *why) MUST_USE;

/* Reads what qemu_words_put of another host has made, and may have made up: the words, and the
 * folder (an absolute path, copied to the line's arena). With a reason: ERR_UNSUPPORTED (there are
 * none), ERR_MALFORMED, ERR_LIMIT, ERR_MEMORY; command_line_release is due all the same. */
enum err qemu_words_get(const struct json_value *v, struct command_line *c, const char **folder,
                        struct reason *why) MUST_USE;

#endif
