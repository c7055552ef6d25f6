#include "tests/sim/sim_tcp.h"

struct wan_config sim_tcp_config(uint64_t rate_bps, uint64_t delay_us)
{
    struct wan_config c;

    wan_config_init(&c);
    c.rate_bps = rate_bps;
    c.delay_us = delay_us;
    c.queue_bytes = SIM_TCP_SOCKET_BYTES;
    return c;
}

bool sim_tcp_is_full(struct sim *s, size_t from, size_t to)
{
    return wan_link_queue_bytes(sim_link_tcp(s, from, to)) > SIM_TCP_UNSENT_BYTES;
}
