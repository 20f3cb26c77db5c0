/* SPDX-License-Identifier: MIT */
#include "task/wait_set.h"

#include "base/alloc.h"
#include "task/scope.h"
#include "task/task.h"

static async_task gone; /* nobody's */

static struct wait_node *node_of_completed(struct async_waiter *news)
{
    return (struct wait_node *)(void *)((char *)news - offsetof(struct wait_node, news));
}

struct wait_set *async__wait_set_new(async_task *self, async_task **array, size_t n)
{
    struct wait_set *set;
    size_t each = sizeof *set->watch + sizeof *set->at + sizeof *set->seen;
    if (n > (SIZE_MAX - sizeof *set) / each)
        return NULL;
    set = async__malloc(sizeof *set + n * each);
    if (!set)
        return NULL;
    *set = (struct wait_set){ .self = self, .array = array, .end = n };
    set->watch = (struct wait_node *)(set + 1);
    set->at = (struct wait_node **)(set->watch + n);
    set->seen = (async_task **)(set->at + n);
    for (size_t i = 0; i < n; i++) {
        set->at[i] = &set->watch[i];
        set->watch[i] = (struct wait_node){ .node.kind = NODE_WAIT, .set = set, .at = i };
    }
    return set;
}

void async__wait_set_free(struct wait_set *set)
{
    for (size_t i = set->first; i < set->end && set->linked > 0; i++)
        async__wait_set_remove(set, i);
    async__free(set);
}

static void add_news(struct wait_node *w, const async_task *t)
{
    struct wait_set *set = w->set;
    int result = t ? t->result : -ENOMEM;
    w->node.state = WAIT_COMPLETED;
    w->ended = t ? t->ended : 0;
    w->failed = result < 0 && result != -ECANCELED;
    set->failed += w->failed;
    waitq_push(&set->news, &w->news);
}

int async__wait_set_add(struct wait_set *set, size_t i, async_task *t)
{
    struct wait_node *w = set->at[i];
    set->seen[i] = t;
    if (!t) {
        add_news(w, NULL);
        return 0;
    }
    if (unlikely(t == set->self || t->loop != set->self->loop)) {
        bool itself = t == set->self;
        async__warn("task \"%s\" waits for %s", set->self->name,
                        itself ? "itself" : "a task of another thread's loop");
        return itself ? -EDEADLK : -EPERM;
    }
    waitq_push(&t->joiners, &w->node);
    w->linked = true;
    set->linked++;
    if (t->node.state == TASK_DONE) {
        add_news(w, t);
    } else {
        w->node.state = WAIT_PENDING;
        set->pending++;
    }
    return 0;
}

void async__wait_set_remove(struct wait_set *set, size_t i)
{
    struct wait_node *w = set->at[i];
    if (w->node.state == WAIT_COMPLETED)
        waitq_remove(&set->news, &w->news);
    set->pending -= w->node.state == WAIT_PENDING;
    set->failed -= w->failed;
    set->linked -= w->linked;
    if (w->linked)
        waitq_remove(&set->seen[i]->joiners, &w->node);
    w->linked = w->failed = false;
    w->node.state = WAIT_IDLE;
}

bool async__wait_set_next(struct wait_set *set, size_t *ret)
{
    struct async_waiter *news = set->news.head;
    if (!news)
        return false;
    waitq_pop(&set->news, news);
    struct wait_node *w = node_of_completed(news);
    w->node.state = WAIT_RETURNED;
    *ret = w->at;
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

int async__wait_set_wait(struct wait_set *set, double seconds)
{
    async_task *t = set->self;
    struct loop *l = t->loop;
    if (!(seconds > 0))
        return 0;
    int r = checkpoint(l, t); /* it may have been cancelled since its last one */
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

/* The waiter may be ready by now for another reason: then it will look by itself. Its limit must not come once it is. */
void async__wait_node_completed(struct wait_node *w, const async_task *t)
{
    struct wait_set *set = w->set;
    set->pending--;
    add_news(w, t);
    if (!set->waiting || set->self->node.state != TASK_PARKED || !async__wait_set_satisfied(set))
        return;
    disarm(set->self);
    async__wake(set->self, WOKEN);
}

/* Sets are kept for the next call (see wait.c); one that watches nobody any more is of no use. */
void async__wait_nodes_detach(async_task *t)
{
    for (struct async_waiter *n; (n = t->joiners.head);) {
        struct wait_node *w = (struct wait_node *)n;
        struct wait_set *set = w->set;
        waitq_pop(&t->joiners, n);
        w->linked = false;
        set->seen[w->at] = &gone;
        if (--set->linked == 0 && !set->busy)
            async__wait_set_discard(set->self);
    }
}
