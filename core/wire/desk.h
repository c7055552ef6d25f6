/* desk: what serve and view say to each other, as records and as messages by channel. */
#ifndef FARSPAN_DESK_H
#define FARSPAN_DESK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/bytes.h"
#include "core/base/err.h"
#include "core/base/wr.h"

/* Channels of messages, server to viewer. */
enum desk_channel {
    DESK_UPDATE = 1,  /* struct desk_update and a coded block */
    DESK_POINTER = 2, /* struct desk_pointer */
    DESK_SHAPE = 3    /* struct desk_shape */
};

enum { DESK_MAX_ADDED = 2048, DESK_HASH_BYTES = 16, DESK_RECORD_BYTES = 256, DESK_MAX_HELD = 16 };

/* The head of an update: which picture its block is part of, and against what it was coded. The
 * reference of a block is a snapshot: the viewer makes snapshot `snap` from snapshot `base`, which
 * it surely has, by putting in the tiles of the blocks `added`, in that order, each unless the tile
 * there is newer. */
struct desk_update {
    uint32_t epoch;         /* of the picture: a new one (another size) begins black */
    uint32_t width, height; /* pixels */
    bool alpha;
    uint64_t id;          /* of this block: counts up by one */
    uint32_t version;     /* of the capture that all its tiles are from */
    uint64_t captured_us; /* the server's clock */
    uint32_t snap, base;
    uint32_t keep;  /* snapshots below it are not used as a base again */
    uint64_t floor; /* blocks below it are not added again */
    uint32_t added_count;
    uint64_t added[DESK_MAX_ADDED];
    struct bytes block; /* borrowed: core/codec/block.h */
};

/* Encodes an update's head; the block is appended by the caller. */
void desk_put_update(struct wr *w, const struct desk_update *u);

/* Takes an update apart. ERR_MALFORMED, ERR_LIMIT for a picture beyond limits.h. */
enum err desk_get_update(struct bytes b, struct desk_update *out) MUST_USE;

/* Where the pointer is. */
struct desk_pointer {
    int32_t x, y;
    bool visible;
    uint32_t serial; /* of the shape */
};

/* What the pointer looks like; pixels are premultiplied ARGB, 4 bytes little-endian each, borrowed.
 */
struct desk_shape {
    uint32_t serial, width, height, hot_x, hot_y;
    struct bytes argb;
};

/* Encodes a pointer position. */
void desk_put_pointer(struct wr *w, const struct desk_pointer *p);

/* Takes it apart. ERR_MALFORMED. */
enum err desk_get_pointer(struct bytes b, struct desk_pointer *out) MUST_USE;

/* Encodes a pointer shape's head; the caller appends s->argb. */
void desk_put_shape(struct wr *w, const struct desk_shape *s);

/* Takes it apart; sides are at most LIMIT_POINTER_SIDE_PX. ERR_MALFORMED. */
enum err desk_get_shape(struct bytes b, struct desk_shape *out) MUST_USE;

/* Records on the control stream, each a kind, a length and a body. */
enum desk_record_kind {
    DESK_INPUT = 1,   /* viewer: one act of input, numbered */
    DESK_EXACT = 2,   /* server: the capture `version` has this hash, and you have all of it */
    DESK_PROVEN = 3,  /* viewer: its picture of `version` has the same hash */
    DESK_REFRESH = 4, /* viewer: something is wrong here, begin a new epoch */
    DESK_HELD = 5     /* viewer: these keys and buttons are still down */
};

/* A key or button that is down. */
struct desk_held {
    bool button;
    uint32_t keysym; /* of a key */
    uint32_t code;   /* the key's scancode, or the button's number */
};

/* One record. */
struct desk_record {
    enum desk_record_kind kind;
    uint64_t sequence;  /* INPUT: counts from 1; EXACT: the last input that had its effect */
    uint8_t input_kind; /* INPUT: the members of struct input_event */
    bool down;
    uint32_t keysym, scancode, button;
    int32_t x, y;                  /* INPUT: place or wheel notches */
    uint32_t epoch, version;       /* EXACT, PROVEN, REFRESH */
    uint8_t hash[DESK_HASH_BYTES]; /* EXACT, PROVEN */
    uint32_t held_count;           /* HELD */
    struct desk_held held[DESK_MAX_HELD];
};

/* Encodes a record (at most DESK_RECORD_BYTES). */
void desk_put_record(struct wr *w, const struct desk_record *r);

/* Takes the first record from stream bytes and says how many bytes it used. ERR_AGAIN: incomplete;
 * ERR_MALFORMED. A kind that is not known gives OK with kind 0: to be passed over (a compatible
 * addition). */
enum err desk_get_record(struct bytes b, struct desk_record *out, size_t *used) MUST_USE;

#endif
