/* SPDX-License-Identifier: MIT */
/* base.h - what all other headers need: attributes, the clock, source locations, the allocator.
 *
 *   async_time           read the loop's clock
 *   async_version        the version of the library
 *   async_ignore         discard a result on purpose
 *   async_set_allocator  choose where the library's memory comes from
 *
 * The rules of all headers:
 *
 *   await_x(...)   may suspend the calling task. It returns 0 or more, or a negative errno value,
 *                  and the compiler warns if the result is not used. Each call is a cancellation
 *                  point, even if it need not wait: it returns -ECANCELED if the task is cancelled.
 *                  Outside of a task it returns -EPERM, and a message is printed to stderr.
 *   async_x(...)   never suspends. It may be called in tasks and in callbacks.
 *   ASYNC_X        a constant; or a macro that defines something, or that may return from the
 *                  enclosing function.
 *
 * Durations and points in time are seconds, as double. Outputs are the last parameters, are called
 * ret, and are written only if the call succeeds. Strings and pointers are used only during the
 * call; what the library keeps, it copies, unless the description says otherwise. Zero is the
 * default of every option, and the initial value of every struct that the caller provides. Only the
 * thread on which a loop runs may use the loop's objects, unless a function says that it is for
 * other threads.
 *
 * A loop, a task and a coroutine are different things. A coroutine is a function whose call can be
 * made later, as a value (co.h). A task is a coroutine that runs on a stack of its own, beside
 * other tasks (task.h). The loop runs the tasks of a thread, one at a time, and waits for the
 * kernel when all of them wait (run.h).
 *
 * C++ (17 or later, g++ or clang++) can use everything except ASYNC_GEN, await_for_each,
 * await_with, and the initialisers of structs; ASYNC_DEF needs -std=gnu++17. Options are written in
 * the order of their struct. An exception must be caught in the task that throws it, otherwise
 * std::terminate() is called; and a catch block must not await, because exceptions belong to the
 * thread. */
#ifndef ASYNCIO_BASE_H
#define ASYNCIO_BASE_H

#if defined __STRICT_ANSI__ && !defined __cplusplus
#error "asyncio.h needs GNU C: compile with -std=gnu11 or later, or without -std, not with -std=c11"
#endif

#include <asyncio/macros.h>

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

/* Begin and end the declarations of a header: they are visible outside of the library, and have C
 * linkage in C++. */
#ifdef __cplusplus
#define ASYNC_BEGIN_DECLS extern "C" { _Pragma("GCC visibility push(default)")
#define ASYNC_END_DECLS   _Pragma("GCC visibility pop") }
#else
#define ASYNC_BEGIN_DECLS _Pragma("GCC visibility push(default)")
#define ASYNC_END_DECLS   _Pragma("GCC visibility pop")
#endif

ASYNC_BEGIN_DECLS

/* Attributes of declarations.
 *
 * ASYNC_CHECK   the result of the function must be used.
 * ASYNC_UNUSED  no warning if the function or variable is not used.
 * ASYNC_AUTO    drop(&variable) is called when the variable goes out of scope. It runs at each
 *               return, and so when ASYNC_TRY leaves the function. For memory of malloc() it needs
 *               a function that takes the address of the pointer:
 *
 *                 static void free_text(char **text) { free(*text); }
 *                 ...
 *                 ASYNC_AUTO(free_text) char *name = strdup("ann");
 *
 * ASYNC_FORMAT  argument f is a format of printf() for the arguments from a on. */
#define ASYNC_CHECK        __attribute__((warn_unused_result))
#define ASYNC_UNUSED       __attribute__((unused))
#define ASYNC_AUTO(drop)   __attribute__((cleanup(drop), unused))
#define ASYNC_FORMAT(f, a) __attribute__((format(printf, f, a)))

/* Discard the result of an expression on purpose. A cast to void does not silence gcc.
 *
 *   async_ignore(await_sleep(1)); */
#define async_ignore(expr) ((void)!(expr))

/* The version of these headers, as text. */
#define ASYNC_VERSION "0.2.0"

/* Return the version of the library that the program runs with, as text. */
const char *async_version(void);

/* No limit, as a number of seconds. */
#define ASYNC_FOREVER __builtin_inf()

/* Read the clock that sleeps and timeouts go by: a monotonic clock, or the virtual one of this
 * thread's loop.
 *
 *   double begin = async_time();
 *
 * Returns    seconds since an unspecified moment.
 * Suspends   no. It may be called on any thread, and without a loop. */
double async_time(void);

/* A location in the source. There is one constant record for each; making one costs nothing. */
typedef struct async_site {
    const char *file, *func;
    int line;
} async_site;

/* The location of the line on which this macro stands: a const async_site *. */
#define ASYNC_HERE                                                                                 \
    __extension__({                                                                                \
        static const async_site async_site_ = { __FILE__, __func__, __LINE__ };                    \
        &async_site_;                                                                              \
    })

/* The event loop of a thread; see loop.h. */
typedef struct async_loop async_loop;

/* A task; see task.h. */
typedef struct async_task async_task;

/* A group of tasks; see group.h. */
typedef struct async_group async_group;

/* A block that can be cancelled, or a task; see scope.h. */
typedef struct async_scope async_scope;

/* A queue of waiting tasks, a part of other structs. Zero is empty. Its members are private. */
typedef struct async_waitq {
    struct async_waiter *head, *tail;
} async_waitq;

/* An allocator: three functions that behave like malloc(), realloc() and free(), and have ctx as
 * their first argument. They may be called on any thread, also on several at the same time. */
typedef struct async_allocator {
    void *(*malloc)(void *ctx, size_t size);
    void *(*realloc)(void *ctx, void *p, size_t size);
    void (*free)(void *ctx, void *p);
    void *ctx;
} async_allocator;

/* Choose where the library's memory comes from.
 *
 * a          the allocator (copied); NULL for that of libc, which is the default.
 * Returns    0; -EBUSY if a loop is open on any thread, or if a thread has set task-local variables
 *            outside of a loop.
 * Suspends   no.
 *
 * Stacks and timers always come from mmap(); what outlives its loop, such as the handle that other
 * threads may keep, comes from libc. */
int async_set_allocator(const async_allocator *a);

ASYNC_END_DECLS

#endif
