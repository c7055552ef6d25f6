/* problems: sentences that say what stands in the way and what to do, told one by one, counted. */
#ifndef FARSPAN_PROBLEMS_H
#define FARSPAN_PROBLEMS_H

/* In its owner's storage. */
struct problems {
    void (*tell)(void *ctx, const char *problem); /* borrows the sentence */
    void *ctx;                                    /* borrowed */
    unsigned n;
};

/* Tells a formatted sentence, cut to LIMIT_REASON_CHARS. */
void problems_tell(struct problems *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
