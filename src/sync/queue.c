/* SPDX-License-Identifier: MIT */
/* queue.c - queues between tasks.
 *
 * An item is always put into the queue, even if a getter waits. That getter is woken, and the queue
 * owes it an item from then on: a later getter may take an item only if there are more items than
 * getters that are owed one. So the items leave the queue in its own order, and if the getter is
 * cancelled before it runs, no item has to be put back. Which item a getter receives is decided
 * when its call returns. For a putter that is woken, a slot is reserved in the same way. */
#include <asyncio/queue.h>

#include "base/alloc.h"
#include "sync/bind.h"
#include "task/scope.h"

/* Bind the queue to the loop of this thread. Inlined calls compare q->home to recognise that the
 * queue is bound to this loop and needs none of the rarer features. */
static int bind_queue(async_queue *q)
{
    const struct loop *l = async__loop;
    if (likely(l && __atomic_load_n(&q->loop, __ATOMIC_RELAXED) == l->serial))
        return 0;
    int r = async__bind(&q->loop, "a queue");
    if (r < 0)
        return r;
    if (r == TAKEN_OVER) {
        q->getters.head = q->putters.head = q->joiners.head = NULL;
        q->owed = q->reserved = 0; /* the items are still in the queue */
    }
    q->home = l && !q->lifo && !q->order && !q->dynamic && !q->shut ? async_running_ : NULL;
    return 0;
}

/* --- storage --- */

enum { ROOM_FIRST = 16 };

/* The slots lie behind the queue, at an offset, or, if it is dynamic, in memory to which a pointer
 * at that offset points. */
static char **storage_of(async_queue *q, size_t slots)
{
    return (char **)(void *)((char *)q + slots);
}

static char *queue_slot(async_queue *q, size_t slots, size_t i)
{
    char *base = q->dynamic ? *storage_of(q, slots) : (char *)q + slots;
    i += q->first;
    return base + (i < q->room ? i : i - q->room) * q->size;
}

/* Give a dynamic queue more room, with the first item in the first slot. A bounded one gets all
 * that it may use. */
static int grow_storage(async_queue *q, size_t slots)
{
    size_t room = q->capacity ? q->capacity : q->room ? 2 * q->room : ROOM_FIRST, bytes;
    char *storage = __builtin_mul_overflow(room, q->size, &bytes) ? NULL : async__malloc(bytes);
    if (!storage)
        return -ENOMEM;
    for (size_t i = 0; i < q->count; i++)
        memcpy(storage + i * q->size, queue_slot(q, slots, i), q->size);
    async__free(*storage_of(q, slots));
    *storage_of(q, slots) = storage;
    q->room = room;
    q->first = 0;
    return 0;
}

void async_queue_free_storage(async_queue *q, size_t slots)
{
    if (!q->dynamic || q->borrowed)
        return;
    async__free(*storage_of(q, slots));
    *storage_of(q, slots) = NULL;
    q->room = q->first = q->count = 0;
}

/* --- items --- */

static bool is_queue_full(const async_queue *q)
{
    return q->capacity > 0 && q->count + q->reserved >= q->capacity;
}

/* Return the position of a new item in a priority queue: behind all items that do not come after
 * it, so that equal items keep their order. */
static size_t sorted_position(async_queue *q, size_t slots, const void *item)
{
    size_t low = 0, high = q->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (q->order(item, queue_slot(q, slots, middle)) < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* Insert an item. The caller has made sure that there is room. */
static void insert_item(async_queue *q, size_t slots, const void *item)
{
    size_t at = q->order ? sorted_position(q, slots, item) : q->count;
    for (size_t i = q->count; i > at; i--)
        memcpy(queue_slot(q, slots, i), queue_slot(q, slots, i - 1), q->size);
    memcpy(queue_slot(q, slots, at), item, q->size);
    q->count++;
    q->unfinished++;
}

static void remove_item(async_queue *q, size_t slots, void *ret)
{
    memcpy(ret, queue_slot(q, slots, q->lifo ? q->count - 1 : 0), q->size);
    q->count--;
    if (!q->lifo && ++q->first == q->room)
        q->first = 0;
}

/* --- waking --- */

/* There is an item that no getter is owed. */
static void wake_getter(async_queue *q)
{
    if (async__wake_first(&q->getters, 0))
        q->owed++;
}

/* There is a slot that no putter has reserved. */
static void wake_putter(async_queue *q)
{
    if (async__wake_first(&q->putters, 0))
        q->reserved++;
}

/* Is the queue shut down, and will no item come out of it any more? A putter that has a slot
 * reserved may still fill it. */
static bool at_end(const async_queue *q)
{
    return q->shut && q->count == 0 && q->reserved == 0;
}

static void wake_at_end(async_queue *q)
{
    if (unlikely(at_end(q)))
        async__wake_all(&q->getters, -EPIPE);
}

/* After an immediate shutdown: drop the items that no getter is owed, and count them as done,
 * unless async_queue_task_done() was called for them too early. Of the others, those stay that
 * leave the queue first. */
static void drop_items(async_queue *q)
{
    size_t dropped = q->count - q->owed;
    if (q->lifo && (q->first += dropped) >= q->room)
        q->first -= q->room;
    q->count = q->owed;
    q->unfinished -= dropped < q->unfinished ? dropped : q->unfinished;
    if (dropped > 0 && q->unfinished == 0)
        async__wake_all(&q->joiners, 0);
}

/* --- put --- */

/* Put an item without waiting. Returns -EAGAIN if the queue is full. */
int async_queue_put_item(async_queue *q, size_t slots, const void *item)
{
    int r = bind_queue(q);
    if (r < 0)
        return r;
    if (q->shut)
        return -EPIPE;
    if (is_queue_full(q))
        return -EAGAIN;
    if (unlikely(q->count + q->reserved >= q->room) && (r = grow_storage(q, slots)) < 0)
        return r;
    insert_item(q, slots, item);
    wake_getter(q);
    return 0;
}

/* End the wait of a putter, which was woken with `value`: 0 if a slot is reserved for it, or -EPIPE
 * if the queue was shut down. */
static int put_reserved(async_queue *q, size_t slots, const void *item, int value)
{
    if (value < 0)
        return value;
    q->reserved--;
    if (q->dropped) {
        wake_at_end(q);
        return -EPIPE;
    }
    insert_item(q, slots, item);
    wake_getter(q);
    return 0;
}

static void pass_slot_on(async_queue *q)
{
    q->reserved--;
    wake_putter(q);
    wake_at_end(q);
}

/* Put an item; if the queue is full, wait for a slot. A task that is cancelled after a slot was
 * reserved for it passes the slot on. */
int await_queue_put_item(async_queue *q, size_t slots, const void *item)
{
    async_task *t;
    int r = await_begin(&t, "await_queue_put");
    if (r < 0)
        return r;
    r = async_queue_put_item(q, slots, item);
    if (likely(r != -EAGAIN))
        return r;
    bool chosen;
    wait_is(t, WAITS_PUT);
    r = wait_to_acquire(t, &q->putters, &chosen);
    if (likely(r == 0))
        return put_reserved(q, slots, item, t->value);
    if (chosen && t->value == 0)
        pass_slot_on(q);
    return r;
}

/* --- get --- */

static void remove_item_and_wake(async_queue *q, size_t slots, void *ret)
{
    remove_item(q, slots, ret);
    wake_putter(q);
    wake_at_end(q);
}

int async_queue_get_item(async_queue *q, size_t slots, void *ret)
{
    int r = bind_queue(q);
    if (r < 0)
        return r;
    if (q->count == q->owed)
        return at_end(q) ? -EPIPE : -EAGAIN;
    remove_item_and_wake(q, slots, ret);
    return 0;
}

static void pass_item_on(async_queue *q)
{
    q->owed--;
    if (q->dropped)
        drop_items(q);
    else
        wake_getter(q);
    wake_at_end(q);
}

/* Get an item; if none is left for this task, wait for one. A task that is cancelled after an item
 * was promised to it leaves the item to the next getter. */
int await_queue_get_item(async_queue *q, size_t slots, void *ret)
{
    async_task *t;
    int r = await_begin(&t, "await_queue_get");
    if (r < 0)
        return r;
    r = async_queue_get_item(q, slots, ret);
    if (likely(r != -EAGAIN))
        return r;
    bool chosen;
    wait_is(t, WAITS_GET);
    r = wait_to_acquire(t, &q->getters, &chosen);
    if (likely(r == 0)) {
        if (t->value < 0)
            return t->value;
        q->owed--;
        remove_item_and_wake(q, slots, ret);
    } else if (chosen && t->value == 0) {
        pass_item_on(q);
    }
    return r;
}

/* --- join and shutdown --- */

int await_queue_join_all(async_queue *q)
{
    async_task *t;
    int r = await_begin(&t, "await_queue_join");
    if (r == 0)
        r = bind_queue(q);
    if (r < 0 || q->unfinished == 0)
        return r;
    wait_is(t, WAITS_JOIN);
    return wait_for_event(t, &q->joiners);
}

int async_queue_item_done(async_queue *q)
{
    int r = bind_queue(q);
    if (r < 0)
        return r;
    if (q->unfinished == 0)
        return -EINVAL;
    if (--q->unfinished == 0)
        async__wake_all(&q->joiners, 0);
    return 0;
}

void async_queue_close(async_queue *q, bool now)
{
    if (bind_queue(q) < 0)
        return;
    q->shut = true;
    q->home = NULL;
    if (now) {
        q->dropped = true;
        drop_items(q);
    }
    wake_at_end(q);
    async__wake_all(&q->putters, -EPIPE);
}
