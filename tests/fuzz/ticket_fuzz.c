/* Tickets, and targets where there is no scheme: what is read prints, and prints the same again. */

#include "core/base/check.h"
#include "core/crypt/ticket.h"
#include "tests/fuzz/fuzz.h"

static void try_ticket(struct bytes text)
{
    char printed[TICKET_TEXT_CHARS];
    struct ticket t, again;
    struct target_error why;

    if (ticket_parse(text, &t, &why) != OK) {
        CHECK(why.at <= text.n && why.reason);
        return;
    }
    ticket_print(&t, printed);
    CHECK(ticket_parse(bytes_of_string(printed), &again, &why) == OK);
    CHECK(memcmp(&t, &again, sizeof t) == 0);
}

static void try_target(struct bytes text, enum target_use use)
{
    char printed[TARGET_TEXT_CHARS];
    struct target t, again;
    struct target_error why;

    if (target_parse(text, use, &t, &why) != OK) {
        CHECK(why.at <= text.n && why.reason);
        return;
    }
    CHECK(t.host[0] && (t.port || use == TARGET_LISTEN));
    target_print(&t, printed);
    CHECK(target_parse(bytes_of_string(printed), use, &again, &why) == OK);
    CHECK(target_compare(&t, &again) == 0 && memcmp(&t, &again, sizeof t) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    uint8_t *copy = fuzz_copy(data, n);
    struct bytes text = bytes_of(copy, n);

    try_ticket(text);
    if (!ticket_is(text)) {
        try_target(text, TARGET_REACH);
        try_target(text, TARGET_LISTEN);
    }
    free(copy);
    return 0;
}
