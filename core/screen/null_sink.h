/* null_sink: a sink that shows nothing: for measuring and for waiting until exact. */
#ifndef FARSPAN_NULL_SINK_H
#define FARSPAN_NULL_SINK_H

#include "core/base/err.h"
#include "core/screen/sink.h"

/* Opens it. ERR_MEMORY. */
enum err null_sink_open(struct sink **out) MUST_USE;

#endif
