/* SPDX-License-Identifier: MIT */
/* photo.h - photographs that nobody has taken, and JPEG files in memory. */
#ifndef IMAGES_PHOTO_H
#define IMAGES_PHOTO_H

#include <stddef.h>

/* A JPEG file in memory; bytes is for free(). */
struct jpeg {
    unsigned char *bytes;
    size_t size;
};

/* Photograph number n, of that many pixels: always the same one. 0; -ENOMEM. */
int photo_make(int n, int width, int height, struct jpeg *ret);

/* Write pixels, channels (1: grey, 3: colour) bytes each, as a JPEG file. 0; -ENOMEM. */
int jpeg_encode(const unsigned char *pixels, int width, int height, int channels, struct jpeg *ret);

#endif
