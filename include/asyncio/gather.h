/* SPDX-License-Identifier: MIT */
/* gather.h - several coroutines at once, and their results. */
#ifndef ASYNCIO_GATHER_H
#define ASYNCIO_GATHER_H

#include <asyncio/gen.h>
#include <asyncio/task.h>

ASYNC_BEGIN_DECLS

#define ASYNC__COS(...) ASYNC__LIST(async_co, __VA_ARGS__)
#define ASYNC__LEN(...) ASYNC__LENGTH(async_co, __VA_ARGS__)

/* int len[3]; await_gather(len, fetch(a), fetch(b), fetch(c))   results in the order of the calls, or NULL.
 * Returns 0. The first failure, a child's -ECANCELED too, cancels the others; all are awaited; then it is
 * returned and no result is written. None at all: 0 at once. Suspends: until all have ended. Cancelled: so are
 * the children, and all have ended. The results are written if all had ended well already. */
#define await_gather(results, ...)                                                                 \
    await_gather_at(ASYNC__COS(__VA_ARGS__), ASYNC__LEN(__VA_ARGS__), (results), ASYNC_HERE)
int await_gather_at(const async_co *cos, size_t n, int *results, const async_site *site) ASYNC_CHECK;
int await_gather_n(const async_co *cos, size_t n, int *results) ASYNC_CHECK;

/* return_exceptions=True: all run to their end, errors are results. Returns how many failed, or -ECANCELED when
 * it was cancelled itself: then too all have ended, and the results are written. */
#define await_gather_all(results, ...)                                                             \
    await_gather_all_at(ASYNC__COS(__VA_ARGS__), ASYNC__LEN(__VA_ARGS__), (results), ASYNC_HERE)
int await_gather_all_at(const async_co *cos, size_t n, int *results, const async_site *site) ASYNC_CHECK;
int await_gather_all_n(const async_co *cos, size_t n, int *results) ASYNC_CHECK;

/* The first to end, well or badly, wins: its index, its result in *result (or NULL). The others are cancelled
 * and awaited first. -EINVAL: none given. A select, too: what a loser was given by a lock, a semaphore, a queue, a
 * generator in the same turn it hands back; among several that need not wait, the first wins, but in a loop nobody is
 * passed over for ever. Cancelled: so are all, and have ended; but if one had won, it has. */
#define await_race(result, ...)                                                                    \
    await_race_at(ASYNC__COS(__VA_ARGS__), ASYNC__LEN(__VA_ARGS__), (result), ASYNC_HERE)
int await_race_at(const async_co *cos, size_t n, int *result, const async_site *site) ASYNC_CHECK;
int await_race_n(const async_co *cos, size_t n, int *result) ASYNC_CHECK;

/* Start coroutines one after the other, until one succeeds, and cancel the others. Happy Eyeballs
 * connects in this way to the first address that answers.
 *
 *   int which = ASYNC_TRY(await_staggered_race(&fd, 0.25, try_connect(a), try_connect(b)));
 *
 * result     receives the return value of the winner, 0 or more; may be NULL. Written only if the call
 *            returns an index.
 * delay      seconds to wait before the next coroutine starts; a failure of the one that was started
 *            last starts the next one at once. 0 starts all at once; ASYNC_FOREVER starts one only
 *            after a failure.
 * cos, n     the coroutines (copied) and their number, at least 1.
 * Returns    the index of the winner, 0 to n - 1; or, if all have failed, the error of the first one to
 *            fail. -EINVAL if n is 0, -ENOMEM, -EPERM, -ECANCELED.
 * Cancelled  all coroutines that were started have ended when the call returns; it returns the index
 *            if one had succeeded by then.
 * Suspends   until all coroutines that were started have ended.
 * See also   await_race(), in which all start together and a failure wins, too. */
#define await_staggered_race(result, delay, ...)                                                   \
    await_staggered_race_at(ASYNC__COS(__VA_ARGS__), ASYNC__LEN(__VA_ARGS__), (delay), (result),   \
                            ASYNC_HERE)
int await_staggered_race_at(const async_co *cos, size_t n, double delay, int *result,
                            const async_site *site) ASYNC_CHECK;

enum async_return_when { ASYNC_ALL_COMPLETED, ASYNC_FIRST_COMPLETED, ASYNC_FIRST_EXCEPTION };

/* Wait until all, or one, have ended, or one has failed (being cancelled is no failure). Cancels none, and running out of
 * time is no error; ASYNC_FOREVER; 0 seconds: what is done now. Returns how many are done, and moves these to the front of
 * tasks[], in the order in which they ended; the others follow in any order. To go on with what is left, call it again with
 * the rest of the same array: that costs little however long it is, whatever you have put into it meanwhile. The errors
 * stay unread. NULL counts as done, with -ENOMEM. -EINVAL: n is 0; -EDEADLK: the current task is among them; -ENOMEM.
 * Suspends: unless it is enough already. Cancelled: the tasks go on. */
int await_wait(async_task **tasks, size_t n, enum async_return_when when, double seconds) ASYNC_CHECK;

/* await_for_each (r, d, async_as_completed(fetch(a), fetch(b))) use(d.index, d.result);
 * Runs all at once, gives their results as they come, errors too, and says whose they are. Leaving the loop early cancels
 * and awaits the rest; so does a limit around the loop. */
typedef struct async_done {
    size_t index;
    int result;
} async_done;
#define async_as_completed(...)                                                                    \
    async_as_completed_n(ASYNC__COS(__VA_ARGS__), ASYNC__LEN(__VA_ARGS__))

/* cos must live until the loop is left. */
struct async_completions {
    async_gen gen;
    async_done *item;
};
struct async_completions async_as_completed_n(const async_co *cos, size_t n) ASYNC_CHECK;

ASYNC_END_DECLS

#endif
