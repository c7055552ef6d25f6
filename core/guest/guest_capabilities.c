#include "core/guest/guest_capabilities.h"

#include <string.h>

#include "core/base/num.h"
#include "core/base/utf8.h"

enum want { OFF, ON, AS_IT_IS };

static const struct {
    const char *name;
    enum want at[2];
} table[] = {
    /* The source's guest must not go on by itself once all has arrived, nor before that be lost. */
    {"return-path", {ON, ON}},
    /* A moment in which the guest stands, and its disks can be brought to an end. */
    {"pause-before-switchover", {ON, AS_IT_IS}},
    {"events", {ON, ON}},
    /* Without it the destination, paused, keeps the locks of images that the source needs when it
     * goes on after all. */
    {"late-block-activate", {AS_IT_IS, ON}},
    /* How the guest is treated, not what is sent. */
    {"auto-converge", {AS_IT_IS, AS_IT_IS}},
    {"dirty-limit", {AS_IT_IS, AS_IT_IS}},
};

void guest_capabilities_hear(struct guest_capabilities *c, const struct json_value *value)
{
    c->n = 0;
    for (size_t i = 0; i < json_count(value) && c->n < GUEST_CAPABILITIES; i++) {
        const struct json_value *v = json_item(value, i);
        const char *name = json_text(json_member(v, "capability"));
        if (!name || strlen(name) > LIMIT_NAME_CHARS)
            continue;
        utf8_clean(bytes_of_string(name), c->is[c->n].name, sizeof c->is[0].name);
        c->is[c->n++].on = json_flag(json_member(v, "state"));
    }
}

bool guest_capabilities_wanted(enum guest_side side, const char *name, bool now)
{
    for (size_t i = 0; i < COUNT_OF(table); i++)
        if (strcmp(table[i].name, name) == 0)
            return table[i].at[side] == AS_IT_IS ? now : table[i].at[side] == ON;
    return false;
}

struct json *guest_capabilities_change(const struct guest_capabilities *c, enum guest_side side,
                                       bool back)
{
    struct json *j = json_new(), *list = json_new_list();

    for (int on = 0; on < 2; on++)
        for (size_t i = 0; i < c->n; i++) {
            bool was = c->is[i].on, wanted = guest_capabilities_wanted(side, c->is[i].name, was);
            if (was == wanted || (back ? was : wanted) != on)
                continue;
            struct json *one = json_new();
            json_put_string(one, "capability", c->is[i].name);
            json_put_bool(one, "state", on);
            json_append(list, one);
        }
    json_put(j, "capabilities", list);
    return j;
}
