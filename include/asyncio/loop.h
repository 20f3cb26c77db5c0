/* SPDX-License-Identifier: MIT */
/* loop.h - the event loop itself: callbacks, descriptors, other threads. Tasks rarely need it; adapters
 * for callback libraries do. */
#ifndef ASYNCIO_LOOP_H
#define ASYNCIO_LOOP_H

#include <asyncio/base.h>

ASYNC_BEGIN_DECLS

/* The loop that runs on this thread, or NULL. Valid until it is closed; what may still be called with it
 * then is said below. */
async_loop *async_get_running_loop(void);

/* --- callbacks: asyncio's call_soon, call_later, call_at --- */

/* A callback in your memory, which stays yours until it has run or been cancelled. It runs between the steps
 * of tasks and must not await. Its members are the library's. */
typedef struct async_callback {
    struct async_waiter *next, *prev;
    uint8_t kind, state;
    uint32_t timer;
    void (*fn)(void *arg);
    void *arg;
    void *context;
    uint64_t home;
} async_callback;

/* A callback sees the task-local variables (local.h) of who asked for it, as they were then; what it sets it keeps to
 * itself. So do those that another thread posts, and a watch below.
 *
 * Call fn(arg) once, after everything that is ready now, even if main returns before. Cannot fail. Only on the loop's
 * own thread. What is added while the loop shuts down may be dropped: then it is yours again, as if cancelled. */
void async_call_soon(async_callback *cb, void (*fn)(void *arg), void *arg);

/* Call fn(arg) once, not before that many seconds have passed; callbacks of equal time run in the order of
 * their calls. Cannot fail. async_call_at: by async_time(). */
void async_call_later(async_callback *cb, double seconds, void (*fn)(void *arg), void *arg);
void async_call_at(async_callback *cb, double when, void (*fn)(void *arg), void *arg);

/* true: it will not run, and its memory is yours again. false: it has run, or never was to. */
bool async_callback_cancel(async_callback *cb);

/* --- other threads --- */

/* Call fn(arg) once on the loop's thread. From any thread, at any time, as often as you like: many calls cost
 * the loop one wake-up; those of one thread run in their order. -ENOMEM; -EPIPE: the loop is closed.
 * What was accepted is called, at the latest while the loop closes. */
int async_call_soon_threadsafe(async_loop *loop, void (*fn)(void *arg), void *arg) ASYNC_CHECK;

/* A call that was asked for by async_call_soon_signalsafe(), in memory of the caller's. Zero is idle:
 * static async_post post. It must stay valid until fn has been called. Its members are private. */
typedef struct async_post {
    struct async_post *next;
    void (*fn)(void *arg);
    void *arg;
    void *context; /* in which fn runs; a reference */
    int pending;   /* it is on its way */
    bool borrowed; /* its memory is not the library's */
} async_post;

/* Call fn(arg) on the loop's thread, from a signal handler, or from a thread that must not allocate.
 *
 *   static void on_hangup(int signal) { async_call_soon_signalsafe(loop, &post, reload, NULL); }
 *
 * loop       the loop, from async_get_running_loop().
 * post       the caller's memory for the call; for one signal, one post is enough.
 * fn, arg    what is called, once, like a callback: outside of tasks, without task-local variables.
 * Returns    0; -EBUSY if the post is still on its way, so that fn will be called anyway; -EPIPE if
 *            the loop is closed.
 * Suspends   no. It is async-signal-safe, takes no lock, allocates nothing, and keeps errno. */
int async_call_soon_signalsafe(async_loop *loop, async_post *post, void (*fn)(void *arg), void *arg);

/* --- descriptors --- */

/* Wait until a descriptor of yours is ready: POLLIN, POLLOUT or both, of poll(). Returns what it is ready for
 * (POLLHUP and POLLERR may be among it). -EBADF: not open. -EBUSY: another task waits to read it (to write it)
 * already. -EPIPE: async_fd_close(). Cancelled: nothing is left behind. Suspends: yes. */
int await_fd_ready(int fd, int events) ASYNC_CHECK;

/* close(), for a descriptor on which a task may wait: it wakes with -EPIPE. 0, or a negative errno. */
int async_fd_close(int fd);

/* asyncio's add_reader and add_writer: call fn as long as (not: each time when) fd is ready for events. In your
 * memory, yours again after async_watch_stop(). Its members are the library's. */
typedef struct async_watch {
    void (*fn)(void *arg, int events);
    void *arg;
    void *context;
    uint64_t loop;
    int fd, events;
    bool active;
} async_watch;

/* Start: 0, or -EBADF, -EBUSY (watched or waited for already), -EPERM (a file: always ready), -ENOMEM.
 * fn gets POLLIN, POLLOUT, POLLERR and POLLHUP, the latter two unasked. It must not await. */
int async_watch_start(async_watch *w, int fd, int events, void (*fn)(void *arg, int events),
                      void *arg) ASYNC_CHECK;

/* Other events; 0 for none at the moment, not even an end; POLLHUP for nothing but what comes unasked. No system call if
 * they are the same. 0, or a negative errno. */
int async_watch_change(async_watch *w, int events);

/* Stop: fn is not called again, not even for what is ready by now. Before fd is closed. Also if it was never
 * started. */
void async_watch_stop(async_watch *w);

ASYNC_END_DECLS

#endif
