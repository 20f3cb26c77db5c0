/* SPDX-License-Identifier: MIT */
/* testing.h - for tests of your own code. A program that tests includes it by itself: it is no part of
 * <asyncio.h>.
 *
 * A sweep runs a scenario, any coroutine, again and again, each time with one thing going wrong: a cancellation
 * at one await_ after the other, a failure at one allocation or system call after the other, another order of
 * the tasks, or two of the former in a run. After each run everything must have been given back, and your own check must be content. */
#ifndef ASYNCIO_TESTING_H
#define ASYNCIO_TESTING_H

#include <asyncio/run.h>
#include <asyncio/scope.h>
#include <asyncio/stream.h>

ASYNC_BEGIN_DECLS

/* --- sweeps --- */

struct async_sweep_opts {
    const char *name; /* in what is said, and to replay; default: the coroutine's. Without ':' */
    void *arg;        /* for the next two */
    void (*before)(void *arg); /* called before each run, outside of the loop: everything as at the start */
    /* Called after each run, when its loop has closed: NULL, or what is wrong, a sentence. result: the scenario's.
     * That every item is somewhere, every permit back; not that all of them have arrived, unless result says so. */
    const char *(*check)(void *arg, int result);
    int expect;        /* the result of a run without a fault, if it is an error; default: any that is none */
    bool real_clock;   /* default: virtual time */
    unsigned seeds;    /* async_sweep_order, _pairs: how many; default 200. ASYNC_SWEEP_SEEDS=n stands above it */
    size_t steps;      /* await_ calls after which a run is one that does not end; default 100000 */
    size_t *ret_runs;  /* how many runs there were is added to it */
};

/* Run co, which is copied, as often as it takes, in loops of its own. Returns how many runs went wrong, at most 5:
 * then it stops. -EBUSY: a loop is open. -EINVAL: there is nothing to sweep, the run without a fault fails; or the
 * environment asks for what is no sweep, or no point of this one: a message says so.
 * Each failure is one line on stderr: how to see it again, what was done to the scenario, what came of it. With
 * the variable of that line in the environment, ASYNC_SWEEP=kind:name:number, the same program makes that one run
 * only; every other sweep does nothing and returns 0. Of a pair: ASYNC_SWEEP=kind+kind:name:number+number.
 *
 * Wrong is: a result that the fault does not explain; what the loop, the allocator, or the process's table of
 * descriptors has not got back (tasks, stacks, timers, descriptors, bytes); a run that does not end, because
 * all its tasks wait for each other or because one awaits without end; and what check says. A run that hangs is
 * reported at once, and pushed to its end by failing every await_ in it. Not found: a loop that awaits nothing.
 *
 * The scenario must do the same in each run. What it gets from malloc() is its own business: see async_test_fails(),
 * and use a leak checker. Not thread-safe: no other loop may be open in the process. */
#define async_sweep_cancel(co, ...)                                                                \
    async_sweep_cancel_opt((co), ASYNC__OPTS(struct async_sweep_opts, __VA_ARGS__))
#define async_sweep_alloc(co, ...)                                                                 \
    async_sweep_alloc_opt((co), ASYNC__OPTS(struct async_sweep_opts, __VA_ARGS__))
#define async_sweep_syscall(co, ...)                                                               \
    async_sweep_syscall_opt((co), ASYNC__OPTS(struct async_sweep_opts, __VA_ARGS__))
#define async_sweep_order(co, ...)                                                                 \
    async_sweep_order_opt((co), ASYNC__OPTS(struct async_sweep_opts, __VA_ARGS__))
#define async_sweep_pairs(co, ...)                                                                 \
    async_sweep_pairs_opt((co), ASYNC__OPTS(struct async_sweep_opts, __VA_ARGS__))

/* All five, one after the other: how many runs went wrong, or the first error. */
#define async_sweep(co, ...) async_sweep_opt((co), ASYNC__OPTS(struct async_sweep_opts, __VA_ARGS__))

/* A cancellation at each await_ of every task: when it begins, when it waits, and when it is about to go on; of the
 * task itself, of the scenario, and by a limit around the scenario. The result is none that is an error, or
 * -ECANCELED; by the limit -ETIMEDOUT. */
int async_sweep_cancel_opt(async_co co, const struct async_sweep_opts *opts) ASYNC_CHECK;

/* Each request for memory of the library (also for stacks and timers) and each async_test_fails() fails, first alone,
 * then with all that follow it. The result is none that is an error, or -ENOMEM. */
int async_sweep_alloc_opt(async_co co, const struct async_sweep_opts *opts) ASYNC_CHECK;

/* Each system call of the library answers what it may answer on a bad day: EINTR, EMFILE, ECONNRESET, less than was
 * asked for. Streams in memory take part, and the resolver: a name that is unknown, or that nobody can say today; an
 * address more, of which the connection is refused. The result is any; but EINTR, less than was asked for, and that
 * address must change nothing: none that is an error, or expect. */
int async_sweep_syscall_opt(async_co co, const struct async_sweep_opts *opts) ASYNC_CHECK;

/* Ready tasks run in a random order, by one seed after the other. The result is the same as ever: none that is an
 * error, or expect. */
int async_sweep_order_opt(async_co co, const struct async_sweep_opts *opts) ASYNC_CHECK;

/* Two faults in a run, of the kinds of the first three sweeps, also of the same kind: so the second one may meet what
 * the first has set in motion, a cleanup, a second try, a close. There are too many pairs for all of them: .seeds of
 * them are drawn, the first fault anywhere, the second soon after it, the same ones each time. Each takes two runs, of
 * which one has the first fault alone, and shows what comes after; what goes wrong in that is for the other sweeps. The
 * result is none that is an error, or one that either of the two explains. */
int async_sweep_pairs_opt(async_co co, const struct async_sweep_opts *opts) ASYNC_CHECK;

int async_sweep_opt(async_co co, const struct async_sweep_opts *opts) ASYNC_CHECK;

/* An allocation of your own, as async_sweep_alloc() sees it: true if it is to fail. Always false otherwise:
 * void *p = async_test_fails() ? NULL : malloc(n); */
bool async_test_fails(void);

/* --- streams in memory --- */

struct async_pair_opts {
    size_t room; /* bytes that are on their way at most, each way; default 4096 */
};

/* Two streams, each the other's peer, without descriptors: what is written to one is read from the other. As a pair of
 * sockets, but that a reader gets all that was written before its peer closed. Both belong to this loop, and are
 * yours to drop. 0; -ENOMEM; -EPERM: no loop.   async_stream_pair(&a, &b, .room = 16) */
#define async_stream_pair(ret_a, ret_b, ...)                                                       \
    async_stream_pair_opt((ret_a), (ret_b), ASYNC__OPTS(struct async_pair_opts, __VA_ARGS__))
int async_stream_pair_opt(async_stream **ret_a, async_stream **ret_b,
                          const struct async_pair_opts *opts) ASYNC_CHECK;

/* --- did it suspend? --- */

/* async_assert_suspends { }       other tasks had their chance before its end, at least once
 * async_assert_no_suspend { }     nothing else has run between its lines
 * If not: a sentence on stderr with the place, and abort(). Of the current task; they may be nested, and left by
 * any way. */
#define async_assert_suspends   ASYNC__SUSPENDS(true)
#define async_assert_no_suspend ASYNC__SUSPENDS(false)

/* In your frame; its members are the library's. */
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
