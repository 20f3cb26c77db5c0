/* SPDX-License-Identifier: MIT */
/* queue.h - queues between the tasks of a loop, for items of any type.
 *
 *   async_queue_of                a type: a queue with a fixed number of slots inside
 *   async_dynamic_queue_of        a type: a queue whose storage is allocated, or the caller's
 *   ASYNC_QUEUE                   initial value: items leave in the order in which they came
 *   ASYNC_LIFO_QUEUE              initial value: the latest item leaves first
 *   ASYNC_PRIORITY_QUEUE          initial value: the smallest item leaves first
 *   ASYNC_DYNAMIC_QUEUE           the same three for a queue whose storage is allocated
 *   ASYNC_DYNAMIC_LIFO_QUEUE
 *   ASYNC_DYNAMIC_PRIORITY_QUEUE
 *   ASYNC_QUEUE_IN                initial value: a queue in an array of the caller
 *   await_queue_put               put an item, when there is room
 *   await_queue_get               get an item, when there is one
 *   async_queue_put_nowait        put an item, if there is room
 *   async_queue_get_nowait        get an item, if there is one
 *   async_queue_task_done         report that an item was dealt with
 *   await_queue_join              wait until all items were
 *   async_queue_shutdown          accept no more items
 *   async_queue_count             the number of items
 *   async_queue_empty             is there none?
 *   async_queue_full              is there no room?
 *   async_queue_free              free the storage of a queue
 *
 *   typedef async_queue_of(int, 10) int_queue;
 *   int_queue q = ASYNC_QUEUE(q);
 *
 * Tasks are served in the order in which they came. A task that was woken to put an item owns a
 * slot from then on, and one that was woken to get an item is owed one, so later tasks cannot
 * overtake it.
 *
 * A queue belongs to the loop that first used it, until that loop is closed; only that thread may
 * use it. Common errors:
 *   -EPERM      not called from a task, or the queue belongs to another open loop; a message is
 *               printed to stderr
 *   -ECANCELED  the caller was cancelled; no item was put, or taken
 *   -EPIPE      the queue was shut down */
#ifndef ASYNCIO_QUEUE_H
#define ASYNCIO_QUEUE_H

#include <asyncio/inline.h>

ASYNC_BEGIN_DECLS

/* What all queues have in common. Its members are private. */
typedef struct async_queue {
    size_t room;     /* slots that there are */
    size_t capacity; /* items that it may hold; 0 for any number */
    size_t size;     /* bytes of an item */
    size_t first;    /* slot of the first item */
    size_t count;    /* items */
    size_t unfinished;
    size_t owed;     /* items that getters are owed which were woken */
    size_t reserved; /* slots that putters own which were woken */
    bool lifo, dynamic, borrowed, shut, dropped;
    int (*order)(const void *a, const void *b);
    async_waitq getters, putters, joiners;
    uint64_t loop;              /* that uses it */
    struct async_running *home; /* of that loop, if inlined calls may use the queue */
} async_queue;

/* --- kinds of queues --- */

/* The type of a queue for n items of type T, with its slots inside. Nothing is allocated. */
#define async_queue_of(T, n)                                                                       \
    struct {                                                                                       \
        async_queue q;                                                                             \
        T slot[n];                                                                                 \
    }

/* Initial values of such a queue.
 *
 *   int_queue q = ASYNC_QUEUE(q);
 *
 * v          the variable itself.
 * compare    compares two items, as for qsort(). Equal items leave in the order in which they
 *            came. */
#define ASYNC_QUEUE(v)      ASYNC__INIT(.q = ASYNC__INIT(ASYNC__QUEUE(v)))
#define ASYNC_LIFO_QUEUE(v) ASYNC__INIT(.q = ASYNC__INIT(ASYNC__QUEUE(v), .lifo = true))
#define ASYNC_PRIORITY_QUEUE(v, compare)                                                           \
    ASYNC__INIT(.q = ASYNC__INIT(ASYNC__QUEUE(v), .order = (compare)))

/* The type of a queue for items of type T whose storage lies elsewhere. */
#define async_dynamic_queue_of(T)                                                                  \
    struct {                                                                                       \
        async_queue q;                                                                             \
        T *slot;                                                                                   \
    }

/* Initial values of a queue whose storage is allocated when it is needed, and freed by
 * async_queue_free().
 *
 *   int_queue q = ASYNC_DYNAMIC_QUEUE(q, capacity);
 *
 * v          the variable itself.
 * n          how many items it may hold; 0 for any number.
 * compare    as above. */
#define ASYNC_DYNAMIC_QUEUE(v, n) ASYNC__INIT(.q = ASYNC__INIT(ASYNC__DYNAMIC_QUEUE(v, n)))
#define ASYNC_DYNAMIC_LIFO_QUEUE(v, n)                                                             \
    ASYNC__INIT(.q = ASYNC__INIT(ASYNC__DYNAMIC_QUEUE(v, n), .lifo = true))
#define ASYNC_DYNAMIC_PRIORITY_QUEUE(v, n, compare)                                                \
    ASYNC__INIT(.q = ASYNC__INIT(ASYNC__DYNAMIC_QUEUE(v, n), .order = (compare)))

/* The initial value of a queue in an array of the caller.
 *
 *   int_queue q = ASYNC_QUEUE_IN(q, array, 10);
 *
 * v          the variable itself, of type async_dynamic_queue_of(T).
 * storage    an array of T, which must stay as long as the queue.
 * n          its length. */
#define ASYNC_QUEUE_IN(v, storage, n)                                                              \
    ASYNC__INIT(.q = ASYNC__INIT(.room = (n), .capacity = (n), .size = sizeof((v).slot[0]),        \
                                 .dynamic = true, .borrowed = true),                               \
                .slot = (storage))

/* Free the storage of a queue, and the items in it. No task may use the queue at that time;
 * afterwards it is empty, and may be used again. The other kinds of queues need not be freed.
 *
 * What pointers in the queue point to is not freed. If items may be left, take them out before:
 *
 *   char *text;
 *   while (async_queue_get_nowait(&q, &text) == 0)
 *       free(text);
 *   async_queue_free(&q); */
#define async_queue_free(qp) async_queue_free_storage(&(qp)->q, ASYNC__SLOTS(qp))
void async_queue_free_storage(async_queue *q, size_t slots);

/* --- items --- */

/* Put an item into a queue, when there is room.
 *
 *   ASYNC_TRY(await_queue_put(&q, 42));
 *
 * qp         the address of the queue.
 * ...        the item (copied), also a struct literal.
 * Returns    0; -EPIPE, -EPERM, -ECANCELED; -ENOMEM if the queue cannot grow.
 * Cancelled  the item was not put, and the slot goes to the next task.
 * Suspends   while the queue is full. */
#define await_queue_put(qp, ...)                                                                   \
    await_queue_put_fast(ASYNC__PUT(qp, __VA_ARGS__), ASYNC__PLACES(qp))
int await_queue_put_item(async_queue *q, size_t slots, const void *item) ASYNC_CHECK;

/* Get an item from a queue, when there is one.
 *
 *   int item;
 *   ASYNC_TRY(await_queue_get(&q, &item));
 *
 * qp         the address of the queue.
 * ret        receives the item.
 * Returns    0; -EPIPE if the queue is shut down and empty; -EPERM, -ECANCELED.
 * Cancelled  no item was taken, and the next task receives it.
 * Suspends   while the queue is empty. */
#define await_queue_get(qp, ret) await_queue_get_fast(ASYNC__GET(qp, ret), ASYNC__PLACES(qp))
int await_queue_get_item(async_queue *q, size_t slots, void *ret) ASYNC_CHECK;

/* Put an item if there is room, and get one if there is one.
 *
 * Returns    0; -EAGAIN if the queue is full, or empty; -EPIPE, -EPERM, -ENOMEM.
 * Suspends   no. They may be called in callbacks, too, and before the loop runs. */
#define async_queue_put_nowait(qp, ...) async_queue_put_item(ASYNC__PUT(qp, __VA_ARGS__))
#define async_queue_get_nowait(qp, ret) async_queue_get_item(ASYNC__GET(qp, ret))
int async_queue_put_item(async_queue *q, size_t slots, const void *item) ASYNC_CHECK;
int async_queue_get_item(async_queue *q, size_t slots, void *ret) ASYNC_CHECK;

/* Wait until each item that was put has been reported by async_queue_task_done().
 *
 * Returns    0; -EPERM, -ECANCELED.
 * Suspends   until then. */
#define await_queue_join(qp) await_queue_join_all(&(qp)->q)
int await_queue_join_all(async_queue *q) ASYNC_CHECK;

/* Report that an item, which was taken from the queue, was dealt with.
 *
 * Returns    0; -EINVAL if that was reported for all items; -EPERM.
 * Suspends   no. */
#define async_queue_task_done(qp) async_queue_item_done(&(qp)->q)
int async_queue_item_done(async_queue *q);

/* Shut a queue down: no item can be put from now on, and tasks that wait to put one receive -EPIPE.
 *
 * now        false: the items in the queue can be taken, and then getting returns -EPIPE, too.
 *            true: they are dropped, as if they had been dealt with.
 * Suspends   no. */
#define async_queue_shutdown(qp, now) async_queue_close(&(qp)->q, (now))
void async_queue_close(async_queue *q, bool now);

/* Return the number of items that can be taken; whether there is none; and whether there is no
 * room. */
#define async_queue_count(qp) async_queue_items(&(qp)->q)
#define async_queue_empty(qp) (async_queue_items(&(qp)->q) == 0)
#define async_queue_full(qp)  async_queue_is_full(&(qp)->q)
ASYNC_UNUSED static inline size_t async_queue_items(const async_queue *q)
{
    return q->count - q->owed;
}
ASYNC_UNUSED static inline bool async_queue_is_full(const async_queue *q)
{
    return q->capacity > 0 && q->count + q->reserved >= q->capacity;
}

/* --- private: behind the macros --- */

#define ASYNC__QUEUE(v)                                                                            \
    .room = ASYNC__SLOT_COUNT(v), .capacity = ASYNC__SLOT_COUNT(v), .size = sizeof((v).slot[0])
#define ASYNC__SLOT_COUNT(v)                                                                       \
    ASYNC__ARRAY_LENGTH((v).slot, "this initial value is for async_queue_of(); a queue of "        \
                                  "async_dynamic_queue_of() needs ASYNC_DYNAMIC_QUEUE(q, "         \
                                  "capacity), or one of the others")
#define ASYNC__DYNAMIC_QUEUE(v, n) .capacity = (n), .size = sizeof((v).slot[0]), .dynamic = true

/* Where the slots begin, or the pointer to them, in bytes from q. Each argument of the macros is
 * evaluated once: a type evaluates nothing, and of ?: only one side is evaluated. */
#define ASYNC__SLOTS(qp)  __builtin_offsetof(__typeof__(*(qp)), slot)
#define ASYNC__PLACES(qp) sizeof((qp)->slot[0]), ASYNC__FIXED_ROOM(qp)
#define ASYNC__PUT(qp, ...)                                                                        \
    &(qp)->q, ASYNC__SLOTS(qp), ASYNC__ITEM(__typeof__((qp)->slot[0]), __VA_ARGS__)
#define ASYNC__GET(qp, ret) &(qp)->q, ASYNC__SLOTS(qp), 1 ? (ret) : &(qp)->slot[0]

/* Most calls are inlined: those of a task that is not cancelled, on a simple queue in which no task
 * waits. room is 0 for a dynamic queue, whose calls are not inlined. */
ASYNC_CHECK static inline int await_queue_put_fast(async_queue *q, size_t slots, const void *item,
                                                   size_t size, size_t room)
{
    if (q->home != async_running_ || q->getters.head || q->count + q->reserved >= room ||
        !async__may_go_on())
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
    if (q->home != async_running_ || q->putters.head || q->owed || !q->count ||
        !async__may_go_on())
        return await_queue_get_item(q, slots, ret);
    memcpy(ret, (const char *)q + slots + q->first * size, size);
    q->first = q->first + 1 < room ? q->first + 1 : 0;
    q->count--;
    return 0;
}

ASYNC_END_DECLS

#endif
