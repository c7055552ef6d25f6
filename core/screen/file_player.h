/* file_player: the pictures of a file in order, each with its time, one ahead. */
#ifndef FARSPAN_FILE_PLAYER_H
#define FARSPAN_FILE_PLAYER_H

#include <stdint.h>

#include "core/base/err.h"
#include "core/base/reason.h"
#include "core/codec/pic.h"

/* A file being read. */
struct file_player;

/* Opens `path`, finds out what it is and reads the first picture, which file_player_next then
 * gives. `fps` (> 0) is for streams that have no times. Errors as file_source_open, the reason in
 * *why. */
enum err file_player_open(const char *path, uint32_t fps, struct file_player **out,
                          struct reason *why) MUST_USE;

/* Takes and frees it; NULL is fine. */
void file_player_free(struct file_player *p);

/* The next picture: its time from the start of the file in *time_us, RGB pixels (top byte 0)
 * borrowed in *px until file_player_take. ERR_END when there are no more, or the error that the
 * file ends in, with the reason. */
enum err file_player_next(struct file_player *p, uint64_t *time_us, struct pixels *px,
                          struct reason *why) MUST_USE;

/* Goes on to the picture after it (reads the file); what goes wrong, file_player_next says. */
void file_player_take(struct file_player *p);

#endif
