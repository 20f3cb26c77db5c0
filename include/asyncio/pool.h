/* SPDX-License-Identifier: MIT */
/* pool.h - calls that block, on threads: to_thread and run_in_executor. */
#ifndef ASYNCIO_POOL_H
#define ASYNCIO_POOL_H

#include <asyncio/co.h>

ASYNC_BEGIN_DECLS

/* ASYNC_THREAD(name, (type)param, ...) { body that blocks }    await_name() and name() as with ASYNC_DEF, but the body
 * runs on a thread of the loop's pool, by await_to_thread(). It must not await: an await_ in it fails with -EPERM and says
 * so. It sees the task-local variables of its caller, and keeps what it sets to itself. async_fail() in it gives the
 * caller's error its sentence. A task of name(), alone, in a group or gathered, needs no stack: a hundred thousand cost some
 * 350 bytes each. */
#define ASYNC_THREAD(name, ...)                                             \
    ASYNC_CHECK static int name##_body_(ASYNC__PARAMS(__VA_ARGS__));        \
    ASYNC__MAKE(name##_co_, #name, name##_body_, ##__VA_ARGS__)             \
    ASYNC_CHECK static int await_##name(ASYNC__PARAMS(__VA_ARGS__))         \
    {                                                                       \
        return await_to_thread(name##_co_(ASYNC__MAP(ASYNC__NAME, ASYNC__COMMA, ##__VA_ARGS__))); \
    }                                                                       \
    ASYNC__MAKE_THREAD(name, name##_co_, #name, ##__VA_ARGS__)              \
    static int name##_body_(ASYNC__PARAMS(__VA_ARGS__))

/* How it works: the object says behind its arguments what is to run on the thread, and what runs in a task is the
 * library's, by which it is known: a task of it needs no stack. Without room for that it is a coroutine like any other. */
struct async_thread_body {
    int (*run)(void *frame);
    const char *name;
};
#define ASYNC__THREAD_ROOM (ASYNC_FRAME_MAX - sizeof(struct async_thread_body *))

#define ASYNC__MAKE_THREAD(name, co, label, ...)                            \
    ASYNC_UNUSED static int name##_run_(void *frame)                        \
    {                                                                       \
        struct co##_frame_ *async_f_ ASYNC_UNUSED = (struct co##_frame_ *)frame; \
        return await_##name(ASYNC__MAP(ASYNC__STORED, ASYNC__COMMA, ##__VA_ARGS__)); \
    }                                                                       \
    ASYNC_UNUSED ASYNC_CHECK ASYNC__IN_PLACE async_co name(ASYNC__PARAMS(__VA_ARGS__)) \
    {                                                                       \
        static const struct async_thread_body async_b_ = { co##_run_, label }; \
        const struct async_thread_body *async_p_ = &async_b_;               \
        const bool async_fits_ = sizeof(struct co##_frame_) <= ASYNC__THREAD_ROOM; \
        struct co##_frame_ async_f_ = {                                     \
            ASYNC__MAP(ASYNC__NAME, ASYNC__COMMA, ##__VA_ARGS__)            \
        };                                                                  \
        async_co async_c_ = { async_fits_ ? await_thread_ : name##_run_, label, { 0 } }; \
        memcpy(async_c_.frame, &async_f_, sizeof async_f_);                 \
        if (async_fits_)                                                    \
            memcpy(async_c_.frame + ASYNC__THREAD_ROOM, &async_p_, sizeof async_p_); \
        return async_c_;                                                    \
    }

/* What an ASYNC_THREAD's object runs, where it must run in a task. Nothing for users. */
int await_thread_(void *frame) ASYNC_CHECK;

struct async_thread_opts {
    bool abandon;                 /* a cancel does not wait for the body: see below */
    void *owned;                  /* what an abandoned body may still use */
    void (*release)(void *owned); /* and what to do with it in the end */
};

/* Make the call that co is on a thread of the loop's pool, and wait for its result, which is returned. The call awaits
 * nothing: co is an ASYNC_THREAD's, an async_call(), or of an ASYNC_DEF without an await_. (An ASYNC_THREAD with more than
 * 56 bytes of arguments is refused: -EPERM, and a message; it goes to a thread by itself.) The pool has at most 32 threads, and 4 more than there are processors; they are started
 * when they are needed, and end after 10 s without work. More calls than threads stand in a line, first come first served.
 * -EAGAIN: no thread could be started, and there is none. -ENOMEM. Suspends: yes.
 *
 * Cancelled before the body has begun: it never runs. Afterwards the call waits for the body to end, since it may use what
 * lies in our frame, and returns its result; the next await_ fails. In a loop with a virtual clock the body still takes
 * real time.
 *
 * With .abandon a cancel after the beginning does not wait: -ECANCELED at once, and the body goes on by itself. So
 * neither it nor co's arguments may point to anything that the caller will take away. If, and only if, the
 * call returns -ECANCELED, release(owned) is called, once, when the body has ended or will never begin: on the loop's
 * thread, or on that of the body if the loop has closed meanwhile. Otherwise owned is the caller's as before.
 * A closing loop waits for such bodies for .shutdown_timeout, or 1 s if there is none; then they are named on stderr
 * and left to themselves.    await_to_thread(co, .abandon = true, .owned = p, .release = free) */
#define await_to_thread(co, ...)                                                                   \
    await_to_thread_opt((co), ASYNC__OPTS(struct async_thread_opts, __VA_ARGS__))
int await_to_thread_opt(async_co co, const struct async_thread_opts *opts) ASYNC_CHECK;

/* Each loop has three pools, so that one kind of work does not keep another waiting. */
enum async_pool {
    ASYNC_POOL_THREADS, /* await_to_thread() */
    ASYNC_POOL_FILES,   /* what blocks on files: at most 8 threads */
    ASYNC_POOL_NAMES,   /* names that are looked up: at most 16 */
};

struct async_pool_stats {
    unsigned threads, idle;  /* there are now; of them, without work */
    unsigned queued;         /* jobs that wait for a thread */
    unsigned running;        /* jobs that have one */
    uint64_t begun;          /* jobs that were given a thread so far */
    double waited, longest;  /* how long these had stood in the line, seconds: all together; the one longest in it */
    double oldest;           /* how long the first in the line has stood there by now; 0: nobody does */
};

/* How this thread's loop's pool is doing. 0; -EPERM: no loop runs here; -EINVAL: no such pool. */
int async_pool_stats(enum async_pool which, struct async_pool_stats *ret) ASYNC_CHECK;

ASYNC_END_DECLS

#endif
