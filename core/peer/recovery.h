/* recovery: what was sent and what became of it: acknowledgements, loss, round trips, rates. */
#ifndef FARSPAN_RECOVERY_H
#define FARSPAN_RECOVERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/peer/control.h"
#include "core/peer/ecn.h"
#include "core/peer/skipped.h"
#include "core/wire/frame.h"

enum {
    RECOVERY_FRAMES = 8,
    RECOVERY_MAX_PACKETS = 1 << 16,
    RECOVERY_RANKS = 8,
    RECOVERY_SILENCE = 3 /* so many probe time-outs in a row: the path may be gone */
};

/* One frame of a sent packet, as much as is needed to send it again. */
struct recovery_frame {
    uint8_t type; /* enum frame_type */
    uint8_t fin;
    uint16_t length;
    uint64_t id, offset; /* ACK: offset is one past the highest number it tells of */
};

/* What became of a packet; REPEATED: nothing yet, but its content is to be sent once more. */
enum recovery_fate { RECOVERY_FATE_ACKED, RECOVERY_FATE_LOST, RECOVERY_FATE_REPEATED };

enum recovery_state { RECOVERY_NONE, RECOVERY_IN_FLIGHT, RECOVERY_ACKED, RECOVERY_LOST };

/* One sent packet. */
struct recovery_packet {
    uint64_t sent_us;
    uint64_t delivered, delivered_us, first_sent_us; /* rate sampling state when it was sent */
    uint16_t bytes;
    uint8_t state;
    uint8_t frames;
    uint8_t rank; /* of the most urgent content, 0 the most; filled in by the sender */
    bool eliciting, app_limited;
    bool probed; /* its content was queued again: by a probe time-out, or as a repeat */
    bool marked; /* left with ECT(0); filled in by the sender */
    bool trial;  /* not eliciting for any figure here, but its fate is told all the same */
    struct recovery_frame frame[RECOVERY_FRAMES];
};

/* All that is known of what was sent. RFC 9002 for loss and probes,
 * draft-cheng-iccrg-delivery-rate-estimation for rates. The owner is told of each packet's fate by
 * callbacks during recovery_ack and recovery_timer. */
struct recovery {
    struct recovery_packet *ring; /* packet n in ring[n % capacity]; oldest <= n < next */
    uint32_t capacity;
    uint64_t next, oldest;
    uint64_t open;                             /* none below it is in flight */
    struct frame_range told[LIMIT_ACK_RANGES]; /* by the ACK before: done with */
    uint32_t told_count;
    uint64_t largest_acked; /* valid when any_acked */
    bool any_acked;
    uint64_t in_flight_bytes, eliciting_in_flight;
    uint64_t rank_bytes[RECOVERY_RANKS]; /* in flight, by rank */
    uint64_t smoothed_us, variance_us, newest_us, min_us;
    uint64_t latest_us; /* the newest round trip without the other's delay of its ACK */
    uint64_t max_ack_delay_us;
    int64_t way_us;      /* of the newest packet: from our clock to the other's */
    uint64_t reorder_us; /* how much late a packet may be; grows when a loss was spurious */
    uint64_t reorder_packets;
    uint64_t last_eliciting_us; /* when the last ack-eliciting packet left */
    uint64_t loss_time_us;      /* when the next packet counts as lost by time; 0: none */
    unsigned probes;            /* probe time-outs in a row */
    uint64_t probe_base_us;     /* when the last one fired */
    bool heard;                 /* something of the other's has come since, after silence */
    uint64_t delivered, delivered_us, first_sent_us, app_limited_until;
    uint64_t round_end;           /* delivered count that ends the round */
    uint64_t lost_last, lost_run; /* the newest packet lost, and how many in a row */
    uint64_t lost_packets, acked_packets, spurious;
    struct ecn ecn; /* the owner's, who tells it of fates; told here what ACKs report */
    uint64_t recent_sent, recent_lost; /* decaying, for the loss figure */
    struct skipped skipped;            /* the owner's to prepare */
    bool lied_to;                      /* an ACK told of what was never sent */
    bool first_gap;                    /* PEER_WITHOUT_REORDER: no patience at all */
    struct control *control;           /* borrowed */
    enum err (*fate)(void *context, struct recovery_packet *p, uint64_t number,
                     enum recovery_fate fate);
    void *context;
};

/* Prepares the caller's storage; allocates nothing. */
void recovery_init(struct recovery *r, struct control *control,
                   enum err (*fate)(void *context, struct recovery_packet *p, uint64_t number,
                                    enum recovery_fate fate),
                   void *context);

/* Frees what it holds. */
void recovery_release(struct recovery *r);

/* Gives a record for the next packet, whose number goes to *number, to be filled and then either
 * sent (recovery_sent) or left (nothing happens). Now and then a number is left out before it. When
 * RECOVERY_MAX_PACKETS are open, or there is no memory for more, the oldest counts as lost.
 * ERR_MEMORY when there is none at all; the callbacks' errors. */
enum err recovery_prepare(struct recovery *r, struct recovery_packet **out,
                          uint64_t *number) MUST_USE;

/* Bytes in flight of packets with something of `rank` or more urgent in them. */
uint64_t recovery_urgent_bytes(const struct recovery *r, uint8_t rank);

/* Whether so much is in flight that nothing should be sent but acknowledgements and probes. */
bool recovery_crowded(const struct recovery *r);

/* The prepared packet has left with `bytes` bytes. */
void recovery_sent(struct recovery *r, uint64_t now_us, uint16_t bytes, bool eliciting);

/* The sender had nothing more to send although the window was open. */
void recovery_app_limited(struct recovery *r);

/* Takes an ACK frame in. ERR_MALFORMED, and lied_to, when it acknowledges what was never sent; else
 * the callbacks' errors. */
enum err recovery_ack(struct recovery *r, uint64_t now_us, const struct frame *f) MUST_USE;

/* When recovery_timer wants to be called; UINT64_MAX: never. */
uint64_t recovery_deadline_us(const struct recovery *r);

/* Handles losses by time and probe time-outs. *probe is set to the number of probe packets to send
 * now, beyond the window; when there is nothing else to send they are PINGs. Errors of the
 * callbacks. */
enum err recovery_timer(struct recovery *r, uint64_t now_us, unsigned *probe) MUST_USE;

/* Queues again what packet `number` carried, once, if it is still in flight. Errors of the
 * callbacks. */
enum err recovery_again(struct recovery *r, uint64_t number) MUST_USE;

/* The other has answered from another address: what is in flight went to the old one, and whatever
 * was not answered says nothing of the new one. Errors of the callbacks. */
enum err recovery_moved(struct recovery *r) MUST_USE;

/* Something of the other's has arrived. Where nothing was answered for long, the path may have come
 * back: the next probe does not wait for the whole of a long time-out. */
void recovery_heard(struct recovery *r);

/* The probe time-out without back-off. */
uint64_t recovery_probe_us(const struct recovery *r);

#endif
