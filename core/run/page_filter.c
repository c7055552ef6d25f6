#include "core/run/page_filter.h"

#include "core/os/file.h"

enum { MODE = 0700 };

enum err page_filter_folder(char to[FOLDER_PATH_CHARS])
{
    struct folder_user user = folder_user_here();
    enum err e = folder_path(&user, FOLDER_CACHE, "", to);

    return e ? e : file_make_folder(to, MODE);
}

static enum err code_put(void *ctx, struct bytes in, size_t *used)
{
    *used = in.n;
    return page_coder_put(ctx, in);
}

static enum err code_end(void *ctx)
{
    return page_coder_end(ctx);
}

static struct bytes code_output(void *ctx)
{
    return page_coder_output(ctx);
}

static void code_taken(void *ctx, size_t n)
{
    page_coder_sent(ctx, n);
}

struct byte_filter page_filter_code(struct page_coder *c)
{
    return (struct byte_filter){code_put, code_end, code_output, code_taken, c};
}

static enum err decode_put(void *ctx, struct bytes in, size_t *used)
{
    return page_decoder_put(ctx, in, used);
}

static struct bytes decode_output(void *ctx)
{
    return page_decoder_output(ctx);
}

static void decode_taken(void *ctx, size_t n)
{
    page_decoder_taken(ctx, n);
}

struct byte_filter page_filter_decode(struct page_decoder *d)
{
    return (struct byte_filter){decode_put, NULL, decode_output, decode_taken, d};
}
