/* SPDX-License-Identifier: MIT */
/* versions.h - four versions of the same program, which fetches photographs and finds their
 * edges. */
#ifndef IMAGES_VERSIONS_H
#define IMAGES_VERSIONS_H

#include <asyncio.h>

#include "gallery.h"

enum { NAME_SIZE = 128 };

struct album {
    char url[PHOTOS + 1][NAME_SIZE];
    char photo[PHOTOS + 1][NAME_SIZE]; /* file names */
    char edges[PHOTOS + 1][NAME_SIZE];
    int done; /* photographs that are done in the current step */
    void (*progress)(int done);
};

struct version {
    const char *name, *fetching, *finding; /* what is printed about it */
    async_co (*fetch)(struct album *a);
    async_co (*find)(struct album *a);
};

extern const struct version versions[4];

/* Find the edges of the corrupt photograph, on a thread and in a process. Both return the error
 * that this causes. */
ASYNC_CHECK int await_corrupt_on_thread(struct album *a);
ASYNC_CHECK int await_corrupt_in_process(struct album *a);

#endif
