/* sim_weather: a path and its faults made from chance alone, for swarms. */
#ifndef FARSPAN_SIM_WEATHER_H
#define FARSPAN_SIM_WEATHER_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/rng.h"
#include "core/wan/wan_config.h"

enum sim_fault {
    SIM_FAULT_LOSS,
    SIM_FAULT_BURST, /* loss in bursts */
    SIM_FAULT_REORDER,
    SIM_FAULT_DUPLICATE,
    SIM_FAULT_CORRUPT,
    SIM_FAULT_JITTER, /* that reorders */
    SIM_FAULT_OUTAGE,
    SIM_FAULT_RATE,    /* drops to a fraction and comes back */
    SIM_FAULT_DELAY,   /* jumps and comes back */
    SIM_FAULT_MTU,     /* large datagrams vanish */
    SIM_FAULT_ECN,     /* marks are cleared, or what is marked vanishes */
    SIM_FAULT_POLICER, /* beyond a part of the rate all is dropped */
    SIM_FAULT_FADE,    /* the rate changes all the time */
    SIM_FAULT_SLOTS,   /* arrivals come in lumps */
    SIM_FAULT_REBIND,  /* the client's address changes */
    SIM_FAULT_SKEW,    /* clocks differ in rate and offset, for good */
    SIM_FAULTS
};

struct sim_weather {
    uint32_t faults;  /* bits of enum sim_fault: at least three */
    uint64_t stop_us; /* every fault but skew is over by then, counted from the links' start */
    struct wan_config up, down;
    uint64_t offset_us[2]; /* clocks of client and server */
    int64_t ppm[2];
};

enum { SIM_WEATHER_CHARS = 400 };

/* Makes weather of `least` .. 6 kinds of fault that strike within 0 .. stop_us. */
void sim_weather_make(struct sim_weather *w, struct rng *rng, uint64_t stop_us, unsigned least);

/* Describes it in one line; gives `to`. */
char *sim_weather_print(const struct sim_weather *w, char to[SIM_WEATHER_CHARS]);

#endif
