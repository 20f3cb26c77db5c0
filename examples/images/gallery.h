/* SPDX-License-Identifier: MIT */
/* gallery.h - a server for photographs, which it sends after a delay and a redirect. It has a loop
 * on a thread of its own, so clients may block. */
#ifndef IMAGES_GALLERY_H
#define IMAGES_GALLERY_H

#include <asyncio.h>
#include <pthread.h>
#include <semaphore.h>

#include "photo.h"

enum { PHOTOS = 12, CORRUPT = PHOTOS }; /* the last one is cut off in the middle */

struct gallery {
    struct jpeg photos[PHOTOS + 1];
    double delay; /* seconds before each photograph is sent */
    int port;     /* set when the server is open */
    /* the other members are private */
    pthread_t thread;
    async_loop *loop;
    async_event closing;
    sem_t opened; /* posted when the server is open, or cannot be opened */
    int result;
};

/* Make photographs of that size, on all processors. Call gallery_free() also after an error. */
ASYNC_CHECK int await_gallery_paint(struct gallery *g, int width, int height);
void gallery_free(struct gallery *g);

/* Serve http://127.0.0.1:PORT/photos/0 to /photos/12. */
ASYNC_CHECK int gallery_open(struct gallery *g);
void gallery_close(struct gallery *g);

#endif
