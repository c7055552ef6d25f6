/* nbd: the words of the NBD protocol that both its sides use. */
#ifndef FARSPAN_NBD_H
#define FARSPAN_NBD_H

/* Numbers and names as the protocol's own document has them (the NBD project's doc/proto.md). All
 * on the wire is big-endian. */

enum nbd_command {
    NBD_READ = 0,
    NBD_WRITE = 1,
    NBD_DISC = 2,
    NBD_FLUSH = 3,
    NBD_TRIM = 4,
    NBD_CACHE = 5,
    NBD_WRITE_ZEROES = 6,
    NBD_BLOCK_STATUS = 7
};

/* Of a request. */
enum nbd_command_flag {
    NBD_FLAG_FUA = 1 << 0,       /* answered when it is durable */
    NBD_FLAG_NO_HOLE = 1 << 1,   /* zeroes must be allocated */
    NBD_FLAG_DF = 1 << 2,        /* one piece */
    NBD_FLAG_REQ_ONE = 1 << 3,   /* one extent is enough */
    NBD_FLAG_FAST_ZERO = 1 << 4, /* fail when that is no faster than to write */
    NBD_COMMAND_FLAGS = 31
};

/* Of an export. */
enum nbd_export_flag {
    NBD_HAS_FLAGS = 1 << 0,
    NBD_READ_ONLY = 1 << 1,
    NBD_SEND_FLUSH = 1 << 2,
    NBD_SEND_FUA = 1 << 3,
    NBD_ROTATIONAL = 1 << 4,
    NBD_SEND_TRIM = 1 << 5,
    NBD_SEND_WRITE_ZEROES = 1 << 6,
    NBD_SEND_DF = 1 << 7,
    NBD_CAN_MULTI_CONN = 1 << 8,
    NBD_SEND_CACHE = 1 << 10,
    NBD_SEND_FAST_ZERO = 1 << 11
};

/* What can go wrong with a request. */
enum nbd_error {
    NBD_OK = 0,
    NBD_EPERM = 1,
    NBD_EIO = 5,
    NBD_ENOMEM = 12,
    NBD_EINVAL = 22,
    NBD_ENOSPC = 28,
    NBD_EOVERFLOW = 75,
    NBD_ENOTSUP = 95,
    NBD_ESHUTDOWN = 108
};

/* Of a part of an export, in the context base:allocation. */
enum nbd_state {
    NBD_STATE_HOLE = 1 << 0, /* nothing is allocated there */
    NBD_STATE_ZERO = 1 << 1  /* it reads as zeroes */
};

enum {
    NBD_REQUEST_BYTES = 28,
    NBD_OPTION_HEAD_BYTES = 16,
    NBD_OPTION_REPLY_BYTES = 20,
    NBD_SIMPLE_REPLY_BYTES = 16,
    NBD_CHUNK_HEAD_BYTES = 20
};

#define NBD_MAGIC UINT64_C(0x4e42444d41474943)
#define NBD_OPTION_MAGIC UINT64_C(0x49484156454f5054)
#define NBD_OPTION_REPLY_MAGIC UINT64_C(0x0003e889045565a9)
#define NBD_REQUEST_MAGIC UINT32_C(0x25609513)
#define NBD_SIMPLE_REPLY_MAGIC UINT32_C(0x67446698)
#define NBD_CHUNK_MAGIC UINT32_C(0x668e33ef)

/* The handshake's own flags. */
enum { NBD_FIXED_NEWSTYLE = 1 << 0, NBD_NO_ZEROES = 1 << 1 };

enum nbd_option {
    NBD_OPT_EXPORT_NAME = 1,
    NBD_OPT_ABORT = 2,
    NBD_OPT_LIST = 3,
    NBD_OPT_INFO = 6,
    NBD_OPT_GO = 7,
    NBD_OPT_STRUCTURED_REPLY = 8,
    NBD_OPT_LIST_META_CONTEXT = 9,
    NBD_OPT_SET_META_CONTEXT = 10
};

/* Answers to options; those with the highest bit are refusals. */
#define NBD_REP_ACK UINT32_C(1)
#define NBD_REP_SERVER UINT32_C(2)
#define NBD_REP_INFO UINT32_C(3)
#define NBD_REP_META_CONTEXT UINT32_C(4)
#define NBD_REP_REFUSED UINT32_C(0x80000000)
#define NBD_REP_ERR_UNSUP UINT32_C(0x80000001)
#define NBD_REP_ERR_INVALID UINT32_C(0x80000003)
#define NBD_REP_ERR_UNKNOWN UINT32_C(0x80000006)
#define NBD_REP_ERR_TOO_BIG UINT32_C(0x80000009)

enum nbd_info {
    NBD_INFO_EXPORT = 0,
    NBD_INFO_NAME = 1,
    NBD_INFO_DESCRIPTION = 2,
    NBD_INFO_BLOCK_SIZE = 3
};

enum nbd_chunk {
    NBD_CHUNK_NONE = 0,
    NBD_CHUNK_OFFSET_DATA = 1,
    NBD_CHUNK_OFFSET_HOLE = 2,
    NBD_CHUNK_BLOCK_STATUS = 5,
    NBD_CHUNK_ERROR = 0x8001,
    NBD_CHUNK_ERROR_OFFSET = 0x8002,
    NBD_CHUNK_FAILED = 0x8000 /* in all kinds that tell of errors */
};

enum { NBD_CHUNK_DONE = 1 };

#endif
