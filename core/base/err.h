/* err: every way a call can fail, with one sentence and one exit code each. */
#ifndef FARSPAN_ERR_H
#define FARSPAN_ERR_H

#define MUST_USE __attribute__((warn_unused_result))

enum err {
    OK = 0,
    ERR_MEMORY,      /* an allocation failed */
    ERR_SYSTEM,      /* a system call failed; whoever saw it has logged it with its operand */
    ERR_MALFORMED,   /* bytes that break the format they claim to be in */
    ERR_LIMIT,       /* well formed, but larger than limits.h allows */
    ERR_VERSION,     /* a format or protocol version that this build does not know */
    ERR_USAGE,       /* the caller asked for something that makes no sense */
    ERR_UNSUPPORTED, /* makes sense, but not here (a missing extension, an unknown depth) */
    ERR_EXISTS,      /* would overwrite something */
    ERR_NOT_FOUND,   /* a file, name or id that is not there */
    ERR_BUSY,        /* held by somebody else */
    ERR_AGAIN,       /* nothing now: try when there is more input, space or time */
    ERR_END,         /* the orderly end of a stream or file */
    ERR_UNREACHABLE, /* the peer never answered, died, or not in time */
    ERR_REFUSED,     /* authentication or authorisation failed, at either end */
    ERR_VERIFY,      /* bytes differ from what they must be */
    ERR_UNDECIDED,   /* a person must decide */
    ERR_COUNT
};

/* The sentence that explains `e`, static, lower case, without a full stop. */
const char *err_text(enum err e);

/* The exit code of the command-line contract for `e` (0..6). */
int err_exit(enum err e);

#endif
