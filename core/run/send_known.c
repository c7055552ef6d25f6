#include "core/run/send_known.h"

#include "core/base/log.h"
#include "core/crypt/key.h"

_Static_assert((int)CONTENT_SEED_BYTES == (int)KEY_BYTES, "it is told as keys are");

enum err send_known_begin(struct send_known *k, struct peer *p, const struct json_value *accept)
{
    const struct json_value *known = json_member(accept, "known");
    const char *text = json_text(json_member(known, "seed"));
    int64_t entries = json_int(json_member(known, "entries"), -1);
    uint8_t seed[KEY_BYTES];

    if (!text || entries < 0 || key_from_text(bytes_of_string(text), seed))
        return OK;
    log_debug("the destination has %lld blocks already", (long long)entries);
    known_list_init(&k->list, seed, (uint64_t)entries);
    return channel_end_call(p, "known", &k->end);
}

bool send_known_wake(struct send_known *k, uint64_t stream)
{
    if (!k->end || channel_end_stream(k->end) != stream)
        return false;
    channel_end_wake(k->end);
    if (channel_end_stage(k->end) == CHANNEL_ASKED)
        return true;
    enum err e = known_list_hear(&k->list, k->end);
    if (e != ERR_AGAIN) {
        log_debug("the destination tells no more of what it has: %s", err_text(e));
        send_known_cut(k);
    }
    return true;
}

bool send_known_whole(const struct send_known *k)
{
    return !k->end || known_list_whole(&k->list);
}

void send_known_cut(struct send_known *k)
{
    channel_end_free(k->end);
    k->end = NULL;
}

void send_known_release(struct send_known *k)
{
    send_known_cut(k);
    known_list_release(&k->list);
}
