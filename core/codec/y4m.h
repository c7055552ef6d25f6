/* y4m: YUV4MPEG2 video, planes kept as they are; and pictures written as 4:4:4, which loses. */
#ifndef FARSPAN_Y4M_H
#define FARSPAN_Y4M_H

#include "core/base/bytes.h"
#include "core/base/err.h"
#include "core/base/io.h"
#include "core/base/reason.h"
#include "core/codec/pic.h"
#include "core/codec/samples.h"

enum { Y4M_LINE_CHARS = 255 };

/* No time of its own: the frame's place and the stream's rate give it. */
#define Y4M_NO_TIME UINT64_MAX

/* The latest time that a frame may say, in us. */
#define Y4M_TIME_MAX ((uint64_t)1 << 61)

/* What the first line of a stream says. */
struct y4m_head {
    uint32_t width, height;
    enum samples samples;          /* SAMPLES_MONO .. SAMPLES_444A */
    uint32_t rate_num, rate_den;   /* frames a second; 0 when it does not say */
    bool full_range;               /* XCOLORRANGE=FULL: 0..255, else 16..235 */
    char line[Y4M_LINE_CHARS + 1]; /* the line as it is, without its newline */
};

/* Reads a first line (without its newline). Interlace, aspect, chroma siting and X parameters are
 * taken as they are. ERR_MALFORMED, ERR_LIMIT (size), ERR_USAGE (more than 8 bits a sample, unknown
 * planes), with the reason. */
enum err y4m_parse_head(struct bytes line, struct y4m_head *out, struct reason *why) MUST_USE;

/* The head of a stream that y4m_write_frame makes of RGB pictures: C444, full range; the rate is
 * what players assume, each frame says its time. */
void y4m_head_for_rgb(struct y4m_head *out, uint32_t width, uint32_t height, uint32_t rate_num,
                      uint32_t rate_den);

/* The time of frame `n` by the stream's rate, in us; 0 without a rate, at most
 * Y4M_TIME_MAX. */
uint64_t y4m_time_us(const struct y4m_head *h, uint64_t n);

/* A reader of a stream. */
struct y4m_reader;

/* Gives a reader, or NULL without memory. */
struct y4m_reader *y4m_reader_new(void);

/* Takes and frees it; NULL is fine. */
void y4m_reader_free(struct y4m_reader *r);

/* Takes the next bytes from the front of *in. OK: a frame is whole (y4m_reader_pixels) and *in
 * holds what follows it; ERR_AGAIN: all of *in was taken. ERR_MALFORMED, ERR_LIMIT, ERR_USAGE as
 * y4m_parse_head, ERR_MEMORY, with the reason; then the reader is of no more use. */
enum err y4m_reader_feed(struct y4m_reader *r, struct bytes *in, struct reason *why) MUST_USE;

/* After the last byte: OK between frames (and after at least one), ERR_MALFORMED within one. */
enum err y4m_reader_end(const struct y4m_reader *r, struct reason *why) MUST_USE;

/* The stream's head, borrowed; valid from the first whole frame on. */
const struct y4m_head *y4m_reader_head(const struct y4m_reader *r);

/* The frame that is whole, laid out as samples.h says, borrowed until the next feed. */
struct pixels y4m_reader_pixels(const struct y4m_reader *r);

/* What `Xt_us=` of the whole frame says, or its time by the stream's rate. */
uint64_t y4m_reader_time_us(const struct y4m_reader *r);

/* Writes the first line. Errors of `out`. */
enum err y4m_write_head(struct io_out *out, const struct y4m_head *h) MUST_USE;

/* Writes `p`, whose size is the head's and whose pixels are of format `from`, as one frame, with
 * `FRAME Xt_us=time_us` unless that is Y4M_NO_TIME. Exact when `from` is the head's format; RGB is
 * converted to 4:4:4 (samples_from_rgb: lossy), alpha left out. ERR_MEMORY and the errors of `out`.
 */
enum err y4m_write_frame(struct io_out *out, const struct y4m_head *h, const struct pic *p,
                         enum samples from, uint64_t time_us) MUST_USE;

/* The bytes of a frame of 4:4:4: luma, Cb and Cr, one plane after the other. */
size_t y4m_planes_bytes(const struct y4m_head *h);

/* Converts the RGB pixels of `area` (inside picture and head) to 4:4:4 in their place of `planes`,
 * which has y4m_planes_bytes of the head. */
void y4m_put_planes(const struct y4m_head *h, const struct pic *p, struct rect area,
                    uint8_t *planes);

/* Writes planes as one frame, as y4m_write_frame does. Errors of `out`. */
enum err y4m_write_planes(struct io_out *out, const struct y4m_head *h, const uint8_t *planes,
                          uint64_t time_us) MUST_USE;

#endif
