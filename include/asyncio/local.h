/* SPDX-License-Identifier: MIT */
/* local.h - task-local variables: contextvars. */
#ifndef ASYNCIO_LOCAL_H
#define ASYNCIO_LOCAL_H

#include <asyncio/base.h>

ASYNC_BEGIN_DECLS

/* ASYNC_LOCAL(int, request_id, 0);    at file scope. A new task, a call to a thread, and a callback see what was set where
 * they were created; what they set is seen by nobody else. Outside of these: the thread's own value, which goes with the
 * thread. */
#define ASYNC_LOCAL(T, name, ...)                                                                  \
    static struct {                                                                                \
        async_local key;                                                                           \
        T initial;                                                                                 \
    } name = { { sizeof(T) }, __VA_ARGS__ }

/* The value: of type const T. Valid until it is set anew. */
#define async_local_get(name)                                                                      \
    (*(__typeof__((name).initial) const *)async_local_find(&(name).key, &(name).initial))

/* 0; -ENOMEM. The value is copied. */
#define async_local_set(name, ...)                                                                 \
    async_local_store(&(name).key, ASYNC__ITEM(__typeof__((name).initial), __VA_ARGS__))

/* The functions behind them. */
typedef struct async_local {
    size_t size;
} async_local;
const void *async_local_find(const async_local *key, const void *initial);
int async_local_store(const async_local *key, const void *value) ASYNC_CHECK;

ASYNC_END_DECLS

#endif
