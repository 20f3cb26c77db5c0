/* SPDX-License-Identifier: MIT */
/* run.h - the way in: from an ordinary function to the first task, and out again. */
#ifndef ASYNCIO_RUN_H
#define ASYNCIO_RUN_H

#include <asyncio/co.h>

ASYNC_BEGIN_DECLS

struct async_run_opts { /* zero is the default, here and in every _opts */
    const async_site *site; /* where the run was started; the macros set it */
    bool debug;         /* mistakes are named on stderr, see below; also ASYNCIO_DEBUG=1 */
    bool virtual_clock; /* starts at 0, stands still while anything is ready, jumps when all tasks sleep */
    uint64_t seed;      /* not 0: a random, repeatable order of ready tasks */
    size_t stack_size;  /* of tasks that do not say otherwise, the main task too; bytes, default 64 KiB */
    double slow_step;   /* debug: a step longer than this is named; seconds, default 0.1 */
    double shutdown_timeout; /* what still runs when main returns has this long to end; 0: no limit */
};

/* Debug mode names on stderr: what is left running when main returns; a step, from one await_ to the next, that
 * blocked the loop for longer than slow_step, and where it was when it awaited again; a task that was cancelled,
 * heard so from an await_, and returned a result nevertheless without async_uncancel(); one that goes on and on
 * though its await_ calls say that it is cancelled; a block that was left by a bare return. It makes each step
 * a little slower. Without it none of this costs anything.
 *
 * Deadlock: if no task is ready, no timer armed, no descriptor waited for and no name looked up, nothing can
 * wake anybody. Then all tasks and what they wait for are printed on stderr, the main task is cancelled, and the run's
 * result is -EDEADLK. Other threads might yet wake somebody if they know the loop: so from the first
 * async_get_running_loop() on it waits for them, for ever. So may the release function of a call to a thread that was
 * abandoned (pool.h); one without such a function wakes nobody, and is not waited for. A task of async_main() that
 * sleeps ASYNC_FOREVER waits for Ctrl-C.
 *
 * Tasks that do not end within shutdown_timeout are printed in the same way and abandoned: they never run again,
 * what they hold is lost, and the result is -ETIME unless main's own is an error. So are tasks that a
 * deadlock still holds after the main task was cancelled (-EDEADLK). */

/* asyncio.run(): make a loop, run co in its main task to its end, cancel and await what is left, close the
 * loop. Returns co's result. async_run(amain(), .debug = true). -EBUSY: a loop runs on this thread already
 * (a message says so); -ENOMEM, -EMFILE and the like: no loop could be made. Not from inside a task. */
#define async_run(co, ...)                                                                         \
    async_run_opt((co), ASYNC__OPTS(struct async_run_opts, .site = ASYNC_HERE, __VA_ARGS__))
int async_run_opt(async_co co, const struct async_run_opts *opts) ASYNC_CHECK;

/* A child of fork(), also in a task, is not part of the loop: await_ calls say so (-EPERM). It may exec, _exit(), or
 * async_run() a loop of its own; its parent's goes on undisturbed. Should it return from the task it was in, then the
 * run returns -EPERM in the child. */

/* For `return` in main(): async_run(), the traceback of an error on stderr, an exit status: 0, 1 after an
 * error, 130 when Ctrl-C ended it. The first SIGINT cancels co, which may clean up, or withdraw it by
 * async_uncancel(); a second one ends the program at once. If SIGINT has a handler already, or this is not the
 * first thread, it is left alone. */
#define async_main(co, ...)                                                                        \
    async_main_opt((co), ASYNC__OPTS(struct async_run_opts, .site = ASYNC_HERE, __VA_ARGS__))
int async_main_opt(async_co co, const struct async_run_opts *opts) ASYNC_CHECK;

/* asyncio.Runner: several runs on one loop, on one thread. What a run leaves in async_background() goes on in
 * the next; close cancels and awaits it. Open: NULL and errno on failure; opts may be NULL. Run: co's result;
 * -EBUSY inside a run. Close: what is left is cancelled and awaited; needs no memory; accepts NULL. */
typedef struct async_runner async_runner;
async_runner *async_runner_open(const struct async_run_opts *opts) ASYNC_CHECK;
int async_runner_run(async_runner *rn, async_co co) ASYNC_CHECK;
#define async_runner_close(rn) async_runner_close_at((rn), ASYNC_HERE)
void async_runner_close_at(async_runner *rn, const async_site *site);

/* loop.run_forever(): run tasks and callbacks until async_stop(). Returns 0; -EINTR if Ctrl-C ended the run; -EBUSY and -EINVAL as
 * async_runner_run(). What is left goes on in the next run. */
int async_runner_run_forever(async_runner *rn) ASYNC_CHECK;

/* loop.stop(): end async_runner_run_forever() of this thread's loop when what is ready now has run. Before a run it lets the next one
 * run what is ready, once. Returns 0; -EINVAL, with a message, in a run that ends with its main task; -EPERM without a loop. */
int async_stop(void);

/* Embedding: a run in the loop of somebody else, a GUI's or another library's, a turn at a time.
 *
 *   start it;  then, until a turn says 1: poll async_runner_fd() for reading, for at most
 *   async_runner_timeout() seconds, and call async_runner_turn()
 *
 * Ask for the time after everything that was done on this thread to the loop, and just before polling. Between turns
 * all async_ functions may be called, as in a callback. A turn runs what is ready when it begins, and does not wait:
 * how long it takes is how long the tasks take. All on the runner's thread, and not inside a run.
 *
 * async_runner_start: 0; -EBUSY, one has been started and not ended; -ENOMEM. async_runner_turn: 1 when co has ended,
 * its result in *ret (may be NULL); 0 it goes on; -EBUSY, called in a task or on another thread; -EINVAL,
 * nothing was started. async_runner_timeout: 0, a turn is due; ASYNC_FOREVER, only the descriptor can tell. The
 * descriptor is the runner's: it must not be read, closed or changed. A runner may be closed before co has
 * ended: it is cancelled and awaited. A deadlock is not seen while somebody else drives. */
int async_runner_start(async_runner *rn, async_co co) ASYNC_CHECK;
int async_runner_turn(async_runner *rn, int *ret) ASYNC_CHECK;
int async_runner_fd(const async_runner *rn);
double async_runner_timeout(const async_runner *rn);

ASYNC_END_DECLS

#endif
