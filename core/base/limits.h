/* limits: the most of everything: nothing is allocated from a length not compared with these. */
#ifndef FARSPAN_LIMITS_H
#define FARSPAN_LIMITS_H

enum {
    /* pictures */
    LIMIT_PICTURE_SIDE_PX = 16384,
    LIMIT_PICTURE_PIXELS = 7680 * 4320,
    LIMIT_POINTER_SIDE_PX = 256,

    /* datagrams: UDP payload bytes */
    LIMIT_DATAGRAM_BYTES = 1452, /* largest ever sent: fits a 1500-byte MTU over IPv6 */
    LIMIT_DATAGRAM_FLOOR = 1200, /* always assumed to get through (RFC 9000, 14.1) */

    /* one session */
    LIMIT_STREAMS = 256,              /* open at once, half of them each end's */
    LIMIT_MESSAGES = 4096,            /* in flight or queued */
    LIMIT_MESSAGE_BYTES = 256 * 1024, /* one message */
    LIMIT_SESSION_IDLE_S = 120,       /* a session outlives its peer's silence so long ... */
    LIMIT_PATIENCE_LEAST_S = 5,       /* ... unless it is told otherwise, from this ... */
    LIMIT_PATIENCE_MOST_S = 604800,   /* ... to this */
    LIMIT_ACK_RANGES = 32,

    /* what a viewer keeps of one picture, and its server counts on (docs/protocol.md) */
    LIMIT_DESK_BLOCKS = 1024, /* a power of two: ids from the floor to the newest */
    LIMIT_DESK_TILES = 16384, /* of these blocks: 256 MiB */
    LIMIT_DESK_SNAPSHOTS = 64,

    /* moving a VM */
    LIMIT_CHANNELS = 128,     /* of one relay at once */
    LIMIT_CHANNEL_NAMES = 64, /* its sockets */
    LIMIT_QMP_LINE_BYTES = 8 * 1024 * 1024, /* of what QEMU says at once */
    LIMIT_GUEST_DISKS = 64,

    /* disks over NBD */
    LIMIT_NBD_PAYLOAD_BYTES = 32 * 1024 * 1024, /* of one request or answer */
    LIMIT_NBD_NAME_BYTES = 4096,                /* an export's (the protocol's own limit) */
    LIMIT_NBD_OPTION_BYTES = 16 * 1024,         /* of what is asked before the transmission */

    /* one listener */
    LIMIT_PEERS = 1024,
    LIMIT_HALF_OPEN = 256,         /* handshakes begun, no valid transport packet yet */
    LIMIT_HANDSHAKES_PER_S = 256,   /* key agreements spent on strangers */
    LIMIT_STRANGERS_PER_S = 20000, /* HELLOs looked at, and as many INITs */
    LIMIT_TOKENS = 256,
    LIMIT_TCP_CONNECTIONS = 256, /* with or without a session behind them */
    LIMIT_TCP_STRANGERS = 16,    /* of one address, without a session */

    /* text files and strings */
    LIMIT_TICKET_CHARS = 1024,
    LIMIT_LINE_CHARS = 4096,
    LIMIT_KEYFILE_BYTES = 1024 * 1024,
    LIMIT_SCRIPT_BYTES = 1024 * 1024,
    LIMIT_NAME_CHARS = 64,
    LIMIT_REASON_CHARS = 200,
};

#endif
