/* SPDX-License-Identifier: MIT */
/* loop.h - the event loop itself: callbacks, calls from other threads, descriptors. Programs of
 * tasks rarely need it; adapters for libraries with callbacks do.
 *
 *   async_get_running_loop       the loop of this thread, for other threads
 *   async_call_soon              call a function after what is ready now
 *   async_call_later             call a function after some time
 *   async_call_at                call a function at a point in time
 *   async_callback_cancel        cancel such a call
 *   async_call_soon_threadsafe   call a function on the loop's thread, from any thread
 *   async_call_soon_signalsafe   the same from a signal handler
 *   await_fd_ready               wait until a descriptor is readable or writable
 *   async_fd_close               close a descriptor that a task may wait for
 *   async_watch_start            call a function whenever a descriptor is ready
 *   async_watch_change           change what it is watched for
 *   async_watch_stop             stop watching
 *
 * A callback runs outside of tasks and must not await. It has the task-local variables (local.h) of
 * the task that scheduled it; what it sets is its own. */
#ifndef ASYNCIO_LOOP_H
#define ASYNCIO_LOOP_H

#include <asyncio/base.h>

ASYNC_BEGIN_DECLS

/* Return the loop of this thread, to be given to other threads; NULL if there is none. The handle
 * stays valid for the functions that are for other threads, also when the loop is closed. From this
 * call on the loop cannot detect a deadlock, because another thread might wake its tasks. */
async_loop *async_get_running_loop(void);

/* --- callbacks --- */

/* A callback, in memory of the caller until it has run or was cancelled. Zero is idle:
 * async_callback cb = { 0 }. Its members are private. */
typedef struct async_callback {
    struct async_waiter *next, *prev;
    uint8_t kind, state;
    uint16_t home;
    uint32_t timer;
    void (*fn)(void *arg);
    void *arg;
    void *context;
} async_callback;

/* Call a function once, after all that is ready now; also if the main task returns before.
 *
 * cb         memory for the callback, zero at first. If it is scheduled already, nothing happens,
 *            and a message is printed to stderr.
 * fn, arg    fn(arg) is called.
 * Suspends   no, and it cannot fail. Only on the loop's own thread. What is scheduled while the
 *            loop is shutting down may be dropped, as if it had been cancelled. */
void async_call_soon(async_callback *cb, void (*fn)(void *arg), void *arg);

/* Call a function once, when some time has passed. Callbacks of the same time run in the order in
 * which they were scheduled. When the loop closes before, the callback is dropped.
 *
 * seconds    not before so long. */
void async_call_later(async_callback *cb, double seconds, void (*fn)(void *arg), void *arg);

/* The same at a point in time, on the clock of async_time(). */
void async_call_at(async_callback *cb, double when, void (*fn)(void *arg), void *arg);

/* Cancel a callback.
 *
 * Returns    true if the function will not be called, and the memory is the caller's again; false
 *            if it was called, or was not to be. */
bool async_callback_cancel(async_callback *cb);

/* --- calls from other threads --- */

/* Call a function once on the loop's thread. Any thread may do this, at any time. The calls of one
 * thread are made in their order, and many of them wake the loop only once.
 *
 * loop       from async_get_running_loop() on the loop's thread.
 * fn, arg    fn(arg) is called, like a callback.
 * Returns    0, and the function will be called, at the latest while the loop closes; -EPIPE if the
 *            loop is closed; -ENOMEM.
 * Suspends   no. */
int async_call_soon_threadsafe(async_loop *loop, void (*fn)(void *arg), void *arg) ASYNC_CHECK;

/* A call that async_call_soon_signalsafe() requests, in memory of the caller. Zero is idle:
 * static async_post post. Its members are private. */
typedef struct async_post {
    struct async_post *next;
    void (*fn)(void *arg);
    void *arg;
    void *context; /* in which fn runs; a reference */
    int pending;   /* it is on its way */
    bool borrowed; /* its memory is not the library's */
} async_post;

/* Call a function on the loop's thread, from a signal handler, or from a thread that must not
 * allocate.
 *
 *   static void on_hangup(int sig) { async_call_soon_signalsafe(loop, &post, reload, NULL); }
 *
 * loop       the loop.
 * post       memory for the call; it must stay until the function has been called. One is enough
 *            for a signal.
 * fn, arg    fn(arg) is called, like a callback, without task-local variables.
 * Returns    0; -EBUSY if the post is on its way, so that the function will be called anyway;
 *            -EPIPE if the loop is closed.
 * Suspends   no. It is async-signal-safe: it takes no lock, allocates nothing, and keeps errno. */
int async_call_soon_signalsafe(async_loop *loop, async_post *post, void (*fn)(void *arg),
                               void *arg);

/* --- descriptors --- */

/* Wait until a descriptor is ready.
 *
 *   ASYNC_TRY(await_fd_ready(fd, POLLIN));
 *
 * fd         the descriptor, which stays the caller's.
 * events     POLLIN, POLLOUT, POLLPRI of poll(), or several of them.
 * Returns    what it is ready for, perhaps with POLLHUP and POLLERR; a regular file is always
 *            ready. -EBADF if it is not open; -EBUSY if another task waits to read it, or to write
 *            it; -EPIPE after async_fd_close(); -EPERM, -ECANCELED, -ENOMEM.
 * Cancelled  nothing is left behind.
 * Suspends   always. */
int await_fd_ready(int fd, int events) ASYNC_CHECK;

/* Close a descriptor for which tasks may wait; they wake up with -EPIPE.
 *
 * Returns    0, or a negative errno value of close(). */
int async_fd_close(int fd);

/* A watch on a descriptor, in memory of the caller until it is stopped, as add_reader() and
 * add_writer() of asyncio. Zero is idle. Its members are private. */
typedef struct async_watch {
    void (*fn)(void *arg, int events);
    void *arg;
    void *context;
    uint64_t loop;
    int fd, events;
    bool active;
} async_watch;

/* Call a function again and again, as long as a descriptor is ready.
 *
 * w          memory for the watch.
 * fd         the descriptor; it must stay open until the watch is stopped.
 * events     POLLIN, POLLOUT, POLLPRI of poll(), or several of them; 0 for POLLHUP and POLLERR
 *            only.
 * fn, arg    fn(arg, events) is called, with what the descriptor is ready for; POLLHUP and POLLERR
 *            are always reported. It must not await.
 * Returns    0; -EBADF; -EBUSY if a task waits for it, or another watch does; -EPERM for a regular
 *            file, which is always ready; -ENOMEM.
 * Suspends   no. */
int async_watch_start(async_watch *w, int fd, int events, void (*fn)(void *arg, int events),
                      void *arg) ASYNC_CHECK;

/* Change what a descriptor is watched for. If nothing changes, there is no system call.
 *
 * events     as above; 0 for nothing at the moment, not even POLLHUP; POLLHUP for what is always
 *            reported.
 * Returns    0, or a negative errno value. */
int async_watch_change(async_watch *w, int events);

/* Stop a watch, before the descriptor is closed. The function is not called again, not even for
 * what is ready by now. A watch that was never started, or was stopped, is left alone. */
void async_watch_stop(async_watch *w);

ASYNC_END_DECLS

#endif
