/* SPDX-License-Identifier: MIT */
/* signal.c - the first Ctrl-C cancels main, the second ends the program. */
#include "task/signal.h"

#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "loop/loop.h"
#include "task/task.h"

static _Atomic(async_loop *) target;

/* The gate of the loop to be told; NULL: none. Any thread may run the handler, while the loop's own forgets the gate and
 * closes it. So it is asked again whether this is the gate once we visit it: closing waits for visitors, and the memory
 * of a gate is never freed. */
static async_loop *visit_target(void)
{
    for (async_loop *g; (g = atomic_load(&target));) {
        handle_enter(g);
        if (atomic_load(&target) == g)
            return g;
        handle_leave(g);
    }
    return NULL;
}

static void on_interrupt(int sig)
{
    int saved = errno;
    async_loop *g = visit_target();
    bool first = g && atomic_fetch_add(&g->signals, 1) == 0;
    if (first)
        async__handle_wake(g);
    if (g)
        handle_leave(g);
    if (!first) {
        signal(sig, SIG_DFL);
        raise(sig); /* takes effect when this handler returns */
    }
    errno = saved;
}

bool async__interrupt_watch(struct loop *l)
{
    struct sigaction now, ours = { .sa_handler = on_interrupt, .sa_flags = SA_ONSTACK | SA_RESTART };
    sigaction(SIGINT, NULL, &now);
    if (gettid() != getpid() || now.sa_handler != SIG_DFL)
        return false;
    sigemptyset(&ours.sa_mask);
    atomic_store(&target, l->handle);
    sigaction(SIGINT, &ours, NULL);
    return true;
}

void async__interrupt_forget(void)
{
    struct sigaction now;
    sigaction(SIGINT, NULL, &now);
    if (now.sa_handler == on_interrupt)
        signal(SIGINT, SIG_DFL);
    atomic_store(&target, NULL);
}

bool async__interrupted(struct loop *l)
{
    return atomic_load(&l->handle->signals) > 0;
}

/* A main task that has not begun would never run, and so clean nothing up: it looks for itself when it begins. */
void async__task_interrupt(struct loop *l)
{
    if (l->main && task_has_begun(l->main) && async__interrupted(l)) {
        async_task *t = l->main;
        l->main = NULL; /* once */
        async__task_request(t, ASYNC_CANCEL_SIGNAL, "interrupted", NULL);
    }
}
