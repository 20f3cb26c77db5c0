/* SPDX-License-Identifier: MIT */
/* ring.h - one direction of a stream in memory: a ring buffer of bytes. Its functions return what
 * the kernel returns for a socket, and are called through the table of system calls (sys.h), so
 * that tests can inject faults. */
#ifndef BASE_RING_H
#define BASE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct ring {
    size_t room;         /* size of bytes */
    size_t first, count; /* index of the oldest byte; number of bytes in the ring */
    bool ended;          /* the writing side is closed */
    bool broken;         /* the reading side is closed */
    char *bytes;
};

/* Copy at most `size` bytes out of the ring. Returns their number, 0 if the writing side is closed
 * and the ring is empty, or -1 with errno EAGAIN. */
ssize_t async__ring_get(struct ring *r, void *buf, size_t size);

/* Copy as many of `size` bytes into the ring as fit. Returns their number, or -1 with errno EAGAIN
 * (the ring is full) or EPIPE (a side is closed). */
ssize_t async__ring_put(struct ring *r, const void *buf, size_t size);

#endif
