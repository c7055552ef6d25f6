/* test_art: pictures made by arithmetic for the built-in desktop: wallpaper, photo, pointers. */
#ifndef FARSPAN_TEST_ART_H
#define FARSPAN_TEST_ART_H

#include <stdint.h>

#include "core/screen/source.h"

enum { TEST_ART_ARROW, TEST_ART_TEXT, TEST_ART_HAND, TEST_ART_POINTERS };

/* Draws the wallpaper into width * height pixels. */
void test_art_wallpaper(uint32_t *px, uint32_t width, uint32_t height);

/* Draws a lake in the evening, with the grain of a photo, into width * height pixels. */
void test_art_photo(uint32_t *px, uint32_t width, uint32_t height);

enum { TEST_ART_POINTER_PX = 24 * 24 };

/* Sets size, hot spot, serial and image of `p` to pointer `shape`, drawn in the caller's `argb`. */
void test_art_pointer(unsigned shape, uint32_t argb[TEST_ART_POINTER_PX], struct source_pointer *p);

/* The sine of `degrees` in 1/4096 (Bhaskara's approximation: whole numbers, alike everywhere). */
int32_t test_art_sine(int32_t degrees);

#endif
