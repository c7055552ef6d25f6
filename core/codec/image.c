#include "core/codec/image.h"

#include <string.h>

#include "core/base/buf.h"
#include "core/base/check.h"
#include "core/base/heap.h"
#include "core/base/limits.h"
#include "core/codec/jpeg_check.h"
#include "core/codec/palette_fill.h"
#include "core/codec/samples.h"

/* No single piece of work on a picture within limits.h needs more than 8 bytes a pixel and some: a
 * compressed stream that expands without end stops here. */
#define PIECE_MAX ((size_t)LIMIT_PICTURE_PIXELS * 8 + (1u << 20))

/* Set when an allocation of the library failed: it takes some failures for another kind of image.
 */
static _Thread_local bool starved;

static void *allocate(size_t bytes)
{
    void *p = bytes <= PIECE_MAX ? heap_alloc(bytes) : NULL;

    starved |= p == NULL;
    return p;
}

static void *resize(void *p, size_t old_bytes, size_t bytes)
{
    void *grown = bytes <= PIECE_MAX ? heap_resize(p, bytes) : NULL;

    starved |= grown == NULL;
    /* The library reads what it has not written when its input ends early. */
    if (grown && bytes > old_bytes)
        memset((char *)grown + old_bytes, 0, bytes - old_bytes);
    return grown;
}

/* PNG, JPEG and BMP from memory. The library's other formats stay out: they have a record of memory
 * errors and nobody streams them. */
#define STBI_NO_STDIO
#define STBI_NO_LINEAR
#define STBI_NO_HDR
#define STBI_ONLY_PNG
#define STBI_ONLY_JPEG
#define STBI_ONLY_BMP
#define STB_IMAGE_STATIC
#define STBI_MALLOC(bytes) allocate(bytes)
#define STBI_REALLOC_SIZED(p, old_bytes, bytes) resize(p, old_bytes, bytes)
#define STBI_FREE(p) heap_free(p)
#define STBI_ASSERT(x) CHECK(x)
#define STB_IMAGE_IMPLEMENTATION
/* It declares what is left out, which is said at the end. */
#pragma GCC diagnostic ignored "-Wunused-function"
#ifdef __clang__ /* nothing copied to NULL, and shifts into the sign, are what they seem */
#pragma clang attribute push(                                                                      \
    __attribute__((no_sanitize("pointer-overflow", "nonnull-attribute", "shift"))),                \
    apply_to = function)
#endif
#include <stb_image.h>
#ifdef __clang__
#pragma clang attribute pop
#endif

bool image_is(struct bytes head)
{
    static const struct {
        uint8_t n;
        char bytes[8];
    } magic[] = {{8, "\x89PNG\r\n\x1a\n"}, {3, "\xff\xd8\xff"}, {2, "BM"}};

    for (size_t i = 0; i < sizeof magic / sizeof magic[0]; i++)
        if (head.n >= magic[i].n && memcmp(head.p, magic[i].bytes, magic[i].n) == 0)
            return true;
    return false;
}

/* What the library has failed at. */
static enum err failed(struct reason *why)
{
    if (starved)
        return reason_give(why, ERR_MEMORY, "out of memory for an image");
    return reason_give(why, ERR_MALFORMED, "a broken image: %s", stbi_failure_reason());
}

/* Fuzz builds leave large pictures out: what goes wrong in them does so in small ones, but sooner.
 */
static bool size_fits(uint64_t width, uint64_t height)
{
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
    if (width > 1024 || height > 1024)
        return false;
#endif
    return samples_size_fits(width, height);
}

/* Looks at the header alone: nothing is allocated for a picture that is not taken. */
static enum err check(struct bytes file, int *channels, struct reason *why)
{
    int width, height;

    if (file.n > IMAGE_FILE_BYTES)
        return reason_give(why, ERR_LIMIT, "an image file of more than %d MiB",
                           IMAGE_FILE_BYTES >> 20);
    if (!image_is(file))
        return reason_give(why, ERR_MALFORMED, "no PNG, JPEG or BMP image");
    if (file.p[0] == 0xff && !jpeg_check(file))
        return reason_give(why, ERR_MALFORMED, "a broken image: bad Huffman table");
    if (!stbi_info_from_memory(file.p, (int)file.n, &width, &height, channels))
        return failed(why);
    if (height < 0 && height > -LIMIT_PICTURE_SIDE_PX) /* a BMP whose rows go down */
        height = -height;
    if (width < 0 || height < 0 || !size_fits((uint64_t)width, (uint64_t)height))
        return reason_give(why, ERR_LIMIT, "an image of %dx%d is beyond %dx%d or %d pixels", width,
                           height, LIMIT_PICTURE_SIDE_PX, LIMIT_PICTURE_SIDE_PX,
                           LIMIT_PICTURE_PIXELS);
    if (stbi_is_16_bit_from_memory(file.p, (int)file.n))
        return reason_give(why, ERR_USAGE, "an image with 16 bits a sample: only 8 are taken");
    return OK;
}

static enum err decode(struct bytes file, struct image *out, struct reason *why)
{
    int channels = 0, width = 0, height = 0;
    uint8_t *p = stbi_load_from_memory(file.p, (int)file.n, &width, &height, &channels, 4);

    if (!p)
        return failed(why);
    *out = (struct image){(uint32_t *)(void *)p, (uint32_t)width, (uint32_t)height,
                          channels == 2 || channels == 4};
    uint32_t mask = out->alpha ? UINT32_MAX : 0xffffff;
    for (size_t i = 0, n = (size_t)out->width * out->height; i < n; i++, p += 4)
        out->px[i] =
            mask & ((uint32_t)p[3] << 24 | (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2]);
    return OK;
}

enum err image_decode(struct bytes file, struct image *out, struct reason *why)
{
    struct buf filled;
    int channels = 0;

    *out = (struct image){0};
    starved = false;
    buf_init(&filled, file.n + 4096);
    enum err e = check(file, &channels, why);
    if (!e && (e = palette_fill(file, &filled)) != OK)
        reason_give(why, e, e == ERR_MEMORY ? "out of memory for an image" : "a broken palette");
    if (!e)
        e = decode(filled.n ? buf_bytes(&filled) : file, out, why);
    buf_release(&filled);
    return e;
}

void image_release(struct image *i)
{
    heap_free(i->px);
    *i = (struct image){0};
}

struct pixels image_pixels(const struct image *i)
{
    return (struct pixels){i->px, i->width, i->height, i->width};
}
