/* SPDX-License-Identifier: MIT */
/* who.c - who waits for which call, for reports. */
#include "pool/pools.h"
#include "pool/process.h"

#include <dlfcn.h>

static const char *name_of(const struct call *c)
{
    Dl_info info;
    void *fn = (void *)(uintptr_t)c->fn;
    if (c->name)
        return c->name;
    return dladdr(fn, &info) && info.dli_sname && info.dli_saddr == fn ? info.dli_sname : "a call";
}

static const struct call *find_queued(const struct async_process_pool *p, const async_task *t)
{
    for (const struct call *c = p->head; c; c = c->next)
        if (c->task == t)
            return c;
    return NULL;
}

static const struct call *find_sent(const struct async_process_pool *p, const async_task *t)
{
    for (unsigned i = 0; i < p->max_workers; i++)
        for (unsigned k = 0; p->workers[i].state != WORKER_NONE && k < WINDOW; k++) {
            const struct call *c = p->workers[i].window[k];
            if (c && c->task == t)
                return c;
        }
    return NULL;
}

static pid_t who_is_at(const struct call *c)
{
    const struct process *w = c->worker ? &c->worker->process : NULL;
    bool begun = w && atomic_load(&w->board->marks[c->seq % WINDOW]) == mark_of(c->seq, MARK_STARTED);
    return begun ? w->pid : 0;
}

static bool find(const struct async_process_pool *p, const async_task *t, struct process_wait *ret)
{
    const struct call *c = p ? find_sent(p, t) : NULL;
    if (!c && !(c = p ? find_queued(p, t) : NULL))
        return false;
    *ret = (struct process_wait){ name_of(c), p->name, who_is_at(c) };
    return true;
}

bool async__process_wait_of(const async_task *t, struct process_wait *ret)
{
    if (t->node.why != WAITS_PROCESS)
        return false;
    if (find(pools_of(t->loop)->own, t, ret))
        return true;
    for (const struct async_process_pool *p = pools_of(t->loop)->opened; p; p = p->next)
        if (find(p, t, ret))
            return true;
    return false;
}
