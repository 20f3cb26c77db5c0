/* SPDX-License-Identifier: MIT */
/* process_report.c - which task waits for which call to a process, for reports. */
#include <dlfcn.h>

#include "pool/pools.h"
#include "pool/process_pool.h"

static const char *function_name(const struct process_call *c)
{
    Dl_info info;
    void *fn = (void *)(uintptr_t)c->fn;
    if (c->name)
        return c->name;
    return dladdr(fn, &info) && info.dli_sname && info.dli_saddr == fn ? info.dli_sname : "a call";
}

static const struct process_call *find_queued(const struct async_process_pool *p,
                                              const async_task *t)
{
    for (const struct process_call *c = p->head; c; c = c->next)
        if (c->task == t)
            return c;
    return NULL;
}

static const struct process_call *find_sent(const struct async_process_pool *p, const async_task *t)
{
    for (unsigned i = 0; i < p->max_workers; i++)
        for (unsigned k = 0; k < p->workers[i].count; k++)
            if (p->workers[i].window[k]->task == t)
                return p->workers[i].window[k];
    return NULL;
}

/* The process that runs c: its worker if that is ready and has no call before c. 0: c has not
 * begun. */
static pid_t process_of(const struct process_call *c)
{
    const struct process_worker *w = c->worker;
    return w && w->ready && w->window[0] == c ? w->child.pid : 0;
}

static bool find_in_pool(const struct async_process_pool *p, const async_task *t,
                         struct process_wait *ret)
{
    const struct process_call *c = p ? find_sent(p, t) : NULL;
    if (!c && !(c = p ? find_queued(p, t) : NULL))
        return false;
    *ret = (struct process_wait){ function_name(c), p->name, process_of(c) };
    return true;
}

bool async__process_wait_of(const async_task *t, struct process_wait *ret)
{
    const struct pools *pools = pools_of(t->loop);
    if (t->node.why != WAITS_PROCESS || !pools)
        return false;
    if (find_in_pool(pools->own_processes, t, ret))
        return true;
    for (const struct async_process_pool *p = pools->opened_processes; p; p = p->next)
        if (find_in_pool(p, t, ret))
            return true;
    return false;
}
