/* SPDX-License-Identifier: MIT */
#include "base/ring.h"

#include <errno.h>
#include <string.h>

static size_t smaller_of(size_t a, size_t b)
{
    return a < b ? a : b;
}

static ssize_t fail_with_errno(int err)
{
    errno = err;
    return -1;
}

ssize_t async__ring_get(struct ring *r, void *buf, size_t size)
{
    size_t n = smaller_of(size, r->count), before_end = smaller_of(n, r->room - r->first);
    if (r->count == 0)
        return r->ended ? 0 : fail_with_errno(EAGAIN);
    memcpy(buf, r->bytes + r->first, before_end);
    memcpy((char *)buf + before_end, r->bytes, n - before_end);
    r->first = (r->first + n) % r->room;
    r->count -= n;
    return (ssize_t)n;
}

ssize_t async__ring_put(struct ring *r, const void *buf, size_t size)
{
    if (r->broken || r->ended)
        return fail_with_errno(EPIPE);
    if (r->count == r->room)
        return fail_with_errno(EAGAIN);
    size_t n = smaller_of(size, r->room - r->count), at = (r->first + r->count) % r->room;
    size_t before_end = smaller_of(n, r->room - at);
    memcpy(r->bytes + at, buf, before_end);
    memcpy(r->bytes, (const char *)buf + before_end, n - before_end);
    r->count += n;
    return (ssize_t)n;
}
