/* SPDX-License-Identifier: MIT */
/* loop.c - how a loop begins and ends. */
#include "loop/scheduler.h"

#include <stdio.h>
#include <stdlib.h>

#include "arch/overflow.h"
#include "arch/sanitize.h"
#include "base/alloc.h"

/* Seconds that closing waits for abandoned calls if there is no shutdown timeout. */
#define GRACE_DEFAULT 1.0

static struct async_running no_task;
__thread struct async_running *async_running_ = &no_task;

static bool debug_wanted(const struct async_run_opts *opts)
{
    const char *value = secure_getenv("ASYNCIO_DEBUG");
    return opts->debug || (value && value[0] && value[0] != '0');
}

static void loop_init(struct loop *l, const struct async_run_opts *opts)
{
    struct scheduler *s = &l->sched;
    l->debug = debug_wanted(opts);
    l->virtual_clock = opts->virtual_clock;
    l->seed = opts->seed;
    l->stepwise = l->seed || l->debug;
    l->no_deadline = NEVER;
    l->allowance = 1;
    l->next_id = 1;
    l->run_site = opts->site;
    l->grace = ns_of(opts->shutdown_timeout > 0 ? opts->shutdown_timeout : GRACE_DEFAULT);
    s->switching.errno_at = &errno;
    s->credit = CREDIT;
    async__stack_class(opts->stack_size, &s->default_class);
    fp_control_get(&s->fp);
    sanitizer_thread_init(&s->sanitizer);
    async__slab_init(&l->tasks, sizeof(async_task));
    async__slab_init(&l->starts, sizeof(struct task_start));
    async__coarse_clock_init(&l->coarse, async__sys.clock());
}

/* For the report of a stack overflow. */
static bool find_overflow(const void *address, struct overflow *ret)
{
    struct loop *l = async__loop;
    async_task *t = l ? l->sched.current : NULL;
    if (!t)
        return false;
    const struct stack *k = &t->body->stack;
    const char *at = address;
    if (at < k->bottom - STACK_GUARD || at >= k->bottom)
        return false;
    ret->size = stack_size(k);
    snprintf(ret->task, sizeof ret->task, "%s", async__task_label(t).text);
    return true;
}

static int open_parts(struct loop *l)
{
    int r = async__timers_open(&l->timers);
    if (r < 0)
        return r;
    r = async__handle_open(&l->handle);
    if (r < 0)
        goto no_handle;
    l->serial = l->handle->serial;
    r = async__poller_open(&l->poller, l->handle->event);
    if (r < 0)
        goto no_poller;
    r = async__overflow_watch(find_overflow);
    if (r == 0)
        return 0;
    async__poller_close(&l->poller);
no_poller:
    async__handle_close(l->handle);
no_handle:
    async__timers_close(&l->timers);
    return r;
}

int async__loop_open(struct loop **ret, const struct async_run_opts *opts)
{
    static const struct async_run_opts defaults;
    struct loop *l = async__calloc(1, sizeof *l);
    if (!l)
        return -ENOMEM;
    async__alloc_hold(1);
    async__fork_watch();
    loop_init(l, opts ? opts : &defaults);
    int r = open_parts(l);
    if (r < 0) {
        async__alloc_hold(-1);
        async__free(l);
        return r;
    }
    async__loop = l;
    async_running_ = (struct async_running *)(void *)&l->sched.current;
    *ret = l;
    return 0;
}

void async__loop_leave(void)
{
    async__loop = NULL;
    async_running_ = &no_task;
}

static void close_owned_descriptors(struct loop *l)
{
    for (int fd = 0; l->poller.owned > 0; fd++)
        if (l->poller.entries[fd].owned) {
            async__poller_remove_owned(&l->poller, fd);
            async__sys.close(fd);
        }
}

/* Report what the loop still owns when it closes. Anything found is a bug in the library or in an
 * adapter, so release builds report it, too. */
static void check_leaks(struct loop *l)
{
    if (l->sched.cached.body)
        async__stack_give(&l->stacks, &l->sched.cached.body->stack);
    if (l->tasks.live || l->starts.live || async__stacks_live(&l->stacks))
        async__warn("the loop closes with %zu task%s, %zu of them not started, and %zu stack%s",
                    l->tasks.live, PLURAL(l->tasks.live), l->starts.live,
                    async__stacks_live(&l->stacks), PLURAL(async__stacks_live(&l->stacks)));
    if (l->timers.live)
        async__warn("the loop closes with %u timer%s armed", l->timers.live,
                    PLURAL(l->timers.live));
    if (l->poller.waiting)
        async__warn("the loop closes with %d descriptor%s watched", l->poller.waiting,
                    PLURAL(l->poller.waiting));
    if (l->poller.owned)
        async__warn("the loop closes with %d stream%s open", l->poller.owned,
                    PLURAL(l->poller.owned));
}

/* Closing the pools runs release functions, which may still schedule callbacks. */
static void close_modules(struct loop *l)
{
    for (int i = 0; i < LOOP_MODULES; i++) {
        struct loop_module *m = l->module[i];
        if (m && m->leak_check && !l->abandoned)
            m->leak_check(m, l);
        if (m)
            m->close(m, l);
        l->module[i] = NULL;
    }
    async__callbacks_drop(l);
}

void async__loop_close(struct loop *l)
{
    async__handle_close(l->handle);
    close_modules(l);
    check_leaks(l);
    close_owned_descriptors(l);
    async__poller_close(&l->poller);
    async__timers_close(&l->timers);
    async__stacks_close(&l->stacks);
    async__slab_close(&l->tasks);
    async__slab_close(&l->starts);
    async__overflow_forget();
    async__loop_leave();
    async__free(l);
    async__alloc_hold(-1);
}

static void keep_record(void *record, void *size)
{
    sanitizer_keep(record, *(size_t *)size);
}

void async__loop_keep(struct loop *l)
{
    static _Atomic(struct loop *) latest;
    l->former = atomic_exchange(&latest, l);
}

/* The stacks and records of its tasks stay, because another thread may still write into a stack
 * frame on one of them. */
void async__loop_abandon(struct loop *l)
{
    async__handle_close(l->handle);
    close_modules(l);
    for (int fd = 0; fd < l->poller.count; fd++)
        if (l->poller.entries[fd].owned)
            async__sys.close(fd);
    async__poller_close(&l->poller);
    async__slab_each(&l->tasks, keep_record, &(size_t){ l->tasks.size });
    async__slab_each(&l->starts, keep_record, &(size_t){ l->starts.size });
    async__stacks_abandon(&l->stacks);
    async__overflow_forget();
    async__loop_keep(l);
    async__loop_leave();
    async__alloc_hold(-1);
}
