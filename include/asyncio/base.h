/* SPDX-License-Identifier: MIT */
/* base.h - what every other header needs: attributes, the clock, places in the source.
 *
 * The convention of all of them, in one place:
 *
 *   await_x(...)   may suspend the calling task; returns >= 0 or a negative errno, and must be checked.
 *                  Every call is a cancellation point (-ECANCELED), also when it need not wait. Outside a
 *                  task it returns -EPERM and says so on stderr.
 *   async_x(...)   never suspends.
 *   ASYNC_X        a constant, or a macro that defines something or hides a `return`.
 *
 * Seconds are double. Outputs come last, are called ret, and are written only on success. Strings and
 * pointers are borrowed for the call, not copied and not kept, unless a comment says otherwise. Zero is
 * the default of every option and a good start for every visible struct.
 *
 * From C++ (17 or later, g++ or clang++): everything but what ASYNC_GEN, await_for_each, await_with and the inline
 * initializers of the visible structs need of C; and ASYNC_DEF only with -std=gnu++17. Options stand in the order of their
 * struct. async_call() makes a coroutine of a function and a pointer, so also of a lambda without captures.
 * An exception must be caught in the task that throws it (else std::terminate()), and nothing may be awaited in a
 * catch block: what is caught belongs to the thread, not to the task. */
#ifndef ASYNCIO_BASE_H
#define ASYNCIO_BASE_H

#if defined __STRICT_ANSI__ && !defined __cplusplus
#error "asyncio.h needs GNU C: compile with -std=gnu11 or later, or without -std, not with -std=c11"
#endif

#include <asyncio/cxx.h>

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

#ifdef __cplusplus
#define ASYNC_BEGIN_DECLS extern "C" { _Pragma("GCC visibility push(default)")
#define ASYNC_END_DECLS   _Pragma("GCC visibility pop") }
#else
#define ASYNC_BEGIN_DECLS _Pragma("GCC visibility push(default)")
#define ASYNC_END_DECLS   _Pragma("GCC visibility pop")
#endif

#define ASYNC_CHECK        __attribute__((warn_unused_result))
#define ASYNC_UNUSED       __attribute__((unused))
#define ASYNC_AUTO(drop)   __attribute__((cleanup(drop), unused))
#define ASYNC_FORMAT(f, a) __attribute__((format(printf, f, a)))

/* Discard a result on purpose (a cast to void does not silence gcc). */
#define async_ignore(expr) ((void)!(expr))

/* What the two languages write differently. VALUE: what a macro comes to, used or not. INIT: an initializer. OPTS, ITEM,
 * LIST and LENGTH: a struct, a value and an array that a macro makes for one call; the arguments of LENGTH are not
 * evaluated. */
#ifdef __cplusplus
#define ASYNC__ASSERT         static_assert
#define ASYNC__ALIGN(n)       alignas(n)
#define ASYNC__ALIGNOF(T)     alignof(T)
#define ASYNC__INFER          auto
#else
#define ASYNC__VALUE(x)       x
#define ASYNC__INIT(...)      { __VA_ARGS__ }
#define ASYNC__OPTS(T, ...)   &(const T){ __VA_ARGS__ }
#define ASYNC__ITEM(T, ...)   ((T[1]){ __VA_ARGS__ })
#define ASYNC__LIST(T, ...)   (const T[]){ __VA_ARGS__ }
#define ASYNC__LENGTH(T, ...) (sizeof(ASYNC__LIST(T, __VA_ARGS__)) / sizeof(T))
#define ASYNC__ASSERT         _Static_assert
#define ASYNC__FIXED_ROOM(qp)                                                                      \
    (__builtin_types_compatible_p(__typeof__((qp)->slot), __typeof__(&(qp)->slot[0])) ?            \
             0 :                                                                                   \
             (0 + sizeof((qp)->slot)) / sizeof((qp)->slot[0])) /* 0 +: compilers warn of a pointer here */
#define ASYNC__ALIGN(n)       _Alignas(n)
#define ASYNC__ALIGNOF(T)     _Alignof(T)
#define ASYNC__INFER          __auto_type
#endif

ASYNC_BEGIN_DECLS

#define ASYNC_VERSION "0.1.0"

/* The version of the library that is linked, as text. */
const char *async_version(void);

/* No limit, as a number of seconds. */
#define ASYNC_FOREVER __builtin_inf()

/* The monotonic clock, in seconds: a fresh reading. No sleep and no timer ends early by it. In a loop with a
 * virtual clock: that clock. */
double async_time(void);

/* A place in the source: one static record each, nothing at run time. */
typedef struct async_site {
    const char *file, *func;
    int line;
} async_site;

#define ASYNC_HERE                                                                                 \
    __extension__({                                                                                \
        static const async_site async_site_ = { __FILE__, __func__, __LINE__ };                    \
        &async_site_;                                                                              \
    })

typedef struct async_loop async_loop;
typedef struct async_task async_task;
typedef struct async_group async_group;
typedef struct async_scope async_scope;

/* Who waits for something, first come first served. Zero is empty. Its members are the library's. */
typedef struct async_waitq {
    struct async_waiter *head, *tail;
} async_waitq;

/* Where all memory of the library comes from: three functions with the contracts of malloc(), realloc() and
 * free(), and a first argument of yours. They must be thread-safe. Stacks and timers come from mmap(), and what
 * outlives its loop (async_loop) from libc. */
typedef struct async_allocator {
    void *(*malloc)(void *ctx, size_t size);
    void *(*realloc)(void *ctx, void *p, size_t size);
    void (*free)(void *ctx, void *p);
    void *ctx;
} async_allocator;

/* Use a (copied), or with NULL libc's again. -EBUSY: a loop is open already, or a thread has set task-local
 * variables outside of tasks. */
int async_set_allocator(const async_allocator *a);

ASYNC_END_DECLS

#endif
