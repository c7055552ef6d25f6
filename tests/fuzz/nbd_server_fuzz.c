/* What an NBD client says: whatever comes, in two pieces, is served, refused or ends it. */
#include "core/base/check.h"
#include "core/nbd/nbd_server.h"
#include "tests/fuzz/fuzz.h"

enum { DISK_BYTES = 8192 };

static enum err serve(struct nbd_server *s)
{
    static const uint8_t disk[DISK_BYTES];
    static const struct nbd_extent extent = {.length = DISK_BYTES};
    struct nbd_request r;
    enum err e;

    while (nbd_server_next(s, &r, &e) && !e) {
        CHECK(r.offset <= DISK_BYTES && r.length <= DISK_BYTES - r.offset);
        CHECK(r.data.n == (r.command == NBD_WRITE ? r.length : 0));
        if (r.command == NBD_READ)
            e = nbd_server_reply_data(s, &r, bytes_of(disk, r.length));
        else if (r.command == NBD_BLOCK_STATUS)
            e = nbd_server_reply_extents(s, &r, &extent, 1);
        else
            e = nbd_server_reply(s, &r, r.flags & NBD_FLAG_FUA ? NBD_EIO : NBD_OK);
        nbd_server_sent(s, nbd_server_output(s).n);
        if (e)
            return e;
    }
    CHECK(!e || e == ERR_END || e == ERR_MALFORMED || e == ERR_REFUSED || e == ERR_MEMORY);
    return e;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const struct nbd_export exports[] = {
        {.name = "a", .size_bytes = DISK_BYTES, .flags = 0x0d6d & ~NBD_READ_ONLY},
        {.name = "b", .size_bytes = DISK_BYTES, .flags = NBD_READ_ONLY, .least_bytes = 512}};
    struct nbd_server *s;

    if (n < 2)
        return 0;
    uint8_t *copy = fuzz_copy(data + 1, n - 1);
    size_t cut = data[0] % n;
    CHECK(nbd_server_new(exports, 2, &s) == OK);
    enum err e = nbd_server_input(s, bytes_of(copy, cut));
    if (!e)
        e = serve(s);
    if (!e)
        e = nbd_server_input(s, bytes_of(copy + cut, n - 1 - cut));
    if (!e)
        e = serve(s);
    CHECK(e || nbd_server_wants(s));
    nbd_server_free(s);
    free(copy);
    return 0;
}
