/* SPDX-License-Identifier: MIT */
/* task.h - a task is a coroutine object that runs by itself, beside others, on the loop's thread. */
#ifndef ASYNCIO_TASK_H
#define ASYNCIO_TASK_H

#include <asyncio/co.h>

ASYNC_BEGIN_DECLS

struct async_task_opts {
    const async_site *site;
    const char *name;  /* copied; default: the coroutine's */
    void *owned;               /* an argument that the task owns: see drop */
    void (*drop)(void *owned); /* called once, with owned: when the task has ended, also when it never began, or at once if it
                                * is refused. It runs like a callback and must not await. Default: nothing is dropped. */
    size_t stack_size; /* bytes; default 64 KiB; rounded up to a power of two. A local array larger than the
                        * guard below the stack (64 KiB) can jump over it: compile with
                        * -fstack-clash-protection, as pkg-config says. */
};

/* Start co in a task of its own; it first runs when this one next suspends, tasks in the order of their
 * creation. Cannot fail here: without memory the handle is NULL, and awaiting NULL gives -ENOMEM. The handle
 * is yours: end it with await_task_drop(), or let await_task_auto do so. */
#define async_create_task(co, ...)                                                                 \
    async_create_task_opt(ASYNC__REF(co), ASYNC__OPTS(struct async_task_opts, .site = ASYNC_HERE, __VA_ARGS__))
async_task *async_create_task_opt(const async_co *co, const struct async_task_opts *opts) ASYNC_CHECK;

/* await_task_auto t = async_create_task(...): where t's block ends, the task is cancelled and awaited. NULL:
 * nothing to do. Whoever else awaits the task gets its result all the same. Suspends, shielded. */
#define await_task_auto ASYNC_AUTO(await_task_drop) async_task *
void await_task_drop(async_task **t);

/* Its result; again and again, by any task. Cancelling the waiter does not cancel t. -EDEADLK: t is the
 * current task. -ENOMEM: t is NULL. Suspends: until t has ended. */
int await_task(async_task *t) ASYNC_CHECK;
async_co async_joining(async_task *t) ASYNC_CHECK; /* the same as an object, for gather and its kin */

/* Ask t to end: delivered where it suspends next; a task that has not started never runs. false: it had ended
 * already, or is NULL. async_task_cancel(t, .reason = "too slow") */
struct async_cancel_opts {
    const async_site *site;
    const char *reason; /* copied, cut to 63 bytes */
};
#define async_task_cancel(t, ...)                                                                  \
    async_task_cancel_opt((t), ASYNC__OPTS(struct async_cancel_opts, .site = ASYNC_HERE, __VA_ARGS__))
bool async_task_cancel_opt(async_task *t, const struct async_cancel_opts *opts);

/* NULL counts as a task that has ended with -ENOMEM, and has the name "". */
bool async_task_done(const async_task *t);
bool async_task_cancelled(const async_task *t); /* done, and its outcome is -ECANCELED */
int async_task_result(const async_task *t);     /* -EINPROGRESS: not done */

/* Return the number of a task: 1 for the first task of a loop, and one more for each that is created
 * after it. A number is never used again, unlike the address of a task that has ended, so adapters
 * that remember a task should remember its number. NULL has the number 0. */
uint64_t async_task_id(const async_task *t);

/* Never NULL; valid until the handle goes or the name is set anew. */
const char *async_task_name(const async_task *t);
/* Copied; without memory the old name stays. */
void async_task_set_name(async_task *t, const char *name);

/* Call fn(t, arg) once when t has ended, or soon if it has already: between the steps of tasks, in the order in which the
 * callbacks were added, with the task-local variables of who added it; fn must not await. t stays valid until it has run.
 * NULL for t: -EINVAL; -ENOMEM; -EPERM: another loop's; -ECANCELED: t has ended, and so does the loop. Any number. _remove: all with that fn and arg that are not on
 * their way yet; how many they were. */
int async_task_add_done_callback(async_task *t, void (*fn)(async_task *t, void *arg), void *arg);
size_t async_task_remove_done_callback(async_task *t, void (*fn)(async_task *t, void *arg), void *arg);

/* How many tasks of this loop have not ended, the current one too; at most n of them in ret, in no particular order. Those
 * that are not yours are valid until you suspend. 0 outside a loop: another thread cannot look. */
size_t async_all_tasks(async_task **ret, size_t n);

/* The task that runs; NULL in a callback and outside a loop. */
async_task *async_current_task(void);

/* Print the tasks of this thread's loop on stderr, as a tree: children below whose group they are in, and what
 * each waits for; in debug mode also how long. At most 200 lines. Outside a loop: nothing. */
void async_print_tasks(void);

/* asyncio.sleep(): at least that many seconds; 0 or less lets the others run once and makes no timer.
 * 0, or -ECANCELED. Suspends: always. */
int await_sleep(double seconds) ASYNC_CHECK;
ASYNC__MAKE(async_sleep, "sleep", await_sleep, (double)seconds)

ASYNC_END_DECLS

#endif
