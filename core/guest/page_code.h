/* page_code: the words in which the guest's pages go over, beside the bytes around them. */
#ifndef FARSPAN_PAGE_CODE_H
#define FARSPAN_PAGE_CODE_H

/* One byte, then what is said; numbers as wr_var writes them (docs/protocol.md). The stream that
 * they stand for is QEMU's, byte by byte. */
enum page_op {
    PAGE_RAW = 0, /* a number, and so many bytes of the stream as they are */
    PAGE_FILL_RUN =
        1, /* a number: so many pages that follow each other, all of zeroes, and heads */
    PAGE_SAME_RUN = 2, /* a number: so many pages that are as they were, and heads */
    PAGE_LITERAL = 3,  /* a page's bytes */
    PAGE_COPY = 4,     /* a number: the content of that page */
    PAGE_DELTA = 5, /* a number: so many bytes that say what has changed since it was sent last */
    PAGE_SAME = 6,  /* as it was */
    PAGE_KNOWN = 7, /* a number, zigzag: how much further than the one after the last of these the
                       entry is that has its content (known_list.h) */
    PAGE_OPS,
    PAGE_NEXT =
        0x80 /* with those from PAGE_LITERAL on: its head as well, which is the expected one */
};

/* A change: pairs of a number of words (8 bytes each) that stay and a number of words that follow,
 * until the page's end. */
enum { PAGE_WORD_BYTES = 8, PAGE_DELTA_MOST = 2048 };

#endif
