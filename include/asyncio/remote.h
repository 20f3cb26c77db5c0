/* SPDX-License-Identifier: MIT */
/* remote.h - coroutines that one thread has run by the loop of another. */
#ifndef ASYNCIO_REMOTE_H
#define ASYNCIO_REMOTE_H

#include <asyncio/task.h>

ASYNC_BEGIN_DECLS

/* Run co in a task of that loop, wait for its end on this thread, which is not the loop's: its result. -EPIPE: the
 * loop is closed, or closed before co began or before it would end. -ECANCELED: cancelled there, also because the loop's main has
 * returned. -ENOMEM. -EDEADLK, and nothing is run: this is the loop's own thread. */
int async_run_coroutine_threadsafe(async_loop *loop, async_co co) ASYNC_CHECK;

/* The same with a handle, which all threads may use, but for its end: that is for one. The task lives among
 * those of async_background(). Of a Runner between two runs: it begins in the next. Cannot fail here: without
 * memory it is NULL, which counts as ended with -ENOMEM, and for a closed loop it has ended with -EPIPE. */
typedef struct async_remote async_remote;
#define async_create_task_threadsafe(loop, co, ...)                                                \
    async_create_task_threadsafe_opt((loop), ASYNC__REF(co),                                       \
                                     ASYNC__OPTS(struct async_task_opts, .site = ASYNC_HERE, __VA_ARGS__))
async_remote *async_create_task_threadsafe_opt(async_loop *loop, const async_co *co,
                                               const struct async_task_opts *opts) ASYNC_CHECK;

/* Wait, on this thread, at most that long (ASYNC_FOREVER: until it has ended; 0: look): its result, as above.
 * -ETIMEDOUT: it goes on, unless async_remote_done(). -EDEADLK: not ended, and this is the loop's thread. */
int async_remote_wait(async_remote *r, double seconds) ASYNC_CHECK;
bool async_remote_done(async_remote *r);

/* Ask it to end, as async_task_cancel() does; if it has not begun, it never will. false: it had ended. Needs no
 * memory, and does not wait. */
bool async_remote_cancel(async_remote *r);

/* async_remote_auto r = async_create_task_threadsafe(...): where r's block ends, the task is cancelled and waited
 * for, so it may use the block's variables. A failure that nobody has waited for is named on stderr. NULL:
 * nothing to do. On the loop's own thread, which cannot wait, a task that still runs is detached, with a message. */
#define async_remote_auto ASYNC_AUTO(async_remote_drop) async_remote *
void async_remote_drop(async_remote **r);

/* Give the handle up, and let the task go on; its failure is reported as that of any task in the background. */
void async_remote_detach(async_remote *r);

ASYNC_END_DECLS

#endif
