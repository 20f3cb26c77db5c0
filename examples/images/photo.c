/* SPDX-License-Identifier: MIT */
/* photo.c - draw mountains at some hour of the day, different for each number, with many edges. */
#include "photo.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h> /* jpeglib.h needs it */
#include <stdlib.h>

#include <jpeglib.h>

enum { QUALITY = 90, RANGES = 4, OCTAVES = 6 };

int jpeg_encode(const unsigned char *pixels, int width, int height, int channels, struct jpeg *ret)
{
    struct jpeg_compress_struct c;
    struct jpeg_error_mgr errors;
    unsigned long size = 0;
    ret->bytes = NULL;
    /* Ends the process on an error, which here can only be a lack of memory. */
    c.err = jpeg_std_error(&errors);
    jpeg_create_compress(&c);
    jpeg_mem_dest(&c, &ret->bytes, &size);
    c.image_width = (JDIMENSION)width;
    c.image_height = (JDIMENSION)height;
    c.input_components = channels;
    c.in_color_space = channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(&c);
    jpeg_set_quality(&c, QUALITY, TRUE);
    jpeg_start_compress(&c, TRUE);
    while (c.next_scanline < c.image_height) {
        JSAMPROW row = (JSAMPROW)(uintptr_t)(pixels +
                                             (size_t)c.next_scanline * (size_t)(width * channels));
        jpeg_write_scanlines(&c, &row, 1);
    }
    jpeg_finish_compress(&c);
    jpeg_destroy_compress(&c);
    ret->size = size;
    return ret->bytes ? 0 : -ENOMEM;
}

/* Return noise from 0 to 1, always the same for the same position. */
static float grain(uint32_t x, uint32_t y)
{
    uint32_t h = x * 0x8da6b343u ^ y * 0xd8163841u;
    h = (h ^ h >> 13) * 0x5bd1e995u;
    return (float)((h ^ h >> 15) & 0xffff) / 65535;
}

/* Return smooth noise: values between the grains are interpolated. */
static float wander(float x, uint32_t seed)
{
    float whole = floorf(x), part = x - whole, ease = part * part * (3 - 2 * part);
    float from = grain((uint32_t)(int)whole, seed), to = grain((uint32_t)(int)whole + 1, seed);
    return from + (to - from) * ease;
}

/* Return the height of a mountain range at a column, as a part of the picture's height. */
static float ridge(float x, int range, uint32_t seed)
{
    float height = 0, share = 0.5f, scale = 3;
    for (int i = 0; i < OCTAVES; i++, share /= 2, scale *= 2)
        height += share * wander(x * scale, seed + (uint32_t)(range * OCTAVES + i));
    return 0.25f + 0.16f * (float)(RANGES - range) - 0.35f * (height - 0.5f);
}

struct light {
    float red, green, blue;
};

static unsigned char level(float x)
{
    return (unsigned char)(x < 0 ? 0 : x > 255 ? 255 : x);
}

static void dot(unsigned char *at, struct light l, float shade)
{
    at[0] = level(l.red * shade);
    at[1] = level(l.green * shade);
    at[2] = level(l.blue * shade);
}

/* Draw a column from the nearest range, at the bottom, up to the sky. */
static void paint_column(unsigned char *pixels, int width, int height, int x, uint32_t seed)
{
    float hour = (float)(seed % 12) / 12, across = (float)x / (float)width;
    struct light sky = { 110 + 120 * hour, 150 + 40 * hour, 235 - 90 * hour };
    float top[RANGES];
    for (int k = 0; k < RANGES; k++)
        top[k] = ridge(across + 0.37f * (float)k, k, seed * 131);
    for (int y = 0; y < height; y++) {
        float down = (float)y / (float)height, noise = grain((uint32_t)x, (uint32_t)y + seed);
        unsigned char *at = pixels + 3 * ((size_t)y * (size_t)width + (size_t)x);
        int k = 0;
        while (k < RANGES && down < top[k])
            k++;
        if (k == RANGES) {
            dot(at, sky, 0.7f + 0.5f * down + 0.02f * noise);
            continue;
        }
        float far = (float)k / RANGES, rock = wander(down * 60 + across * 25, seed + (uint32_t)k);
        struct light stone = { 40 + 90 * far, 55 + 80 * far, 45 + 120 * far };
        dot(at, stone, 0.6f + 0.5f * rock + 0.25f * noise * (1 - far));
    }
}

int photo_make(int n, int width, int height, struct jpeg *ret)
{
    unsigned char *pixels = malloc((size_t)width * (size_t)height * 3);
    if (!pixels)
        return -ENOMEM;
    for (int x = 0; x < width; x++)
        paint_column(pixels, width, height, x, (uint32_t)n + 1);
    int r = jpeg_encode(pixels, width, height, 3, ret);
    free(pixels);
    return r;
}
