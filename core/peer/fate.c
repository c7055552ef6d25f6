#include "core/peer/fate.h"

#include "core/base/num.h"
#include "core/peer/session.h"

static void of_control(struct peer *p, const struct recovery_frame *f, bool acked)
{
    struct stream *s = session_stream(p, f->id);

    switch (f->type) {
    case FRAME_ACK:
        if (acked && f->length == p->told_epoch)
            p->told_floor = num_max(p->told_floor, f->offset);
        break;
    case FRAME_MAX_DATA:
        p->limit_wanted |= !acked;
        break;
    case FRAME_NEW_TOKEN:
        p->token_wanted |= !acked;
        break;
    case FRAME_MAX_STREAM_DATA:
        if (s && !acked && !s->in.fin_known && !s->in.stopped)
            s->in.limit_wanted = true;
        break;
    case FRAME_STOP_SENDING:
        if (s && !acked && !s->in.fin_known)
            s->in.stop_wanted = true;
        break;
    case FRAME_RESET_STREAM:
        if (s && acked)
            s->out.reset_acked = true;
        else if (s)
            s->out.reset_wanted = true;
        break;
    case FRAME_DROP_MESSAGE:
        if (!acked)
            mail_again_drop(&p->mail, &(struct mail_drop){f->id, f->length});
        break;
    default:
        break;
    }
}

static void of_size_and_mark(struct peer *p, const struct recovery_packet *packet, uint64_t number,
                             bool acked)
{
    struct ecn *ecn = &p->recovery.ecn;

    if (packet->trial && packet->marked) {
        ecn_trial_fate(ecn, p->now_us, number, acked);
        return;
    }
    if (packet->trial)
        mtu_probe_fate(&p->mtu, p->now_us, number, packet->bytes, acked);
    else if (session_with(p, PEER_WITHOUT_BLACK_HOLE))
        mtu_fate(&p->mtu, p->now_us, number, packet->bytes, acked);
    if (packet->marked)
        ecn_fate(ecn, p->now_us, number, acked);
}

static enum err of_stream(struct peer *p, const struct recovery_frame *f, enum recovery_fate fate)
{
    struct stream *s = session_stream(p, f->id);

    if (!s || (fate != RECOVERY_FATE_ACKED && !session_with(p, PEER_WITHOUT_RESEND)))
        return OK;
    if (fate == RECOVERY_FATE_LOST)
        return stream_lost(s, f->offset, f->length, f->fin);
    if (fate == RECOVERY_FATE_REPEATED)
        return stream_repeat(s, f->offset, f->length, f->fin);
    enum err e = stream_acked(s, f->offset, f->length, f->fin);
    if (!e && s->out.starved && s->out.end - s->out.base < s->out.max_buffer) {
        s->out.starved = false;
        session_event(p, &(struct peer_event){.kind = PEER_EVENT_WRITABLE, .id = s->id}, NULL);
    }
    return e;
}

static enum err of_message(struct peer *p, const struct recovery_frame *f, enum recovery_fate fate)
{
    if (fate == RECOVERY_FATE_ACKED)
        return mail_acked(&p->mail, f->id, f->offset, f->length);
    if (fate == RECOVERY_FATE_REPEATED)
        return mail_repeat(&p->mail, f->id, f->offset, f->length);
    return mail_lost(&p->mail, f->id, f->offset, f->length, session_with(p, PEER_WITHOUT_RESEND));
}

enum err fate_tell(void *context, struct recovery_packet *packet, uint64_t number,
                   enum recovery_fate fate)
{
    struct peer *p = context;
    bool acked = fate == RECOVERY_FATE_ACKED;
    enum err e = OK;

    if (packet->state != RECOVERY_IN_FLIGHT)
        of_size_and_mark(p, packet, number, acked);
    for (unsigned i = 0; i < packet->frames && !e; i++) {
        const struct recovery_frame *f = &packet->frame[i];
        if (f->type == FRAME_STREAM)
            e = of_stream(p, f, fate);
        else if (f->type == FRAME_MESSAGE)
            e = of_message(p, f, fate);
        else if (acked || session_with(p, PEER_WITHOUT_RESEND))
            of_control(p, f, acked);
    }
    return e;
}
