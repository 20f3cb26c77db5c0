/* SPDX-License-Identifier: MIT */
#include "task/wait_set.h"

#include "base/alloc.h"
#include "task/scope.h"
#include "task/task.h"

static async_task released; /* stands in a slot for a task whose record was released */

static struct wait_node *node_of_completed(struct async_waiter *completed)
{
    return (struct wait_node *)(void *)((char *)completed - offsetof(struct wait_node, completed));
}

struct wait_set *async__wait_set_new(async_task *self, async_task **array, size_t n)
{
    struct wait_set *set;
    size_t each = sizeof *set->nodes + sizeof *set->node + sizeof *set->seen;
    if (n > (SIZE_MAX - sizeof *set) / each)
        return NULL;
    set = async__malloc(sizeof *set + n * each);
    if (!set)
        return NULL;
    *set = (struct wait_set){ .self = self, .array = array, .end = n };
    set->nodes = (struct wait_node *)(set + 1);
    set->node = (struct wait_node **)(set->nodes + n);
    set->seen = (async_task **)(set->node + n);
    for (size_t i = 0; i < n; i++) {
        set->node[i] = &set->nodes[i];
        set->nodes[i] = (struct wait_node){ .node.kind = NODE_WAIT, .set = set, .slot = i };
    }
    return set;
}

void async__wait_set_free(struct wait_set *set)
{
    for (size_t i = set->first; i < set->end && set->linked > 0; i++)
        async__wait_set_remove(set, i);
    async__free(set);
}

static void add_completed(struct wait_node *n, const async_task *t)
{
    struct wait_set *set = n->set;
    int result = t ? t->result : -ENOMEM;
    n->node.state = WAIT_COMPLETED;
    n->ended = t ? t->ended : 0;
    n->failed = result < 0 && result != -ECANCELED;
    set->failed += n->failed;
    waitq_push(&set->completed, &n->completed);
}

static int check_task(const async_task *self, const async_task *t)
{
    if (likely(t != self && t->loop == self->loop))
        return 0;
    bool itself = t == self;
    async__warn("task \"%s\" waits for %s", async__task_label(self).text,
                itself ? "itself"
                       : "a task of another thread's loop; use async_create_task_threadsafe()");
    return itself ? -EDEADLK : -EPERM;
}

int async__wait_set_add(struct wait_set *set, size_t slot, async_task *t)
{
    struct wait_node *n = set->node[slot];
    set->seen[slot] = t;
    if (!t) {
        add_completed(n, NULL);
        return 0;
    }
    int r = check_task(set->self, t);
    if (unlikely(r < 0))
        return r;
    waitq_push(&t->joiners, &n->node);
    n->linked = true;
    set->linked++;
    if (t->node.state == TASK_DONE) {
        add_completed(n, t);
    } else {
        n->node.state = WAIT_PENDING;
        set->pending++;
    }
    return 0;
}

void async__wait_set_remove(struct wait_set *set, size_t slot)
{
    struct wait_node *n = set->node[slot];
    if (n->node.state == WAIT_COMPLETED)
        waitq_remove(&set->completed, &n->completed);
    set->pending -= n->node.state == WAIT_PENDING;
    set->failed -= n->failed;
    set->linked -= n->linked;
    if (n->linked)
        waitq_remove(&set->seen[slot]->joiners, &n->node);
    n->linked = n->failed = false;
    n->node.state = WAIT_IDLE;
}

bool async__wait_set_next(struct wait_set *set, size_t *ret)
{
    struct async_waiter *first = set->completed.head;
    if (!first)
        return false;
    waitq_pop(&set->completed, first);
    struct wait_node *n = node_of_completed(first);
    n->node.state = WAIT_RETURNED;
    *ret = n->slot;
    return true;
}

bool async__wait_set_satisfied(const struct wait_set *set)
{
    if (set->pending == 0)
        return true;
    if (set->when == ASYNC_FIRST_COMPLETED)
        return set->pending < set->end - set->first;
    return set->when == ASYNC_FIRST_EXCEPTION && set->failed > 0;
}

/* The task may have been cancelled since its last checkpoint, so there is another one. */
int async__wait_set_wait(struct wait_set *set, double seconds)
{
    async_task *t = set->self;
    struct loop *l = t->loop;
    if (!(seconds > 0))
        return 0;
    int r = checkpoint(t);
    if (r < 0)
        return r;
    int64_t until = ns_after(loop_now(l), ns_of(seconds));
    if (until != NEVER)
        t->node.timer = async__timer_arm(&l->timers, until, t, TIMER_SLEEP);
    set->waiting = true;
    wait_is(t, WAITS_TASKS);
    enum wake why = wait_in(t, NULL);
    set->waiting = false;
    return why == INTERRUPTED && !async__wait_set_satisfied(set) ? async__deliver_cancel(t) : 0;
}

/* The waiter may be ready already for another reason; then it looks for itself. Once it is woken,
 * its timer must not expire. */
void async__wait_node_completed(struct wait_node *n, const async_task *t)
{
    struct wait_set *set = n->set;
    set->pending--;
    add_completed(n, t);
    if (!set->waiting || set->self->node.state != TASK_PARKED || !async__wait_set_satisfied(set))
        return;
    disarm(set->self);
    async__wake(set->self, WOKEN);
}

/* Sets are kept for the next call of await_wait(). One whose last task is gone is of no use any
 * more. */
void async__wait_nodes_detach(async_task *t)
{
    for (struct async_waiter *w; (w = t->joiners.head);) {
        struct wait_node *n = (struct wait_node *)w;
        struct wait_set *set = n->set;
        waitq_pop(&t->joiners, w);
        n->linked = false;
        set->seen[n->slot] = &released;
        if (--set->linked == 0 && !set->busy)
            async__wait_set_discard(set->self);
    }
}
