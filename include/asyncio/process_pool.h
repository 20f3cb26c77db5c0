/* SPDX-License-Identifier: MIT */
/* process_pool.h - functions that run in other processes: heavy work on the other cores, code that may crash, data that
 * nobody trusts.
 *
 * A worker is a new process of the same program, in which main() does not run: the constructors of the program and of its
 * libraries have run, file-scope variables have their first values, nothing of this process's memory or descriptors is
 * there but stdout and stderr; stdin is /dev/null. The environment, the user and the working directory are the same. The
 * function runs there by itself, outside of any loop. It gets bytes and gives bytes, so no pointers may be in them. async_fail() in it gives the awaiter its sentence. What it forks is not
 * a worker, and is killed when the worker ends, unless it has left its session.
 *
 * Workers are started when there is work for them, one process each, which blocks the loop for a part of a millisecond,
 * and stay until the pool closes. They end with this process, or thread, however it ends, and have sessions of their own,
 * so that Ctrl-C is for the program alone. The parent's SIGCHLD and waitpid() are left alone; a program that ignores
 * SIGCHLD, or waits for any child, is told less about how a worker ended. */
#ifndef ASYNCIO_PROCESS_POOL_H
#define ASYNCIO_PROCESS_POOL_H

#include <asyncio/co.h>

ASYNC_BEGIN_DECLS

/* ASYNC_PROCESS(name, (const In *)in, (Out *)out) { body }
 *   await_name(in, out)    runs the body in a worker of the loop's own pool, which has one for each core
 *   name(in, out)          the same as an object
 * The body's result, >= 0, or its error; *out is written only on success, and is zero where the body has not written it.
 * In the worker *in and *out are aligned to 64 bytes. Errors: see await_process_pool_call(). */
#define ASYNC_PROCESS(name, in, out)                                                               \
    static int name##_body_(ASYNC__PARAMS(in, out));                                               \
    static int name##_remote_(const void *async_in_, void *async_out_)                             \
    {                                                                                              \
        return name##_body_(async_in_, async_out_);                                                \
    }                                                                                              \
    ASYNC_UNUSED ASYNC_CHECK static int await_##name(ASYNC__PARAMS(in, out))                       \
    {                                                                                              \
        return await_to_process_named(#name, name##_remote_, ASYNC__NAME(in), sizeof *ASYNC__NAME(in), \
                                      ASYNC__NAME(out), sizeof *ASYNC__NAME(out));                 \
    }                                                                                              \
    ASYNC_CO(name, in, out)                                                                        \
    static int name##_body_(ASYNC__PARAMS(in, out))

/* The function behind it: out_size bytes at out become what fn(in, out) has written. in and out are the caller's and stay
 * where they are while it waits. */
int await_to_process(int (*fn)(const void *in, void *out), const void *in, size_t in_size, void *out,
                     size_t out_size) ASYNC_CHECK;

/* With the name that async_print_tasks() says of who waits for it; it stays where it is meanwhile. Without one that is the
 * linker's, if fn is in a shared library that exports it. */
int await_to_process_named(const char *name, int (*fn)(const void *in, void *out), const void *in,
                           size_t in_size, void *out, size_t out_size) ASYNC_CHECK;

/* --- pools of your own --- */

typedef struct async_process_pool async_process_pool;

struct async_process_pool_opts {
    unsigned max_workers; /* default: as many as there are cores for this process; at most 1024 */
    double timeout;       /* seconds that a call may run, from its start; default: no limit */
    size_t max_memory;    /* bytes of address space of a worker (RLIMIT_AS); default: no limit */
    unsigned max_cpu;     /* seconds of processor time of a call (RLIMIT_CPU), up to two more; default: no limit. It is
                           * for what takes too long; what means harm can lift it, also in a sandbox: see timeout */
    bool sandbox;         /* for data that nobody trusts: memory, arithmetic, the clock, and little else. open() and
                           * other questions about files fail with EACCES; sockets, processes, threads, signals to
                           * others and whatever else is not known to be harmless end the worker by SIGSYS; no new
                           * privileges, no core, stdout and stderr are /dev/null. A library that dlopen() loaded is
                           * there only if the first function that a worker calls lies in it. What has taken a worker
                           * over sees the environment and the calls that come after, and answers them: so a pool for
                           * each of those who must not know of each other */
    const char *name;     /* for async_print_tasks(); copied */
};

/* A pool for this thread's loop, and for it alone. No worker is started yet. Yours to close. NULL and errno: ENOMEM, EPERM: no loop,
 * EINVAL: too many workers, or a timeout below 0; ENOSYS: a sandbox, on a processor that has none yet (x86-64 and
 * aarch64 do).    async_process_pool_open(.max_workers = 4) */
#define async_process_pool_open(...)                                                               \
    async_process_pool_open_opt(&(const struct async_process_pool_opts){ __VA_ARGS__ })
async_process_pool *async_process_pool_open_opt(const struct async_process_pool_opts *opts)
        ASYNC_CHECK;

/* Run fn(in, out) in a worker of p, first come first served, and wait: its result. *out is written only if that is >= 0.
 * Suspends. Cancelled: a call that has not begun never will; if it runs, its worker is killed, and replaced; one whose
 * answer has come nevertheless succeeds.
 *   -EOWNERDEAD   the worker died of this call: the error's sentence names the signal or exit status. The call is not
 *                 repeated; those that stood behind it in the worker are.
 *   -ETIMEDOUT    it ran longer than the pool's timeout; its worker was killed
 *   -EPIPE        the pool was closed, or p is NULL
 *   -ENOEXEC      fn lies in no file, or in a library that a worker cannot load: it is gone, or another one by now. The
 *                 program itself may have been replaced or removed.
 *   -ENOMEM, -EMFILE, -EAGAIN and the like: no worker could be started, no memory shared; -EPERM: a set-user-id
 *                 program, or the pool is another thread's
 * and what fn returns. */
int await_process_pool_call(async_process_pool *p, int (*fn)(const void *in, void *out), const void *in,
                            size_t in_size, void *out, size_t out_size) ASYNC_CHECK;

/* The same for a function that ASYNC_PROCESS defines: await_process_pool_run(p, name, &in, &out). */
#define await_process_pool_run(p, name, in, out)                                                   \
    await_process_pool_call_named((p), #name, name##_remote_, ASYNC__TYPED(name, in, out),         \
                                  sizeof *(in), (out), sizeof *(out))
#define ASYNC__TYPED(name, in, out) (1 ? (in) : (name##_body_((in), (out)), (in)))

/* The function behind it; name as with await_to_process_named(). */
int await_process_pool_call_named(async_process_pool *p, const char *name,
                                  int (*fn)(const void *in, void *out), const void *in,
                                  size_t in_size, void *out, size_t out_size) ASYNC_CHECK;

/* Set *p to NULL, accept no more calls, wait until those that were made have their answers, end the workers, free the pool:
 * 0. *p may be NULL. Suspends: while there are calls. Cancelled: as async_process_pool_drop(), and -ECANCELED. -EPERM: the
 * pool is another thread's, and stays as it is. */
int await_process_pool_close(async_process_pool **p) ASYNC_CHECK;

/* Kill the workers and free the pool: who waits for a call gets -EPIPE. NULL: nothing to do. Blocks for the moment that the
 * kernel needs to end them.    async_process_pool_auto p = async_process_pool_open(); */
void async_process_pool_drop(async_process_pool **p);
#define async_process_pool_auto ASYNC_AUTO(async_process_pool_drop) async_process_pool *

struct async_process_pool_stats {
    unsigned max_workers, workers; /* allowed; alive, or ending */
    size_t queued, running;        /* calls that wait here; that are with a worker */
    uint64_t done;                 /* calls that were answered, by whatever result */
    uint64_t started, lost;        /* workers that were started; that died or were killed */
};
/* How p is doing at this moment. On its own thread. */
void async_process_pool_stats(const async_process_pool *p, struct async_process_pool_stats *ret);

ASYNC_END_DECLS

#endif
