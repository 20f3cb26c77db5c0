/* SPDX-License-Identifier: MIT */
/* local.h - task-local variables, the contextvars of Python.
 *
 *   ASYNC_LOCAL      define a variable
 *   async_local_get  read it
 *   async_local_set  set it
 *
 * A new task, a call to a thread and a callback begin with the values of the task that creates
 * them; what they set is their own. A thread outside of a loop has values of its own, until it
 * ends. */
#ifndef ASYNCIO_LOCAL_H
#define ASYNCIO_LOCAL_H

#include <asyncio/base.h>

ASYNC_BEGIN_DECLS

/* Define a task-local variable, at file scope.
 *
 *   ASYNC_LOCAL(int, request_id, 0);
 *
 * T          its type.
 * name       an identifier; the variable is visible in this file.
 * ...        its initial value, also a struct initialiser. */
#define ASYNC_LOCAL(T, name, ...)                                                                  \
    static struct {                                                                                \
        async_local key;                                                                           \
        T initial;                                                                                 \
    } name = { { sizeof(T) }, __VA_ARGS__ }

/* Read a task-local variable.
 *
 *   printf("request %d\n", async_local_get(request_id));
 *
 * Value      of type const T; valid until the variable is set again.
 * Suspends   no. */
#define async_local_get(name)                                                                      \
    (*(__typeof__((name).initial) const *)async_local_find(&(name).key, &(name).initial))

/* Set a task-local variable for the current task, or, outside of tasks, for the thread.
 *
 * ...        the value (copied), also a struct literal.
 * Returns    0, or -ENOMEM.
 * Suspends   no. */
#define async_local_set(name, ...)                                                                 \
    async_local_store(&(name).key, ASYNC__ITEM(__typeof__((name).initial), __VA_ARGS__))

/* --- private: behind the macros --- */

typedef struct async_local {
    size_t size;
} async_local;
const void *async_local_find(const async_local *key, const void *initial);
int async_local_store(const async_local *key, const void *value) ASYNC_CHECK;

ASYNC_END_DECLS

#endif
