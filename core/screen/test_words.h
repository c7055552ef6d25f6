/* test_words: what stands in the built-in desktop's notes and terminal. */
#ifndef FARSPAN_TEST_WORDS_H
#define FARSPAN_TEST_WORDS_H

#include <stddef.h>
#include <stdint.h>

/* The notes' paragraphs; '#' begins a heading, "" is an empty line. */
extern const char *const test_words_notes[];
extern const size_t test_words_notes_count;

/* A line of the terminal: two places, how far apart they are, how long light needs in glass to go
 * there and back. */
struct test_words_log {
    const char *distance;
    uint32_t colour;
    const char *places, *time;
};

/* The lines that the terminal goes through again and again. */
extern const struct test_words_log test_words_log[];
extern const size_t test_words_log_count;

#endif
