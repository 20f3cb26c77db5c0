/* SPDX-License-Identifier: MIT */
/* remote.h - run a coroutine in the loop of another thread, and wait for its result.
 *
 *   async_run_coroutine_threadsafe  run a coroutine there, and wait
 *   async_create_task_threadsafe    create a task there, and get a handle
 *   async_remote_wait               wait for its result
 *   async_remote_done               has it ended?
 *   async_remote_cancel             request that it ends
 *   async_remote_auto               declare a handle that cancels and awaits at the end of its
 *                                   block
 *   async_remote_drop               cancel, wait, and give the handle up
 *   async_remote_detach             give the handle up, and let the task go on
 *
 * These functions are for threads other than the loop's. They block the calling thread, and are no
 * await_ functions. The loop is that of async_get_running_loop() (loop.h). */
#ifndef ASYNCIO_REMOTE_H
#define ASYNCIO_REMOTE_H

#include <asyncio/task.h>

ASYNC_BEGIN_DECLS

/* Run a coroutine in a task of another thread's loop, and wait for its end.
 *
 *   int r = async_run_coroutine_threadsafe(loop, fetch(url));
 *
 * loop       the loop, which may be closed.
 * co         the coroutine (copied).
 * Returns    what the coroutine returns; -EPIPE if the loop is closed, or was closed before the
 *            coroutine ended; -ECANCELED if it was cancelled there, also because the loop's main
 *            task has returned; -EDEADLK on the loop's own thread, and nothing is run; -ENOMEM. */
int async_run_coroutine_threadsafe(async_loop *loop, async_co co) ASYNC_CHECK;

/* A handle of a task in another thread's loop. All threads may use it; one of them gives it up. */
typedef struct async_remote async_remote;

/* Create a task in another thread's loop. It belongs to the loop's async_background(). In a Runner
 * that does not run, it begins in the next run.
 *
 * loop       the loop.
 * co, ...    the coroutine (copied), and options as for async_create_task().
 * Returns    the handle, to be given up by async_remote_drop(), async_remote_detach() or
 *            async_remote_auto. NULL without memory, which counts as a task that has ended with
 *            -ENOMEM; if the loop is closed, one that has ended with -EPIPE. */
#define async_create_task_threadsafe(loop, co, ...)                                                \
    async_create_task_threadsafe_opt(                                                              \
            (loop), ASYNC__REF(co),                                                                \
            ASYNC__OPTS(struct async_task_opts, .site = ASYNC_HERE, __VA_ARGS__))
async_remote *async_create_task_threadsafe_opt(async_loop *loop, const async_co *co,
                                               const struct async_task_opts *opts) ASYNC_CHECK;

/* Wait for the result of a task, on this thread.
 *
 * seconds    how long to wait at most; 0 to look only, ASYNC_FOREVER for no limit.
 * Returns    the result, as async_run_coroutine_threadsafe(); -ETIMEDOUT if the task goes on,
 *            unless async_remote_done() is true and this is its result; -EDEADLK on the loop's own
 *            thread, if the task has not ended. */
int async_remote_wait(async_remote *r, double seconds) ASYNC_CHECK;

/* Return whether the task has ended. */
bool async_remote_done(async_remote *r);

/* Request that the task ends, as async_task_cancel() does. A task that has not begun never does. It
 * needs no memory and does not wait.
 *
 * Returns    true; false if the task had ended. */
bool async_remote_cancel(async_remote *r);

/* Declare a handle. At the end of the block in which it is declared, the task is cancelled and
 * waited for, so the task may use variables of the block.
 *
 *   async_remote_auto r = async_create_task_threadsafe(loop, fetch(url)); */
#define async_remote_auto ASYNC_AUTO(async_remote_drop) __typeof__(async_remote *)

/* Cancel a task, wait for its end, and give its handle up. A failure that was never retrieved is
 * printed to stderr. On the loop's own thread, which cannot wait, a task that has not ended is
 * detached, and a message is printed.
 *
 * r          the address of the handle, which is set to NULL. A handle that is NULL is left
 *            alone. */
void async_remote_drop(async_remote **r);

/* Give a handle up, and let the task go on. If it fails, that is printed to stderr, as for all
 * tasks in the background. */
void async_remote_detach(async_remote *r);

ASYNC_END_DECLS

#endif
