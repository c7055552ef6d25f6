/* page_filter: the guest's pages coded and decoded between a socket and a channel. */
#ifndef FARSPAN_PAGE_FILTER_H
#define FARSPAN_PAGE_FILTER_H

#include "core/guest/page_coder.h"
#include "core/guest/page_decoder.h"
#include "core/os/folder.h"
#include "core/run/byte_filter.h"

/* The folder for what coder and decoder keep, this user's cache, made when it is not there.
 * ERR_NOT_FOUND, ERR_SYSTEM (logged). */
enum err page_filter_folder(char to[FOLDER_PATH_CHARS]) MUST_USE;

/* A filter that codes; the coder (borrowed) outlives it. */
struct byte_filter page_filter_code(struct page_coder *c);

/* A filter that decodes; the decoder (borrowed) outlives it. */
struct byte_filter page_filter_decode(struct page_decoder *d);

#endif
