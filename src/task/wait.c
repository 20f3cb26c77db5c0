/* SPDX-License-Identifier: MIT */
/* wait.c - await_wait, again and again over what is left of the same array.
 *
 * A loop that takes one task off at a time calls it as often as there are tasks: were each call to stand in all lines
 * anew, that would be quadratic. So the set of watches stays with the task that waits, until it waits for others or ends,
 * or all that it watched are gone. The next call compares the array with what stood in it, a place a time, which is
 * a few hundred bytes a nanosecond, and does something only where it differs. What it returns first is known already. */
#include <asyncio/gather.h>

#include <limits.h>

#include "base/alloc.h"
#include "task/scope.h"
#include "task/task.h"
#include "task/wait_set.h"

void async__wait_set_discard(async_task *t)
{
    struct wait_set *set = t->body->wait_set;
    t->body->wait_set = NULL;
    if (unlikely(set != NULL))
        async__wait_set_free(set);
}

/* These are handed out no more: behind a gap in front, order is to be made anew. */
static void recall(struct wait_set *set, size_t from)
{
    for (size_t i = from; i < set->first + set->front; i++) {
        struct wait_node *w = set->at[i];
        if (w->node.state != WAIT_RETURNED)
            continue;
        w->node.state = WAIT_COMPLETED;
        waitq_push(&set->news, &w->news);
    }
    set->front = from - set->first;
    set->unsorted = true;
}

/* Another task stands in place i than the last time. */
static int replace(struct wait_set *set, size_t i)
{
    async__wait_set_remove(set, i);
    if (i < set->first + set->front)
        recall(set, i);
    set->unsorted = true;
    return async__wait_set_add(set, i, set->array[i]);
}

static int compare(struct wait_set *set)
{
    enum { BLOCK = 64 };
    async_task **array = set->array, **seen = set->seen;
    for (size_t i = set->first, next; i < set->end; i = next) {
        next = set->end - i > BLOCK ? i + BLOCK : set->end;
        if (likely(!memcmp(&array[i], &seen[i], (next - i) * sizeof *array)))
            continue;
        for (; i < next; i++) {
            int r = array[i] == seen[i] ? 0 : replace(set, i);
            if (r < 0)
                return r;
        }
    }
    return 0;
}

/* Watch less of the array. */
static void narrow(struct wait_set *set, size_t first, size_t end)
{
    size_t cut = first - set->first;
    while (set->first < first)
        async__wait_set_remove(set, set->first++);
    while (set->end > end)
        async__wait_set_remove(set, --set->end);
    set->front -= cut < set->front ? cut : set->front;
    if (set->front > end - first)
        set->front = end - first;
}

/* The set of the last call, if this array is part of that one. */
static struct wait_set *kept(async_task *self, async_task **tasks, size_t n)
{
    struct wait_set *set = self->body->wait_set;
    if (!set)
        return NULL;
    uintptr_t from = (uintptr_t)(set->array + set->first), to = (uintptr_t)(set->array + set->end);
    uintptr_t first = (uintptr_t)tasks, end = (uintptr_t)(tasks + n);
    if (first < from || end > to || (first - from) % sizeof *tasks)
        return NULL;
    first = set->first + (first - from) / sizeof *tasks;
    narrow(set, first, first + n);
    return set;
}

static int watch_all(struct wait_set *set)
{
    int r = 0;
    set->unsorted = true;
    for (size_t i = 0; i < set->end && r == 0; i++)
        r = async__wait_set_add(set, i, set->array[i]);
    return r;
}

static int prepare(async_task *self, async_task **tasks, size_t n, struct wait_set **ret)
{
    struct wait_set *set = *ret = kept(self, tasks, n);
    if (set) {
        set->busy = true;
        return compare(set);
    }
    async__wait_set_discard(self);
    set = *ret = async__wait_set_new(self, tasks, n);
    if (!set)
        return -ENOMEM;
    self->body->wait_set = set;
    set->busy = true;
    return watch_all(set);
}

/* In the caller's array too. */
static void swap(struct wait_set *set, size_t i, size_t k)
{
    async_task *t = set->array[i], *seen = set->seen[i];
    struct wait_node *w = set->at[i];
    set->array[i] = set->array[k];
    set->seen[i] = set->seen[k];
    set->at[i] = set->at[k];
    set->at[i]->at = i;
    set->array[k] = t;
    set->seen[k] = seen;
    set->at[k] = w;
    w->at = k;
}

/* The heap of n places from first on, largest on top, is right but for its entry i. */
static void sift(struct wait_set *set, size_t first, size_t i, size_t n)
{
    struct wait_node **at = set->at + first;
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && at[child + 1]->ended > at[child]->ended)
            child++;
        if (at[i]->ended >= at[child]->ended)
            return;
        swap(set, first + i, first + child);
    }
}

/* By the order of the ends: a heap, since it needs no memory. */
static void sort(struct wait_set *set)
{
    size_t n = set->front;
    for (size_t i = n / 2; i-- > 0;)
        sift(set, set->first, i, n);
    while (n-- > 1) {
        swap(set, set->first, set->first + n);
        sift(set, set->first, 0, n);
    }
    set->unsorted = false;
}

/* Move those that have ended to the front: how many there are. */
static int hand_out(struct wait_set *set)
{
    for (size_t i; async__wait_set_next(set, &i); set->front++)
        swap(set, i, set->first + set->front);
    if (set->unsorted)
        sort(set);
    return (int)set->front;
}

int await_wait(async_task **tasks, size_t n, enum async_return_when when, double seconds)
{
    async_task *self;
    int r = await_begin(&self, "await_wait");
    if (r < 0)
        return r;
    if (n == 0 || n > INT_MAX)
        return -EINVAL;
    struct wait_set *set;
    r = prepare(self, tasks, n, &set);
    if (r == 0) {
        set->when = when;
        if (!async__wait_set_satisfied(set))
            r = async__wait_set_wait(set, seconds);
    }
    if (r == 0)
        r = hand_out(set);
    bool over = r < 0 || (when == ASYNC_ALL_COMPLETED && set->pending == 0);
    if (over || set->linked == 0)
        async__wait_set_discard(self);
    else
        set->busy = false;
    return r;
}
