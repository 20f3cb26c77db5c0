/* SPDX-License-Identifier: MIT */
/* group.h - structured concurrency: children that end before the block that started them. */
#ifndef ASYNCIO_GROUP_H
#define ASYNCIO_GROUP_H

#include <asyncio/error.h>
#include <asyncio/scope.h>
#include <asyncio/task.h>

ASYNC_BEGIN_DECLS

/* await_group (r, g) { async_spawn(g, co); ... }    `async with TaskGroup() as g`; needs braces around
 * The first failure of a child, or of the body, cancels the other children and the body; all are awaited;
 * r is that first error. A child's -ECANCELED is no failure. The end, break, continue and a bare return
 * await the children; ASYNC_TRY, an error in r, and a cancelled body cancel them first. g, an
 * async_group *, lives until the enclosing block ends. */
#define await_group(r, g)                                                                          \
    async_group g##_group_ ASYNC_AUTO(async_group_free) = ASYNC__GROUP(g##_group_),                \
                *const g ASYNC_UNUSED = &g##_group_;                                               \
    ASYNC__WITHIN(r, &g##_group_.scope)
#ifdef __cplusplus
#define ASYNC__GROUP(g) async_group_in(async_scope_group(&g, async_blocks_))
#else
#define ASYNC__GROUP(g) { .scope = async_scope_group(&g, async_blocks_) }
#endif

/* Add a child, from anywhere on this thread while the group is open: until its body and its last child have
 * ended. It starts like a task, in the order of the spawns, and keeps no memory when it has ended. Not to be
 * checked: a failure to start is the group's. 0; -ECANCELED: refused, the group is cancelled, ending by a
 * failure, or closed; nothing starts. A child that has not started when its group is cancelled never runs. */
#define async_spawn(g, co, ...)                                                                    \
    async_spawn_opt((g), ASYNC__REF(co), ASYNC__OPTS(struct async_task_opts, .site = ASYNC_HERE, __VA_ARGS__))
int async_spawn_opt(async_group *g, const async_co *co, const struct async_task_opts *opts);

/* The same with a handle, the group's, valid as long as g. Refused: awaiting it gives -ECANCELED. Without
 * memory: NULL, awaiting it gives -ENOMEM. */
#define async_group_create_task(g, co, ...)                                                        \
    async_group_create_task_opt(                                                                   \
            (g), ASYNC__REF(co), ASYNC__OPTS(struct async_task_opts, .site = ASYNC_HERE, __VA_ARGS__))
async_task *async_group_create_task_opt(async_group *g, const async_co *co,
                                        const struct async_task_opts *opts) ASYNC_CHECK;

/* Start a child, and wait until it calls async_started(). trio has this as nursery.start().
 *
 *   int port = ASYNC_TRY(await_group_start(g, serve(address)));
 *
 * g          the group, of this thread's loop; also async_background(). It stays open meanwhile.
 * co, ...    the coroutine (copied), and options as for async_create_task().
 * Returns    the value that the child has given to async_started(), 0 or more; the error of a child
 *            that failed before; -EPROTO if it ended before; -ECANCELED if the group is cancelled or
 *            closed; -EPERM, -ENOMEM.
 * Cancelled  the child is cancelled, too, and has ended when the call returns; or it was ready by
 *            then, and the call returns its value.
 * Suspends   until the child is ready or has ended.
 *
 * Until it is ready the child belongs to the caller: a timeout around the call applies to it, and its
 * failure is the result of the call and not one of the group. From then on it is a child of g. */
#define await_group_start(g, co, ...)                                                              \
    await_group_start_opt((g), ASYNC__REF(co),                                                     \
                          ASYNC__OPTS(struct async_task_opts, .site = ASYNC_HERE, __VA_ARGS__))
int await_group_start_opt(async_group *g, const async_co *co,
                          const struct async_task_opts *opts) ASYNC_CHECK;

/* Report from a task that was started by await_group_start() that it is ready.
 *
 *   ASYNC_DEF(serve, (const char *)address)
 *   {
 *       int port = ASYNC_TRY(await_listen(address));
 *       ASYNC_TRY(async_started(port));
 *       ...
 *
 * value      what await_group_start() returns, 0 or more.
 * Returns    0; -ECANCELED if the task that waits was cancelled, which cancels this one, too;
 *            -EINVAL if value is negative; -EPERM if no task waits for this one to be ready, or not
 *            called from a task, and a message is printed to stderr.
 * Suspends   no. */
int async_started(int value) ASYNC_CHECK;

/* Cancel children and body; not an error: r stays 0. ASYNC_TRY out of a group stopped in this way returns
 * -ECANCELED from the function. Only on the loop's own thread: elsewhere a message, and nothing is cancelled. */
#define async_group_cancel(g) async_group_cancel_at((g), ASYNC_HERE)
void async_group_cancel_at(async_group *g, const async_site *site);

/* The loop's own group, for tasks that outlive their function. A failure there cancels nobody and is
 * reported on stderr with its traceback; what still runs when main returns is cancelled and awaited. NULL
 * outside a loop. */
async_group *async_background(void);

/* Every error in the group, depth first; or walk ->cause and ->next yourself. Valid as long as g. */
#define async_for_each_error(e, g)                                                                 \
    for (const async_error *e = async_group_errors(g); e; e = async_error_next(e))
const async_error *async_group_errors(const async_group *g);

/* In your frame; its members are the library's. */
struct async_group {
    async_scope scope;
    async_task *first, *last; /* children that run, and those with handles that ran */
    async_error *errors, *latest_error; /* the first and the last */
    async_waitq idle;   /* the tasks that wait for the last child to end */
    size_t running;     /* children that have not ended */
    int err;            /* the first failure, or 0 */
    uint8_t policy;     /* what the end of a child means */
    bool open;          /* children may be added */
    bool all_started;   /* of a race: all coroutines had started when it was won */
    async_task *winner; /* of a race */
    char canceller[64]; /* the task that has cancelled the group */
};
async_scope async_scope_group(async_group *g, async_scope *blocks);
#ifdef __cplusplus
static inline async_group async_group_in(const async_scope &scope)
{
    async_group g = async_group();
    g.scope = scope;
    return g;
}
#endif
void async_group_free(async_group *g);

ASYNC_END_DECLS

#endif
