/* identity: the key pair a command acts with: the one it was told, or the default one. */
#ifndef FARSPAN_IDENTITY_H
#define FARSPAN_IDENTITY_H

#include "core/crypt/key.h"
#include "core/os/folder.h"
#include "core/run/run.h"

/* Writes the path of the identity file: --identity, else "identity" in the config folder. Makes
 * nothing. ERR_USAGE, with the reason given, when nothing says where that is. */
enum err identity_path(struct run *run, char to[FOLDER_PATH_CHARS]) MUST_USE;

/* Makes a new identity in the file `path`, whose folder is made too when it is the default one.
 * The caller ends `pair` with key_wipe, also after a failure. ERR_EXISTS when there is something
 * of that name, which stays as it is; ERR_SYSTEM; with the reason given. */
enum err identity_make(struct run *run, const char *path, struct key_pair *pair) MUST_USE;

/* Reads the identity; the default one is made when it is not there yet. The caller ends `pair`
 * with key_wipe, also after a failure. ERR_NOT_FOUND for a named file that is not there, else as
 * key_load and identity_make; with the reason given. */
enum err identity_load(struct run *run, struct key_pair *pair) MUST_USE;

#endif
