/* scenario_desk: pictures on their way: what is lost, late, broken or outdated. */
#include <inttypes.h>
#include <string.h>

#include "core/base/num.h"
#include "tests/sim/sim_desk.h"
#include "tests/sim/sim_table.h"

enum {
    PROBE_GAP_US = 500000, /* while nothing arrives, probes are so far apart */
    REST_US = 50000,       /* what has not changed for so long is claimed */
    TEXT = SIM_PICTURE_TYPE | SIM_PICTURE_SCROLL | SIM_PICTURE_MOVE,
    PICTURE_BYTES = 320 * 200 * 3
};

/* A desk whose viewer has an exact picture. */
static void begin(struct sim_desk *d, struct sim *s, uint32_t without,
                  const struct sim_desk_plan *plan)
{
    sim_desk_make(d, s, without, plan);
    sim_desk_begin(&d->viewer[0], 3 * SECOND_US);
}

static void change_both(struct sim_desk *d, enum wan_change_kind kind, uint64_t value)
{
    sim_change(d->sim, d->w.server->node, d->viewer[0].client->node, kind, value);
    sim_change(d->sim, d->viewer[0].client->node, d->w.server->node, kind, value);
}

static void expect_no_new_login(struct sim_desk *d)
{
    SIM_EXPECT(d, d->viewer[0].client->app.connected == 1 && d->viewer[0].client->app.closed == 0);
    SIM_EXPECT(d, d->joined == 1);
}

/* ---- loss and order ---- */

static void first_picture(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(5000000, 30000);
    struct sim_desk d;

    link.loss = 100000;
    sim_desk_make(&d, s, without, &(struct sim_desk_plan){.up = &link});
    sim_desk_begin(&d.viewer[0], 4 * SECOND_US);
    sim_desk_expect_nothing_broken(&d);
    sim_desk_end(&d);
}

/* Text that scrolls, windows that move, while datagrams get lost and overtake each other. */
static void scroll_in_bad_order(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(10000000, 20000);
    struct sim_desk d;

    link.loss = 30000;
    link.reorder = 200000;
    begin(&d, s, without, &(struct sim_desk_plan){.up = &link});
    sim_desk_play(&d, TEXT, 33000);
    sim_desk_pass(&d, 8 * SECOND_US);
    sim_desk_expect_nothing_broken(&d);
    sim_desk_play(&d, 0, 0);
    sim_desk_expect_exact(&d.viewer[0], 2 * SECOND_US);
    sim_desk_end(&d);
}

static void late_block(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(20000000, 20000);
    struct sim_desk d;

    link.reorder = 300000;
    link.reorder_us = 60000;
    begin(&d, s, without, &(struct sim_desk_plan){.up = &link});
    for (unsigned i = 0; i < 20; i++) {
        sim_desk_play(&d, SIM_PICTURE_TYPE | SIM_PICTURE_SCROLL, 20000);
        sim_desk_pass(&d, 300000);
        sim_desk_play(&d, 0, 0);
        sim_desk_expect_exact(&d.viewer[0], 2 * SECOND_US);
    }
    sim_desk_expect_nothing_broken(&d);
    sim_desk_end(&d);
}

static void resize_in_flight(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(5000000, 40000);
    struct sim_desk d;

    link.loss = 100000;
    link.reorder = 300000;
    link.reorder_us = 150000;
    begin(&d, s, without, &(struct sim_desk_plan){.up = &link});
    for (unsigned i = 0; i < 40; i++) {
        sim_desk_do(&d, SIM_PICTURE_RESIZE);
        sim_desk_play(&d, TEXT, 20000);
        sim_desk_pass(&d, 30000 + 10000 * (i % 7));
    }
    sim_desk_play(&d, 0, 0);
    sim_desk_expect_exact(&d.viewer[0], 2 * SECOND_US);
    sim_desk_expect_nothing_broken(&d);
    sim_desk_end(&d);
}

/* ---- the path ---- */

static void outage(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(10000000, 30000);
    struct sim_desk d;

    begin(&d, s, without, &(struct sim_desk_plan){.up = &link});
    sim_desk_play(&d, TEXT | SIM_PICTURE_FILL | SIM_PICTURE_NOISE, 100000);
    sim_desk_pass(&d, SECOND_US);
    change_both(&d, WAN_CHANGE_LOSS, WAN_PROBABILITY);
    sim_desk_pass(&d, 30 * SECOND_US);
    sim_desk_play(&d, 0, 0);
    change_both(&d, WAN_CHANGE_LOSS, 0);
    uint64_t before = sim_desk_down_bytes(&d.viewer[0]);
    sim_desk_expect_same(&d.viewer[0], PROBE_GAP_US + 2 * 60000 + 200000);
    SIM_EXPECT(&d, sim_desk_down_bytes(&d.viewer[0]) - before < 200000);
    sim_desk_expect_exact(&d.viewer[0], SECOND_US);
    expect_no_new_login(&d);
    sim_desk_expect_nothing_broken(&d);
    sim_desk_end(&d);
}

static void roaming(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(10000000, 30000);
    struct sim_desk d;

    begin(&d, s, without, &(struct sim_desk_plan){.up = &link});
    for (uint8_t net = 1; net <= 5; net++) {
        struct addr to = {.ip = {10, 0, net, 1}, .port = 50000, .family = ADDR_IP4};
        sim_desk_play(&d, TEXT, 50000);
        sim_desk_pass(&d, SECOND_US);
        sim_move(s, d.viewer[0].client->node, &to);
        sim_desk_pass(&d, SECOND_US);
        sim_desk_play(&d, 0, 0);
        sim_desk_expect_same(&d.viewer[0], PROBE_GAP_US + 2 * 60000 + 100000);
    }
    sim_desk_expect_exact(&d.viewer[0], SECOND_US);
    expect_no_new_login(&d);
    sim_desk_expect_nothing_broken(&d);
    sim_desk_end(&d);
}

/* The rate falls to a tenth under a picture that needs far more: what is shown stays fresh. */
static void rate_falls(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(20000000, 20000);
    struct sim_desk d;

    begin(&d, s, without, &(struct sim_desk_plan){.up = &link});
    sim_desk_play(&d, SIM_PICTURE_ALL, 100000);
    sim_desk_pass(&d, 4 * SECOND_US);
    change_both(&d, WAN_CHANGE_RATE, 2000000);
    sim_desk_pass(&d, 2 * SECOND_US);
    memset(&d.viewer[0].delay_us, 0, sizeof d.viewer[0].delay_us);
    sim_desk_pass(&d, 6 * SECOND_US);
    sim_note(s, "delay p50 %" PRIu64 " p99 %" PRIu64, stat_quantile(&d.viewer[0].delay_us, 500),
             stat_quantile(&d.viewer[0].delay_us, 990));
    SIM_EXPECT(&d, d.viewer[0].delay_us.count > 20);
    SIM_EXPECT(&d, stat_quantile(&d.viewer[0].delay_us, 950) < 40000 + 300000);
    sim_desk_play(&d, 0, 0);
    sim_desk_expect_exact(&d.viewer[0], 3 * SECOND_US);
    sim_desk_expect_nothing_broken(&d);
    sim_desk_end(&d);
}

static void two_links(struct sim *s, uint32_t without)
{
    struct wan_config fast = sim_world_link(50000000, 5000), slow = sim_world_link(1000000, 80000);
    struct sim_desk d;

    slow.loss = 20000;
    begin(&d, s, without, &(struct sim_desk_plan){.up = &fast});
    struct sim_desk_viewer *other = sim_desk_guest(&d, "slow", ROLE_VIEW, &slow, NULL);
    sim_desk_begin(other, 8 * SECOND_US);
    sim_desk_play(&d, SIM_PICTURE_ALL, 100000);
    sim_desk_pass(&d, 3 * SECOND_US);
    memset(&d.viewer[0].delay_us, 0, sizeof other->delay_us);
    memset(&other->delay_us, 0, sizeof other->delay_us);
    sim_desk_pass(&d, 6 * SECOND_US);
    sim_note(s, "delay p95 %" PRIu64 " and %" PRIu64, stat_quantile(&d.viewer[0].delay_us, 950),
             stat_quantile(&other->delay_us, 950));
    SIM_EXPECT(&d, stat_quantile(&d.viewer[0].delay_us, 950) < 10000 + 50000);
    SIM_EXPECT(&d, d.viewer[0].delay_us.count > 40);
    SIM_EXPECT(&d, stat_quantile(&other->delay_us, 950) < 160000 + 600000);
    sim_desk_play(&d, 0, 0);
    sim_desk_expect_exact(&d.viewer[0], SECOND_US);
    sim_desk_expect_exact(other, 4 * SECOND_US);
    sim_desk_expect_nothing_broken(&d);
    sim_desk_end(&d);
}

static void rate_kept(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(50000000, 10000);
    struct sim_desk d;

    begin(&d, s, without, &(struct sim_desk_plan){.up = &link, .rate_bps = 1000000});
    sim_desk_play(&d, SIM_PICTURE_ALL, 100000);
    sim_desk_pass(&d, SECOND_US);
    uint64_t before = sim_desk_down_bytes(&d.viewer[0]);
    sim_desk_pass(&d, 5 * SECOND_US);
    uint64_t bytes = sim_desk_down_bytes(&d.viewer[0]) - before;
    SIM_EXPECT(&d, bytes > 5 * 1000000 / 8 * 9 / 10 && bytes < 5 * 1000000 / 8 * 115 / 100);
    sim_desk_end(&d);
}

/* ---- newest state ---- */

/* A picture that is all new all the time and far too much for the line: no part waits for ever. */
static void nobody_starves(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(2000000, 20000);
    struct sim_desk d;
    uint64_t oldest_us = 0;

    sim_desk_make(&d, s, without, &(struct sim_desk_plan){.up = &link});
    d.picture->stamped = true;
    sim_desk_dial(&d.viewer[0]);
    sim_desk_play(&d, SIM_PICTURE_ALL, 50000);
    sim_desk_pass(&d, 5 * SECOND_US);
    for (unsigned i = 0; i < 50 && sim_desk_pass(&d, 100000); i++)
        oldest_us =
            num_max(oldest_us, sim_picture_age_us(mirror_picture(viewer_mirror(d.viewer[0].viewer)),
                                                  sim_node_now_us(s, d.viewer[0].client->node)));
    sim_note(s, "the oldest tile was %" PRIu64 " us old", oldest_us);
    /* The whole picture takes 0.77 s. */
    SIM_EXPECT(&d, oldest_us < 2 * SECOND_US);
    sim_desk_end(&d);
}

/* What was on its way when the line broke is not sent again when everything has changed. */
static void stale(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(20000000, 50000);
    struct sim_desk d;

    begin(&d, s, without, &(struct sim_desk_plan){.up = &link});
    sim_desk_play(&d, SIM_PICTURE_ALL, 50000);
    sim_desk_pass(&d, 3 * SECOND_US);
    change_both(&d, WAN_CHANGE_LOSS, WAN_PROBABILITY);
    sim_desk_pass(&d, 3 * SECOND_US);
    sim_desk_play(&d, 0, 0);
    uint64_t before = sim_desk_down_bytes(&d.viewer[0]);
    change_both(&d, WAN_CHANGE_LOSS, 0);
    sim_desk_expect_exact(&d.viewer[0], 3 * SECOND_US);
    uint64_t bytes = sim_desk_down_bytes(&d.viewer[0]) - before;
    sim_note(s, "%" PRIu64 " bytes after the outage", bytes);
    SIM_EXPECT(&d, bytes < PICTURE_BYTES * 13 / 10);
    sim_desk_expect_nothing_broken(&d);
    sim_desk_end(&d);
}

/* The same for a picture that has another size now. */
static void stale_size(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(20000000, 50000);
    struct sim_desk d;

    begin(&d, s, without, &(struct sim_desk_plan){.up = &link});
    sim_desk_play(&d, SIM_PICTURE_ALL, 50000);
    sim_desk_pass(&d, 3 * SECOND_US);
    change_both(&d, WAN_CHANGE_LOSS, WAN_PROBABILITY);
    sim_desk_pass(&d, SECOND_US);
    sim_desk_play(&d, 0, 0);
    sim_desk_do(&d, SIM_PICTURE_RESIZE);
    sim_desk_pass(&d, SECOND_US);
    uint64_t before = sim_desk_down_bytes(&d.viewer[0]);
    change_both(&d, WAN_CHANGE_LOSS, 0);
    sim_desk_expect_exact(&d.viewer[0], 3 * SECOND_US);
    uint64_t bytes = sim_desk_down_bytes(&d.viewer[0]) - before;
    sim_note(s, "%" PRIu64 " bytes after the outage", bytes);
    SIM_EXPECT(&d, bytes < PICTURE_BYTES / 3);
    sim_desk_expect_nothing_broken(&d);
    sim_desk_end(&d);
}

static void scrolled(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(20000000, 20000);
    struct sim_desk d;

    begin(&d, s, without, &(struct sim_desk_plan){.up = &link, .width = 640, .height = 400});
    sim_desk_do(&d, SIM_PICTURE_SCROLL);
    sim_desk_expect_exact(&d.viewer[0], SECOND_US);
    uint64_t before = sim_desk_down_bytes(&d.viewer[0]);
    for (unsigned i = 0; i < 50; i++) {
        sim_desk_do(&d, SIM_PICTURE_SCROLL);
        sim_desk_expect_same(&d.viewer[0], SECOND_US);
    }
    uint64_t bytes = sim_desk_down_bytes(&d.viewer[0]) - before;
    sim_note(s, "%" PRIu64 " bytes for 50 lines", bytes);
    SIM_EXPECT(&d, bytes < 50 * 1500);
    sim_desk_expect_nothing_broken(&d);
    sim_desk_end(&d);
}

/* ---- exactness ---- */

static void lost_claim(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(10000000, 20000);
    struct sim_desk d;

    begin(&d, s, without, &(struct sim_desk_plan){.up = &link});
    for (unsigned i = 0; i < 10; i++) {
        sim_desk_do(&d, SIM_PICTURE_TYPE);
        sim_desk_expect_same(&d.viewer[0], SECOND_US);
        /* The claim follows the acknowledgement, and the rest. */
        change_both(&d, WAN_CHANGE_LOSS, WAN_PROBABILITY);
        sim_desk_pass(&d, 40000 + REST_US);
        SIM_EXPECT(&d, !viewer_is_exact(d.viewer[0].viewer, NULL));
        change_both(&d, WAN_CHANGE_LOSS, 0);
        sim_desk_expect_exact(&d.viewer[0], 300000);
    }
    sim_desk_expect_nothing_broken(&d);
    sim_desk_end(&d);
}

static void wrong_claim(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(10000000, 20000);
    struct sim_desk d;

    begin(&d, s, without, &(struct sim_desk_plan){.up = &link});
    pic_set(mirror_picture(viewer_mirror(d.viewer[0].viewer)), 7, NULL);
    SIM_EXPECT(&d, !sim_desk_same(&d.viewer[0]));
    sim_desk_do(&d, SIM_PICTURE_TYPE);
    sim_desk_expect_exact(&d.viewer[0], SECOND_US);
    SIM_EXPECT(&d, sim_desk_counters(&d.viewer[0]).refreshes == 1);
    sim_desk_end(&d);
}

static void broken_update(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(10000000, 20000);
    struct sim_desk d;

    begin(&d, s, without, &(struct sim_desk_plan){.up = &link});
    for (unsigned i = 1; i <= 5; i++) {
        sim_desk_play(&d, TEXT, 30000);
        sim_desk_pass(&d, SECOND_US);
        d.viewer[0].mangle = 1;
        sim_desk_pass(&d, SECOND_US);
        sim_desk_play(&d, 0, 0);
        sim_desk_expect_exact(&d.viewer[0], SECOND_US);
        SIM_EXPECT(&d, d.viewer[0].mangle == 0);
    }
    SIM_EXPECT(&d, sim_desk_counters(&d.viewer[0]).refreshes == 5);
    sim_desk_end(&d);
}

static void black(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(10000000, 20000);
    struct sim_desk d;

    link.loss = 100000;
    sim_desk_make(&d, s, without, &(struct sim_desk_plan){.up = &link});
    sim_picture_blacken(d.picture, sim_node_now_us(s, d.w.server->node));
    sim_desk_begin(&d.viewer[0], 3 * SECOND_US);
    sim_desk_end(&d);
}

/* The source keeps a change to itself: both ends would agree, and both be wrong. */
static void missed_damage(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(10000000, 20000);
    struct sim_desk d;

    begin(&d, s, without, &(struct sim_desk_plan){.up = &link});
    sim_picture_slip(d.picture, 310, 190);
    sim_desk_do(&d, SIM_PICTURE_TYPE);
    sim_desk_expect_exact(&d.viewer[0], SECOND_US);
    SIM_EXPECT(&d, d.stage.capture.missed == 1);
    sim_desk_expect_nothing_broken(&d);
    sim_desk_end(&d);
}

static void never_at_rest(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(50000000, 10000);
    struct sim_desk d;

    begin(&d, s, without, &(struct sim_desk_plan){.up = &link});
    d.picture->steady = true;
    uint64_t before = d.viewer[0].exacts;
    sim_desk_play(&d, SIM_PICTURE_TYPE, 40000);
    sim_desk_pass(&d, 10 * SECOND_US);
    SIM_EXPECT(&d, d.viewer[0].exacts - before >= 7);
    sim_desk_expect_nothing_broken(&d);
    sim_desk_end(&d);
}

static void at_rest(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(10000000, 20000);
    struct sim_desk d;

    begin(&d, s, without, &(struct sim_desk_plan){.up = &link});
    sim_desk_pass(&d, 2 * SECOND_US);
    uint64_t bytes = sim_desk_down_bytes(&d.viewer[0]) + sim_desk_up_bytes(&d.viewer[0]);
    uint64_t captures = d.stage.captures;
    sim_desk_pass(&d, 30 * SECOND_US);
    bytes = sim_desk_down_bytes(&d.viewer[0]) + sim_desk_up_bytes(&d.viewer[0]) - bytes;
    sim_note(s, "%" PRIu64 " bytes in 30 s", bytes);
    SIM_EXPECT(&d, bytes < 30 * 300);
    SIM_EXPECT(&d, d.stage.captures == captures);
    SIM_EXPECT(&d, viewer_is_settled(d.viewer[0].viewer));
    sim_desk_end(&d);
}

/* ---- coming and going ---- */

static void viewer_again(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(10000000, 20000);
    struct sim_desk d;

    begin(&d, s, without, &(struct sim_desk_plan){.up = &link});
    sim_desk_kill(&d.viewer[0]);
    sim_desk_pass(&d, SECOND_US);
    sim_picture_slip(d.picture, 3, 3);
    /* Nothing tells of the change but the look that each who comes is given. */
    sim_desk_begin(&d.viewer[0], SECOND_US);
    SIM_EXPECT(&d, d.joined == 2);
    sim_desk_play(&d, TEXT, 50000);
    sim_desk_pass(&d, 3 * SECOND_US);
    sim_desk_play(&d, 0, 0);
    sim_desk_expect_exact(&d.viewer[0], SECOND_US);
    sim_desk_expect_nothing_broken(&d);
    sim_desk_end(&d);
}

static void server_again(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(10000000, 40000);
    struct sim_desk d;

    begin(&d, s, without, &(struct sim_desk_plan){.up = &link});
    sim_desk_pass(&d, SECOND_US);
    sim_desk_restart(&d);
    sim_desk_do(&d, SIM_PICTURE_SCROLL);
    sim_desk_pass(&d, SECOND_US);
    SIM_EXPECT(&d, !sim_desk_same(&d.viewer[0]));
    sim_desk_dial(&d.viewer[0]);
    /* A round trip of handshake, one until the picture is there. */
    sim_desk_expect_same(&d.viewer[0], 2 * 80000 + 40000);
    sim_desk_expect_exact(&d.viewer[0], SECOND_US);
    sim_desk_expect_nothing_broken(&d);
    sim_desk_end(&d);
}

/* ---- the pointer ---- */

static void pointer(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(500000, 20000);
    struct sim_desk d;

    begin(&d, s, without, &(struct sim_desk_plan){.up = &link});
    d.picture->pointer_us = 1000;
    sim_desk_play(&d, SIM_PICTURE_ALL, 200000);
    sim_desk_pass(&d, 3 * SECOND_US);
    change_both(&d, WAN_CHANGE_LOSS, WAN_PROBABILITY);
    sim_desk_pass(&d, 3 * SECOND_US);
    change_both(&d, WAN_CHANGE_LOSS, 0);
    uint64_t before = d.viewer[0].pointers;
    while (d.viewer[0].pointers == before && sim_desk_pass(&d, 1000))
        continue;
    sim_desk_pass(&d, 40000);
    /* Straight to where it is, not along the way it has taken. */
    SIM_EXPECT(&d, d.picture->pointer_x - d.viewer[0].pointer.x < 150);
    sim_desk_end(&d);
}

static void late_pointer(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(10000000, 20000);
    struct sim_desk d;

    link.reorder = 200000;
    link.loss = 20000;
    begin(&d, s, without, &(struct sim_desk_plan){.up = &link});
    d.picture->pointer_us = 5000;
    sim_desk_play(&d, 0, 0);
    sim_desk_pass(&d, 5 * SECOND_US);
    SIM_EXPECT(&d, d.viewer[0].pointers > 500 && d.viewer[0].pointers_back == 0);
    d.picture->pointer_us = 0;
    sim_desk_pass(&d, SECOND_US);
    SIM_EXPECT(&d, d.picture->pointer_x == d.viewer[0].pointer.x);
    sim_desk_end(&d);
}

static void pointer_before_pictures(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(1000000, 20000);
    struct sim_desk d;
    int32_t behind = 0;

    begin(&d, s, without, &(struct sim_desk_plan){.up = &link});
    d.picture->pointer_us = 10000;
    sim_desk_play(&d, SIM_PICTURE_ALL, 100000);
    sim_desk_pass(&d, 4 * SECOND_US);
    for (unsigned i = 0; i < 300 && sim_desk_pass(&d, 10000); i++) {
        int32_t now = d.picture->pointer_x - d.viewer[0].pointer.x;
        behind = now > behind ? now : behind;
    }
    sim_note(s, "at most %d places behind", (int)behind);
    SIM_EXPECT(&d, behind < 12);
    sim_desk_end(&d);
}

const struct sim_scenario scenario_desk_table[] = {
    {"first_picture", "the first picture through 10 % loss", "resend", first_picture},
    {"scroll_in_bad_order", "scrolled text through loss and reordering, nothing asked for twice",
     "acked", scroll_in_bad_order},
    {"late_block", "an old block never covers a newer one", "versions", late_block},
    {"resize_in_flight", "new sizes while blocks of old ones are on their way", "epochs",
     resize_in_flight},
    {"desk_outage", "30 s without a link: the newest picture within the probe gap", "probes",
     outage},
    {"desk_roaming", "the picture goes on at another address", "path", roaming},
    {"rate_falls", "20 to 2 Mbit/s: what is shown is fresh within 2 s", "room", rate_falls},
    {"two_links", "a slow viewer sees fewer pictures, not old ones, and holds up nobody", "room",
     two_links},
    {"rate_kept", "no more than the rate that was given", "pace", rate_kept},
    {"nobody_starves", "far too many changes: every region gets its turn", "turns", nobody_starves},
    {"stale", "after an outage only the newest is sent", "newest", stale},
    {"stale_size", "after an outage nothing of another size is sent", "newest", stale_size},
    {"scrolled", "a scrolled line costs less than one packet more", "vectors", scrolled},
    {"lost_claim", "a lost claim of exactness is repeated", "probes", lost_claim},
    {"wrong_claim", "a claim that is not true makes the picture anew", "refresh", wrong_claim},
    {"broken_update", "an update that does not decode makes the picture anew, once", "refresh",
     broken_update},
    {"black", "a black picture arrives, too", "black", black},
    {"missed_damage", "a change that no damage told of is found at rest", "look", missed_damage},
    {"never_at_rest", "a picture that never rests is proven now and then", "look", never_at_rest},
    {"at_rest", "a picture at rest costs below 300 bytes a second and no captures", NULL, at_rest},
    {"viewer_again", "a viewer that was killed comes back to the picture of now", "look",
     viewer_again},
    {"server_again", "after a restart of the server the picture is there at once", "tokens",
     server_again},
    {"pointer", "the pointer goes straight to where it is", "supersede", pointer},
    {"late_pointer", "the pointer never goes back", "versions", late_pointer},
    {"pointer_before_pictures", "the pointer passes pictures", "classes", pointer_before_pictures},
    {0}};
