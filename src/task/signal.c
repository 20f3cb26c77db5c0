/* SPDX-License-Identifier: MIT */
/* signal.c - the first Ctrl-C cancels main, the second ends the program. */
#include "task/signal.h"

#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "loop/loop.h"
#include "task/task.h"

static _Atomic(async_loop *) target;

static void on_interrupt(int sig)
{
    int saved = errno;
    async_loop *g = atomic_load(&target);
    if (!g || atomic_fetch_add(&g->signals, 1) > 0) {
        signal(sig, SIG_DFL);
        raise(sig); /* takes effect when this handler returns */
    } else {
        async__gate_ring(g);
    }
    errno = saved;
}

bool async__interrupt_watch(struct loop *l)
{
    struct sigaction now, ours = { .sa_handler = on_interrupt, .sa_flags = SA_ONSTACK | SA_RESTART };
    if (gettid() != getpid() || sigaction(SIGINT, NULL, &now) < 0 || now.sa_handler != SIG_DFL)
        return false;
    sigemptyset(&ours.sa_mask);
    atomic_store(&target, l->gate);
    return sigaction(SIGINT, &ours, NULL) == 0;
}

void async__interrupt_forget(void)
{
    struct sigaction now;
    if (sigaction(SIGINT, NULL, &now) == 0 && now.sa_handler == on_interrupt)
        signal(SIGINT, SIG_DFL);
    atomic_store(&target, NULL);
}

bool async__interrupted(struct loop *l)
{
    return atomic_load(&l->gate->signals) > 0;
}

void async__signals(struct loop *l)
{
    if (l->main && async__interrupted(l)) {
        async_task *t = l->main;
        l->main = NULL; /* once */
        async__task_request(t, ASYNC_CANCEL_SIGNAL, "interrupted", NULL);
    }
}
