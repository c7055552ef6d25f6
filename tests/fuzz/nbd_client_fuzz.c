/* What an NBD server says: whatever comes, in two pieces, is taken or ends it. */
#include "core/base/check.h"
#include "core/nbd/nbd_client.h"
#include "tests/fuzz/fuzz.h"

static enum err hear(struct nbd_client *c)
{
    struct nbd_client_news n;
    enum err e;

    while (nbd_client_next(c, &n, &e)) {
        if (n.kind == NBD_CLIENT_DONE) {
            CHECK(n.tag >= 1 && n.tag <= 3 && (n.data.n == 0 || (n.tag == 1 && n.data.n == 16)));
            continue;
        }
        e = nbd_client_do(c, 1, NBD_READ, 0, 0, 16, bytes_of(NULL, 0));
        if (!e)
            e = nbd_client_do(c, 2, NBD_WRITE, 0, 8, 4, bytes_of("abcd", 4));
        if (!e)
            e = nbd_client_do(c, 3, NBD_FLUSH, 0, 0, 0, bytes_of(NULL, 0));
        CHECK(!e || e == ERR_UNSUPPORTED || e == ERR_MEMORY);
    }
    CHECK(nbd_client_waiting(c) <= 3);
    return e;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct nbd_client *c;

    if (n < 2)
        return 0;
    uint8_t *copy = fuzz_copy(data + 1, n - 1);
    size_t cut = data[0] % n;
    CHECK(nbd_client_new("disk", &c) == OK);
    enum err e = nbd_client_input(c, bytes_of(copy, cut));
    if (!e)
        e = hear(c);
    if (!e)
        e = nbd_client_input(c, bytes_of(copy + cut, n - 1 - cut));
    if (!e)
        e = hear(c);
    nbd_client_free(c);
    free(copy);
    return 0;
}
