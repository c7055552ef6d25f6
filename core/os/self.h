/* self: another process of this same program, given words and one text, and read as it speaks. */
#ifndef FARSPAN_SELF_H
#define FARSPAN_SELF_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/bytes.h"
#include "core/base/err.h"

enum { SELF_INPUT_BYTES = 2048 };

/* One such process. */
struct self {
    int pid;
    int out; /* owned; its standard output, not blocking; -1: closed */
};

/* Starts it with the borrowed words (ended by NULL; the first is its name) in a process group of
 * its own, `input` (at most SELF_INPUT_BYTES) as its standard input, our stderr, and the network
 * namespace `netns` (-1: ours). Its environment is ours without FARSPAN_TICKET and what the service
 * manager meant for this process alone. ERR_SYSTEM (logged), ERR_MEMORY, ERR_UNSUPPORTED without
 * the privilege for the namespace. */
enum err self_start(const char *const *words, struct bytes input, int netns,
                    struct self *s) MUST_USE;

/* Reads what it has said, up to `room` bytes. ERR_AGAIN: nothing now; ERR_END: it has closed its
 * output; ERR_SYSTEM (logged). */
enum err self_read(struct self *s, uint8_t *space, size_t room, size_t *n) MUST_USE;

/* Asks it to end in order. */
void self_ask(const struct self *s);

/* Waits until it has ended, drops what it says until then, and gives its exit status, or 128 + the
 * signal that ended it. */
int self_wait(struct self *s);

#endif
