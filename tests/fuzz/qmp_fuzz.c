/* What a QEMU monitor says: whatever comes, in two pieces, is taken or refused. */

#include <string.h>

#include "core/base/check.h"
#include "core/qmp/qmp.h"
#include "tests/fuzz/fuzz.h"

static enum err drain(struct qmp *q)
{
    struct qmp_news n;
    enum err e;

    while (qmp_next(q, &n, &e)) {
        CHECK(n.kind == QMP_GREETED || n.kind == QMP_TOLD || n.tag > 0);
        CHECK((n.kind == QMP_FAILED || n.kind == QMP_TOLD) == (n.text != NULL));
        CHECK(!n.text || strlen(n.text) < 1 << 24);
        CHECK(n.at_us >= 0);
    }
    return e;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n < 2)
        return 0;
    uint8_t *copy = fuzz_copy(data + 1, n - 1);
    size_t cut = data[0] % n;
    struct qmp *q;

    CHECK(qmp_new(&q) == OK);
    enum err e = qmp_input(q, bytes_of(copy, cut));
    if (!e)
        e = drain(q);
    if (!e)
        e = qmp_input(q, bytes_of(copy + cut, n - 1 - cut));
    if (!e)
        e = drain(q);
    qmp_free(q);
    free(copy);
    return 0;
}
