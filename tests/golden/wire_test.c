/* Every packet, frame, desktop and trial message, good and bad, as tests/ref/wire_ref.py makes them
 * from the docs: read with the meaning that stands beside them, and written the same. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/num.h"
#include "core/os/file.h"
#include "core/wire/desk.h"
#include "core/wire/frame.h"
#include "core/wire/hello.h"
#include "core/wire/packet.h"
#include "core/wire/trial.h"
#include "tests/unit/test.h"

enum { ROOM = 8192 };

/* What was read, in words, and what is written for it. */
static struct {
    char text[4 * ROOM];
    size_t text_n;
    uint8_t space[ROOM];
    struct wr again;
} out;

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void say(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int n = vsnprintf(out.text + out.text_n, sizeof out.text - out.text_n, format, args);
    va_end(args);
    out.text_n = num_min(out.text_n + (size_t)n, sizeof out.text - 1);
}

static void say_hex(const char *before, const void *bytes, size_t n)
{
    const uint8_t *p = bytes;

    say("%s%s", before, n ? "" : "-");
    for (size_t i = 0; i < n; i++)
        say("%02x", p[i]);
}

static void say_bytes(const char *before, struct bytes b)
{
    say_hex(before, b.p, b.n);
}

/* ---- packets ---- */

static enum err read_long(struct bytes b)
{
    static const char *const names[] = {"", "HELLO", "COOKIE", "INIT", "RESPONSE"};
    struct packet_long p;
    enum err e = packet_decode_long(b, &p);

    if (e)
        return e;
    say("%s version=%d", names[p.type], p.version);
    say_hex(" cid=", p.cid, sizeof p.cid);
    if (p.type == PACKET_RESPONSE)
        say_hex(" server_cid=", p.server_cid, sizeof p.server_cid);
    else
        say_hex(" nonce=", p.nonce, sizeof p.nonce);
    if (p.type == PACKET_COOKIE) {
        say_hex(" key=", p.server_key, sizeof p.server_key);
        say(" ciphers=%d", p.ciphers);
    }
    if (p.type == PACKET_INIT)
        say(" ciphers=%d cipher=%d kind=%d", p.ciphers, p.cipher, p.proof_kind);
    if (p.type == PACKET_COOKIE || p.type == PACKET_INIT)
        say_bytes(" proof=", p.proof);
    if (p.type == PACKET_INIT || p.type == PACKET_RESPONSE)
        say_bytes(" noise=", p.noise);
    packet_encode_long(&p, &out.again);
    return OK;
}

static enum err read_data(struct bytes b)
{
    struct packet_data p;
    enum err e = packet_is_data(b) ? packet_decode_data(b, &p) : ERR_MALFORMED;

    if (e)
        return e;
    say("DATA phase=%d", p.phase);
    say_hex(" cid=", p.cid, sizeof p.cid);
    say(" number=%" PRIu32 " sealed=%zu", p.number, p.sealed.n);
    packet_encode_data(&p, &out.again);
    wr_bytes(&out.again, p.sealed);
    return OK;
}

static void say_params(const struct hello_params *p)
{
    say("compatible=%" PRIu32 " incompatible=%" PRIu32 " data=%" PRIu64 " stream=%" PRIu64
        " delay=%" PRIu64,
        p->compatible, p->incompatible, p->max_data, p->max_stream_data, p->max_ack_delay_us);
}

static enum err read_client(struct bytes b)
{
    struct hello_client h;
    enum err e = hello_get_client(b, &h);

    if (e)
        return e;
    say_params(&h.params);
    say_hex(" invitation=", h.token_id, h.has_token ? sizeof h.token_id : 0);
    hello_put_client(&out.again, &h);
    return OK;
}

static enum err read_server(struct bytes b)
{
    struct hello_server h;
    enum err e = hello_get_server(b, &h);

    if (e)
        return e;
    say_params(&h.params);
    say(" verdict=%d roles=%" PRIu32, (int)h.verdict, h.roles);
    say_bytes(" reason=", bytes_of_string(h.reason));
    hello_put_server(&out.again, &h);
    return OK;
}

/* ---- frames ---- */

static void say_ack(const struct frame *f)
{
    say("ACK delay=%" PRIu64 " arrival=%" PRIu32 " ect0=%" PRIu64 " ce=%" PRIu64, f->ack.delay_us,
        f->ack.arrival_us, f->ack.ect0, f->ack.ce);
    for (uint32_t i = 0; i < f->ack.count; i++)
        say(" %" PRIu64 "-%" PRIu64, f->ack.range[i].first, f->ack.range[i].last);
}

static void say_frame(const struct frame *f)
{
    switch (f->type) {
    case FRAME_PING:
        say("PING");
        break;
    case FRAME_ACK:
        say_ack(f);
        break;
    case FRAME_STREAM:
        say("STREAM fin=%d id=%" PRIu64 " offset=%" PRIu64, f->fin, f->id, f->offset);
        say_bytes(" ", f->data);
        break;
    case FRAME_RESET_STREAM:
        say("RESET_STREAM id=%" PRIu64 " code=%" PRIu64 " size=%" PRIu64, f->id, f->code, f->value);
        break;
    case FRAME_STOP_SENDING:
        say("STOP_SENDING id=%" PRIu64 " code=%" PRIu64, f->id, f->code);
        break;
    case FRAME_MAX_DATA:
        say("MAX_DATA %" PRIu64, f->value);
        break;
    case FRAME_MAX_STREAM_DATA:
        say("MAX_STREAM_DATA id=%" PRIu64 " %" PRIu64, f->id, f->value);
        break;
    case FRAME_MESSAGE:
        say("MESSAGE channel=%d id=%" PRIu64 " total=%" PRIu64 " offset=%" PRIu64, f->channel,
            f->id, f->total, f->offset);
        say_bytes(" ", f->data);
        break;
    case FRAME_DROP_MESSAGE:
        say("DROP_MESSAGE first=%" PRIu64 " count=%" PRIu64, f->id, f->value);
        break;
    case FRAME_PATH_CHALLENGE:
        say_bytes("PATH_CHALLENGE ", f->data);
        break;
    case FRAME_PATH_RESPONSE:
        say_bytes("PATH_RESPONSE ", f->data);
        break;
    case FRAME_CLOSE:
        say("CLOSE code=%" PRIu64, f->code);
        say_bytes(" ", f->data);
        break;
    case FRAME_NEW_TOKEN:
        say_bytes("NEW_TOKEN ", f->data);
        break;
    case FRAME_PADDING:
    case FRAME_TYPES:
        say("?");
    }
}

static enum err read_frames(struct bytes b)
{
    struct rd r = rd_of(b);
    struct frame f;
    enum err e;

    for (unsigned n = 0; (e = frame_next(&r, &f)) == OK; n++) {
        say("%s", n ? "; " : "");
        say_frame(&f);
        size_t before = out.again.n;
        frame_put(&out.again, &f);
        /* What is said of the room that a frame needs must be true. */
        size_t used = out.again.n - before - f.data.n;
        if ((f.type == FRAME_STREAM && used > frame_stream_overhead(f.id, f.offset)) ||
            (f.type == FRAME_MESSAGE && used > frame_message_overhead(f.id, f.offset, f.total)))
            return ERR_VERIFY;
    }
    return e == ERR_END ? OK : e;
}

/* ---- the desktop channel ---- */

static enum err read_record(struct bytes b)
{
    struct desk_record r;
    size_t used;
    enum err e = desk_get_record(b, &r, &used);

    if (e)
        return e;
    switch ((int)r.kind) {
    case DESK_INPUT:
        say("INPUT number=%" PRIu64 " act=%d down=%d keysym=%" PRIu32 " scancode=%" PRIu32
            " button=%" PRIu32 " x=%" PRId32 " y=%" PRId32,
            r.sequence, r.input_kind, r.down, r.keysym, r.scancode, r.button, r.x, r.y);
        break;
    case DESK_EXACT:
        say("EXACT number=%" PRIu64 " epoch=%" PRIu32 " version=%" PRIu32, r.sequence, r.epoch,
            r.version);
        say_hex(" hash=", r.hash, sizeof r.hash);
        break;
    case DESK_PROVEN:
        say("PROVEN epoch=%" PRIu32 " version=%" PRIu32, r.epoch, r.version);
        say_hex(" hash=", r.hash, sizeof r.hash);
        break;
    case DESK_REFRESH:
        say("REFRESH epoch=%" PRIu32, r.epoch);
        break;
    case DESK_HELD:
        say("HELD");
        for (uint32_t i = 0; i < r.held_count; i++)
            say(" %d,%" PRIu32 ",%" PRIu32, r.held[i].button, r.held[i].keysym, r.held[i].code);
        break;
    default:
        say("UNKNOWN");
    }
    say(" used=%zu", used);
    desk_put_record(&out.again, &r);
    return OK;
}

static enum err read_pointer(struct bytes b)
{
    struct desk_pointer p;
    enum err e = desk_get_pointer(b, &p);

    if (e)
        return e;
    say("visible=%d x=%" PRId32 " y=%" PRId32 " shape=%" PRIu32, p.visible, p.x, p.y, p.serial);
    desk_put_pointer(&out.again, &p);
    return OK;
}

static enum err read_shape(struct bytes b)
{
    struct desk_shape s;
    enum err e = desk_get_shape(b, &s);

    if (e)
        return e;
    say("number=%" PRIu32 " %" PRIu32 "x%" PRIu32 " at %" PRIu32 ",%" PRIu32, s.serial, s.width,
        s.height, s.hot_x, s.hot_y);
    say_bytes(" ", s.argb);
    desk_put_shape(&out.again, &s);
    wr_bytes(&out.again, s.argb);
    return OK;
}

static enum err read_update(struct bytes b)
{
    static struct desk_update u;
    enum err e = desk_get_update(b, &u);

    if (e)
        return e;
    say("alpha=%d epoch=%" PRIu32 " %" PRIu32 "x%" PRIu32 " id=%" PRIu64 " version=%" PRIu32
        " at=%" PRIu64 " snapshot=%" PRIu32 " base=%" PRIu32 " keep=%" PRIu32 " floor=%" PRIu64
        " added=%s",
        u.alpha, u.epoch, u.width, u.height, u.id, u.version, u.captured_us, u.snap, u.base, u.keep,
        u.floor, u.added_count ? "" : "-");
    for (uint32_t i = 0; i < u.added_count; i++)
        say("%s%" PRIu64, i ? "," : "", u.added[i]);
    say_bytes(" block=", u.block);
    desk_put_update(&out.again, &u);
    wr_bytes(&out.again, u.block);
    return OK;
}

/* ---- the trial channel ---- */

static void say_report(const struct trial_report *r)
{
    const uint64_t n[] = {
        r->clock_us,    r->begun_us,        r->delivered_bytes, r->gap_us,
        r->probes_sent, r->probes_received, r->cpu_us,          r->rtt_us,
        r->min_rtt_us,  r->loss_millionths, r->in_flight_bytes, r->window_bytes,
        r->rate_bps,    r->sent_bytes,      r->sent_datagrams,  r->lost_datagrams};

    say("REPORT last=%d ", r->last);
    for (size_t i = 0; i < COUNT_OF(n); i++)
        say("%s%" PRIu64, i ? "," : "", n[i]);
    say(" %s", r->state);
}

static enum err read_trial(struct bytes b)
{
    struct trial_record r;
    size_t used;
    enum err e = trial_get_record(b, &r, &used);

    if (e)
        return e;
    switch ((int)r.kind) {
    case TRIAL_ASK:
        say("ASK reverse=%d stream=%d probe=%" PRIu32 " every=%" PRIu64 " report=%" PRIu64,
            r.ask.reverse, r.ask.bulk, r.ask.message_bytes, r.ask.message_us, r.ask.report_us);
        say_hex(" mark=", r.mark, sizeof r.mark);
        break;
    case TRIAL_READY:
        say_hex("READY mark=", r.mark, sizeof r.mark);
        break;
    case TRIAL_GO:
        say("GO");
        break;
    case TRIAL_STOP:
        say("STOP");
        break;
    case TRIAL_REPORT:
        say_report(&r.report);
        break;
    case TRIAL_ARRIVALS_OF:
        say("ARRIVALS");
        for (uint32_t i = 0; i < r.arrivals; i++)
            say(" %" PRIu64 ",%" PRId64, r.arrival[i].sequence, r.arrival[i].late_us);
        break;
    default:
        say("UNKNOWN");
    }
    say(" used=%zu", used);
    trial_put_record(&out.again, &r);
    return OK;
}

static enum err read_ping(struct bytes b)
{
    struct trial_ping p;
    enum err e = trial_get_ping(b, &p);

    if (e)
        return e;
    say("sent=%" PRIu64 " far=%" PRIu64, p.sent_us, p.far_us);
    trial_put_ping(&out.again, &p);
    return OK;
}

static enum err read_probe(struct bytes b)
{
    struct trial_probe p;
    enum err e = trial_get_probe(b, b.n, &p);

    if (e)
        return e;
    say("number=%" PRIu64 " sent=%" PRIu64 " bytes=%zu", p.sequence, p.sent_us, b.n);
    trial_put_probe(&out.again, &p, b.n);
    return OK;
}

/* An offset, then payload from there on. */
static enum err read_payload(struct bytes b)
{
    struct bytes rest = bytes_of(b.p + 8, b.n - 8);
    uint64_t offset = num_get_le(b.p, 8);

    if (!trial_payload_right(offset, rest))
        return ERR_VERIFY;
    say("bytes=%zu", rest.n);
    wr_u64(&out.again, offset);
    trial_payload(offset, wr_space(&out.again, rest.n), rest.n);
    return OK;
}

/* ---- the file ---- */

static const struct {
    const char *kind;
    enum err (*read)(struct bytes b);
} readers[] = {
    {"long", read_long},       {"data", read_data},     {"frames", read_frames},
    {"client", read_client},   {"server", read_server}, {"record", read_record},
    {"pointer", read_pointer}, {"shape", read_shape},   {"update", read_update},
    {"trial", read_trial},     {"ping", read_ping},     {"probe", read_probe},
    {"payload", read_payload},
};

static enum err error_named(const char *name)
{
    return strcmp(name, "malformed") == 0 ? ERR_MALFORMED
           : strcmp(name, "limit") == 0   ? ERR_LIMIT
           : strcmp(name, "version") == 0 ? ERR_VERSION
           : strcmp(name, "again") == 0   ? ERR_AGAIN
           : strcmp(name, "verify") == 0  ? ERR_VERIFY
                                          : ERR_COUNT;
}

static bool line_holds(enum err (*read)(struct bytes b), struct bytes data, const char *meaning,
                       bool same)
{
    /* Exactly as large as it is, so that a sanitizer sees a read beyond it. */
    uint8_t *copy = malloc(num_max(data.n, 1));

    if (!copy)
        return false;
    memcpy(copy, data.p, data.n);
    out.text_n = 0;
    out.text[0] = 0;
    out.again = wr_of(out.space, sizeof out.space);
    enum err e = read(bytes_of(copy, data.n));
    bool holds;
    if (strncmp(meaning, "error ", 6) == 0)
        holds = e == error_named(meaning + 6);
    else
        holds = e == OK && strcmp(out.text_n ? out.text : "-", meaning) == 0 &&
                (!same || bytes_equal(wr_done(&out.again), data));
    free(copy);
    return holds;
}

static void every_line_means_what_it_says(void)
{
    static uint8_t raw[ROOM];
    struct buf file;
    unsigned lines = 0, wrong = 0;
    char *save, *line;

    buf_init(&file, 1 << 20);
    EXPECT_EQ(file_read("tests/golden/wire.txt", false, &file), OK);
    EXPECT_EQ(buf_append(&file, bytes_of("", 1)), OK);
    for (line = strtok_r((char *)file.p, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        char kind[16], name[64];
        int at, meaning;
        if (*line == '#')
            continue;
        EXPECT(sscanf(line, "%15s %63s %n%*s %n", kind, name, &at, &meaning) == 2);
        bool same = strncmp(line + meaning, "==", 2) == 0;
        size_t n = test_hex(line + at, raw, sizeof raw), i = 0;
        while (i < COUNT_OF(readers) && strcmp(readers[i].kind, kind) != 0)
            i++;
        EXPECT(i < COUNT_OF(readers));
        const char *text = line + meaning + (same ? 2 : 1);
        lines++;
        if (line_holds(readers[i].read, bytes_of(raw, n), text + (*text == ' '), same))
            continue;
        printf("%s %s is read as: %s\n", kind, name, out.text);
        wrong++;
    }
    buf_release(&file);
    EXPECT(lines > 250);
    EXPECT_EQ(wrong, 0);
}

TEST_MAIN({"every_line_means_what_it_says", every_line_means_what_it_says})
