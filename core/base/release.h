/* release: the one place that says which farspan this is. */
#ifndef FARSPAN_RELEASE_H
#define FARSPAN_RELEASE_H

#define VERSION "0.1.0"

#endif
