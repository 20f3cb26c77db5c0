/* SPDX-License-Identifier: MIT */
/* queue.c - bounded queues. An item for a getter who waits is put into the queue all the same, and counted as owned: so
 * an item has one place to be in, its order is kept, and if the getter is cancelled before it runs, nothing has to be
 * brought back. Places for putters likewise. */
#include <asyncio/queue.h>

#include "sync/bind.h"
#include "task/scope.h"

/* Calls that are inlined recognize their queue by home alone: it belongs to this loop, and is simple. */
static int bind_queue(async_queue *q)
{
    const struct loop *l = async__loop;
    if (likely(l && __atomic_load_n(&q->loop, __ATOMIC_RELAXED) == l->handle))
        return 0;
    int r = async__bind(&q->loop, "a queue");
    if (r < 0)
        return r;
    if (r == TAKEN_OVER) {
        q->getters.head = q->putters.head = q->joiners.head = NULL;
        q->owned = q->promised = 0; /* the items are still in the queue */
    }
    q->home = l && !q->lifo && !q->order && !q->shut ? async_running_ : NULL;
    return 0;
}

static char *slot(async_queue *q, size_t slots, size_t i)
{
    i += q->first;
    return (char *)q + slots + (i < q->room ? i : i - q->room) * q->size;
}

/* After all that do not come after it. */
static size_t sorted_place(async_queue *q, size_t slots, const void *item)
{
    size_t low = 0, high = q->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (q->order(item, slot(q, slots, middle)) < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static void insert(async_queue *q, size_t slots, const void *item)
{
    size_t place = q->order ? sorted_place(q, slots, item) : q->count;
    for (size_t i = q->count; i > place; i--)
        memcpy(slot(q, slots, i), slot(q, slots, i - 1), q->size);
    memcpy(slot(q, slots, place), item, q->size);
    q->count++;
    q->unfinished++;
}

/* Those who were woken before us take what leaves next, as many as skip; ours is the one after that. */
static void take(async_queue *q, size_t slots, size_t skip, void *ret)
{
    size_t i = q->lifo ? q->count - 1 - skip : skip;
    memcpy(ret, slot(q, slots, i), q->size);
    for (; skip > 0; skip--, i += q->lifo ? 1 : SIZE_MAX)
        memcpy(slot(q, slots, i), slot(q, slots, q->lifo ? i + 1 : i - 1), q->size);
    q->count--;
    if (!q->lifo && ++q->first == q->room)
        q->first = 0;
}

/* There is an item that nobody owns: it is the first getter's, if one waits. */
static void offer_item(async_queue *q)
{
    if (q->count > q->owned && async__wake_first(&q->getters, 0))
        q->owned++;
}

static void offer_place(async_queue *q)
{
    if (q->count + q->promised < q->room && async__wake_first(&q->putters, 0))
        q->promised++;
}

/* Shut down and empty: but for an item that its getter may yet hand back, or a place that its putter may yet fill. */
static bool at_end(const async_queue *q)
{
    return q->shut && q->count == 0 && q->promised == 0;
}

static void wake_at_end(async_queue *q)
{
    if (unlikely(at_end(q)))
        async__wake_all(&q->getters, -EPIPE);
}

int async_queue_put_item(async_queue *q, size_t slots, const void *item)
{
    int r = bind_queue(q);
    if (r < 0)
        return r;
    if (q->shut)
        return -EPIPE;
    if (q->count + q->promised >= q->room)
        return -EAGAIN;
    insert(q, slots, item);
    offer_item(q);
    return 0;
}

int async_queue_get_item(async_queue *q, size_t slots, void *ret)
{
    int r = bind_queue(q);
    if (r < 0)
        return r;
    if (q->count == q->owned)
        return at_end(q) ? -EPIPE : -EAGAIN;
    take(q, slots, q->owned, ret);
    offer_place(q);
    wake_at_end(q);
    return 0;
}

/* Our turn has come, or the queue was shut down: value. */
static int put_promised(async_queue *q, size_t slots, const void *item, int value)
{
    if (value < 0)
        return value;
    q->promised--;
    if (q->dropped) {
        wake_at_end(q);
        return -EPIPE;
    }
    insert(q, slots, item);
    offer_item(q);
    return 0;
}

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
        return put_promised(q, slots, item, t->value);
    if (chosen && t->value == 0) {
        q->promised--;
        offer_place(q);
        wake_at_end(q);
    }
    return r;
}

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
        q->owned--;
        take(q, slots, 0, ret);
        offer_place(q);
        wake_at_end(q);
    } else if (chosen && t->value == 0) {
        q->owned--;
        offer_item(q);
    }
    return r;
}

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

/* Drop what nobody owns. Owned items are those that leave first: the front, of a LIFO queue the end. */
static void drop(async_queue *q)
{
    size_t dropped = q->count - q->owned;
    if (q->lifo && (q->first += dropped) >= q->room)
        q->first -= q->room;
    q->count = q->owned;
    q->unfinished -= dropped;
    q->dropped = true;
    if (dropped > 0 && q->unfinished == 0)
        async__wake_all(&q->joiners, 0);
}

void async_queue_close(async_queue *q, bool now)
{
    if (bind_queue(q) < 0)
        return;
    q->shut = true;
    q->home = NULL;
    if (now)
        drop(q);
    wake_at_end(q);
    async__wake_all(&q->putters, -EPIPE);
}
