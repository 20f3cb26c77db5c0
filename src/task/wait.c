/* SPDX-License-Identifier: MIT */
/* wait.c - await_wait(), also again and again for the rest of the same array.
 *
 * A loop that takes one task at a time calls await_wait() as often as there are tasks. If each call
 * entered the queues of all of them anew, that would be quadratic. So the wait set stays with the
 * task that waits, until the task waits for others or ends, or until everything in the set is gone.
 * The next call compares the array with what stood in it before, which costs a nanosecond for some
 * hundred bytes, and does something only for the slots that differ. */
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
    async__wait_set_free(set);
}

/* --- the set of the last call --- */

/* The tasks from slot on do not count as returned any more: a slot in front of them has changed, so
 * their order has to be established anew. */
static void unreturn(struct wait_set *set, size_t slot)
{
    for (size_t i = slot; i < set->first + set->returned; i++) {
        struct wait_node *n = set->node[i];
        if (n->node.state != WAIT_RETURNED)
            continue;
        n->node.state = WAIT_COMPLETED;
        waitq_push(&set->completed, &n->completed);
    }
    set->returned = slot - set->first;
    set->unsorted = true;
}

/* The array has another task in that slot than in the last call. */
static int replace(struct wait_set *set, size_t slot)
{
    async__wait_set_remove(set, slot);
    if (slot < set->first + set->returned)
        unreturn(set, slot);
    set->unsorted = true;
    return async__wait_set_add(set, slot, set->array[slot]);
}

static int replace_changed(struct wait_set *set)
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

/* Cover only the part of the array from first to end. */
static void narrow(struct wait_set *set, size_t first, size_t end)
{
    size_t cut = first - set->first;
    while (set->first < first)
        async__wait_set_remove(set, set->first++);
    while (set->end > end)
        async__wait_set_remove(set, --set->end);
    set->returned -= cut < set->returned ? cut : set->returned;
    if (set->returned > end - first)
        set->returned = end - first;
}

/* The set of the last call, if this array is a part of the one that it covers; otherwise NULL. */
static struct wait_set *kept_set(async_task *self, async_task **tasks, size_t n)
{
    struct wait_set *set = self->body->wait_set;
    if (!set)
        return NULL;
    uintptr_t from = (uintptr_t)(set->array + set->first), to = (uintptr_t)(set->array + set->end);
    uintptr_t first = (uintptr_t)tasks, end = (uintptr_t)(tasks + n);
    if (first < from || end > to)
        return NULL;
    first = set->first + (first - from) / sizeof *tasks;
    narrow(set, first, first + n);
    return set;
}

/* --- a new set --- */

static int add_all(struct wait_set *set)
{
    int r = 0;
    set->unsorted = true;
    for (size_t i = 0; i < set->end && r == 0; i++)
        r = async__wait_set_add(set, i, set->array[i]);
    return r;
}

static int prepare_set(async_task *self, async_task **tasks, size_t n, struct wait_set **ret)
{
    struct wait_set *set = *ret = kept_set(self, tasks, n);
    if (set) {
        set->busy = true;
        return replace_changed(set);
    }
    if (self->body->wait_set)
        async__wait_set_discard(self);
    set = *ret = async__wait_set_new(self, tasks, n);
    if (!set)
        return -ENOMEM;
    self->body->wait_set = set;
    set->busy = true;
    return add_all(set);
}

/* --- moving the tasks that have ended to the front --- */

/* Swap two slots, in the caller's array, too. */
static void swap_slots(struct wait_set *set, size_t i, size_t k)
{
    async_task *t = set->array[i], *seen = set->seen[i];
    struct wait_node *n = set->node[i];
    set->array[i] = set->array[k];
    set->seen[i] = set->seen[k];
    set->node[i] = set->node[k];
    set->node[i]->slot = i;
    set->array[k] = t;
    set->seen[k] = seen;
    set->node[k] = n;
    n->slot = k;
}

/* The n slots from first on are a heap, with the latest end on top, except for entry i. Restore its
 * order. */
static void sift(struct wait_set *set, size_t first, size_t i, size_t n)
{
    struct wait_node **node = set->node + first;
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && node[child + 1]->ended > node[child]->ended)
            child++;
        if (node[i]->ended >= node[child]->ended)
            return;
        swap_slots(set, first + i, first + child);
    }
}

/* Sort what was returned by the order of the ends. A heap sort, because it needs no memory. */
static void sort_returned(struct wait_set *set)
{
    size_t n = set->returned;
    for (size_t i = n / 2; i-- > 0;)
        sift(set, set->first, i, n);
    while (n-- > 1) {
        swap_slots(set, set->first, set->first + n);
        sift(set, set->first, 0, n);
    }
    set->unsorted = false;
}

/* Move the tasks that have ended to the front of the array. Returns how many there are. */
static int return_completed(struct wait_set *set)
{
    for (size_t i; async__wait_set_next(set, &i); set->returned++)
        swap_slots(set, i, set->first + set->returned);
    if (set->unsorted)
        sort_returned(set);
    return (int)set->returned;
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
    r = prepare_set(self, tasks, n, &set);
    if (r == 0) {
        set->when = when;
        if (!async__wait_set_satisfied(set))
            r = async__wait_set_wait(set, seconds);
    }
    if (r == 0)
        r = return_completed(set);
    bool over =
            !set || r < 0 || (when == ASYNC_ALL_COMPLETED && set->pending == 0) || set->linked == 0;
    if (!over)
        set->busy = false;
    else if (self->body->wait_set)
        async__wait_set_discard(self);
    return r;
}
