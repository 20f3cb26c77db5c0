/* SPDX-License-Identifier: MIT */
/* gen.h - async generators: `async for`. */
#ifndef ASYNCIO_GEN_H
#define ASYNCIO_GEN_H

#include <asyncio/scope.h>
#include <asyncio/task.h>

ASYNC_BEGIN_DECLS

#ifndef __cplusplus
/* ASYNC_GEN(T, name, (type)param, ...) { ... await_yield(value) ... }    an async generator of T.
 * name(args) makes it, a value; nothing runs until it is iterated. It runs on a stack of its own, so it
 * may await, and hold resources, between items. Up to six parameters, as with ASYNC_DEF. */
#define ASYNC_GEN(T, name, ...)                                                                    \
    typedef struct name##_gen_ {                                                                   \
        async_gen gen;                                                                             \
        T *item;                                                                                   \
    } name##_gen_;                                                                                 \
    static int name##_body_(T *async_item_ ASYNC__MAP(ASYNC__MORE, ASYNC__NONE, ##__VA_ARGS__));   \
    static int name##_start_(ASYNC__PARAMS(__VA_ARGS__))                                           \
    {                                                                                              \
        return name##_body_(NULL ASYNC__MAP(ASYNC__GIVE, ASYNC__NONE, ##__VA_ARGS__));             \
    }                                                                                              \
    ASYNC__MAKE(name##_co_, #name, name##_start_, ##__VA_ARGS__)                                   \
    ASYNC_UNUSED ASYNC_CHECK static inline name##_gen_ name(ASYNC__PARAMS(__VA_ARGS__))            \
    {                                                                                              \
        return (name##_gen_){ .gen.co = name##_co_(ASYNC__MAP(ASYNC__NAME, ASYNC__COMMA,           \
                                                              ##__VA_ARGS__)) };                   \
    }                                                                                              \
    static int name##_body_(T *async_item_ ASYNC_UNUSED ASYNC__MAP(ASYNC__MORE, ASYNC__NONE,       \
                                                                   ##__VA_ARGS__))

/* In a generator's body: hand one item over. 0 when the next one is wanted; -ECANCELED: the loop was left (then also within
 * a shield); clean up and return. */
#define await_yield(...) await_gen_yield((__typeof__(*async_item_)[1]){ __VA_ARGS__ })

/* await_for_each (r, x, name(args)) { }    `async for x in name(args)`; x is a T of the loop's own.
 * r: 0, or the generator's error. However the loop is left, the generator is ended and awaited: its cleanup has run. */
#define await_for_each(r, x, generator)                                                            \
    ASYNC__SHADOWS                                                                                 \
    for (__typeof__(generator) async_g_ ASYNC_AUTO(await_gen_drop) = (generator),                  \
                               *async_once_ = &async_g_;                                           \
         async_once_; async_once_ = NULL)                                                          \
        for (__typeof__(*async_g_.item) x;                                                         \
             ((r) = await_gen_next_at(&async_g_.gen, &x, sizeof x, ASYNC_HERE)) > 0 && ((r) = 0, true);) \
    ASYNC__SHADOWED
#endif

/* What is in a generator; its members are the library's. */
typedef struct async_gen {
    async_co co;
    async_task *task;
    const void *item; /* yielded, and not handed over yet */
    async_task *consumer; /* who waits for the next one */
    bool wanted, left;
    async_waitq want;
    const async_site *site; /* of the loop over it */
} async_gen;

/* The functions behind the macros. _next: 1 and an item, 0 at the end, or an error: the generator's; -EBUSY: another
 * task waits for its next item; -ECANCELED, and then no item is lost (a call that was woken with one and is cancelled before
 * it ran leaves it for the next call, so that a race among generators loses nothing).
 * _drop takes an async_gen *, ends it and awaits its end; each that was begun needs that, while the async_gen is there.
 * Afterwards _next gives 0. */
int await_gen_next(async_gen *g, void *item, size_t size) ASYNC_CHECK;
int await_gen_next_at(async_gen *g, void *item, size_t size, const async_site *site) ASYNC_CHECK;
int await_gen_yield(const void *item) ASYNC_CHECK;
void await_gen_drop(void *gen);

ASYNC_END_DECLS

#endif
