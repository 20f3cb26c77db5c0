/* SPDX-License-Identifier: MIT */
/* queue.h - queues between tasks: typed, bounded or growing, in your memory. */
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
#define ASYNC__QUEUE(v)                                                                            \
    .room = ASYNC__SLOT_COUNT(v), .capacity = ASYNC__SLOT_COUNT(v), .size = sizeof((v).slot[0])
#define ASYNC__SLOT_COUNT(v) (sizeof((v).slot) / sizeof((v).slot[0]))

/* typedef async_dynamic_queue_of(int) int_queue;    its storage lies apart
 * int_queue q = ASYNC_DYNAMIC_QUEUE(q, 100);        at most 100 items; 0: it grows without limit. Or
 *                                                   ASYNC_DYNAMIC_LIFO_QUEUE, ASYNC_DYNAMIC_PRIORITY_QUEUE(q, 100, compare)
 * int_queue q = ASYNC_QUEUE_IN(q, array, n);        in an array of yours, which must live as long as the queue
 * async_queue_free(&q);                             frees the storage, with the items in it. No task may use the queue. */
#define async_dynamic_queue_of(T)                                                                  \
    struct {                                                                                       \
        async_queue q;                                                                             \
        T *slot;                                                                                   \
    }
#define ASYNC_DYNAMIC_QUEUE(v, n)      ASYNC__INIT(.q = ASYNC__INIT(ASYNC__DYNAMIC_QUEUE(v, n)))
#define ASYNC_DYNAMIC_LIFO_QUEUE(v, n) ASYNC__INIT(.q = ASYNC__INIT(ASYNC__DYNAMIC_QUEUE(v, n), .lifo = true))
#define ASYNC_DYNAMIC_PRIORITY_QUEUE(v, n, compare)                                                \
    ASYNC__INIT(.q = ASYNC__INIT(ASYNC__DYNAMIC_QUEUE(v, n), .order = (compare)))
#define ASYNC_QUEUE_IN(v, storage, n)                                                              \
    ASYNC__INIT(.q = ASYNC__INIT(.room = (n), .capacity = (n), .size = sizeof((v).slot[0]), .dynamic = true, \
                                 .borrowed = true),                                                \
                .slot = (storage))
#define ASYNC__DYNAMIC_QUEUE(v, n) .capacity = (n), .size = sizeof((v).slot[0]), .dynamic = true
#define async_queue_free(qp)       async_queue_free_storage(&(qp)->q, ASYNC__SLOTS(qp))

/* Put suspends while the queue is full, get while it is empty. Waiters are served in their order: a putter that was woken owns
 * a slot from then on, a getter is owed an item; items leave the queue in the queue's order. Cancelled: nothing was put, nothing
 * was taken, the turn goes to the next waiter. Returns 0; -EPIPE: shut down (for get: and empty); -ENOMEM: a dynamic queue cannot
 * grow. _nowait: -EAGAIN when full or empty, never suspends. */
#define await_queue_put(qp, ...)        await_queue_put_fast(ASYNC__PUT(qp, __VA_ARGS__), ASYNC__PLACES(qp))
#define await_queue_get(qp, ret)        await_queue_get_fast(ASYNC__GET(qp, ret), ASYNC__PLACES(qp))
#define async_queue_put_nowait(qp, ...) async_queue_put_item(ASYNC__PUT(qp, __VA_ARGS__))
#define async_queue_get_nowait(qp, ret) async_queue_get_item(ASYNC__GET(qp, ret))

/* join suspends until each item that was put has been gotten and confirmed by task_done: 0. task_done: 0; -EINVAL: more
 * often than items were put. */
#define await_queue_join(qp)      await_queue_join_all(&(qp)->q)
#define async_queue_task_done(qp) async_queue_item_done(&(qp)->q)

/* No more puts; tasks that wait to put get -EPIPE. The items can still be gotten, or, if now, are dropped as if they were done. */
#define async_queue_shutdown(qp, now) async_queue_close(&(qp)->q, (now))

/* Items that can be gotten; whether there is none; whether the queue is full. */
#define async_queue_count(qp) async_queue_items(&(qp)->q)
#define async_queue_empty(qp) (async_queue_items(&(qp)->q) == 0)
#define async_queue_full(qp)  async_queue_is_full(&(qp)->q)

/* Its members are private. */
typedef struct async_queue {
    size_t room;     /* slots that there are */
    size_t capacity; /* items that it may hold; 0: any number */
    size_t size;     /* bytes of an item */
    size_t first;    /* slot of the first item */
    size_t count;    /* items */
    size_t unfinished;
    size_t owed;     /* items that getters are owed which have been woken */
    size_t reserved; /* slots that putters own which have been woken */
    bool lifo, dynamic, borrowed, shut, dropped;
    int (*order)(const void *a, const void *b);
    async_waitq getters, putters, joiners;
    uint64_t loop;              /* that uses it */
    struct async_running *home; /* the loop's async_running_, while inlined calls may use the queue */
} async_queue;

/* The functions behind the macros. slots: where the slots begin, or the pointer to them, in bytes from q. Each argument is evaluated
 * once: a type is no evaluation, and of ?: one side is. */
#define ASYNC__SLOTS(qp)    __builtin_offsetof(__typeof__(*(qp)), slot)
#define ASYNC__PLACES(qp)   sizeof((qp)->slot[0]), ASYNC__FIXED_ROOM(qp)
#define ASYNC__PUT(qp, ...) &(qp)->q, ASYNC__SLOTS(qp), ASYNC__ITEM(__typeof__((qp)->slot[0]), __VA_ARGS__)
#define ASYNC__GET(qp, ret) &(qp)->q, ASYNC__SLOTS(qp), 1 ? (ret) : &(qp)->slot[0]
int await_queue_put_item(async_queue *q, size_t slots, const void *item) ASYNC_CHECK;
int await_queue_get_item(async_queue *q, size_t slots, void *ret) ASYNC_CHECK;
int async_queue_put_item(async_queue *q, size_t slots, const void *item) ASYNC_CHECK;
int async_queue_get_item(async_queue *q, size_t slots, void *ret) ASYNC_CHECK;
int await_queue_join_all(async_queue *q) ASYNC_CHECK;
int async_queue_item_done(async_queue *q);
void async_queue_close(async_queue *q, bool now);
void async_queue_free_storage(async_queue *q, size_t slots);
ASYNC_UNUSED static inline size_t async_queue_items(const async_queue *q) { return q->count - q->owed; }
ASYNC_UNUSED static inline bool async_queue_is_full(const async_queue *q)
{
    return q->capacity > 0 && q->count + q->reserved >= q->capacity;
}

/* Most calls are inlined: a task that is not cancelled puts into, or gets from, a simple queue in which no task waits. room is 0
 * for a dynamic queue, whose calls are not inlined. */
ASYNC_CHECK static inline int await_queue_put_fast(async_queue *q, size_t slots, const void *item,
                                                   size_t size, size_t room)
{
    if (q->home != async_running_ || q->getters.head || q->count + q->reserved >= room || !async__may_go_on())
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
    if (q->home != async_running_ || q->putters.head || q->owed || !q->count || !async__may_go_on())
        return await_queue_get_item(q, slots, ret);
    memcpy(ret, (const char *)q + slots + q->first * size, size);
    q->first = q->first + 1 < room ? q->first + 1 : 0;
    q->count--;
    return 0;
}

ASYNC_END_DECLS

#endif
