/* SPDX-License-Identifier: MIT */
/* gallery.h - the server: photographs that come after a moment, by way of a redirect. It has a loop and a thread of its
 * own, so that clients may block as they like. */
#ifndef IMAGES_GALLERY_H
#define IMAGES_GALLERY_H

#include <asyncio.h>
#include <pthread.h>
#include <semaphore.h>

#include "photo.h"

enum { PHOTOS = 12, CORRUPT = PHOTOS }; /* behind the good ones stands one that is cut short */

struct gallery {
    struct jpeg photos[PHOTOS + 1];
    double delay; /* seconds before each */
    int port;     /* when it is open */
    /* the rest is its own */
    pthread_t thread;
    async_loop *loop;
    async_event closing;
    sem_t told;
    int result;
};

/* Photographs of that size, made on all processors. gallery_free(): in any case. */
ASYNC_CHECK int await_gallery_paint(struct gallery *g, int width, int height);
void gallery_free(struct gallery *g);

/* Serve http://127.0.0.1:PORT/photos/0 to /photos/12. */
ASYNC_CHECK int gallery_open(struct gallery *g);
void gallery_close(struct gallery *g);

#endif
