/* SPDX-License-Identifier: MIT */
/* thread_call.h - calls on threads: what await_to_thread(), thread pools of the user's own and
 * thread tasks share. */
#ifndef POOL_THREAD_CALL_H
#define POOL_THREAD_CALL_H

#include <asyncio/pool.h>

#include "loop/loop.h"
#include "task/error.h"

struct thread_pool;

/* What an ASYNC_THREAD object runs on the thread; frame is that of the object. */
static inline const struct async_thread_body *thread_body_of(const void *frame)
{
    const struct async_thread_body *body;
    memcpy(&body, (const char *)frame + ASYNC__THREAD_ROOM, sizeof body);
    return body;
}

/* On a thread of a pool: call run(frame) in that context, of which a reference is given up. The
 * message and code of its error are in *e afterwards. Returns what run returns. */
int async__thread_call_run(struct thread_call *e, const char *name, int (*run)(void *frame),
                           void *frame, struct context *context);

/* If co is an ASYNC_THREAD that is recognised by its function, turn it into the call that it stands
 * for. */
void async__thread_call_unpack(async_co *co);

/* Called on the loop's thread when a call is over, or will never begin. */
struct call_end {
    void (*fn)(void *arg); /* NULL: nothing is called */
    void *arg;
};

/* Make the call co on a thread of p and wait for its result, as await_to_thread() does. t has
 * passed its checkpoint. end is called once, perhaps after the return if the call was abandoned; or
 * never, if the loop has closed by then. */
int async__thread_call_await(async_task *t, struct thread_pool *p, const async_co *co,
                             const struct async_thread_opts *opts, struct call_end end);

/* The task was cancelled before the call: release what it owns. Returns -ECANCELED. */
int async__thread_call_cancelled(const struct async_thread_opts *opts);

#endif
