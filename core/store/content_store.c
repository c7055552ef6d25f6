#include "core/store/content_store.h"

#include <string.h>

#include "core/base/heap.h"
#include "core/base/log.h"
#include "core/base/num.h"
#include "core/os/io_file.h"
#include "core/os/scratch.h"

enum {
    FILES = 64,             /* the store's own, and seeds */
    PIECE_BYTES = 256 << 10 /* of a seed, read at once */
};

/* Where an entry is: the file's number above, the block's in it below. */
enum { BLOCK_BITS = 40 };

struct content_store {
    struct content_key key;
    struct content_index index;
    uint64_t *place; /* owned: of each entry */
    uint32_t room;   /* of these */
    int fd;          /* owned: file 0 */
    uint64_t own_bytes, most_bytes;
    bool full, over;                /* nothing more is kept; no entry can be made any more */
    struct io_file_in *file[FILES]; /* owned: the others */
    bool copies[FILES];             /* that one is not to be relied upon later */
    unsigned files, scanned;        /* seeds before `scanned` have been read ... */
    uint64_t scanned_bytes;         /* ... and of that one so much */
    bool told_change;
    uint8_t piece[PIECE_BYTES];
};

enum err content_store_new(const char *folder, uint64_t most_bytes,
                           const uint8_t seed[CONTENT_SEED_BYTES], struct content_store **out)
{
    struct content_store *s = heap_alloc(sizeof *s);

    *out = NULL;
    if (!s)
        return ERR_MEMORY;
    content_print_key(&s->key, seed);
    s->files = s->scanned = 1;
    s->most_bytes = most_bytes;
    enum err e = scratch_open(folder, &s->fd);
    if (e) {
        content_store_free(s);
        return e;
    }
    *out = s;
    return OK;
}

void content_store_free(struct content_store *s)
{
    if (!s)
        return;
    scratch_close(s->fd);
    for (unsigned i = 1; i < s->files; i++)
        io_file_close_in(s->file[i]);
    content_index_release(&s->index);
    heap_free(s->place);
    heap_free(s);
}

const struct content_key *content_store_key(const struct content_store *s)
{
    return &s->key;
}

const uint64_t *content_store_names(const struct content_store *s, uint32_t *n)
{
    *n = s->index.n;
    return s->index.name;
}

uint64_t content_store_bytes(const struct content_store *s)
{
    return s->own_bytes;
}

static enum err add_file(struct content_store *s, const char *path, bool copies)
{
    if (s->files == FILES) {
        log_error("%s is one file too many to look for known content in", path);
        return ERR_LIMIT;
    }
    enum err e = io_file_open_in(path, &s->file[s->files]);
    if (e == ERR_NOT_FOUND)
        log_error("there is no %s to look for known content in", path);
    if (!e)
        s->copies[s->files++] = copies;
    return e;
}

enum err content_store_seed(struct content_store *s, const char *path)
{
    return add_file(s, path, false);
}

enum err content_store_copy(struct content_store *s, const char *path)
{
    return add_file(s, path, true);
}

/* ---- entries ---- */

static bool is_zero(const uint8_t *block)
{
    return block[0] == 0 && memcmp(block, block + 1, CONTENT_BLOCK_BYTES - 1) == 0;
}

static enum err add(struct content_store *s, uint64_t name, uint64_t place)
{
    if (s->index.n == s->room) {
        uint32_t room = s->room ? s->room * 2 : 4096;
        uint64_t *wider = heap_array(room, sizeof *wider);
        if (!wider)
            return ERR_MEMORY;
        if (s->room)
            memcpy(wider, s->place, s->room * sizeof *wider);
        heap_free(s->place);
        s->place = wider;
        s->room = room;
    }
    enum err e = content_index_add(&s->index, name);
    if (!e)
        s->place[s->index.n - 1] = place;
    return e;
}

static void be_full(struct content_store *s, const char *why)
{
    s->full = true;
    log_info("no more known content is kept: %s", why);
}

/* Adds a block at a place of seed number `file`, or to the store's own file (0). */
static void take(struct content_store *s, const uint8_t *block, unsigned file, uint64_t at)
{
    uint64_t name;
    uint32_t there;

    if (s->over || (s->full && file == 0) || is_zero(block))
        return;
    name = content_print_of(&s->key, block).name;
    if (content_index_find(&s->index, name, &there))
        return;
    if (file == 0) {
        if (s->own_bytes + CONTENT_BLOCK_BYTES > s->most_bytes) {
            be_full(s, "it has as much as it may");
            return;
        }
        if (scratch_write(s->fd, s->own_bytes, bytes_of(block, CONTENT_BLOCK_BYTES))) {
            be_full(s, "it could not be written");
            return;
        }
        at = s->own_bytes / CONTENT_BLOCK_BYTES;
        s->own_bytes += CONTENT_BLOCK_BYTES;
    }
    enum err e = add(s, name, (uint64_t)file << BLOCK_BITS | at);
    if (e) {
        s->over = true;
        be_full(s, err_text(e));
    }
}

void content_store_keep(struct content_store *s, const uint8_t block[CONTENT_BLOCK_BYTES])
{
    take(s, block, 0, 0);
}

/* ---- seeds ---- */

/* Reads the next piece of the seed that is read; false: it is at its end, or cannot be read. */
static bool scan_piece(struct content_store *s)
{
    struct io_file_in *f = s->file[s->scanned];
    unsigned to = s->copies[s->scanned] ? 0 : s->scanned;
    uint64_t data = io_file_next_data(f, s->scanned_bytes);
    size_t got = 0;

    if (data == UINT64_MAX || (to == 0 && s->full))
        return false;
    s->scanned_bytes = data & ~(uint64_t)(CONTENT_BLOCK_BYTES - 1);
    if (f->at.read_at(&f->at, s->scanned_bytes, s->piece, sizeof s->piece, &got))
        return false;
    for (size_t n = 0; n + CONTENT_BLOCK_BYTES <= got; n += CONTENT_BLOCK_BYTES)
        take(s, s->piece + n, to, (s->scanned_bytes + n) / CONTENT_BLOCK_BYTES);
    s->scanned_bytes += got;
    return got == sizeof s->piece;
}

/* One that was copied is needed no more, and its number can be another's. */
static void end_file(struct content_store *s)
{
    s->scanned_bytes = 0;
    if (!s->copies[s->scanned]) {
        s->scanned++;
        return;
    }
    io_file_close_in(s->file[s->scanned]);
    s->files--;
    for (unsigned i = s->scanned; i < s->files; i++) {
        s->file[i] = s->file[i + 1];
        s->copies[i] = s->copies[i + 1];
    }
}

bool content_store_scan(struct content_store *s, uint64_t bytes)
{
    for (uint64_t done = 0; done < bytes && s->scanned < s->files && !s->over; done += PIECE_BYTES)
        if (!scan_piece(s)) {
            end_file(s);
        }
    return s->scanned < s->files && !s->over;
}

/* ---- reading ---- */

enum err content_store_get(struct content_store *s, uint64_t entry, uint8_t to[CONTENT_BLOCK_BYTES],
                           uint64_t *check)
{
    enum err e;

    if (entry >= s->index.n)
        return ERR_MALFORMED;
    unsigned file = (unsigned)(s->place[entry] >> BLOCK_BITS);
    uint64_t at = (s->place[entry] & ((1ull << BLOCK_BITS) - 1)) * CONTENT_BLOCK_BYTES;
    if (file == 0) {
        e = scratch_read(s->fd, at, to, CONTENT_BLOCK_BYTES);
    } else {
        size_t got = 0;
        e = s->file[file]->at.read_at(&s->file[file]->at, at, to, CONTENT_BLOCK_BYTES, &got);
        if (!e && got < CONTENT_BLOCK_BYTES)
            e = ERR_VERIFY;
    }
    if (e && e != ERR_VERIFY)
        return e;
    struct content_print p = {0};
    if (!e)
        p = content_print_of(&s->key, to);
    *check = p.check;
    if (!e && p.name == s->index.name[entry])
        return OK;
    if (!s->told_change)
        log_error("%s has been changed, whose content was to be used",
                  file ? s->file[file]->path : "the store");
    s->told_change = true;
    return ERR_VERIFY;
}
