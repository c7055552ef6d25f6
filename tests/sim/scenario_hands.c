/* scenario_hands: what users do: order, rights, keys that are held, effects. */
#include <inttypes.h>

#include "core/base/num.h"
#include "tests/sim/sim_desk.h"
#include "tests/sim/sim_table.h"

enum { SHIFT = 0xffe1, SILENCE_US = 2000000, HELD_US = 500000 };

static void begin(struct sim_desk *d, struct sim *s, uint32_t without,
                  const struct sim_desk_plan *plan)
{
    sim_desk_make(d, s, without, plan);
    sim_desk_begin(&d->viewer[0], 3 * SECOND_US);
}

static void cut(struct sim_desk *d, bool cut)
{
    uint64_t loss = cut ? WAN_PROBABILITY : 0;

    sim_change(d->sim, d->w.server->node, d->viewer[0].client->node, WAN_CHANGE_LOSS, loss);
    sim_change(d->sim, d->viewer[0].client->node, d->w.server->node, WAN_CHANGE_LOSS, loss);
}

static bool holds(const struct sim_desk *d, uint32_t keysym)
{
    return sim_picture_holds(d->picture, keysym);
}

/* All that has come is the numbers from 1, each once. */
static void expect_numbers(struct sim_desk *d, size_t count)
{
    const struct sim_picture *p = d->picture;

    SIM_EXPECT(d, p->inputs == count);
    for (size_t i = 0; i < p->inputs; i++)
        SIM_EXPECT(d, p->input[i].kind == INPUT_MOVE && p->input[i].x == (int32_t)i + 1);
}

static void move(struct sim_desk *d, int32_t x)
{
    sim_desk_act(&d->viewer[0], &(struct input_event){.kind = INPUT_MOVE, .x = x});
}

static void in_order(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(2000000, 20000);
    struct sim_desk d;

    link.reorder = 200000;
    link.duplicate = 100000;
    begin(&d, s, without, &(struct sim_desk_plan){.up = &link});
    sim_change(s, d.viewer[0].client->node, d.w.server->node, WAN_CHANGE_LOSS, 100000);
    sim_desk_play(&d, SIM_PICTURE_ALL, 200000);
    for (int32_t x = 1; x <= 300 && sim_desk_pass(&d, 10000); x++)
        move(&d, x);
    sim_desk_pass(&d, 2 * SECOND_US);
    expect_numbers(&d, 300);
    sim_desk_end(&d);
}

static void typed_in_an_outage(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(10000000, 20000);
    struct sim_desk d;

    begin(&d, s, without, &(struct sim_desk_plan){.up = &link});
    cut(&d, true);
    for (int32_t x = 1; x <= 100 && sim_desk_pass(&d, 50000); x++)
        move(&d, x);
    sim_desk_pass(&d, 100000);
    cut(&d, false);
    sim_desk_pass(&d, 500000 + 2 * 40000);
    expect_numbers(&d, 100);
    sim_desk_end(&d);
}

static void act_in_every_way(struct sim_desk *d, struct sim_desk_viewer *v)
{
    sim_desk_key(v, 'a', true);
    sim_desk_key(v, 'a', false);
    sim_desk_key(v, SHIFT, true);
    sim_desk_act(v, &(struct input_event){.kind = INPUT_MOVE, .x = 5});
    sim_desk_act(v, &(struct input_event){.kind = INPUT_BUTTON, .button = 1, .down = true});
    sim_desk_act(v, &(struct input_event){.kind = INPUT_SCROLL, .dy = 1});
    sim_desk_act(v, &(struct input_event){.kind = INPUT_RELEASE});
    sim_desk_key(v, SHIFT, true);
    sim_desk_pass(d, 3 * SECOND_US); /* tells that it is held */
}

static void only_looking(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(10000000, 20000);
    struct sim_desk d;

    begin(&d, s, without, &(struct sim_desk_plan){.up = &link, .roles = ROLE_VIEW});
    act_in_every_way(&d, &d.viewer[0]);
    SIM_EXPECT(&d, d.picture->inputs == 0);
    SIM_EXPECT(&d, sim_desk_seat(&d.viewer[0])->refused_input == 8);
    SIM_EXPECT(&d, d.viewer[0].client->app.closed == 0);
    sim_desk_expect_exact(&d.viewer[0], SECOND_US);
    sim_desk_end(&d);
}

static void nobody_controls(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(10000000, 20000);
    struct sim_desk d;

    begin(&d, s, without, &(struct sim_desk_plan){.up = &link, .view_only = true});
    act_in_every_way(&d, &d.viewer[0]);
    SIM_EXPECT(&d, d.picture->inputs == 0);
    sim_desk_end(&d);
}

/* ---- keys that are held ---- */

static void killed_with_a_key(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(10000000, 20000);
    struct sim_desk d;

    begin(&d, s, without, &(struct sim_desk_plan){.up = &link});
    sim_desk_key(&d.viewer[0], SHIFT, true);
    sim_desk_act(&d.viewer[0],
                 &(struct input_event){.kind = INPUT_BUTTON, .button = 1, .down = true});
    sim_desk_pass(&d, 100000);
    SIM_EXPECT(&d, d.picture->downs == 2);
    sim_desk_kill(&d.viewer[0]);
    sim_desk_pass(&d, SILENCE_US - 200000);
    SIM_EXPECT(&d, d.picture->downs == 2);
    sim_desk_pass(&d, 200000);
    SIM_EXPECT(&d, d.picture->downs == 0);
    SIM_EXPECT(&d, d.left == 0); /* it may come back */
    sim_desk_end(&d);
}

static void goodbye_with_a_key(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(10000000, 20000);
    struct sim_desk d;

    begin(&d, s, without, &(struct sim_desk_plan){.up = &link});
    sim_desk_key(&d.viewer[0], 'a', true);
    sim_desk_pass(&d, 100000);
    SIM_EXPECT(&d, holds(&d, 'a'));
    peer_close(d.viewer[0].client->peer, sim_node_now_us(s, d.viewer[0].client->node), OK,
               "enough");
    sim_kick(s, d.viewer[0].client->node);
    sim_desk_pass(&d, 50000);
    SIM_EXPECT(&d, !holds(&d, 'a') && d.left == 1);
    sim_desk_end(&d);
}

static void held_for_long(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(10000000, 20000);
    struct sim_desk d;

    link.loss = 100000;
    begin(&d, s, without, &(struct sim_desk_plan){.up = &link});
    sim_desk_key(&d.viewer[0], SHIFT, true);
    sim_desk_pass(&d, SECOND_US);
    for (unsigned i = 0; i < 200 && sim_desk_pass(&d, 100000); i++)
        SIM_EXPECT(&d, holds(&d, SHIFT));
    sim_desk_key(&d.viewer[0], SHIFT, false);
    sim_desk_pass(&d, SECOND_US);
    SIM_EXPECT(&d, d.picture->downs == 0);
    SIM_EXPECT(&d, d.picture->inputs == 2);
    /* It says nothing more. */
    uint64_t bytes = sim_desk_up_bytes(&d.viewer[0]);
    sim_desk_pass(&d, 10 * SECOND_US);
    SIM_EXPECT(&d, sim_desk_up_bytes(&d.viewer[0]) - bytes < 10 * 300);
    sim_desk_end(&d);
}

/* After a silence a modifier that is still down goes down again; a key would type once more. */
static void silent_with_keys(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(10000000, 20000);
    struct sim_desk d;

    begin(&d, s, without, &(struct sim_desk_plan){.up = &link});
    sim_desk_key(&d.viewer[0], SHIFT, true);
    sim_desk_key(&d.viewer[0], 'a', true);
    sim_desk_pass(&d, 100000);
    cut(&d, true);
    sim_desk_pass(&d, SILENCE_US - 200000);
    SIM_EXPECT(&d, holds(&d, SHIFT) && holds(&d, 'a'));
    sim_desk_pass(&d, 400000);
    SIM_EXPECT(&d, d.picture->downs == 0);
    cut(&d, false);
    sim_desk_pass(&d, 500000 + HELD_US + 100000);
    SIM_EXPECT(&d, holds(&d, SHIFT) && !holds(&d, 'a'));
    sim_desk_key(&d.viewer[0], 'a', false);
    sim_desk_key(&d.viewer[0], SHIFT, false);
    sim_desk_pass(&d, SECOND_US);
    SIM_EXPECT(&d, d.picture->downs == 0);
    SIM_EXPECT(&d, d.picture->inputs == 6);
    sim_desk_end(&d);
}

/* A short outage is no silence. */
static void short_outage_with_a_key(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(10000000, 20000);
    struct sim_desk d;

    begin(&d, s, without, &(struct sim_desk_plan){.up = &link});
    sim_desk_key(&d.viewer[0], 'a', true);
    for (unsigned i = 0; i < 10 && sim_desk_pass(&d, SECOND_US); i++) {
        cut(&d, true);
        sim_desk_pass(&d, 800000);
        cut(&d, false);
        SIM_EXPECT(&d, holds(&d, 'a'));
    }
    sim_desk_pass(&d, SECOND_US);
    SIM_EXPECT(&d, d.picture->inputs == 1);
    sim_desk_end(&d);
}

static void four_hands(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(10000000, 20000);
    struct sim_desk d;

    begin(&d, s, without, &(struct sim_desk_plan){.up = &link});
    struct sim_desk_viewer *other =
        sim_desk_guest(&d, "other", ROLE_VIEW | ROLE_CONTROL, &link, NULL);
    sim_desk_begin(other, SECOND_US);
    sim_desk_key(&d.viewer[0], SHIFT, true);
    sim_desk_key(other, SHIFT, true);
    sim_desk_key(other, 'b', true);
    sim_desk_key(&d.viewer[0], 'a', true);
    sim_desk_pass(&d, 100000);
    /* What one lets go of, the other still holds. */
    sim_desk_key(other, SHIFT, false);
    sim_desk_pass(&d, 100000);
    SIM_EXPECT(&d, holds(&d, SHIFT) && holds(&d, 'a') && holds(&d, 'b'));
    sim_desk_key(other, SHIFT, true);
    sim_desk_pass(&d, 100000);
    sim_desk_kill(other);
    sim_desk_pass(&d, SILENCE_US + 100000);
    SIM_EXPECT(&d, holds(&d, SHIFT) && holds(&d, 'a') && !holds(&d, 'b'));
    /* Losing the focus lets go of one's own only. */
    sim_desk_begin(other, SECOND_US);
    sim_desk_key(other, 'c', true);
    sim_desk_pass(&d, 100000);
    sim_desk_act(&d.viewer[0], &(struct input_event){.kind = INPUT_RELEASE});
    sim_desk_pass(&d, 100000);
    SIM_EXPECT(&d, !holds(&d, SHIFT) && !holds(&d, 'a') && holds(&d, 'c'));
    sim_desk_end(&d);
}

/* ---- effects ---- */

/* An act's effect comes 100 ms after it; what is said to show it, shows it. */
static void effect(struct sim *s, uint32_t without)
{
    struct wan_config link = sim_world_link(10000000, 20000);
    struct sim_desk d;

    begin(&d, s, without, &(struct sim_desk_plan){.up = &link});
    d.picture->effect_us = 100000;
    for (unsigned i = 1; i <= 10; i++) {
        sim_desk_key(&d.viewer[0], 'a', true);
        sim_desk_key(&d.viewer[0], 'a', false);
        sim_desk_expect_exact(&d.viewer[0], SECOND_US);
        SIM_EXPECT(&d, d.picture->effects == i);
    }
    sim_desk_end(&d);
}

const struct sim_scenario scenario_hands_table[] = {
    {"in_order", "acts arrive once and in order through loss, reordering and copies", "resend",
     in_order},
    {"typed_in_an_outage", "what was typed in an outage arrives after it, in order", "probes",
     typed_in_an_outage},
    {"only_looking", "input of who may only look is left out", "roles", only_looking},
    {"nobody_controls", "a server that only shows takes nobody's input", "roles", nobody_controls},
    {"killed_with_a_key", "keys of a killed viewer go up after 2 s", "let_go", killed_with_a_key},
    {"goodbye_with_a_key", "keys go up at once at a session's end", "let_go", goodbye_with_a_key},
    {"held_for_long", "a key that is held stays down, without a word of the user", "held",
     held_for_long},
    {"silent_with_keys", "after a silence modifiers go down again, keys do not", "let_go",
     silent_with_keys},
    {"short_outage_with_a_key", "a short outage lets go of nothing", "held",
     short_outage_with_a_key},
    {"four_hands", "of two who control each holds its own keys", "own_keys", four_hands},
    {"effect", "what is said to show an act's effect shows it", "settle", effect},
    {0}};
