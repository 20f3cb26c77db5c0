/* SPDX-License-Identifier: MIT */
/* gather.h - several coroutines at once, and their results. */
#ifndef ASYNCIO_GATHER_H
#define ASYNCIO_GATHER_H

#include <asyncio/task.h>

ASYNC_BEGIN_DECLS

#define ASYNC__COS(...) (const async_co[]){ __VA_ARGS__ }
#define ASYNC__LEN(...) (sizeof(ASYNC__COS(__VA_ARGS__)) / sizeof(async_co))

/* int len[3]; await_gather(len, fetch(a), fetch(b), fetch(c))   results in the order of the calls, or NULL.
 * Returns 0. The first failure, a child's -ECANCELED too, cancels the others; all are awaited; then it is
 * returned and no result is written. None at all: 0 at once. Suspends: until all have ended. Cancelled: so are
 * the children, and all have ended. The results are written if all had ended well already. */
#define await_gather(results, ...)                                                                 \
    await_gather_n(ASYNC__COS(__VA_ARGS__), ASYNC__LEN(__VA_ARGS__), (results))
int await_gather_n(const async_co *cos, size_t n, int *results) ASYNC_CHECK;

/* return_exceptions=True: all run to their end, errors are results. Returns how many failed, or -ECANCELED when
 * it was cancelled itself: then too all have ended, and the results are written. */
#define await_gather_all(results, ...)                                                             \
    await_gather_all_n(ASYNC__COS(__VA_ARGS__), ASYNC__LEN(__VA_ARGS__), (results))
int await_gather_all_n(const async_co *cos, size_t n, int *results) ASYNC_CHECK;

/* The first to end, well or badly, wins: its index, its result in *result (or NULL). The others are cancelled
 * and awaited first. -EINVAL: none given. */
#define await_race(result, ...)                                                                    \
    await_race_n(ASYNC__COS(__VA_ARGS__), ASYNC__LEN(__VA_ARGS__), (result))
int await_race_n(const async_co *cos, size_t n, int *result) ASYNC_CHECK;

ASYNC_END_DECLS

#endif
