/* SPDX-License-Identifier: MIT */
/* strict.h - a warning for each call that would stop every task of the loop. Include it after the system's headers, in
 * files whose functions run in tasks; <asyncio.h> does not include it.
 *
 * The warning comes from gcc and clang, C and C++, under -Wdeprecated-declarations, which is on by default, and says what
 * to call instead. It comes where the name is written, so at every level of optimisation, but not for what a function of
 * another file does. With clang and optimisation read(), recv(), recvfrom(), poll() and getchar() go unnoticed. Code that means it says so:
 *
 *     r = async_blocking(read(fd, buf, size));     one expression, of a descriptor that is never waited for
 *
 *     ASYNC_BLOCKING_BEGIN                         functions that run on a thread of their own, or of a pool
 *     static void *worker(void *arg) { ... }
 *     ASYNC_THREAD(name, (int)x) { ... }
 *     ASYNC_BLOCKING_END
 *
 * `asyncio lint` finds more, and needs no compiler. */
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

#define ASYNC_BLOCKING_BEGIN                                                                       \
    _Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \"-Wdeprecated-declarations\"")
#define ASYNC_BLOCKING_END _Pragma("GCC diagnostic pop")

/* The value of expr, whatever it calls. */
#define async_blocking(expr)                                                                       \
    __extension__({                                                                                \
        ASYNC_BLOCKING_BEGIN                                                                       \
        ASYNC__INFER async_b_ = (expr);                                                            \
        ASYNC_BLOCKING_END                                                                         \
        async_b_;                                                                                  \
    })

/* The declaration that is there already, and a warning. */
#define ASYNC__BLOCKS(function, instead)                                                           \
    extern __typeof__(function) function                                                           \
            __attribute__((deprecated("it blocks every task of the loop: " instead)));

/* Those that libc may define where it optimises; clang cannot mark what is defined. */
#if defined __clang__ && defined __OPTIMIZE__
#define ASYNC__BLOCKS_INLINE(function, instead)
#else
#define ASYNC__BLOCKS_INLINE ASYNC__BLOCKS
#endif

#ifdef __cplusplus
extern "C" {
#endif
ASYNC_BLOCKING_BEGIN /* also the mention of a name that has been marked already */

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
