/* SPDX-License-Identifier: MIT */
/* ring.h - one direction of a stream in memory: bytes between one who puts and one who gets. It
 * answers as the kernel does for a socket, through the table of system calls, so that tests can
 * answer in its place. */
#ifndef BASE_RING_H
#define BASE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct ring {
    size_t room, first, count;
    bool ended;  /* nothing more will be put */
    bool broken; /* nobody will get any more */
    char *bytes;
};

/* Up to size bytes; 0 at the end. -1 and errno: EAGAIN. */
ssize_t async__ring_get(struct ring *r, void *buf, size_t size);

/* As many of size bytes as there is room for. -1 and errno: EAGAIN; EPIPE. */
ssize_t async__ring_put(struct ring *r, const void *buf, size_t size);

#endif
