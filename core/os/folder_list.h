/* folder_list: the names in a folder. */
#ifndef FARSPAN_FOLDER_LIST_H
#define FARSPAN_FOLDER_LIST_H

#include "core/base/err.h"

/* Calls fn(ctx, name) for each name in the folder `path`, in no order, but for those that begin
 * with a dot; ends with the first error that it gives. A folder that is not there has no names.
 * ERR_SYSTEM (logged). */
enum err folder_list(const char *path, enum err (*fn)(void *ctx, const char *name),
                     void *ctx) MUST_USE;

#endif
