/* SPDX-License-Identifier: MIT */
/* run.h - run coroutines from an ordinary function: async_main() in main(), async_run() elsewhere.
 *
 *   async_main                run a program's main coroutine, for `return` in main()
 *   async_run                 run one coroutine in a loop of its own
 *   async_runner_open         open a Runner: several runs in one loop
 *   async_runner_run          run a coroutine in it
 *   async_runner_run_forever  run tasks and callbacks until async_stop()
 *   async_stop                end async_runner_run_forever()
 *   async_runner_close        close a Runner
 *   async_runner_start        begin a run in another library's loop
 *   async_runner_turn         run what is ready
 *   async_runner_fd           a descriptor that is readable when the next turn is due
 *   async_runner_timeout      how long the other loop may wait
 *
 * A run makes a loop on the calling thread, runs a coroutine in its main task, and, when that
 * returns, cancels and awaits all tasks that are left, and closes the loop. Other threads may run
 * other loops at the same time.
 *
 * A run that can never end is ended. If no task is ready, no timer is armed, and no descriptor,
 * thread or name lookup is waited for, all tasks and what they wait for are printed to stderr as a
 * deadlock, the main task is cancelled, and the result is -EDEADLK. There is no deadlock as long as
 * another thread might wake a task: once async_get_running_loop() was called, or while a call to a
 * thread that was abandoned has a function that releases its result (pool.h). A task that sleeps
 * ASYNC_FOREVER is no deadlock as long as Ctrl-C can end the program, see async_main(). It is one
 * in async_run(), if the program has a handler of its own for SIGINT, and if SIGINT is ignored, as
 * in a program that a script has started with `&`.
 *
 * In a child of fork() the parent's loop does not run: await_ calls return -EPERM, and a run that
 * the child returns from has the result -EPERM there. The child may call exec, _exit(), or
 * async_run(). */
#ifndef ASYNCIO_RUN_H
#define ASYNCIO_RUN_H

#include <asyncio/co.h>

ASYNC_BEGIN_DECLS

/* Options of a run. */
struct async_run_opts {
    const async_site *site;  /* where it is started; the macros set this */
    bool debug;              /* debug mode, see below; also by ASYNCIO_DEBUG=1 in the environment */
    bool virtual_clock;      /* for tests: a clock that begins at 0, and jumps to the next timer
                              * when all tasks wait; see below */
    uint64_t seed;           /* not 0: ready tasks run in a random order, repeatable by the seed */
    size_t stack_size;       /* bytes, of tasks that have no other; default 64 KiB */
    double slow_step;        /* in debug mode, report a step that takes longer; default 0.1 s */
    double shutdown_timeout; /* how many seconds tasks that are left may take to end; default: no
                              * limit. The others are printed and abandoned: they never run again,
                              * and what they hold is lost. Then the result is -ETIME, unless it is
                              * an error anyway */
};

/* With .virtual_clock, sleeping takes no time, and async_time() is exact. A thread call, a file
 * request, a name lookup or a call to another process takes no virtual time: while one is under
 * way, the clock stands still. A timeout around it expires if the call really takes that long.
 * Before the clock jumps past a wait for a descriptor, which may be ready soon, the loop waits for
 * 10 ms of real time; use async_stream_pair() (testing.h) for streams whose timing is exact. */

/* Debug mode reports on stderr:
 *
 *   - a step of a task, from one await_ call to the next, that blocked the loop for longer than
 *     slow_step
 *   - a task that has swallowed its cancellation, and one that ignores it
 *   - a block that was left by a bare return
 *   - tasks that await each other in a circle
 *   - tasks that were left running when the main task returned, and tasks whose handles were lost
 *   - errors of a group that were never retrieved. Only async_group_errors() or async_fail_text()
 *     retrieves them; to test the result of the block does not, because it is one error of several
 *
 * Each step becomes a little slower. Without debug mode none of this costs anything. */

/* Run a program's main coroutine, and print its error.
 *
 *   int main(void)
 *   {
 *       return async_main(amain(), .debug = true);
 *   }
 *
 * co         the coroutine (copied).
 * ...        options, see struct async_run_opts.
 * Returns    an exit status: 0; 1 after an error, which is printed to stderr with its traceback;
 *            130 if Ctrl-C has ended the coroutine.
 * Suspends   no; it is not called from a task.
 *
 * The first Ctrl-C (SIGINT) cancels the main task, which may clean up, or withdraw the request by
 * async_uncancel(). The second one ends the program at once. If the program has a handler for
 * SIGINT or ignores it, or this is not the first thread, the signal is left alone. */
#define async_main(co, ...)                                                                        \
    async_main_opt((co), ASYNC__OPTS(struct async_run_opts, .site = ASYNC_HERE, __VA_ARGS__))
int async_main_opt(async_co co, const struct async_run_opts *opts) ASYNC_CHECK;

/* Run a coroutine in a loop of its own, as asyncio.run() does.
 *
 *   int r = async_run(fetch(url));
 *
 * co         the coroutine (copied).
 * ...        options, see struct async_run_opts.
 * Returns    what the coroutine returns; -EDEADLK and -ETIME, see above; -EBUSY if a loop runs on
 *            this thread, and a message is printed to stderr; -EINVAL if .stack_size is more than 1
 *            GiB; -ENOMEM, -EMFILE and other errors if no loop can be made.
 * Suspends   no; it is not called from a task. Signals are left alone. */
#define async_run(co, ...)                                                                         \
    async_run_opt((co), ASYNC__OPTS(struct async_run_opts, .site = ASYNC_HERE, __VA_ARGS__))
int async_run_opt(async_co co, const struct async_run_opts *opts) ASYNC_CHECK;

/* --- several runs in one loop --- */

/* A Runner, as asyncio.Runner. It is used on one thread. */
typedef struct async_runner async_runner;

/* Open a Runner. Tasks that a run leaves in async_background(), and task-local variables that its
 * main task has set, go on in the next run.
 *
 * opts       options for all runs (copied); NULL for the defaults.
 * Returns    the Runner, to be closed by async_runner_close(); NULL, and errno is set: EBUSY if a
 *            loop is open on this thread, EINVAL, ENOMEM, EMFILE. */
async_runner *async_runner_open(const struct async_run_opts *opts) ASYNC_CHECK;

/* Run a coroutine in a Runner. Ctrl-C cancels its main task, as in async_main().
 *
 * Returns    what the coroutine returns; -EINTR if Ctrl-C has ended it; -EDEADLK, also if a run
 *            before had to abandon tasks in a deadlock, and a message is printed to stderr; -EBUSY
 *            inside of a run; -EINVAL if rn is NULL or closed; -ENOMEM. */
int async_runner_run(async_runner *rn, async_co co) ASYNC_CHECK;

/* Run tasks and callbacks until async_stop() is called, as loop.run_forever() does. What is left
 * goes on in the next run.
 *
 * Returns    0; -EINTR after Ctrl-C; -EDEADLK if nothing can wake its tasks any more: they are
 *            printed to stderr, and cancelled by async_runner_close(); -EBUSY, -EINVAL as
 *            async_runner_run(). */
int async_runner_run_forever(async_runner *rn) ASYNC_CHECK;

/* End async_runner_run_forever() on this thread, when all that is ready now has run, as loop.stop()
 * does. Called before it, it lets the next one run what is ready, once.
 *
 * Returns    0; -EINVAL in a run with a main task, -EPERM on a thread without a loop, each with a
 *            message on stderr.
 * Suspends   no. */
int async_stop(void);

/* Close a Runner: cancel and await all tasks that are left, and close the loop. It needs no memory.
 *
 * rn         the Runner; one that is NULL or closed already is left alone. Inside of a run nothing
 *            happens, and a message is printed to stderr. */
#define async_runner_close(rn) async_runner_close_at((rn), ASYNC_HERE)
void async_runner_close_at(async_runner *rn, const async_site *site);

/* --- a run inside of another library's loop --- */

/* Begin to run a coroutine, a turn at a time, in a program whose thread belongs to another loop,
 * such as that of a GUI:
 *
 *   async_runner_start(rn, amain());
 *   while (async_runner_turn(rn, &result) == 0)
 *       wait_readable(async_runner_fd(rn), async_runner_timeout(rn)); // as the other loop does
 *
 * Between two turns all async_ functions may be called, as in a callback. All of this happens on
 * the Runner's thread, and not inside of a run. A deadlock is not detected.
 *
 * co         the coroutine (copied).
 * Returns    0; -EBUSY if a run was started and has not ended; -EINVAL, -ENOMEM. A Runner may be
 *            closed before the run has ended, which cancels and awaits it. */
int async_runner_start(async_runner *rn, async_co co) ASYNC_CHECK;

/* Run what is ready, without waiting. It takes as long as the tasks take to their next await_
 * calls.
 *
 * ret        receives the result of the coroutine when it has ended; may be NULL.
 * Returns    1 if the coroutine has ended, 0 if it goes on; -EBUSY in a task or on another thread;
 *            -EINVAL if no run was started. */
int async_runner_turn(async_runner *rn, int *ret) ASYNC_CHECK;

/* Return a descriptor that becomes readable when a turn is due. It belongs to the Runner, and must
 * not be read, changed or closed. */
int async_runner_fd(const async_runner *rn);

/* Return after how many seconds a turn is due at the latest: 0 for now, ASYNC_FOREVER if only the
 * descriptor can tell. Call it after everything that concerns the loop, just before waiting. */
double async_runner_timeout(const async_runner *rn);

ASYNC_END_DECLS

#endif
