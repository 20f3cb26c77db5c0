/* SPDX-License-Identifier: MIT */
/* testing.h - for tests of programs: sweeps, streams in memory, assertions about suspending.
 *
 *   async_sweep                run a scenario with every kind of fault, one at a time
 *   async_sweep_cancel         with a cancellation at each await_ call
 *   async_sweep_alloc          with a failure of each allocation
 *   async_sweep_syscall        with a failure of each system call
 *   async_sweep_order          with the tasks in other orders
 *   async_sweep_pairs          with two faults in a run
 *   async_test_fails           let an allocation of the program take part
 *   async_stream_pair          make two connected streams in memory
 *   async_assert_suspends      assert that a block lets other tasks run
 *   async_assert_no_suspend    assert that it does not
 *
 * Tests include this header themselves; <asyncio.h> does not. Virtual time is an option of
 * async_run() (run.h).
 *
 * A sweep runs a scenario, which may be any coroutine, again and again, and injects a fault at
 * another point in each run. After each run everything must have been given back, and a check of
 * the test's own must pass. docs/testing.md shows how to write one. */
#ifndef ASYNCIO_TESTING_H
#define ASYNCIO_TESTING_H

#include <asyncio/run.h>
#include <asyncio/scope.h>
#include <asyncio/stream.h>

ASYNC_BEGIN_DECLS

/* --- sweeps --- */

struct async_sweep_opts {
    const char *name; /* in messages, and to replay a run; without ':'. Default: the coroutine's */
    void *arg;        /* passed to the next two */
    /* Called before each run, outside of a loop, to make everything as it was at the start. */
    void (*before)(void *arg);
    /* Called after each run, when its loop is closed. Returns NULL, or a message that describes
     * what is wrong. It should check that nothing was lost, for example that every item is
     * somewhere. Not all work may have been done, unless `result`, the result of the scenario, is a
     * success. It may free what the scenario has left for it, such as the content of a file: only
     * what is still there afterwards counts as lost. */
    const char *(*check)(void *arg, int result);
    int expect;       /* the result without a fault, if that is an error. Default: 0 or more */
    bool real_clock;  /* run in real time instead of virtual time */
    unsigned seeds;   /* runs of async_sweep_order() and async_sweep_pairs(). Default 200. The
                         environment variable ASYNC_SWEEP_SEEDS overrides it */
    size_t steps;     /* a run with more await_ calls counts as endless. Default 100,000 */
    size_t *ret_runs; /* the number of runs is added to it; may be NULL */
};

/* Run all five sweeps, one after the other.
 *
 *   ASYNC_DEF(scenario) { return await_gather(NULL, produce(&q), consume(&q)); }
 *
 *   int main(void)
 *   {
 *       return async_sweep(scenario(), .before = reset_queue, .check = count_items) != 0;
 *   }
 *
 * co         the scenario (copied). It must do the same in each run.
 * ...        members of struct async_sweep_opts.
 * Returns    the number of runs that went wrong; a sweep stops after 5. -EBUSY if the memory of the
 *            library is in use: a loop is open, a thread has set a task-local variable (local.h)
 *            outside of a loop, or an abandoned call still runs. -EINVAL if the run without a
 *            fault fails, or if ASYNC_SWEEP asks for a run that does not exist; a message is
 *            printed to stderr.
 *
 * A run goes wrong if its result is not explained by the fault; if the loop, the allocator or the
 * process's table of descriptors has not got everything back; if it does not end, because its tasks
 * wait for each other or await for ever; or if the check fails. A run that hangs is reported, and
 * then ended by failing every await_ call in it. A loop that awaits nothing is not found.
 *
 * Each failure is one line on stderr. It has an assignment, ASYNC_SWEEP=kind:name:number. With this
 * variable in the environment, the same program makes only that run, for a debugger; all other
 * sweeps do nothing and return 0.
 *
 * Memory that the scenario gets from malloc() is not counted: see async_test_fails(), and use a
 * leak checker. No other thread of the process may have a loop open. */
#define async_sweep(co, ...)                                                                       \
    async_sweep_opt((co), ASYNC__OPTS(struct async_sweep_opts, __VA_ARGS__))
int async_sweep_opt(async_co co, const struct async_sweep_opts *opts) ASYNC_CHECK;

/* Cancel at each await_ call of every task: when it begins, while it waits, and when it is about to
 * return. What is cancelled is the task, the scenario, or a timeout around the scenario. The result
 * must be a success, or -ECANCELED, or -ETIMEDOUT with the timeout. Otherwise like
 * async_sweep(). */
#define async_sweep_cancel(co, ...)                                                                \
    async_sweep_cancel_opt((co), ASYNC__OPTS(struct async_sweep_opts, __VA_ARGS__))
int async_sweep_cancel_opt(async_co co, const struct async_sweep_opts *opts) ASYNC_CHECK;

/* Fail each allocation of the library, also of stacks and timers, and each async_test_fails():
 * first that one alone, then it and all that follow. The result must be a success or -ENOMEM.
 * Otherwise like async_sweep(). */
#define async_sweep_alloc(co, ...)                                                                 \
    async_sweep_alloc_opt((co), ASYNC__OPTS(struct async_sweep_opts, __VA_ARGS__))
int async_sweep_alloc_opt(async_co co, const struct async_sweep_opts *opts) ASYNC_CHECK;

/* Fail each system call of the library in the ways in which it may fail: EINTR, EMFILE, ECONNRESET,
 * a short count. Streams in memory take part, and so does name lookup: the name is unknown, the
 * lookup fails for now, or there is one more address, which refuses connections. Any result is
 * accepted; but after EINTR, a short count, and the additional address it must be a success, or
 * `expect`. Otherwise like async_sweep(). */
#define async_sweep_syscall(co, ...)                                                               \
    async_sweep_syscall_opt((co), ASYNC__OPTS(struct async_sweep_opts, __VA_ARGS__))
int async_sweep_syscall_opt(async_co co, const struct async_sweep_opts *opts) ASYNC_CHECK;

/* Run the tasks that are ready in a random order, another one for each seed. The result must be a
 * success, or `expect`. Otherwise like async_sweep(). */
#define async_sweep_order(co, ...)                                                                 \
    async_sweep_order_opt((co), ASYNC__OPTS(struct async_sweep_opts, __VA_ARGS__))
int async_sweep_order_opt(async_co co, const struct async_sweep_opts *opts) ASYNC_CHECK;

/* Inject two faults in a run, of the kinds of async_sweep_cancel(), async_sweep_alloc() and
 * async_sweep_syscall(). The second one comes soon after the first, so it meets what the first has
 * started: a cleanup, a retry, a close. There are too many pairs to try all of them: `seeds` of
 * them are drawn, the same ones each time. The result must be a success, or explained by one of the
 * two. Otherwise like async_sweep(), with ASYNC_SWEEP=kind+kind:name:number+number. */
#define async_sweep_pairs(co, ...)                                                                 \
    async_sweep_pairs_opt((co), ASYNC__OPTS(struct async_sweep_opts, __VA_ARGS__))
int async_sweep_pairs_opt(async_co co, const struct async_sweep_opts *opts) ASYNC_CHECK;

/* Return whether an allocation of the program is to fail, because async_sweep_alloc() injects a
 * fault here. Outside of a sweep always false.
 *
 *   void *p = async_test_fails() ? NULL : malloc(n); */
bool async_test_fails(void);

/* --- streams in memory --- */

struct async_pair_opts {
    size_t room; /* bytes that may be under way, in each direction. Default 4096 */
};

/* Make two connected streams without descriptors: what is written to one is read from the other.
 *
 *   async_stream *client, *server;
 *   ASYNC_TRY(async_stream_pair(&client, &server, .room = 16));
 *
 * ret_a, ret_b  receive the streams, which belong to this loop. The caller closes each of them
 *            (stream.h).
 * ...        members of struct async_pair_opts.
 * Returns    0; -ENOMEM; -EPERM without a loop.
 * Suspends   no.
 *
 * They behave as a pair of sockets, except that a reader still gets everything that was written
 * before its peer was closed. */
#define async_stream_pair(ret_a, ret_b, ...)                                                       \
    async_stream_pair_opt((ret_a), (ret_b), ASYNC__OPTS(struct async_pair_opts, __VA_ARGS__))
int async_stream_pair_opt(async_stream **ret_a, async_stream **ret_b,
                          const struct async_pair_opts *opts) ASYNC_CHECK;

/* --- assertions about suspending --- */

/* Assert that the current task suspends in a block, so that other tasks can run; or that it does
 * not.
 *
 *   async_assert_no_suspend {
 *       balance -= amount;
 *       async_queue_put_nowait(&ledger, amount);
 *   }
 *
 * If the assertion fails, a message with the location of the block is printed to stderr, and the
 * program is aborted. The blocks may be nested, and may be left in any way. */
#define async_assert_suspends   ASYNC__SUSPENDS(true)
#define async_assert_no_suspend ASYNC__SUSPENDS(false)

/* --- private: how the blocks work --- */

/* In the stack frame of the function whose block it is. */
typedef struct async_suspension {
    async_task *task;
    const async_site *site;
    bool wanted, before;
} async_suspension;

#define ASYNC__SUSPENDS(wanted)                                                                    \
    ASYNC__SHADOWS                                                                                 \
    for (async_suspension async_n_ ASYNC_AUTO(async_suspension_end) =                              \
                                  async_suspension_begin((wanted), ASYNC_HERE),                    \
                          *async_once_ = &async_n_;                                                \
         async_once_; async_once_ = NULL)                                                          \
    ASYNC__SHADOWED
async_suspension async_suspension_begin(bool wanted, const async_site *site);
void async_suspension_end(async_suspension *s);

ASYNC_END_DECLS

#endif
