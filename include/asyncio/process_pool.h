/* SPDX-License-Identifier: MIT */
/* process_pool.h - run functions in other processes: for heavy computation, for code that may
 * crash, and for untrusted data.
 *
 *   ASYNC_PROCESS             define a function that runs in another process when it is awaited
 *   await_to_process          call a function in a worker of the loop's own pool
 *
 *   async_process_pool_open   open a process pool, with timeouts, limits or a sandbox
 *   await_process_pool_run    call an ASYNC_PROCESS function in a worker of such a pool
 *   await_process_pool_call   call any function in a worker of such a pool
 *   await_process_pool_close  wait for the calls in a pool, then free it
 *   async_process_pool_drop   free it without waiting; async_process_pool_auto does so at the end
 *                             of a block
 *   async_process_pool_stats  how busy a pool is
 *
 * This is the ProcessPoolExecutor of Python.
 *
 *   ASYNC_PROCESS(decode, (const struct jpeg *)in, (struct image *)out)
 *   {
 *       return decode_jpeg(in->bytes, in->size, out);   // may crash, but not this process
 *   }
 *   ASYNC_TRY(await_decode(&jpeg, &image));
 *
 * A worker is a new process of the same program, in which main() does not run. The constructors of
 * the program and of its libraries have run, and file-scope variables have their first values.
 * Nothing of this process's memory is there, and none of its descriptors but stdout and stderr;
 * stdin is /dev/null. The environment, the user and the working directory are the same.
 *
 * The function runs in the worker outside of any loop, and must not await. Its argument and its
 * result are copied as bytes, so they must not contain pointers. async_fail() in it sets the
 * message of the caller's error. What it prints to stdout is flushed before its result is returned.
 * A process that it forks is not a worker, and is killed when the worker ends, unless it has left
 * the worker's session.
 *
 * Workers are started when there are calls for them, which blocks the loop for a fraction of a
 * millisecond each, and run until the pool is closed. They end with the thread that has opened the
 * pool, however it ends. They have sessions of their own, so Ctrl-C does not reach them. SIGCHLD
 * and children of yours are left alone. If the program ignores SIGCHLD, or waits for any child, the
 * messages do not tell how a worker has ended.
 *
 * Timeouts are measured in real time, also in a loop with a virtual clock.
 *
 * Each await_ function is called from a task and is a cancellation point. Errors that several
 * functions return:
 *   -EOWNERDEAD  the worker ended during this call. The message names the signal, the exit status,
 *                or why the pool has killed the worker. The call is not repeated; calls that were
 *                sent to the same worker and had not begun are.
 *   -ETIMEDOUT   the call exceeded .timeout or .max_cpu, and its worker was killed; or two workers
 *                in a row did not start within .start_timeout
 *   -EPIPE       the pool is closing, was dropped, or is NULL
 *   -ENOEXEC     the function lies in no file that a worker could load, or the file was replaced
 *   -EPROTO      the function returned a value that is neither 0 or positive nor an error
 *   -EPERM       not called from a task, or the pool belongs to another loop: a message is printed
 *                to stderr. Or the program is set-user-id.
 *   -ENOMEM, -EMFILE, -EAGAIN and others: no worker could be started, or no memory be shared with
 *                it */
#ifndef ASYNCIO_PROCESS_POOL_H
#define ASYNCIO_PROCESS_POOL_H

#include <asyncio/co.h>

ASYNC_BEGIN_DECLS

/* Define a function that runs in a worker of the loop's own pool, which has one for each processor.
 *
 *   ASYNC_PROCESS(name, (const In *)in, (Out *)out) { body }
 *
 * defines await_name(in, out), which runs the body in a worker and returns its result, and
 * name(in, out), a coroutine object that does the same.
 *
 * in         copied to the worker. Both *in and *out are aligned to 64 bytes there.
 * out        receives *out as the body leaves it, which is zero where the body does not write.
 *            Written only if the result is not negative.
 * Returns    await_name(): as await_process_pool_call().
 * Suspends   await_name(): until the body has returned. */
#define ASYNC_PROCESS(name, in, out)                                                               \
    ASYNC__ASSERT(ASYNC__PARENTHESES(in, out), #name ASYNC__HOW_TO_WRITE);                         \
    ASYNC__CAT(ASYNC__PROCESS_, ASYNC__PARENTHESES(in, out))(name, in, out)

/* Call a function in a worker of the loop's own pool: as await_process_pool_call(). It is opened by
 * the first call and closed with the loop. */
int await_to_process(int (*fn)(const void *in, void *out), const void *in, size_t in_size,
                     void *out, size_t out_size) ASYNC_CHECK;

/* Like await_to_process(), with a name for async_print_tasks().
 *
 * name       stays valid during the call; NULL: the name of the exported symbol at fn, if any. */
int await_to_process_named(const char *name, int (*fn)(const void *in, void *out), const void *in,
                           size_t in_size, void *out, size_t out_size) ASYNC_CHECK;

/* --- process pools of your own --- */

/* A process pool. It belongs to the loop of the thread that opened it, and is used there only. */
typedef struct async_process_pool async_process_pool;

/* Options of async_process_pool_open(). */
struct async_process_pool_opts {
    unsigned max_workers; /* workers at a time, at most 1024; default: the number of processors */
    double timeout;       /* seconds that a call may run; default: no timeout */
    double start_timeout; /* seconds that a worker may take to start; default: 5. A worker that
                           * takes longer is killed, and its calls get another one */
    size_t max_memory;    /* bytes of address space of a worker (RLIMIT_AS); default: no limit */
    unsigned max_cpu;     /* seconds of processor time that a call may use, in all its threads;
                           * default: no limit */
    bool sandbox;         /* for untrusted data: see below */
    const char *name;     /* for async_print_tasks(); copied */
};

/* Open a process pool.
 *
 *   async_process_pool_auto pool = async_process_pool_open(.sandbox = true, .timeout = 10);
 *   ASYNC_TRY(await_process_pool_run(pool, decode, &jpeg, &image));
 *
 * A worker with .sandbox = true can compute, allocate memory, read the clock, and little else.
 * open() and other queries of files fail with EACCES. Sockets, processes, new threads, signals to
 * other processes, and all system calls that are not known to be harmless, end the worker by
 * SIGSYS. There are no new privileges and no core dumps; stdout and stderr are /dev/null. The
 * sandbox begins with the first call of a worker. It includes threads that constructors have
 * started, and closes the descriptors that they have opened. Resource limits cannot be changed. A
 * library that was loaded by dlopen() is there only if the first function that a worker calls lies
 * in it.
 *
 * An attacker who controls a worker can read its environment and every later call, and forge the
 * results. Use a separate pool for each trust domain. The attacker cannot affect .timeout, .max_cpu
 * and .max_memory: the first two are measured by this process.
 *
 * Returns    the pool, which is yours to close or drop, and which has no workers yet; or NULL and
 *            errno: EPERM if this thread has no loop; EINVAL if there are too many workers or a
 *            timeout is negative; ENOSYS for a sandbox on processors other than x86-64 and aarch64;
 *            ENOMEM. */
#define async_process_pool_open(...)                                                               \
    async_process_pool_open_opt(&(const struct async_process_pool_opts){ __VA_ARGS__ })
async_process_pool *
async_process_pool_open_opt(const struct async_process_pool_opts *opts) ASYNC_CHECK;

/* Call a function in a worker of a pool, first come, first served.
 *
 *   int r = await_process_pool_call(pool, count_words, text, size, &words, sizeof words);
 *
 * p          the pool.
 * fn         a function of this program or of a library that it has loaded.
 * in         the argument, in_size bytes; stays valid during the call. NULL if in_size is 0.
 * out        receives the result, out_size bytes, as with ASYNC_PROCESS. NULL if out_size is 0.
 * Returns    what fn returns, or one of the errors above.
 * Cancelled  a call that has not begun never will. If it runs, its worker is killed and replaced. A
 *            call whose reply had come by then returns its result.
 * Suspends   until fn has returned. */
int await_process_pool_call(async_process_pool *p, int (*fn)(const void *in, void *out),
                            const void *in, size_t in_size, void *out,
                            size_t out_size) ASYNC_CHECK;

/* Like await_process_pool_call(), for a function that ASYNC_PROCESS defines. The compiler checks
 * the types of in and out. */
#define await_process_pool_run(p, name, in, out)                                                   \
    await_process_pool_call_named((p), #name, name##_remote_, ASYNC__TYPED(name, in, out),         \
                                  sizeof *(in), (out), sizeof *(out))

/* Like await_process_pool_call(), with a name as for await_to_process_named(). */
int await_process_pool_call_named(async_process_pool *p, const char *name,
                                  int (*fn)(const void *in, void *out), const void *in,
                                  size_t in_size, void *out, size_t out_size) ASYNC_CHECK;

/* Close a pool: refuse further calls, wait until all that were made are over, end the workers.
 *
 * p          set to NULL at once; *p may be NULL.
 * Returns    0; -EPERM if the pool belongs to another loop, and then *p is left as it is.
 * Cancelled  as async_process_pool_drop(), and -ECANCELED.
 * Suspends   while there are calls. */
int await_process_pool_close(async_process_pool **p) ASYNC_CHECK;

/* Drop a pool: kill the workers, free the pool. Its calls return -EPIPE.
 *
 * p          set to NULL; *p may be NULL. In a child of fork() only the copy is freed.
 *
 * Blocks for the moment that the kernel needs to end the workers. */
void async_process_pool_drop(async_process_pool **p);

/* Declare a pool that is dropped at the end of its block. */
#define async_process_pool_auto ASYNC_AUTO(async_process_pool_drop) __typeof__(async_process_pool *)

/* The state of a process pool. */
struct async_process_pool_stats {
    unsigned max_workers; /* workers that may exist at a time */
    unsigned workers;     /* workers that exist now; some may be ending */
    size_t queued;        /* calls that wait in the queue */
    size_t running;       /* calls that were sent to a worker */
    uint64_t done;        /* calls that are over, whatever their results */
    uint64_t started;     /* workers that were started so far */
    uint64_t lost;        /* of these, workers that ended by themselves */
    uint64_t killed;      /* of these, workers that the pool has killed */
};

/* Read the state of a pool, on its own thread. */
void async_process_pool_stats(const async_process_pool *p, struct async_process_pool_stats *ret);

/* --- private: what the macros above define and use --- */

#define ASYNC__PROCESS_1(name, in, out)                                                            \
    static int name##_body_(ASYNC__PARAMS(in, out));                                               \
    static int name##_remote_(const void *async_in_, void *async_out_)                             \
    {                                                                                              \
        return name##_body_(async_in_, async_out_);                                                \
    }                                                                                              \
    ASYNC_UNUSED ASYNC_CHECK static int await_##name(ASYNC__PARAMS(in, out))                       \
    {                                                                                              \
        return await_to_process_named(#name, name##_remote_, ASYNC__NAME(in),                      \
                                      sizeof *ASYNC__NAME(in), ASYNC__NAME(out),                   \
                                      sizeof *ASYNC__NAME(out));                                   \
    }                                                                                              \
    ASYNC_CO(name, in, out)                                                                        \
    static int name##_body_(ASYNC__PARAMS(in, out))

/* A parameter lacks its parentheses, which the assertion has reported. */
#define ASYNC__BARE(p)   ASYNC__CAT(ASYNC__BARE_, ASYNC__ONE(p))(p)
#define ASYNC__BARE_0(p) p
#define ASYNC__BARE_1(p) ASYNC__PARAM(p)
#define ASYNC__PROCESS_0(name, in, out)                                                            \
    ASYNC__MAKE_0(name, #name, name##_body_, in, out)                                              \
    ASYNC_UNUSED static int await_##name();                                                        \
    ASYNC_UNUSED static int name##_body_(ASYNC__BARE(in), ASYNC__BARE(out))

/* Expands to in. The compiler checks that in and out have the types of the function's
 * parameters. */
#define ASYNC__TYPED(name, in, out) (1 ? (in) : (name##_body_((in), (out)), (in)))

ASYNC_END_DECLS

#endif
