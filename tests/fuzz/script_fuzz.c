/* An input script, fed in pieces whose size the first byte gives and carried out as it comes. */

#include "core/base/check.h"
#include "core/base/num.h"
#include "core/base/utf8.h"
#include "core/screen/keysym.h"
#include "core/screen/script.h"
#include "core/screen/script_line.h"
#include "tests/fuzz/fuzz.h"

/* Whatever a key types can be written down, read back and typed again. */
static void check_key(uint32_t keysym)
{
    uint32_t code = keysym_to_code(keysym), again = 0;
    const char *name = keysym_name(keysym);
    uint8_t text[UTF8_MAX_BYTES];

    CHECK(keysym != KEYSYM_NONE);
    CHECK(!name || keysym_of_name(bytes_of_string(name)) != KEYSYM_NONE);
    if (code == 0)
        return;
    struct bytes left = bytes_of(text, utf8_put(code, text));
    CHECK(keysym_of_name(left) == keysym_of_code(code));
    CHECK(utf8_next(&left, &again) && again == code && left.n == 0);
}

/* Carries out what is there: keys and buttons that go down must come up when the line says both. */
static void carry_out(struct script *s, uint64_t *now_us)
{
    struct input_event e;
    enum script_result r;

    while ((r = script_next(s, *now_us, &e)) != SCRIPT_MORE && r != SCRIPT_END) {
        if (r == SCRIPT_ACT) {
            if (e.kind == INPUT_KEY)
                check_key(e.keysym);
            CHECK(e.kind != INPUT_BUTTON || (e.button >= 1 && e.button <= SCRIPT_LINE_BUTTON));
        } else if (r == SCRIPT_WAIT) {
            CHECK(script_deadline_us(s) > *now_us);
            *now_us = script_deadline_us(s);
            if (*now_us == UINT64_MAX)
                return;
        } else {
            script_synced(s);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct script s;
    struct script_error error;
    uint64_t now_us = 0;
    enum err e = OK;
    size_t step = n && data[0] ? data[0] : n + 1;

    script_init(&s);
    for (size_t at = n > 0; at < n && e == OK; at += step) {
        size_t piece = num_min(step, n - at);
        uint8_t *copy = fuzz_copy(data + at, piece);
        e = script_feed(&s, bytes_of(copy, piece), &error);
        free(copy);
        carry_out(&s, &now_us);
    }
    if (e == OK)
        e = script_finish(&s, &error);
    carry_out(&s, &now_us);
    if (e == ERR_MALFORMED || e == ERR_LIMIT)
        CHECK(error.line > 0 && error.column > 0 && error.reason[0]);
    script_release(&s);
    return 0;
}
