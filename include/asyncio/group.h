/* SPDX-License-Identifier: MIT */
/* group.h - groups: tasks that have ended before the block that started them is left.
 *
 *   await_group              a block that can start tasks
 *   async_spawn              start a child
 *   async_group_create_task  start a child and get its handle
 *   await_group_start        start a child and wait until it is ready
 *   async_started            report from the child that it is ready
 *   async_group_cancel       cancel the children and the body
 *   async_group_errors       the errors of a group
 *   async_for_each_error     iterate over them
 *   async_background         the group for tasks that outlive the function that starts them
 *
 * A group is asyncio.TaskGroup. If a child or the body fails, the others are cancelled; then all
 * are awaited, and the first error is the result of the block. So no task outlives its group, and
 * no error is lost. Common errors:
 *   -EPERM      not called from a task, or the group belongs to another loop; a message is printed
 *               to stderr
 *   -ECANCELED  the group is cancelled or closed
 *   -ENOMEM     a task could not be started */
#ifndef ASYNCIO_GROUP_H
#define ASYNCIO_GROUP_H

#include <asyncio/error.h>
#include <asyncio/scope.h>
#include <asyncio/task.h>

ASYNC_BEGIN_DECLS

/* Run a block that can start tasks, its children, and await them when the block is left.
 *
 *   await_group (r, g) {
 *       async_spawn(g, fetch(a));
 *       async_spawn(g, fetch(b));
 *   }
 *
 * r          an int variable; see scope.h.
 * g          the name of the group, an async_group *, which is valid until the end of the enclosing
 *            block. The macro declares it, so it needs a block of its own: if (x) { await_group ...
 *            }
 * Result     the first error of a child or of the body. A child that ends with -ECANCELED has not
 *            failed. async_group_errors() has all errors.
 * Cancelled  the children are cancelled, too, and have ended.
 * Suspends   when the block is left, until all children have ended. At its end, and after `break`,
 *            `continue`, ASYNC_RETURN and a bare return, the children go on until they have ended;
 *            after ASYNC_TRY with an error, or with an error in r, they are cancelled first. */
#define await_group(r, g)                                                                          \
    async_group g##_group_ ASYNC_AUTO(async_group_free) = ASYNC__GROUP(g##_group_),                \
                *const g ASYNC_UNUSED = &g##_group_;                                               \
    ASYNC__WITHIN(r, &g##_group_.scope)
async_scope async_scope_group(async_group *g, async_scope *blocks);
void async_group_free(async_group *g);

/* Start a child. It begins when the calling task next suspends, after those that were started
 * before. Any task of the loop may do this, and a callback, until the group's body and its last
 * child have ended.
 *
 *   async_spawn(g, handle(connection), .owned = connection, .drop = close_connection);
 *
 * g          the group.
 * co, ...    the coroutine (copied), and options as for async_create_task() in task.h.
 * Returns    0; -ECANCELED if the group is cancelled or closed, and nothing is started; -EPERM,
 *            -ENOMEM. The result need not be checked: without memory, the group fails.
 * Suspends   no. */
#define async_spawn(g, co, ...)                                                                    \
    async_spawn_opt((g), ASYNC__REF(co),                                                           \
                    ASYNC__OPTS(struct async_task_opts, .site = ASYNC_HERE, __VA_ARGS__))
int async_spawn_opt(async_group *g, const async_co *co, const struct async_task_opts *opts);

/* Start a child and return its handle, to await it in the group or to cancel it.
 *
 *   async_task *t = async_group_create_task(g, fetch(url));
 *
 * g          the group.
 * co, ...    as for async_spawn().
 * Returns    the handle, which belongs to the group and is valid as long as g; it is not given up.
 *            If the group is cancelled or closed, a task that has ended with -ECANCELED; NULL
 *            without memory.
 * Suspends   no. */
#define async_group_create_task(g, co, ...)                                                        \
    async_group_create_task_opt(                                                                   \
            (g), ASYNC__REF(co),                                                                   \
            ASYNC__OPTS(struct async_task_opts, .site = ASYNC_HERE, __VA_ARGS__))
async_task *async_group_create_task_opt(async_group *g, const async_co *co,
                                        const struct async_task_opts *opts) ASYNC_CHECK;

/* Start a child, and wait until it calls async_started(). trio has this as nursery.start().
 *
 *   int port = ASYNC_TRY(await_group_start(g, serve(address)));
 *
 * g          the group; also async_background(). It is not left meanwhile.
 * co, ...    as for async_spawn().
 * Returns    the value that the child has given to async_started(), 0 or more; the error of a child
 *            that has failed before; -EPROTO if it has ended before; -EPERM, -ECANCELED, -ENOMEM.
 * Cancelled  the child is cancelled, too, and has ended; or it was ready by then, and the call
 *            returns its value.
 * Suspends   until the child is ready or has ended.
 *
 * Until it is ready the child belongs to the caller: a timeout around the call applies to it, and
 * its failure is the result of the call and not one of the group. From then on it is a child of
 * g. */
#define await_group_start(g, co, ...)                                                              \
    await_group_start_opt((g), ASYNC__REF(co),                                                     \
                          ASYNC__OPTS(struct async_task_opts, .site = ASYNC_HERE, __VA_ARGS__))
int await_group_start_opt(async_group *g, const async_co *co,
                          const struct async_task_opts *opts) ASYNC_CHECK;

/* Report from a task that was started by await_group_start() that it is ready.
 *
 *   int port = ASYNC_TRY(open_port(address));
 *   ASYNC_TRY(async_started(port));
 *
 * value      what await_group_start() returns, 0 or more.
 * Returns    0; -ECANCELED if the task that waits was cancelled, which cancels this one, too;
 *            -EINVAL if value is negative; -EPERM if no task waits for this one to be ready, and a
 *            message is printed to stderr.
 * Suspends   no. */
int async_started(int value) ASYNC_CHECK;

/* Cancel the children and the body of a group. This is no error: the group's result is 0, unless
 * there is another. Where the body goes on after the cancel, its await_ calls return -ECANCELED,
 * and ASYNC_TRY returns it from the function.
 *
 * g          the group. NULL, and a group of another loop, are left alone, with a message on
 *            stderr.
 * Suspends   no. */
#define async_group_cancel(g) async_group_cancel_at((g), ASYNC_HERE)
void async_group_cancel_at(async_group *g, const async_site *site);

/* Return the errors of a group in the order in which they occurred, linked by `next`, each with its
 * causes; NULL if there are none. They are valid as long as g. See error.h. */
const async_error *async_group_errors(const async_group *g);

/* Iterate over all errors of a group and their causes.
 *
 *   async_for_each_error (e, g)
 *       printf("%s: %s\n", e->task, e->text);
 *
 * e          the name of a variable, a const async_error *, which the macro declares.
 * g          the group. */
#define async_for_each_error(e, g)                                                                 \
    for (const async_error *e = async_group_errors(g); e; e = async_error_next(e))

/* Return the loop's own group, for tasks that outlive the function that starts them. A failure in
 * it cancels nothing and is printed to stderr, with its traceback. Tasks that still run when the
 * main task returns are cancelled and awaited.
 *
 *   async_spawn(async_background(), write_statistics());
 *
 * Returns    the group; NULL outside of a loop.
 * Suspends   no. */
async_group *async_background(void);

/* --- private: how the block works --- */

#ifdef __cplusplus
#define ASYNC__GROUP(g) async_group_in(async_scope_group(&g, async_blocks_))
#else
#define ASYNC__GROUP(g) { .scope = async_scope_group(&g, async_blocks_) }
#endif

/* In the stack frame of the function whose block it is. */
struct async_group {
    async_scope scope;
    async_task *first, *last; /* children that run, and those with handles that ran */
    async_error *errors, *latest_error;
    async_waitq idle;   /* the tasks that wait for the last child to end */
    size_t running;     /* children that have not ended */
    int err;            /* the first failure, or 0 */
    uint8_t policy;     /* what the end of a child means */
    bool open;          /* children may be added */
    bool all_started;   /* of a race: all coroutines had started when it was won */
    async_task *winner; /* of a race */
    char canceller[64]; /* the name of the task that has cancelled the group */
};

#ifdef __cplusplus
static inline async_group async_group_in(const async_scope &scope)
{
    async_group g = async_group();
    g.scope = scope;
    return g;
}
#endif

ASYNC_END_DECLS

#endif
