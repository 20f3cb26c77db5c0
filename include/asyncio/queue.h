/* SPDX-License-Identifier: MIT */
/* queue.h - queues between tasks: bounded, typed, in your memory. */
#ifndef ASYNCIO_QUEUE_H
#define ASYNCIO_QUEUE_H

#include <asyncio/inline.h>

ASYNC_BEGIN_DECLS

/* typedef async_queue_of(int, 4) int_queue;    room for four, in place, nothing to free
 * int_queue q = ASYNC_QUEUE(q);                or ASYNC_LIFO_QUEUE(q), ASYNC_PRIORITY_QUEUE(q, compare)
 * compare is as for qsort(); smallest first, equals in the order of their arrival. */
#define async_queue_of(T, n)                                                                       \
    struct {                                                                                       \
        async_queue q;                                                                             \
        T slot[n];                                                                                 \
    }
#define ASYNC_QUEUE(v)                   ASYNC__INIT(.q = ASYNC__INIT(ASYNC__QUEUE(v)))
#define ASYNC_LIFO_QUEUE(v)              ASYNC__INIT(.q = ASYNC__INIT(ASYNC__QUEUE(v), .lifo = true))
#define ASYNC_PRIORITY_QUEUE(v, compare) ASYNC__INIT(.q = ASYNC__INIT(ASYNC__QUEUE(v), .order = (compare)))
#define ASYNC__QUEUE(v)                  .room = sizeof((v).slot) / sizeof((v).slot[0]), .size = sizeof((v).slot[0])

/* Put suspends while the queue is full, get while it is empty. Waiters are served in their order; a woken one owns its
 * place or its item from then on, nobody barges past it. Cancelled: nothing was put, nothing was taken, the turn goes to the
 * next. 0; -EPIPE: shut down (for get: and empty). _nowait: -EAGAIN when full or empty, never suspends. */
#define await_queue_put(qp, value)        await_queue_put_fast(ASYNC__PUT(qp, value), ASYNC__PLACES(qp))
#define await_queue_get(qp, ret)          await_queue_get_fast(ASYNC__GET(qp, ret), ASYNC__PLACES(qp))
#define async_queue_put_nowait(qp, value) async_queue_put_item(ASYNC__PUT(qp, value))
#define async_queue_get_nowait(qp, ret)   async_queue_get_item(ASYNC__GET(qp, ret))

/* join suspends until every item that was put has been gotten and said to be done: 0. task_done: 0; -EINVAL: more often
 * than items were put. */
#define await_queue_join(qp)      await_queue_join_all(&(qp)->q)
#define async_queue_task_done(qp) async_queue_item_done(&(qp)->q)

/* No more puts; who waits to put gets -EPIPE. What is in can still be gotten, or, now, is dropped, as if it were done. */
#define async_queue_shutdown(qp, now) async_queue_close(&(qp)->q, (now))

/* Items that can be gotten; whether one can, whether there is room for one. */
#define async_queue_count(qp) async_queue_items(&(qp)->q)
#define async_queue_empty(qp) (async_queue_items(&(qp)->q) == 0)
#define async_queue_full(qp)  async_queue_is_full(&(qp)->q)

/* Its members are the library's. */
typedef struct async_queue {
    size_t room, size, first, count, unfinished;
    size_t owned;    /* items that belong to getters who have been woken */
    size_t promised; /* places, to putters */
    bool lifo, shut, dropped;
    int (*order)(const void *a, const void *b);
    async_waitq getters, putters, joiners;
    async_loop *loop;         /* that uses it */
    async_task *const *home;  /* its async_running_, while the queue is first in, first out and not shut down */
} async_queue;

/* The functions behind the macros; slots: where these begin, in bytes from q. Each argument is evaluated once: a type is
 * no evaluation, and of ?: one side is. */
#define ASYNC__SLOTS(qp)      __builtin_offsetof(__typeof__(*(qp)), slot)
#define ASYNC__PLACES(qp)     sizeof((qp)->slot[0]), sizeof((qp)->slot) / sizeof((qp)->slot[0])
#define ASYNC__PUT(qp, value) &(qp)->q, ASYNC__SLOTS(qp), ASYNC__ITEM(__typeof__((qp)->slot[0]), value)
#define ASYNC__GET(qp, ret)   &(qp)->q, ASYNC__SLOTS(qp), 1 ? (ret) : &(qp)->slot[0]
int await_queue_put_item(async_queue *q, size_t slots, const void *item) ASYNC_CHECK;
int await_queue_get_item(async_queue *q, size_t slots, void *ret) ASYNC_CHECK;
int async_queue_put_item(async_queue *q, size_t slots, const void *item) ASYNC_CHECK;
int async_queue_get_item(async_queue *q, size_t slots, void *ret) ASYNC_CHECK;
int await_queue_join_all(async_queue *q) ASYNC_CHECK;
int async_queue_item_done(async_queue *q);
void async_queue_close(async_queue *q, bool now);
ASYNC_UNUSED static inline size_t async_queue_items(const async_queue *q) { return q->count - q->owned; }
ASYNC_UNUSED static inline bool async_queue_is_full(const async_queue *q)
{
    return q->count + q->promised >= q->room;
}

/* What most calls come to, where they stand: a task that nobody cancels puts into, or gets from, a simple queue in which
 * nobody waits. */
ASYNC_CHECK static inline int await_queue_put_fast(async_queue *q, size_t slots, const void *item,
                                                   size_t size, size_t room)
{
    if (q->home != async_running_ || q->getters.head || q->count + q->promised >= room || !async__needs_no_check())
        return await_queue_put_item(q, slots, item);
    size_t i = q->first + q->count;
    memcpy((char *)q + slots + (i < room ? i : i - room) * size, item, size);
    q->count++;
    q->unfinished++;
    return 0;
}

ASYNC_CHECK static inline int await_queue_get_fast(async_queue *q, size_t slots, void *ret,
                                                   size_t size, size_t room)
{
    if (q->home != async_running_ || q->putters.head || q->owned || !q->count || !async__needs_no_check())
        return await_queue_get_item(q, slots, ret);
    memcpy(ret, (const char *)q + slots + q->first * size, size);
    q->first = q->first + 1 < room ? q->first + 1 : 0;
    q->count--;
    return 0;
}

ASYNC_END_DECLS

#endif
