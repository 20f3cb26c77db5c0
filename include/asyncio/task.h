/* SPDX-License-Identifier: MIT */
/* task.h - tasks: coroutines that run beside others, each on a stack of its own.
 *
 *   async_create_task                create a task
 *   await_task_auto                  declare a handle that cancels and awaits its task at the end
 *                                    of its block
 *   await_task_drop                  cancel and await a task, and give its handle up
 *   await_task                       wait for the result of a task
 *   async_joining                    the same as a coroutine object
 *   async_task_cancel                request that a task ends
 *   async_task_done                  has it ended?
 *   async_task_cancelled             has it ended by being cancelled?
 *   async_task_result                its result
 *   async_task_id                    its number
 *   async_task_name                  its name
 *   async_task_set_name              change its name
 *   async_task_add_done_callback     call a function when it has ended
 *   async_task_remove_done_callback  no longer call it
 *   async_current_task               the task that runs
 *   async_all_tasks                  all tasks of this loop
 *   async_print_tasks                print all tasks, and what each waits for
 *   await_sleep                      sleep
 *   async_sleep                      the same as a coroutine object
 *
 * Most programs need no handles: await_gather() (gather.h) and groups (group.h) start coroutines
 * and wait for them. A task that is created here belongs to the function that has its handle.
 *
 * Only the thread that runs a loop may use its tasks; remote.h is for others. Common errors:
 *   -EPERM      not called from a task, or the task belongs to another loop; a message is printed
 *               to stderr
 *   -ECANCELED  the calling task was cancelled
 *   -ENOMEM     the task could not be created; such a task has the handle NULL */
#ifndef ASYNCIO_TASK_H
#define ASYNCIO_TASK_H

#include <asyncio/co.h>

ASYNC_BEGIN_DECLS

/* Options of a new task. */
struct async_task_opts {
    const async_site *site;    /* where it is created; the macros set this */
    const char *name;          /* copied; default: the coroutine's, and a number, as "fetch-7" */
    void *owned;               /* an argument that the task owns, for drop */
    void (*drop)(void *owned); /* called once with owned: when the task has ended, also if it never
                                * began, or at once if it cannot be created or is refused. It is
                                * called outside of tasks and must not await. Default: none */
    size_t stack_size;         /* bytes, rounded up to a power of two, at most 1 GiB; default: that
                                * of the run, 64 KiB. If a function has a stack frame larger than
                                * the guard below the stack (64 KiB), it must be compiled with
                                * -fstack-clash-protection */
};

/* Create a task. It begins when the calling task next suspends, after the tasks that were created
 * before it.
 *
 *   await_task_auto t = async_create_task(fetch(url), .name = "fetcher");
 *
 * co         the coroutine (copied).
 * ...        options, see struct async_task_opts.
 * Returns    the handle of the task, which the caller must give up by await_task_drop(), or declare
 *            by await_task_auto. NULL if there is no memory or no loop: awaiting it gives -ENOMEM.
 * Suspends   no. */
#define async_create_task(co, ...)                                                                 \
    async_create_task_opt(ASYNC__REF(co),                                                          \
                          ASYNC__OPTS(struct async_task_opts, .site = ASYNC_HERE, __VA_ARGS__))
async_task *async_create_task_opt(const async_co *co,
                                  const struct async_task_opts *opts) ASYNC_CHECK;

/* Declare the handle of a task. At the end of the block in which it is declared, the task is
 * cancelled and awaited. Suspends there until the task has ended; a cancellation does not interrupt
 * that. */
#define await_task_auto ASYNC_AUTO(await_task_drop) __typeof__(async_task *)

/* Give a handle up: cancel the task if it has not ended, and wait for its end.
 *
 * t          the address of the handle, which is set to NULL. A handle that is NULL is left alone.
 * Suspends   until the task has ended; a cancellation of the caller does not interrupt that. Other
 *            tasks that await the task receive its result. An error that was never retrieved is
 *            printed. */
void await_task_drop(async_task **t);

/* Wait for a task and return its result. Any number of tasks may do so, any number of times.
 *
 * t          the task; NULL counts as a task that has ended with -ENOMEM.
 * Returns    the result of the task; -EDEADLK if it is the calling task itself; -EPERM, -ECANCELED.
 * Cancelled  the task goes on.
 * Suspends   until the task has ended. */
int await_task(async_task *t) ASYNC_CHECK;

/* Return await_task(t) as a coroutine object, for await_gather() and the like. */
async_co async_joining(async_task *t) ASYNC_CHECK;

/* Options of async_task_cancel(). */
struct async_cancel_opts {
    const async_site *site; /* where it is cancelled; the macro sets this */
    const char *reason;     /* for async_cancel_cause(); copied, and cut to 63 bytes; default "" */
};

/* Request that a task ends. From now on each await_ call in it returns -ECANCELED, first of all the
 * one that it waits in. A task that has not begun never does.
 *
 *   async_task_cancel(t, .reason = "too slow");
 *
 * t          the task; it may be the calling task itself.
 * Returns    true; false if the task had ended already, is NULL, or belongs to another loop.
 * Suspends   no. */
#define async_task_cancel(t, ...)                                                                  \
    async_task_cancel_opt((t),                                                                     \
                          ASYNC__OPTS(struct async_cancel_opts, .site = ASYNC_HERE, __VA_ARGS__))
bool async_task_cancel_opt(async_task *t, const struct async_cancel_opts *opts);

/* Return whether a task has ended; whether it has ended with -ECANCELED; and its result, which is
 * -EINPROGRESS if it has not ended. NULL counts as a task that has ended with -ENOMEM. */
bool async_task_done(const async_task *t);
bool async_task_cancelled(const async_task *t);
int async_task_result(const async_task *t);

/* Return the number of a task: 1 for the first task of a loop, and one more for each that is
 * created after it. A number is never used again, unlike the address of a task that has ended, so
 * adapters that remember a task should remember its number. NULL has the number 0. */
uint64_t async_task_id(const async_task *t);

/* Return the name of a task; "" for NULL. Valid until the handle is given up or the name
 * changes. */
const char *async_task_name(const async_task *t);

/* Change the name of a task.
 *
 * name       copied; without memory the old name stays. NULL is ignored, with a message on
 *            stderr. */
void async_task_set_name(async_task *t, const char *name);

/* Call a function when a task has ended, or soon if it has ended already: outside of tasks, in the
 * order in which the callbacks were added, with the task-local variables (local.h) of the caller.
 *
 * t          the task; it stays valid until the callback has run, also without a handle.
 * fn, arg    fn(t, arg) is called once. It must not await.
 * Returns    0; -EINVAL if t is NULL; -EPERM if it belongs to another loop; -ECANCELED if it has
 *            ended and its loop is closing; -ENOMEM.
 * Suspends   no. */
int async_task_add_done_callback(async_task *t, void (*fn)(async_task *t, void *arg), void *arg);

/* Remove all callbacks of a task that have this function and argument and do not run yet.
 *
 * Returns    how many were removed. */
size_t async_task_remove_done_callback(async_task *t, void (*fn)(async_task *t, void *arg),
                                       void *arg);

/* Return the task that runs; NULL in a callback and outside of a loop. */
async_task *async_current_task(void);

/* List the tasks of this thread's loop that have not ended.
 *
 * ret, n     receives at most n tasks, in no particular order. Those whose handles are not the
 *            caller's are valid until the caller suspends.
 * Returns    how many tasks there are, the current one among them; 0 outside of a loop.
 * Suspends   no. */
size_t async_all_tasks(async_task **ret, size_t n);

/* Print the tasks of this thread's loop to stderr, as a tree: each below the task whose group it is
 * in, with what it waits for, and in debug mode for how long. At most 200 lines are printed. */
void async_print_tasks(void);

/* Sleep for some time, as asyncio.sleep() does.
 *
 * seconds    at least so long; 0 or less lets all other tasks that are ready run once;
 *            ASYNC_FOREVER waits for a cancellation.
 * Returns    0; -ECANCELED, -EPERM.
 * Suspends   always. */
int await_sleep(double seconds) ASYNC_CHECK;
ASYNC__MAKE(async_sleep, "sleep", await_sleep, (double)seconds)

ASYNC_END_DECLS

#endif
