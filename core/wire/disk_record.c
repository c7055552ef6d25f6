#include "core/wire/disk_record.h"

#include "core/base/limits.h"
#include "core/base/rd.h"

enum { FLAG_HOLE = 1 };

void disk_record_put(struct wr *w, const struct disk_record *r)
{
    wr_u8(w, (uint8_t)r->kind);
    wr_u8(w, r->hole ? FLAG_HOLE : 0);
    wr_u16(w, 0);
    wr_u32(w, r->length);
    wr_u64(w, r->offset);
}

enum err disk_record_get(struct bytes b, uint64_t size_bytes, struct disk_record *out)
{
    struct rd r = rd_of(b);
    unsigned kind = rd_u8(&r), flags = rd_u8(&r), spare = rd_u16(&r);

    out->length = rd_u32(&r);
    out->offset = rd_u64(&r);
    if (r.bad || kind == 0 || kind >= DISK_KINDS || flags > FLAG_HOLE || spare)
        return ERR_MALFORMED;
    out->kind = (enum disk_kind)kind;
    out->hole = flags & FLAG_HOLE;
    if (out->kind == DISK_BARRIER || out->kind == DISK_DONE)
        return out->offset ? ERR_MALFORMED : OK;
    if (out->length == 0 || out->offset > size_bytes || out->length > size_bytes - out->offset)
        return ERR_MALFORMED;
    if (out->kind == DISK_KNOWN)
        return out->length > DISK_KNOWN_MOST || (out->length | out->offset) % DISK_BLOCK_BYTES
                   ? ERR_MALFORMED
                   : OK;
    return out->kind == DISK_WRITE && out->length > LIMIT_NBD_PAYLOAD_BYTES ? ERR_MALFORMED : OK;
}

void disk_record_put_known(struct wr *w, const struct disk_known *k)
{
    wr_u64(w, k->first);
    wr_u64(w, k->check);
}

void disk_record_get_known(struct bytes b, struct disk_known *out)
{
    struct rd r = rd_of(b);

    out->first = rd_u64(&r);
    out->check = rd_u64(&r);
}
