/* path: what is at a path, and programs and empty disks found or made there. */
#ifndef FARSPAN_PATH_H
#define FARSPAN_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

enum path_kind {
    PATH_NOTHING, /* also when that cannot be looked at */
    PATH_FILE,
    PATH_DEVICE, /* of blocks */
    PATH_SOCKET,
    PATH_FOLDER,
    PATH_OTHER
};

/* What is at the borrowed path, behind symbolic links. */
enum path_kind path_look(const char *path);

/* Writes the path from the root on, links followed, to `to`. ERR_NOT_FOUND, ERR_LIMIT. */
enum err path_whole(const char *path, char *to, size_t room) MUST_USE;

/* Looks for a program in the folders of $PATH and where Debian and others keep a QEMU; what has a
 * slash is its own path. ERR_NOT_FOUND: there is none that this user may start; ERR_LIMIT. */
enum err path_program(const char *name, char *to, size_t room) MUST_USE;

/* Whether this user can make something in that folder. */
bool path_writable(const char *folder);

/* How much this user can still write to the file system that the path is on; UINT64_MAX: that
 * cannot be told. */
uint64_t path_free_bytes(const char *path);

/* Makes a file of that size that holds zeroes and takes no space, for this user alone. ERR_EXISTS
 * (not logged), ERR_SYSTEM (logged). */
enum err path_make_disk(const char *path, uint64_t bytes) MUST_USE;

#endif
