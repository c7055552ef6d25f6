#include "core/guest/ram_stream.h"

#include <string.h>

#include "core/base/num.h"

enum { MAGIC = 0x5145564d, VERSION = 3 };

/* Kinds of sections. */
enum {
    END_OF_FILE = 0,
    START = 1,
    PART = 2,
    END = 3,
    SUBSECTION = 5,
    CONFIGURATION = 7,
    COMMAND = 8,
    FOOTER = 0x7e
};

/* In the low bits of an address. */
enum {
    FLAG_FILL = 0x02,
    FLAG_SIZES = 0x04,
    FLAG_PAGE = 0x08,
    FLAG_END = 0x10,
    FLAG_CONTINUE = 0x20,
    FLAGS = RAM_PAGE_BYTES - 1
};

/* What comes; the first is where a zeroed parser is. */
enum stage {
    FILE_HEAD,
    SECTION_TYPE,
    CONFIGURATION_HEAD,
    MORE_LENGTH, /* of the name of what else the configuration holds */
    MORE_NAME,   /* and its version */
    COMMAND_HEAD,
    PASS,          /* `left` bytes, then `next` */
    SECTION_HEAD,  /* of START: number and the name's length */
    SECTION_NAME,  /* and instance and version */
    SECTION_AGAIN, /* of PART and END: the number */
    FOOTER_HEAD,
    RECORD,
    BLOCK_LENGTH, /* of a name, of a record that says its block */
    BLOCK_NAME,
    SIZE_LENGTH, /* of a name, of a block that is announced */
    SIZE_NAME,   /* and how large it is */
    FILL,
    CONTENT,
    OPAQUE
};

/* How many bytes of the head make it whole; 0: it is not gathered. */
static size_t needed(const struct ram_stream *r)
{
    switch ((enum stage)r->stage) {
    case FILE_HEAD:
    case RECORD:
        return 8;
    case SECTION_TYPE:
    case MORE_LENGTH:
    case BLOCK_LENGTH:
    case SIZE_LENGTH:
    case FILL:
        return 1;
    case CONFIGURATION_HEAD:
    case COMMAND_HEAD:
    case SECTION_AGAIN:
    case FOOTER_HEAD:
        return 4;
    case SECTION_HEAD:
        return 5;
    case SECTION_NAME:
        return r->left + 8;
    case MORE_NAME:
        return r->left + 4;
    case BLOCK_NAME:
        return r->left;
    case SIZE_NAME:
        return r->left + 8;
    default:
        return 0;
    }
}

static void pass(struct ram_stream *r, uint64_t n, enum stage next)
{
    r->left = n;
    r->next = next;
    r->stage = n ? PASS : next;
}

static void on_type(struct ram_stream *r, unsigned type)
{
    bool configures = r->type == CONFIGURATION || r->type == SUBSECTION;

    r->type = type;
    r->stage = type == CONFIGURATION         ? CONFIGURATION_HEAD
               : type == SUBSECTION          ? (configures ? MORE_LENGTH : OPAQUE)
               : type == COMMAND             ? COMMAND_HEAD
               : type == START               ? SECTION_HEAD
               : type == PART || type == END ? SECTION_AGAIN
               : type == FOOTER              ? FOOTER_HEAD
                                             : OPAQUE;
}

/* A name of so many bytes comes; there is none without. */
static void await_name(struct ram_stream *r, size_t bytes, enum stage stage)
{
    r->left = bytes;
    r->stage = bytes ? stage : OPAQUE;
}

/* What else a configuration can hold, where it says nothing of how memory is written: the size of a
 * guest's pages where its processor has a choice (Arm), and validate-uuid's. */
static void on_more_name(struct ram_stream *r)
{
    static const struct {
        const char *name;
        uint64_t bytes;
    } more[] = {{"configuration/target-page-bits", 4}, {"configuration/uuid", 16}};
    struct bytes name = bytes_of(r->head, r->left);

    r->stage = OPAQUE;
    for (size_t i = 0; i < COUNT_OF(more); i++)
        if (bytes_equal(name, bytes_of_string(more[i].name)))
            pass(r, more[i].bytes, SECTION_TYPE);
}

/* Only memory is looked into: what another section holds has no length. */
static void on_section_name(struct ram_stream *r)
{
    size_t n = r->left;

    r->stage = n == 3 && memcmp(r->head, "ram", 3) == 0 && !r->has_section &&
                       num_get_be(r->head + n + 4, 4) == 4
                   ? RECORD
                   : OPAQUE;
    r->has_section = true;
}

static void on_size_name(struct ram_stream *r)
{
    uint64_t size = num_get_be(r->head + r->left, 8);

    if (r->blocks == RAM_BLOCKS || size == 0 || size % RAM_PAGE_BYTES || size > r->announced) {
        r->stage = OPAQUE;
        return;
    }
    struct ram_block *b = &r->block[r->blocks++];
    memcpy(b->name, r->head, r->left);
    b->name_bytes = r->left;
    b->first_page = r->pages;
    b->pages = size / RAM_PAGE_BYTES;
    r->pages += b->pages;
    r->announced -= size;
    r->stage = r->announced ? SIZE_LENGTH : RECORD;
}

/* The page that the last record is about. */
static void on_place(struct ram_stream *r)
{
    uint64_t page = r->address / RAM_PAGE_BYTES;

    if (!r->at || page >= r->at->pages) {
        r->stage = OPAQUE;
        return;
    }
    r->page = r->at->first_page + page;
    r->stage = r->flags & FLAG_FILL ? FILL : CONTENT;
    r->left = r->stage == CONTENT ? RAM_PAGE_BYTES : 0;
}

static void on_block_name(struct ram_stream *r)
{
    r->at = NULL;
    for (size_t i = 0; i < r->blocks; i++)
        if (bytes_equal(bytes_of(r->block[i].name, r->block[i].name_bytes),
                        bytes_of(r->head, r->left)))
            r->at = &r->block[i];
    on_place(r);
}

static void on_record(struct ram_stream *r)
{
    uint64_t word = num_get_be(r->head, 8);

    r->flags = word & FLAGS;
    r->address = word & ~(uint64_t)FLAGS;
    if (r->flags == FLAG_END) {
        r->stage = SECTION_TYPE;
    } else if (r->flags == FLAG_SIZES && r->blocks == 0 && r->type == START && r->address > 0) {
        r->announced = r->address;
        r->stage = SIZE_LENGTH;
    } else if ((r->flags & ~(uint64_t)FLAG_CONTINUE) == FLAG_PAGE ||
               (r->flags & ~(uint64_t)FLAG_CONTINUE) == FLAG_FILL) {
        if (r->flags & FLAG_CONTINUE)
            on_place(r);
        else
            r->stage = BLOCK_LENGTH;
    } else {
        r->stage = OPAQUE;
    }
}

/* The head is whole. */
static void advance(struct ram_stream *r)
{
    const uint8_t *h = r->head;

    switch ((enum stage)r->stage) {
    case FILE_HEAD:
        r->stage =
            num_get_be(h, 4) == MAGIC && num_get_be(h + 4, 4) == VERSION ? SECTION_TYPE : OPAQUE;
        break;
    case SECTION_TYPE:
        on_type(r, h[0]);
        break;
    case CONFIGURATION_HEAD:
        pass(r, num_get_be(h, 4), SECTION_TYPE);
        break;
    case MORE_LENGTH:
        await_name(r, h[0], MORE_NAME);
        break;
    case MORE_NAME:
        on_more_name(r);
        break;
    case COMMAND_HEAD:
        pass(r, num_get_be(h + 2, 2), SECTION_TYPE);
        break;
    case SECTION_HEAD:
        r->section = (uint32_t)num_get_be(h, 4);
        r->left = h[4];
        r->stage = SECTION_NAME;
        break;
    case SECTION_NAME:
        on_section_name(r);
        break;
    case SECTION_AGAIN:
        r->stage = r->has_section && num_get_be(h, 4) == r->section ? RECORD : OPAQUE;
        break;
    case FOOTER_HEAD:
        r->stage = SECTION_TYPE;
        break;
    case RECORD:
        on_record(r);
        break;
    case BLOCK_LENGTH:
        await_name(r, h[0], BLOCK_NAME);
        break;
    case BLOCK_NAME:
        on_block_name(r);
        break;
    case SIZE_LENGTH:
        await_name(r, h[0], SIZE_NAME);
        break;
    case SIZE_NAME:
        on_size_name(r);
        break;
    case FILL:
        r->stage = RECORD;
        break;
    default:
        break;
    }
}

bool ram_stream_expect(const struct ram_stream *r, bool fill, uint8_t to[RAM_HEAD_BYTES])
{
    uint64_t next = r->address + RAM_PAGE_BYTES;

    if (r->stage != RECORD || !r->at || !(r->flags & (FLAG_PAGE | FLAG_FILL)) ||
        next / RAM_PAGE_BYTES >= r->at->pages)
        return false;
    num_put_be(to, RAM_HEAD_BYTES, next | FLAG_CONTINUE | (fill ? FLAG_FILL : FLAG_PAGE));
    return true;
}

static bool is_expected(const struct ram_stream *r)
{
    uint8_t head[RAM_HEAD_BYTES];

    for (int fill = 0; fill < 2; fill++)
        if (ram_stream_expect(r, fill, head) && memcmp(head, r->head, sizeof head) == 0)
            return true;
    return false;
}

/* Bytes that are not gathered. */
static void pass_over(struct ram_stream *r, struct bytes b, size_t *used, struct ram_item *out)
{
    *used = r->stage == OPAQUE ? b.n : num_min(b.n, r->left);
    *out = (struct ram_item){.kind = r->stage == CONTENT ? RAM_PART : RAM_OTHER,
                             .bytes = bytes_of(b.p, *used),
                             .page = r->page};
    if (r->stage == OPAQUE)
        return;
    r->left -= *used;
    if (r->left == 0)
        r->stage = r->stage == CONTENT ? (unsigned)RECORD : r->next;
}

bool ram_stream_next(struct ram_stream *r, struct bytes b, size_t *used, struct ram_item *out)
{
    size_t whole = needed(r);

    *used = 0;
    if (b.n == 0)
        return false;
    if (whole == 0) {
        pass_over(r, b, used, out);
        return true;
    }
    *used = num_min(b.n, whole - r->head_n);
    memcpy(r->head + r->head_n, b.p, *used);
    r->head_n += *used;
    if (r->head_n < whole)
        return false;
    bool record = r->stage == RECORD, fill = r->stage == FILL;
    *out = (struct ram_item){.kind = record ? RAM_HEAD
                                     : fill ? RAM_FILL
                                            : RAM_OTHER,
                             .bytes = bytes_of(r->head, whole),
                             .expected = record && is_expected(r)};
    r->head_n = 0;
    advance(r);
    out->page = r->page;
    return true;
}

struct bytes ram_stream_rest(const struct ram_stream *r)
{
    return bytes_of(r->head, r->head_n);
}

bool ram_stream_opaque(const struct ram_stream *r)
{
    return r->stage == OPAQUE;
}

bool ram_stream_in_page(const struct ram_stream *r)
{
    return r->stage == CONTENT;
}
