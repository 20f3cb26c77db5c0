/* SPDX-License-Identifier: MIT */
#include "edges.h"

#include <asyncio.h>
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>

#include "photo.h"

struct grey {
    unsigned char *pixels;
    int width, height;
};

/* On an error libjpeg would call exit(). Return to the caller instead, with libjpeg's message. */
struct decoder {
    struct jpeg_decompress_struct d;
    struct jpeg_error_mgr errors;
    jmp_buf back;
    char why[JMSG_LENGTH_MAX];
};

static void give_up(j_common_ptr d)
{
    struct decoder *k = (struct decoder *)d;
    d->err->format_message(d, k->why);
    longjmp(k->back, 1);
}

/* Treat warnings of libjpeg as errors, because half a picture causes only a warning. */
static void warn(j_common_ptr d, int message)
{
    if (message < 0)
        give_up(d);
}

static int decode_rows(struct decoder *k, struct grey *ret)
{
    struct jpeg_decompress_struct *d = &k->d;
    jpeg_read_header(d, TRUE);
    d->out_color_space = JCS_GRAYSCALE;
    jpeg_start_decompress(d);
    ret->width = (int)d->output_width;
    ret->height = (int)d->output_height;
    ret->pixels = malloc((size_t)d->output_width * d->output_height);
    if (!ret->pixels)
        return -ENOMEM;
    while (d->output_scanline < d->output_height) {
        JSAMPROW row = ret->pixels + (size_t)d->output_scanline * d->output_width;
        jpeg_read_scanlines(d, &row, 1);
    }
    jpeg_finish_decompress(d);
    return 0;
}

/* Decode a photograph. The caller frees ret->pixels, also after an error. */
static int decode(FILE *f, const char *name, struct grey *ret)
{
    struct decoder k;
    k.d.err = jpeg_std_error(&k.errors);
    k.errors.error_exit = give_up;
    k.errors.emit_message = warn;
    jpeg_create_decompress(&k.d);
    int r;
    if (setjmp(k.back)) {
        r = async_fail(-EBADMSG, "%s: %s", name, k.why);
    } else {
        jpeg_stdio_src(&k.d, f);
        r = decode_rows(&k, ret);
    }
    jpeg_destroy_decompress(&k.d);
    return r;
}

/* Return how much the grey changes at a pixel, across and down together. */
static unsigned char change(const unsigned char *p, int width)
{
    int across = p[-width + 1] + 2 * p[1] + p[width + 1] - p[-width - 1] - 2 * p[-1] - p[width - 1];
    int down = p[width - 1] + 2 * p[width] + p[width + 1] - p[-width - 1] - 2 * p[-width] -
               p[-width + 1];
    int much = (int)sqrtf((float)(across * across + down * down));
    return (unsigned char)(much < 255 ? much : 255);
}

static unsigned char *sobel(const struct grey *g)
{
    unsigned char *edges = calloc((size_t)g->width, (size_t)g->height);
    if (!edges)
        return NULL;
    for (int y = 1; y < g->height - 1; y++)
        for (int x = 1; x < g->width - 1; x++) {
            size_t at = (size_t)y * (size_t)g->width + (size_t)x;
            edges[at] = change(g->pixels + at, g->width);
        }
    return edges;
}

static int write_file(const char *name, const struct jpeg *j)
{
    FILE *f = fopen(name, "wb");
    if (!f)
        return async_fail(-errno, "%s", name);
    bool written = fwrite(j->bytes, 1, j->size, f) == j->size;
    if (fclose(f) == 0 && written)
        return 0;
    int r = async_fail(errno ? -errno : -EIO, "%s", name);
    remove(name);
    return r;
}

static int find(const struct grey *g, const char *target)
{
    struct jpeg j = { 0 };
    unsigned char *edges = sobel(g);
    int r = edges ? jpeg_encode(edges, g->width, g->height, 1, &j) : -ENOMEM;
    if (r == 0)
        r = write_file(target, &j);
    free(edges);
    free(j.bytes);
    return r;
}

int edges_of_file(const char *source, const char *target)
{
    struct grey g = { 0 };
    FILE *f = fopen(source, "rb");
    if (!f)
        return async_fail(-errno, "%s", source);
    int r = decode(f, source, &g);
    fclose(f);
    if (r == 0)
        r = find(&g, target);
    free(g.pixels);
    return r;
}
