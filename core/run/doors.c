#include "core/run/doors.h"

#include "core/base/check.h"
#include "core/base/log.h"

uint8_t doors_number(struct doors *d, const struct addr *local)
{
    if (local->family == ADDR_NONE || addr_is_any(local))
        return 0;
    /* Nearly all come to the same one as that before. */
    if (d->last < d->count && addr_equal(&d->list[d->last], local))
        return (uint8_t)(d->last + 1);
    for (size_t i = 0; i < d->count; i++)
        if (addr_equal(&d->list[i], local)) {
            d->last = i;
            return (uint8_t)(i + 1);
        }
    if (d->count == DOORS_MAX) {
        if (!d->full)
            log_warn("called at more than %d addresses: routing chooses for the others", DOORS_MAX);
        d->full = true;
        return 0;
    }
    d->last = d->count;
    d->list[d->count++] = *local;
    return (uint8_t)d->count;
}

struct addr doors_address(const struct doors *d, uint8_t number)
{
    CHECK(number <= d->count);
    return number ? d->list[number - 1] : (struct addr){.family = ADDR_NONE};
}
