/* SPDX-License-Identifier: MIT */
/* gather.h - run several coroutines at the same time, and collect their results.
 *
 *   await_gather          wait for all; the first failure cancels the others
 *   await_gather_all      wait for all; failures are results
 *   await_race            wait for the first to end, and cancel the others
 *   await_staggered_race  start one after the other until one succeeds
 *   await_wait            wait for tasks that exist already, and cancel none
 *   async_as_completed    iterate over results in the order in which they arrive
 *
 * Except for await_wait(), each coroutine runs in a task of its own, and when a function returns,
 * these tasks have ended. So coroutines may use variables of the caller by address. Common errors:
 *   -EPERM      not called from a task; a message is printed to stderr
 *   -ECANCELED  the caller was cancelled; so were the tasks that the call has started, and they
 *               have ended
 *   -ENOMEM     a task could not be started; none of them has begun */
#ifndef ASYNCIO_GATHER_H
#define ASYNCIO_GATHER_H

#include <asyncio/gen.h>
#include <asyncio/task.h>

ASYNC_BEGIN_DECLS

/* Run coroutines at the same time, until all have ended, as asyncio.gather() does.
 *
 *   int size[2];
 *   ASYNC_TRY(await_gather(size, fetch(a), fetch(b)));
 *
 * results    receives the results in the order of the arguments; may be NULL. Written only if the
 *            call returns 0.
 * ...        the coroutines (copied); for an array of them, await_gather_n(cos, n, results).
 * Returns    0; or the error of the first coroutine to fail. One that ends with -ECANCELED has
 *            failed, too. The others are cancelled and awaited before the call returns. With no
 *            coroutines it returns 0 at once. -EPERM, -ECANCELED, -ENOMEM.
 * Cancelled  returns 0 if all coroutines had succeeded by then.
 * Suspends   until all coroutines have ended.
 * See also   await_group (group.h), if the number of tasks is not known beforehand. */
#define await_gather(results, ...)                                                                 \
    await_gather_at(ASYNC__COS(__VA_ARGS__), ASYNC__LEN(__VA_ARGS__), (results), ASYNC_HERE)
int await_gather_n(const async_co *cos, size_t n, int *results) ASYNC_CHECK;
int await_gather_at(const async_co *cos, size_t n, int *results,
                    const async_site *site) ASYNC_CHECK;

/* Like await_gather(), but failures are results and cancel nothing: return_exceptions=True in
 * Python.
 *
 *   int size[2], failed = ASYNC_TRY(await_gather_all(size, fetch(a), fetch(b)));
 *
 * results    as above; errors are negative. Also written if the call returns -ECANCELED.
 * Returns    the number of coroutines that have failed, 0 or more; -EPERM, -ECANCELED, -ENOMEM.
 * Suspends   until all coroutines have ended. */
#define await_gather_all(results, ...)                                                             \
    await_gather_all_at(ASYNC__COS(__VA_ARGS__), ASYNC__LEN(__VA_ARGS__), (results), ASYNC_HERE)
int await_gather_all_n(const async_co *cos, size_t n, int *results) ASYNC_CHECK;
int await_gather_all_at(const async_co *cos, size_t n, int *results,
                        const async_site *site) ASYNC_CHECK;

/* Run coroutines at the same time until one has ended, well or badly, and cancel the others.
 *
 *   int result, first = ASYNC_TRY(await_race(&result, next_message(&queue), async_sleep(5)));
 *
 * result     receives the return value of the winner, which may be an error; may be NULL. Written
 *            only if the call returns an index.
 * ...        the coroutines (copied), at least one; for an array of them, await_race_n().
 * Returns    the index of the first coroutine to end, 0 or more; -EINVAL if there are none; -EPERM,
 *            -ECANCELED, -ENOMEM.
 * Cancelled  returns the index if a coroutine had ended by then.
 * Suspends   until all coroutines have ended.
 *
 * A race can be used as a select. What a loser was just given by a queue, a lock, a semaphore or a
 * generator goes back, so nothing is lost. Among several coroutines that need not wait, the first
 * one wins; if a task races them in a loop, it is another one each time, so that none is
 * starved. */
#define await_race(result, ...)                                                                    \
    await_race_at(ASYNC__COS(__VA_ARGS__), ASYNC__LEN(__VA_ARGS__), (result), ASYNC_HERE)
int await_race_n(const async_co *cos, size_t n, int *result) ASYNC_CHECK;
int await_race_at(const async_co *cos, size_t n, int *result, const async_site *site) ASYNC_CHECK;

/* Start coroutines one after the other, until one succeeds, and cancel the others. Happy Eyeballs
 * connects in this way to the first address that answers.
 *
 *   int fd, which = ASYNC_TRY(await_staggered_race(&fd, 0.25, try_connect(a), try_connect(b)));
 *
 * result     receives the return value of the winner, 0 or more; may be NULL. Written only if the
 *            call returns an index.
 * delay      seconds to wait before the next coroutine starts; a failure of the one that was
 *            started last starts the next one at once. 0 starts all at once; ASYNC_FOREVER starts
 *            one only after a failure.
 * ...        the coroutines (copied), at least one.
 * Returns    the index of the winner, 0 or more; or, if all have failed, the error of the first one
 *            to fail. -EINVAL if there are none; -EPERM, -ECANCELED, -ENOMEM.
 * Cancelled  returns the index if a coroutine had succeeded by then.
 * Suspends   until all coroutines that were started have ended. */
#define await_staggered_race(result, delay, ...)                                                   \
    await_staggered_race_at(ASYNC__COS(__VA_ARGS__), ASYNC__LEN(__VA_ARGS__), (delay), (result),   \
                            ASYNC_HERE)
int await_staggered_race_at(const async_co *cos, size_t n, double delay, int *result,
                            const async_site *site) ASYNC_CHECK;

/* What await_wait() waits for. */
enum async_return_when {
    ASYNC_ALL_COMPLETED,   /* all tasks have ended */
    ASYNC_FIRST_COMPLETED, /* a task has ended */
    ASYNC_FIRST_EXCEPTION, /* a task has failed, which a cancelled one has not, or all have ended */
};

/* Wait for tasks that exist already. None of them is cancelled, also if the caller is.
 *
 *   for (size_t i = 0; i < n;)
 *       i += ASYNC_TRY(await_wait(tasks + i, n - i, ASYNC_FIRST_COMPLETED, ASYNC_FOREVER));
 *
 * tasks, n   the tasks, 1 to INT_MAX. Those that have ended move to the front, in the order in
 *            which they ended; the order of the others is not specified. NULL counts as a task that
 *            has ended with -ENOMEM.
 * when       what to wait for.
 * seconds    how long to wait at most; 0 to look only, ASYNC_FOREVER for no limit. That the time
 *            has passed is no error.
 * Returns    how many tasks have ended, 0 or more; -EINVAL if n is 0 or too large, -EDEADLK if the
 *            calling task is among them, -EPERM, -ECANCELED, -ENOMEM.
 * Cancelled  the tasks go on.
 * Suspends   unless there is nothing to wait for.
 *
 * Errors of the tasks count as not retrieved until await_task() or async_task_result() returns
 * them. Waiting for the rest of the same array, as above, costs one comparison for each task,
 * because the calling task keeps what it has prepared for the array; the array may be changed in
 * between. */
int await_wait(async_task **tasks, size_t n, enum async_return_when when,
               double seconds) ASYNC_CHECK;

/* One result of async_as_completed(). */
typedef struct async_done {
    size_t index; /* of the coroutine among the arguments */
    int result;   /* what it has returned, an error, too */
} async_done;

/* The generator that async_as_completed() returns. Its members are private. */
struct async_completions {
    async_gen gen;
    async_done *item;
};

/* Run coroutines at the same time, and iterate over their results in the order in which they
 * arrive.
 *
 *   await_for_each (r, done, async_as_completed(fetch(a), fetch(b)))
 *       printf("%zu: %d\n", done.index, done.result);
 *
 * ...        the coroutines; an array that is given to async_as_completed_n() must stay valid until
 *            the loop is left.
 * Returns    a generator for await_for_each (gen.h). It sets r to 0, -ECANCELED or -ENOMEM; the
 *            failure of a coroutine does not end the loop. If the loop is left early, the other
 *            coroutines are cancelled and awaited, and failures that were not received are printed
 *            to stderr.
 * Suspends   no; the loop does. */
#define async_as_completed(...)                                                                    \
    async_as_completed_n(ASYNC__COS(__VA_ARGS__), ASYNC__LEN(__VA_ARGS__))
struct async_completions async_as_completed_n(const async_co *cos, size_t n) ASYNC_CHECK;

/* --- private: a list of coroutines as an array, and its length --- */

#define ASYNC__COS(...) ASYNC__LIST(async_co, __VA_ARGS__)
#define ASYNC__LEN(...) ASYNC__LENGTH(async_co, __VA_ARGS__)

ASYNC_END_DECLS

#endif
