#include "core/os/os.h"

#include <errno.h>
#include <stdatomic.h>

#include "core/base/check.h"

/* `armed` counts kinds that are set: while it is 0, one load is the whole cost of a call. */
static atomic_int armed;
static struct {
    _Atomic uint64_t in; /* calls until the one that fails; 0 is off */
    atomic_int error;
    atomic_bool forever, fired;
} faults[OS_CALL_COUNT];

static void set(enum os_call call, uint64_t nth, int error, bool forever)
{
    CHECK((unsigned)call < OS_CALL_COUNT);
    uint64_t before = atomic_exchange(&faults[call].in, 0);
    atomic_store(&faults[call].error, error);
    atomic_store(&faults[call].forever, forever);
    atomic_store(&faults[call].fired, false);
    atomic_store(&faults[call].in, nth);
    atomic_fetch_add(&armed, (nth != 0) - (before != 0));
}

void os_fail_at(enum os_call call, uint64_t nth, int error)
{
    set(call, nth, error, false);
}

void os_fail_from(enum os_call call, uint64_t nth, int error)
{
    set(call, nth, error, true);
}

bool os_fault_fired(enum os_call call)
{
    return atomic_load(&faults[call].fired);
}

static bool count_down(enum os_call call)
{
    uint64_t in = atomic_load(&faults[call].in), next;
    bool forever = atomic_load(&faults[call].forever);

    do {
        if (in == 0)
            return false;
        next = in > 1 ? in - 1 : forever;
    } while (!atomic_compare_exchange_weak(&faults[call].in, &in, next));
    if (in > 1)
        return false;
    if (!forever)
        atomic_fetch_sub(&armed, 1);
    atomic_store(&faults[call].fired, true);
    errno = atomic_load(&faults[call].error);
    return true;
}

bool os_fails(enum os_call call)
{
    if (__builtin_expect(atomic_load_explicit(&armed, memory_order_relaxed) == 0, 1))
        return false;
    return count_down(call) || count_down(OS_ANY);
}
