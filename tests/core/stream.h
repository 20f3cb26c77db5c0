/* SPDX-License-Identifier: MIT */
/* stream.h - what the tests of streams share: calls on one, in coroutines. */
#ifndef TESTS_STREAM_H
#define TESTS_STREAM_H

#include "net.h"

static const double moment = 0.005;

ASYNC_DEF(reads, (async_stream *)s, (char *)buf, (size_t)size, (const char *)word)
{
    int r = (int)await_stream_read(s, buf, size);
    log_event("%s=%s", word, result_text(r));
    return r;
}

ASYNC_DEF(exactly, (async_stream *)s, (char *)buf, (size_t)n, (size_t *)got)
{
    return (int)await_stream_readexactly(s, buf, n, got);
}

ASYNC_DEF(writes, (async_stream *)s, (const char *)buf, (size_t)size)
{
    return await_stream_write(s, buf, size);
}

#endif
