/* SPDX-License-Identifier: MIT */
/* run.h - the way in: from an ordinary function to the first task, and out again. */
#ifndef ASYNCIO_RUN_H
#define ASYNCIO_RUN_H

#include <asyncio/co.h>

ASYNC_BEGIN_DECLS

struct async_run_opts { /* zero is the default, here and in every _opts */
    bool debug;         /* what is left running when main returns is named on stderr; also ASYNCIO_DEBUG=1 */
    bool virtual_clock; /* starts at 0, stands still while anything is ready, jumps when all tasks sleep */
    uint64_t seed;      /* not 0: a random, repeatable order of ready tasks */
    size_t stack_size;  /* of tasks that do not say otherwise, the main task too; bytes, default 64 KiB */
};

/* asyncio.run(): make a loop, run co in its main task to its end, cancel and await what is left, close the
 * loop. Returns co's result. async_run(amain(), .debug = true). -EBUSY: a loop runs on this thread already
 * (a message says so); -ENOMEM, -EMFILE and the like: no loop could be made. Not from inside a task. */
#define async_run(co, ...) async_run_opt((co), &(const struct async_run_opts){ __VA_ARGS__ })
int async_run_opt(async_co co, const struct async_run_opts *opts) ASYNC_CHECK;

/* For `return` in main(): async_run(), the traceback of an error on stderr, an exit status: 0, 1 after an
 * error, 130 when Ctrl-C ended it. The first SIGINT cancels co, which may clean up, or withdraw it by
 * async_uncancel(); a second one ends the program at once. If SIGINT has a handler already, or this is not the
 * first thread, it is left alone. */
int async_main(async_co co) ASYNC_CHECK;

/* asyncio.Runner: several runs on one loop, on one thread. What a run leaves in async_background() goes on in
 * the next; close cancels and awaits it. Open: NULL and errno on failure; opts may be NULL. Run: co's result;
 * -EBUSY inside a run. Close: what is left is cancelled and awaited; accepts NULL. */
typedef struct async_runner async_runner;
async_runner *async_runner_open(const struct async_run_opts *opts) ASYNC_CHECK;
int async_runner_run(async_runner *rn, async_co co) ASYNC_CHECK;
void async_runner_close(async_runner *rn);

ASYNC_END_DECLS

#endif
