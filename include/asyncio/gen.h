/* SPDX-License-Identifier: MIT */
/* gen.h - generators: functions that produce items one after the other, and may await in between.
 *
 *   ASYNC_GEN       define a generator
 *   await_yield     hand an item over, in its body
 *   await_for_each  iterate over the items
 *   await_gen_next  get the next item, without the loop
 *   await_gen_drop  end a generator, without the loop
 *
 * They are the async generators and `async for` of Python. A generator runs on a stack of its own,
 * only while the loop over it waits for an item. Common errors:
 *   -EPERM      not called from a task, or not in a generator; a message is printed to stderr
 *   -ECANCELED  the calling task was cancelled, or the loop over the generator was left
 *   -ENOMEM     the generator could not be started */
#ifndef ASYNCIO_GEN_H
#define ASYNCIO_GEN_H

#include <asyncio/scope.h>
#include <asyncio/task.h>

ASYNC_BEGIN_DECLS

/* A generator. Its members are private. */
typedef struct async_gen {
    async_co co;
    async_task *task;
    const void *item;     /* yielded, and not handed over yet */
    async_task *consumer; /* that waits for the next item */
    bool wanted, left;
    async_waitq want;
    const async_site *site; /* of the loop over it */
} async_gen;

#ifndef __cplusplus
/* Define a generator, with the body behind the macro.
 *
 *   ASYNC_GEN(int, count, (int)n)
 *   {
 *       for (int i = 0; i < n; i++)
 *           ASYNC_TRY(await_yield(i));
 *       return 0;
 *   }
 *
 * T          the type of the items.
 * name       an identifier; name(arguments) makes the generator, a value, and nothing runs until a
 *            loop iterates over it.
 * ...        up to six parameters, each written as (type)name, as for ASYNC_DEF (co.h).
 * Returns    the body returns 0 at the end, or an error. */
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

/* In the body of a generator: hand an item over, and wait until the next one is wanted.
 *
 * ...        the item (copied), of the generator's type; also a struct literal.
 * Returns    0; -ECANCELED if the loop was left: then the body cleans up and returns. -EPERM.
 * Suspends   until the loop wants the next item, or was left; a shield does not prevent the
 *            latter. */
#define await_yield(...) await_gen_yield((__typeof__(*async_item_)[1]){ __VA_ARGS__ })

/* Iterate over the items of a generator.
 *
 *   await_for_each (r, i, count(3))
 *       printf("%d\n", i);
 *
 * r          an int variable; 0, or the error of the generator; -EPERM, -ECANCELED, -ENOMEM.
 * x          the name of a variable of the items' type, which the loop declares.
 * generator  the generator, name(arguments).
 * Suspends   at each iteration, until there is an item. When the loop is left, in whatever way, the
 *            generator has ended and its cleanup has run. */
#define await_for_each(r, x, generator)                                                            \
    ASYNC__SHADOWS                                                                                 \
    for (__typeof__(generator) async_g_ ASYNC_AUTO(await_gen_drop) = (generator),                  \
                               *async_once_ = &async_g_;                                           \
         async_once_; async_once_ = NULL)                                                          \
        for (__typeof__(*async_g_.item) x;                                                         \
             ((r) = await_gen_next_at(&async_g_.gen, &x, sizeof x, ASYNC_HERE)) > 0 &&             \
             ((r) = 0, true);)                                                                     \
    ASYNC__SHADOWED
#endif

/* Get the next item of a generator, without await_for_each.
 *
 * g          the generator, &name(arguments).gen in a variable. One task at a time may wait for an
 *            item.
 * item       receives the item.
 * size       the size of the item in bytes.
 * Returns    1 and an item; 0 at the end, or after await_gen_drop(); the error of the generator;
 *            -EBUSY if another task waits for an item; -EPERM, -ECANCELED, -ENOMEM.
 * Cancelled  no item is lost: one that was about to be returned is that of the next call. So a race
 *            of several generators loses nothing.
 * Suspends   until there is an item, or the generator has ended. */
int await_gen_next(async_gen *g, void *item, size_t size) ASYNC_CHECK;

/* End a generator: its body receives -ECANCELED from await_yield(), cleans up, and has returned
 * when this returns. Needed for each generator that await_gen_next() has begun.
 *
 * gen        an async_gen *.
 * Suspends   until the generator has ended, and a task that waits for its next item has received 0.
 *            A cancellation of the caller does not interrupt that. */
void await_gen_drop(void *gen);

/* --- private: behind the macros --- */

int await_gen_next_at(async_gen *g, void *item, size_t size, const async_site *site) ASYNC_CHECK;
int await_gen_yield(const void *item) ASYNC_CHECK;

ASYNC_END_DECLS

#endif
