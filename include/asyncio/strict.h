/* SPDX-License-Identifier: MIT */
/* strict.h - compiler warnings for calls that block the whole loop.
 *
 *   async_blocking         allow one expression to block
 *   ASYNC_BLOCKING_BEGIN   allow all lines from here on to block
 *   ASYNC_BLOCKING_END     the end of these lines
 *
 * Include it after the system's headers in files whose functions run in tasks; <asyncio.h> does not
 * include it. A call of sleep(), read(), getaddrinfo(), pthread_join() and the like is then a
 * warning that names the function to call instead. It is one of -Wdeprecated-declarations, which
 * gcc and clang turn on by default, in C and C++.
 *
 * The warning appears where the name is written, at every level of optimisation; what a function of
 * another file calls is not seen. When clang optimises, it does not warn of read(), recv(),
 * recvfrom(), poll() and getchar(). `asyncio lint` finds more, and needs no compiler. */
#ifndef ASYNCIO_STRICT_H
#define ASYNCIO_STRICT_H

#include <asyncio/base.h>

#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Allow calls that block, for functions that run on threads of their own or of a pool.
 *
 *   ASYNC_BLOCKING_BEGIN
 *   ASYNC_THREAD(read_block, (int)fd, (char *)buf) { return (int)read(fd, buf, 512); }
 *   ASYNC_BLOCKING_END */
#define ASYNC_BLOCKING_BEGIN                                                                       \
    _Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \"-Wdeprecated-declarations\"")
#define ASYNC_BLOCKING_END _Pragma("GCC diagnostic pop")

/* Allow one expression to call functions that block: for a descriptor that never makes the caller
 * wait.
 *
 *   ssize_t n = async_blocking(read(fd, buf, sizeof buf));
 *
 * Returns    the value of the expression. */
#define async_blocking(expr)                                                                       \
    __extension__({                                                                                \
        ASYNC_BLOCKING_BEGIN                                                                       \
        ASYNC__INFER async_b_ = (expr);                                                            \
        ASYNC_BLOCKING_END                                                                         \
        async_b_;                                                                                  \
    })

/* --- private: the functions that are marked --- */

/* Declare a function again, as it is, with a warning. */
#define ASYNC__BLOCKS(function, instead)                                                           \
    extern __typeof__(function) function                                                           \
            __attribute__((deprecated("it blocks every task of the loop: " instead)));

/* The same for functions that libc defines in its headers when it optimises. clang cannot mark a
 * function that is already defined. */
#if defined __clang__ && defined __OPTIMIZE__
#define ASYNC__BLOCKS_INLINE(function, instead)
#else
#define ASYNC__BLOCKS_INLINE ASYNC__BLOCKS
#endif

#ifdef __cplusplus
extern "C" {
#endif
ASYNC_BLOCKING_BEGIN /* because naming a function that is marked already is a warning, too */

/* time */
ASYNC__BLOCKS(sleep, "await_sleep()")
ASYNC__BLOCKS(usleep, "await_sleep()")
ASYNC__BLOCKS(nanosleep, "await_sleep()")
ASYNC__BLOCKS(clock_nanosleep, "await_sleep()")
ASYNC__BLOCKS(pause, "wait for an async_event")

/* names */
ASYNC__BLOCKS(getaddrinfo, "await_open_connection() looks names up")
ASYNC__BLOCKS(getnameinfo, "look names up on a thread")
ASYNC__BLOCKS(gethostbyname, "await_open_connection() looks names up")
ASYNC__BLOCKS(gethostbyaddr, "look names up on a thread")

/* sockets and pipes */
ASYNC__BLOCKS(connect, "await_open_connection()")
ASYNC__BLOCKS(accept, "await_serve()")
#ifdef _GNU_SOURCE
ASYNC__BLOCKS(accept4, "await_serve()")
#endif
ASYNC__BLOCKS_INLINE(recv, "await_stream_read(), or await_fd_ready() first")
ASYNC__BLOCKS_INLINE(recvfrom, "await_fd_ready() first")
ASYNC__BLOCKS(recvmsg, "await_fd_ready() first")
ASYNC__BLOCKS(send, "await_stream_write(), or await_fd_ready() first")
ASYNC__BLOCKS(sendto, "await_fd_ready() first")
ASYNC__BLOCKS(sendmsg, "await_fd_ready() first")
ASYNC__BLOCKS_INLINE(read, "await_stream_read(), or await_fd_ready() first")
ASYNC__BLOCKS(write, "await_stream_write(), or await_fd_ready() first")
ASYNC__BLOCKS_INLINE(poll, "await_fd_ready()")
ASYNC__BLOCKS(select, "await_fd_ready()")
ASYNC__BLOCKS(pselect, "await_fd_ready()")
ASYNC__BLOCKS(epoll_wait, "await_fd_ready()")
ASYNC__BLOCKS(flock, "with LOCK_NB, and await_sleep() between attempts")

/* standard input */
ASYNC__BLOCKS_INLINE(getchar, "await_fd_ready(0, POLLIN) first")
ASYNC__BLOCKS(scanf, "await_fd_ready(0, POLLIN) first")

/* processes */
ASYNC__BLOCKS(system, "start it, and await_fd_ready() on a pidfd")
ASYNC__BLOCKS(popen, "start it, and await_fd_ready() on a pipe")
ASYNC__BLOCKS(pclose, "await_fd_ready() on a pidfd")
ASYNC__BLOCKS(wait, "await_fd_ready() on a pidfd")
ASYNC__BLOCKS(waitpid, "await_fd_ready() on a pidfd")
ASYNC__BLOCKS(waitid, "await_fd_ready() on a pidfd")

/* threads */
ASYNC__BLOCKS(pthread_join, "end the thread by async_call_soon_threadsafe()")
ASYNC__BLOCKS(pthread_cond_wait, "async_condition, or async_call_soon_threadsafe()")
ASYNC__BLOCKS(pthread_cond_timedwait, "async_condition, or async_call_soon_threadsafe()")
ASYNC__BLOCKS(pthread_barrier_wait, "async_call_soon_threadsafe()")
ASYNC__BLOCKS(sem_wait, "async_semaphore")
ASYNC__BLOCKS(sem_timedwait, "async_semaphore")

ASYNC_BLOCKING_END
#ifdef __cplusplus
}
#endif

#endif
