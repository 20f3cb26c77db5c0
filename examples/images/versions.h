/* SPDX-License-Identifier: MIT */
/* versions.h - the same program four times: first fetch the photographs, then find their edges. */
#ifndef IMAGES_VERSIONS_H
#define IMAGES_VERSIONS_H

#include <asyncio.h>

#include "gallery.h"

enum { NAME_SIZE = 128 };

struct album {
    char url[PHOTOS + 1][NAME_SIZE];
    char photo[PHOTOS + 1][NAME_SIZE]; /* file names */
    char edges[PHOTOS + 1][NAME_SIZE];
    int done; /* of the step that runs */
    void (*progress)(int done);
};

struct version {
    const char *name, *fetching, *finding; /* in words */
    async_co (*fetch)(struct album *a);
    async_co (*find)(struct album *a);
};

extern const struct version versions[4];

/* The last photograph is corrupt: what comes of it on a thread, and in a process. Both return its error. */
ASYNC_CHECK int await_corrupt_on_thread(struct album *a);
ASYNC_CHECK int await_corrupt_in_process(struct album *a);

#endif
