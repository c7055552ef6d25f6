#include "core/run/gate.h"

#include <stdio.h>
#include <string.h>

#include "core/base/heap.h"
#include "core/base/log.h"
#include "core/base/parse.h"
#include "core/crypt/crypt.h"
#include "core/crypt/role.h"
#include "core/os/file.h"

enum { TELL_US = 1000000, TELL_SAME_US = 30000000 };

/* ---- keys ---- */

static enum err read_keys(const struct gate *g, struct authorized *out, bool must,
                          struct reason *reason)
{
    struct keyfile_error why = {0};
    struct buf text;

    buf_init(&text, LIMIT_KEYFILE_BYTES);
    enum err e = file_read(g->path, false, &text);
    if (e == ERR_NOT_FOUND && !must) {
        buf_release(&text);
        return OK;
    }
    if (e == ERR_NOT_FOUND)
        reason_give(reason, e, "no such file of authorized keys: %.120s", g->path);
    if (!e) {
        e = authorized_parse(out, buf_bytes(&text), &why);
        if (e)
            reason_give(reason, e, "%.100s line %u: %.80s", g->path, why.line, why.reason);
    }
    buf_release(&text);
    return e;
}

void gate_reload(struct gate *g)
{
    struct authorized fresh = {0};
    struct reason why = {""};

    if (!g->path[0])
        return;
    if (read_keys(g, &fresh, g->config.authorized != NULL, &why)) {
        log_error("the keys stay as they were: %s", why.text);
        return;
    }
    authorized_release(&g->keys);
    g->keys = fresh;
}

static uint32_t roles_of(const struct gate *g, const uint8_t *key)
{
    const struct authorized_key *k = authorized_find(&g->keys, key);

    return (k ? k->roles : 0) | invite_roles(g->invites, key);
}

bool gate_knows(const struct gate *g, const uint8_t *key)
{
    return roles_of(g, key) & g->config.needed;
}

/* ---- the listener's questions ---- */

/* Whoever has come to nothing is told so; so is whoever reads the log here, who can let him in.
 * Each once in a while, however often they come. */
static void tell_refused(struct gate *g, uint64_t now_us, const uint8_t *key, const char *why)
{
    char text[KEY_TEXT_CHARS + 1];
    bool same = memcmp(g->told_key, key, KEY_BYTES) == 0;

    if (g->told_us && now_us - g->told_us < (same ? TELL_SAME_US : TELL_US))
        return;
    memcpy(g->told_key, key, KEY_BYTES);
    g->told_us = now_us;
    key_to_text(key, text);
    log_info("refused %s: %s", text, why);
}

static void decide(struct gate *g, uint64_t now_us, const uint8_t *key, const uint8_t *token_id,
                   struct listener_verdict *out)
{
    const struct invite *invite = NULL;

    *out =
        (struct listener_verdict){.reason = "this key is not authorized at that host: it goes into "
                                            "its authorized_keys, with a role"};
    if (token_id) {
        enum invite_verdict v = invite_find(g->invites, token_id, key, now_us, &invite);
        out->reason = invite_reason(v);
        if (!invite)
            return;
        out->psk = invite->secret;
        out->roles = invite->roles;
    }
    out->roles |= roles_of(g, key);
    out->welcome = out->roles & g->config.needed;
    if (!out->welcome && out->roles)
        out->reason = "this key is authorized for other work than this";
}

static void judge(void *context, uint64_t now_us, const uint8_t *key, const uint8_t *token_id,
                  struct listener_verdict *out)
{
    decide(context, now_us, key, token_id, out);
    if (!out->welcome)
        tell_refused(context, now_us, key, out->reason);
}

static const char *enrol(void *context, uint64_t now_us, const uint8_t *key,
                         const uint8_t *token_id)
{
    struct gate *g = context;

    if (!token_id)
        return NULL;
    enum invite_verdict v = invite_enrol(g->invites, token_id, key, now_us);
    return v == INVITE_GOOD ? NULL : invite_reason(v);
}

struct listener_auth gate_auth(struct gate *g)
{
    return (struct listener_auth){.context = g, .judge = judge, .enrol = enrol};
}

/* ---- opening ---- */

/* Reads "ROLE[,uses=N]". */
static enum err read_invite(const struct gate_config *c, uint32_t *roles, uint64_t *uses,
                            struct run *run)
{
    const char *comma = strchr(c->invite, ','), *end = c->invite + strlen(c->invite);
    enum err e =
        role_parse(bytes_of(c->invite, (size_t)((comma ? comma : end) - c->invite)), roles);

    *uses = 1;
    if (!e && comma)
        e = strncmp(comma, ",uses=", 6) == 0
                ? parse_number(bytes_of(comma + 6, (size_t)(end - comma - 6)), uses)
                : ERR_MALFORMED;
    if (e || !(*roles & c->needed) || *uses == 0 || *uses > LIMIT_PEERS)
        return reason_give(
            &run->reason, ERR_USAGE,
            "--invite=%.60s: wanted a role (view or control), then perhaps ,uses=N (1 to %d)",
            c->invite, LIMIT_PEERS);
    return OK;
}

static enum err make_invite(struct gate *g, uint64_t now_us, struct run *run)
{
    struct rng rng = crypt_rng();
    uint32_t roles = g->config.invite_roles;
    uint64_t uses = INVITE_ANY_USES;
    uint64_t life = g->config.invite_for_us;

    if (!roles && !g->config.invite)
        return OK;
    if (!roles) {
        enum err e = read_invite(&g->config, &roles, &uses, run);
        if (e)
            return e;
    }
    return invite_add(g->invites, &rng, now_us, roles, (uint32_t)uses,
                      life && life < INVITE_NEVER - now_us ? now_us + life : INVITE_NEVER,
                      &g->invite);
}

static bool anybody(const struct gate *g)
{
    for (size_t i = 0; i < g->keys.count; i++)
        if (g->keys.keys[i].roles & g->config.needed)
            return true;
    return g->invite != NULL;
}

static enum err find_path(struct gate *g, struct run *run)
{
    struct folder_user user = folder_user_here();
    enum err e = OK;

    if (g->config.authorized) {
        if (strlen(g->config.authorized) >= sizeof g->path)
            return reason_give(&run->reason, ERR_USAGE, "--authorized: the path is too long");
        snprintf(g->path, sizeof g->path, "%s", g->config.authorized);
    } else {
        e = folder_path(&user, FOLDER_CONFIG, "authorized_keys", g->path);
    }
    if (e)
        g->path[0] = 0; /* no folders: invitations alone */
    return OK;
}

enum err gate_open(struct gate *g, const struct gate_config *config, uint64_t now_us,
                   struct run *run)
{
    char role[ROLE_TEXT_CHARS];

    memset(g, 0, sizeof *g);
    g->config = *config;
    role_print(config->needed & ~(uint32_t)ROLE_CONTROL, role);
    g->invites = heap_alloc(sizeof *g->invites);
    if (!g->invites)
        return ERR_MEMORY;
    invite_init(g->invites);
    enum err e = find_path(g, run);
    if (!e && g->path[0])
        e = read_keys(g, &g->keys, config->authorized != NULL, &run->reason);
    if (!e)
        e = make_invite(g, now_us, run);
    if (!e && !anybody(g))
        e = reason_give(&run->reason, ERR_USAGE,
                        "nobody could come in: add a line `KEY %s` to %.90s, or give --invite",
                        role, g->path[0] ? g->path : "a file named with --authorized");
    return e;
}

void gate_release(struct gate *g)
{
    authorized_release(&g->keys);
    if (g->invites)
        invite_release(g->invites);
    heap_free(g->invites);
    g->invites = NULL;
}
