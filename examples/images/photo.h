/* SPDX-License-Identifier: MIT */
/* photo.h - generate photographs, and write JPEG files to memory. */
#ifndef IMAGES_PHOTO_H
#define IMAGES_PHOTO_H

#include <stddef.h>

/* A JPEG file in memory. The caller frees bytes. */
struct jpeg {
    unsigned char *bytes;
    size_t size;
};

/* Make photograph number n in that size. The same arguments always give the same photograph.
 * Returns 0 or -ENOMEM. */
int photo_make(int n, int width, int height, struct jpeg *ret);

/* Write pixels as a JPEG file; channels is 1 for grey, 3 for colour. Returns 0 or -ENOMEM. */
int jpeg_encode(const unsigned char *pixels, int width, int height, int channels, struct jpeg *ret);

#endif
