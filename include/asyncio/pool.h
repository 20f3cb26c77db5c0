/* SPDX-License-Identifier: MIT */
/* pool.h - run functions that block on threads, while the loop goes on.
 *
 *   ASYNC_THREAD             define a function that runs on a thread when it is awaited
 *   await_to_thread          run a coroutine object's function on a thread of the loop's own pool
 *   async_pool_stats         how busy the loop's own thread pools are
 *
 *   async_thread_pool_open   open a thread pool of a size of your own
 *   await_thread_pool_call   run a coroutine object's function on a thread of such a pool
 *   await_thread_pool_close  wait for the calls in a pool, then free it
 *   async_thread_pool_drop   free it without waiting; async_thread_pool_auto does so at the end of
 *                            a block
 *   async_thread_pool_stats  how busy a pool is
 *
 * These are asyncio's to_thread() and run_in_executor().
 *
 *   ASYNC_THREAD(hash, (const char *)path, (struct digest *)ret)
 *   {
 *       return hash_file(path, ret);             // blocks, but not the loop
 *   }
 *   ASYNC_TRY(await_gather(NULL, hash("a", &a), hash("b", &b)));
 *
 * The function runs on a thread without a loop: it must not await. An await_ call in it fails with
 * -EPERM and prints a message. It runs in the context of its caller: it sees the task-local
 * variables (local.h), and what it sets stays its own. async_fail() in it sets the message of the
 * caller's error.
 *
 * Calls that find no free thread wait in the queue of the pool, first come, first served. Threads
 * are started when they are needed, and end after 10 s without work. A virtual clock (run.h) stands
 * still while a function runs.
 *
 * Cancelled: a call that has not begun never will, and returns -ECANCELED. One that has begun is
 * waited for, because the function may use variables of the caller. Its result is returned, and the
 * next await_ fails. See .abandon below for calls that are not to be waited for.
 *
 * A function, and a .release function, may call fork(). Its child must end by exec or _exit(): if
 * it returns from the function, it is ended with a message.
 *
 * Common errors:
 *   -EPERM      not called from a task; a message is printed to stderr
 *   -ECANCELED  see above
 *   -EAGAIN     there is no thread, and none could be started
 *   -ENOMEM     no memory */
#ifndef ASYNCIO_POOL_H
#define ASYNCIO_POOL_H

#include <asyncio/co.h>

ASYNC_BEGIN_DECLS

/* Define a function that blocks, for use from tasks.
 *
 *   ASYNC_THREAD(name, (type)param, ...) { body }
 *
 * defines, as ASYNC_DEF (co.h) does, await_name(params), which runs the body on a thread of the
 * loop's own pool and returns its result, and name(params), a coroutine object that does the same.
 * A task of name(), created, spawned or gathered, needs no stack: a hundred thousand of them take
 * about 350 bytes each.
 *
 * Suspends   await_name(): until the body has returned. */
#define ASYNC_THREAD(name, ...)                                                                    \
    ASYNC__ASSERT(ASYNC__PARENTHESES(__VA_ARGS__), #name ASYNC__HOW_TO_WRITE);                     \
    ASYNC__CAT(ASYNC__THREAD_, ASYNC__PARENTHESES(__VA_ARGS__))(name, ##__VA_ARGS__)

/* Options of await_to_thread() and await_thread_pool_call(). */
struct async_thread_opts {
    bool abandon;                 /* a cancel does not wait for a function that has begun */
    void *owned;                  /* what an abandoned function may still use */
    void (*release)(void *owned); /* how to free that; NULL: not at all */
};

/* Run the function of a coroutine object on a thread of the loop's own pool.
 *
 *   ssize_t n = ASYNC_TRY(await_to_thread(read_sensor(&value)));
 *   int r = await_to_thread(lookup(q), .abandon = true, .owned = q, .release = free);
 *
 * co         an ASYNC_THREAD's object, an async_call(), or an ASYNC_DEF's that never awaits; it is
 *            copied. An ASYNC_THREAD with more than 56 bytes of arguments is refused with -EPERM
 *            and a message, because it calls this function itself.
 * .abandon   if the caller is cancelled after the function has begun, return -ECANCELED at once and
 *            let the function finish by itself. Neither it nor its arguments may point to anything
 *            that the caller takes away.
 * .owned     passed to .release if, and only if, the call returns -ECANCELED: once, when the
 *            function has returned or will never begin. In all other cases it stays the caller's.
 * .release   called on the loop's thread, or on the function's thread if the loop has closed. It
 *            must not await.
 * Returns    what the function returns; the common errors.
 * Cancelled  see above.
 * Suspends   until the function has returned.
 *
 * The loop's own pool has 4 threads more than there are processors, at most 32. A call that was
 * abandoned keeps its thread, which is replaced by another one, for up to 32 such calls. A loop
 * that closes waits for abandoned calls for .shutdown_timeout (run.h), or 1 s without one. Calls
 * that still run then are named on stderr and left alone. */
#define await_to_thread(co, ...)                                                                   \
    await_to_thread_opt((co), ASYNC__OPTS(struct async_thread_opts, __VA_ARGS__))
int await_to_thread_opt(async_co co, const struct async_thread_opts *opts) ASYNC_CHECK;

/* The thread pools that each loop has of its own, so that no kind of work delays another. */
enum async_pool {
    ASYNC_POOL_THREADS, /* await_to_thread() and ASYNC_THREAD */
    ASYNC_POOL_FILES,   /* calls on files (file.h): 8 threads */
    ASYNC_POOL_NAMES,   /* lookups of host names: 16 threads, and 48 more for abandoned lookups */
};

/* The state of a thread pool. */
struct async_pool_stats {
    unsigned threads;   /* threads that exist now */
    unsigned idle;      /* of these, threads without work */
    unsigned queued;    /* calls in the queue, which wait for a thread */
    unsigned running;   /* calls that have a thread */
    unsigned abandoned; /* of these, calls that no task waits for any more */
    unsigned waiting;   /* tasks that wait for room in the queue (.max_queued) */
    uint64_t begun;     /* calls that were given a thread so far */
    double waited;      /* seconds that these were in the queue, all together */
    double longest;     /* seconds that one of these was in the queue, at most */
    double oldest;      /* seconds that the first call has been in the queue; 0: it is empty */
};

/* Read the state of one of the loop's own pools.
 *
 * Returns    0; -EPERM if this thread has no loop; -EINVAL if there is no such pool. */
int async_pool_stats(enum async_pool which, struct async_pool_stats *ret) ASYNC_CHECK;

/* --- thread pools of your own --- */

/* A thread pool. It belongs to the loop of the thread that opened it, and is used there only. */
typedef struct async_thread_pool async_thread_pool;
typedef async_thread_pool *async_thread_pool_ptr;

/* Options of async_thread_pool_open(). */
struct async_thread_pool_opts {
    unsigned threads;       /* calls that run at a time, at most 1024. Default: 4 more than there
                             * are processors, at most 32 */
    const char *name;       /* for reports and, the first 15 bytes of it, for the threads; copied.
                             * Default: "pool-1", "pool-2" and so on */
    unsigned max_queued;    /* calls in the queue. Further callers wait, in their order, until there
                             * is room; default: no bound */
    unsigned max_abandoned; /* abandoned calls whose threads are replaced by others; default 0: an
                             * abandoned call occupies its thread until it returns */
};

/* Open a thread pool, to bound how many calls of one kind run at a time, or to keep them from
 * delaying others.
 *
 *   async_thread_pool_auto pool = async_thread_pool_open(.threads = 4, .name = "resize");
 *   await_group (r, g)
 *       for (int i = 0; i < n; i++)
 *           async_spawn(g, resize_in(pool, &images[i]));    // calls await_thread_pool_call()
 *
 * With .threads = 1 all calls run one after the other, which makes the pool a lock for a library
 * that is not thread-safe.
 *
 * Returns    the pool, which is yours to close or drop, and which has no threads yet; or NULL and
 *            errno: EPERM if this thread has no loop, EINVAL if a number is too large, ENOMEM. */
#define async_thread_pool_open(...)                                                                \
    async_thread_pool_open_opt(ASYNC__OPTS(struct async_thread_pool_opts, __VA_ARGS__))
async_thread_pool *
async_thread_pool_open_opt(const struct async_thread_pool_opts *opts) ASYNC_CHECK;

/* Run the function of a coroutine object on a thread of a pool.
 *
 *   ASYNC_TRY(await_thread_pool_call(pool, resize(&image, 640, 480)));
 *
 * p          the pool.
 * co, ...    as for await_to_thread().
 * Returns    what the function returns; -EPIPE if the pool is closing, was dropped before the
 *            function began, or is NULL; -EPERM if it belongs to another loop; the common errors.
 * Cancelled  as await_to_thread(); while it waits for room in the queue, the call never begins.
 * Suspends   until the function has returned. */
#define await_thread_pool_call(p, co, ...)                                                         \
    await_thread_pool_call_opt((p), (co), ASYNC__OPTS(struct async_thread_opts, __VA_ARGS__))
int await_thread_pool_call_opt(async_thread_pool *p, async_co co,
                               const struct async_thread_opts *opts) ASYNC_CHECK;

/* Close a pool: refuse further calls, wait until all that were made are over, end the threads.
 *
 *   ASYNC_TRY(await_thread_pool_close(&pool));
 *
 * p          set to NULL at once; *p may be NULL.
 * Returns    0; -EPERM if the pool belongs to another loop, and then *p is left as it is.
 * Cancelled  as async_thread_pool_drop(), and -ECANCELED.
 * Suspends   while there are calls, abandoned ones included. */
int await_thread_pool_close(async_thread_pool **p) ASYNC_CHECK;

/* Drop a pool: calls that have not begun end with -EPIPE. Those that have begun, and their callers,
 * go on undisturbed; the pool is freed when the last one returns.
 *
 * p          set to NULL; *p may be NULL. In a child of fork() only the copy is freed.
 *
 * Does not wait for calls. A loop that closes treats their functions as abandoned calls. */
void async_thread_pool_drop(async_thread_pool **p);

/* Declare pools that are dropped at the end of their block. `async_thread_pool_auto a = NULL,
 * b = NULL;` declares two. */
#define async_thread_pool_auto ASYNC_AUTO(async_thread_pool_drop) async_thread_pool_ptr

/* Read the state of a pool.
 *
 * Returns    0; -EINVAL if p is NULL; -EPERM if it belongs to another loop. */
int async_thread_pool_stats(const async_thread_pool *p, struct async_pool_stats *ret) ASYNC_CHECK;

/* --- private: the functions that ASYNC_THREAD defines --- */

#define ASYNC__THREAD_1(name, ...)                                                                 \
    ASYNC_CHECK static int name##_body_(ASYNC__PARAMS(__VA_ARGS__));                               \
    ASYNC__MAKE_1(name##_co_, #name, name##_body_, ##__VA_ARGS__)                                  \
    ASYNC_CHECK static int await_##name(ASYNC__PARAMS(__VA_ARGS__))                                \
    {                                                                                              \
        return await_to_thread(name##_co_(ASYNC__MAP(ASYNC__NAME, ASYNC__COMMA, ##__VA_ARGS__)));  \
    }                                                                                              \
    ASYNC__MAKE_THREAD(name, name##_co_, #name, ##__VA_ARGS__)                                     \
    static int name##_body_(ASYNC__PARAMS(__VA_ARGS__))

/* A parameter lacks its parentheses. The assertion has reported it; so that this is all, any call
 * of the functions is accepted. */
#define ASYNC__THREAD_0(name, ...)                                                                 \
    ASYNC__MAKE_0(name, #name, name##_body_, ##__VA_ARGS__)                                        \
    ASYNC_UNUSED static int await_##name();                                                        \
    ASYNC_UNUSED static int name##_body_(__VA_ARGS__)

/* The object of an ASYNC_THREAD runs await_thread_(), by which the library recognises it, and has
 * the function for the thread behind its arguments. If these leave no room for that, the object is
 * a coroutine like any other, and a task of it needs a stack. */
struct async_thread_body {
    int (*run)(void *frame);
    const char *name;
};
#define ASYNC__THREAD_ROOM (ASYNC_FRAME_MAX - sizeof(struct async_thread_body *))

#define ASYNC__MAKE_THREAD(name, co, label, ...)                                                   \
    ASYNC_UNUSED static int name##_run_(void *frame)                                               \
    {                                                                                              \
        struct co##_frame_ *async_f_ ASYNC_UNUSED = (struct co##_frame_ *)frame;                   \
        return await_##name(ASYNC__MAP(ASYNC__STORED, ASYNC__COMMA, ##__VA_ARGS__));               \
    }                                                                                              \
    ASYNC_UNUSED ASYNC_CHECK ASYNC__IN_PLACE async_co name(ASYNC__PARAMS(__VA_ARGS__))             \
    {                                                                                              \
        static const struct async_thread_body async_b_ = { co##_run_, label };                     \
        const struct async_thread_body *async_p_ = &async_b_;                                      \
        const bool async_fits_ = sizeof(struct co##_frame_) <= ASYNC__THREAD_ROOM;                 \
        struct co##_frame_ async_f_ = {                                                            \
            ASYNC__MAP(ASYNC__NAME, ASYNC__COMMA, ##__VA_ARGS__)                                   \
        };                                                                                         \
        async_co async_c_ = { async_fits_ ? await_thread_ : name##_run_, label, { 0 } };           \
        memcpy(async_c_.frame, &async_f_, sizeof async_f_);                                        \
        if (async_fits_)                                                                           \
            memcpy(async_c_.frame + ASYNC__THREAD_ROOM, &async_p_, sizeof async_p_);               \
        return async_c_;                                                                           \
    }

/* The function of the object of an ASYNC_THREAD. */
int await_thread_(void *frame) ASYNC_CHECK;

ASYNC_END_DECLS

#endif
