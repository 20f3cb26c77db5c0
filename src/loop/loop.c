/* SPDX-License-Identifier: MIT */
/* open.c - a loop's beginning and end. */
#include "arch/overflow.h"
#include "arch/sanitize.h"
#include "base/alloc.h"
#include "loop/loop.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static async_task *const nobody;
__thread async_task *const *async_running_ = &nobody;

static void init(struct loop *l, const struct async_run_opts *opts)
{
    const char *debug = secure_getenv("ASYNCIO_DEBUG");
    l->debug = opts->debug || (debug && debug[0] && debug[0] != '0');
    l->virtual_clock = opts->virtual_clock;
    l->seed = opts->seed;
    l->no_deadline = NEVER;
    l->stepwise = l->seed || l->debug;
    l->step.slow = ns_of(opts->slow_step > 0 ? opts->slow_step : 0.1);
    l->patience = ns_of(opts->shutdown_timeout > 0 ? opts->shutdown_timeout : 1);
    l->errno_at = &errno;
    l->allowance = 1;
    l->next_id = 1;
    async__stack_class(async__stack_class(opts->stack_size, &l->default_class) ? opts->stack_size : 0,
                       &l->default_class);
    async__slab_init(&l->tasks, sizeof(async_task));
    async__slab_init(&l->starts, sizeof(struct start));
    fp_control_get(&l->fp);
    sanitizer_thread_init(&l->sanitizer);
    async__coarse_clock_init(&l->coarse, async__sys.clock());
}

static int open_parts(struct loop *l)
{
    int r = async__timers_open(&l->timers);
    if (r < 0)
        return r;
    r = async__handle_open(l);
    if (r < 0)
        goto no_gate;
    r = async__poller_open(&l->poller, l->handle->event);
    if (r < 0)
        goto no_fds;
    r = async__overflow_watch();
    if (r == 0)
        return 0;
    async__poller_close(&l->poller);
no_fds:
    async__handle_close(l->handle);
no_gate:
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
    init(l, opts ? opts : &defaults);
    int r = open_parts(l);
    if (r < 0) {
        async__alloc_hold(-1);
        async__free(l);
        return r;
    }
    async__loop = l;
    async_running_ = &l->current;
    *ret = l;
    return 0;
}

void async__loop_leave(void)
{
    async__loop = NULL;
    async_running_ = &nobody;
}

/* The ledger: what a closed loop must not own any more. What is found is a defect, of ours or of an adapter; it is
 * said in every build. */
static void check_ledger(struct loop *l)
{
    if (l->cached_body)
        async__stack_give(&l->stacks, &l->cached_body->stack);
    if (l->tasks.live || l->starts.live || async__stacks_live(&l->stacks))
        async__warn("the loop closes with %zu tasks, %zu of them not started, and %zu stacks",
                        l->tasks.live, l->starts.live, async__stacks_live(&l->stacks));
    if (l->timers.live)
        async__warn("the loop closes with %u timers armed", l->timers.live);
    if (l->poller.waiting)
        async__warn("the loop closes with %d descriptors watched", l->poller.waiting);
    if (l->poller.owned || l->in_memory)
        async__warn("the loop closes with %d streams open", l->poller.owned + l->in_memory);
    if (l->files)
        async__warn("the loop closes with %d files open", l->files);
    for (int fd = 0; l->poller.owned > 0; fd++)
        if (l->poller.entries[fd].owned) {
            async__poller_remove_owned(&l->poller, fd);
            async__sys.close(fd);
        }
}

void async__loop_close(struct loop *l)
{
    async__handle_close(l->handle);
    async__pools_close(l); /* what it releases may still ask for callbacks */
    async__callbacks_drop(l);
    async__files_close(l);
    check_ledger(l);
    async__poller_close(&l->poller);
    async__timers_close(&l->timers);
    async__stacks_close(&l->stacks);
    async__slab_close(&l->tasks);
    async__slab_close(&l->starts);
    async__slab_close(&l->directs);
    async__overflow_forget();
    async__loop_leave();
    async__free(l);
    async__alloc_hold(-1);
}

static void keep(void *record, void *size)
{
    sanitizer_keep(record, *(size_t *)size);
}

/* Their stacks and records stay: another thread may still write into a frame on one of them. */
void async__loop_abandon(struct loop *l)
{
    static _Atomic(struct loop *) latest; /* a leak checker finds them here */
    l->handle->kept = true;
    async__handle_close(l->handle);
    async__pools_close(l); /* what it releases may still ask for callbacks */
    async__callbacks_drop(l);
    async__files_close(l);
    for (int fd = 0; fd < l->poller.count; fd++)
        if (l->poller.entries[fd].owned)
            async__sys.close(fd);
    async__poller_close(&l->poller);
    async__slab_each(&l->tasks, keep, &(size_t){ l->tasks.size });
    async__slab_each(&l->starts, keep, &(size_t){ l->starts.size });
    async__slab_each(&l->directs, keep, &(size_t){ l->directs.size });
    async__stacks_abandon(&l->stacks);
    async__overflow_forget();
    l->former = atomic_exchange(&latest, l);
    async__loop_leave();
    async__alloc_hold(-1);
}

void async__wrong_thread(const async_task *t)
{
    if (t->loop->forked) {
        async__warn(
                "a child of fork() sets or releases what task \"%s\" of its parent's loop waits for",
                t->name);
        abort();
    }
    async__warn("a thread sets or releases what task \"%s\" of another thread's loop waits for; use "
                    "async_call_soon_threadsafe",
                    t->name);
    abort();
}

struct log_hook async__log;

void async__warn(const char *fmt, ...)
{
    char line[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    if (async__log.line)
        async__log.line(line);
    if (!async__log.silent)
        fprintf(stderr, "asyncio: %s\n", line);
}

bool async__overflow_find(const void *address, struct overflow *ret)
{
    struct loop *l = async__loop;
    async_task *t = l ? l->current : NULL;
    if (!t)
        return false;
    const struct stack *k = &t->body->stack;
    const char *at = address;
    if (at < k->bottom - STACK_GUARD || at >= k->bottom)
        return false;
    *ret = (struct overflow){ t->name, t->body->co.name ? t->body->co.name : "?", stack_size(k) };
    return true;
}
