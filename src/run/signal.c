/* SPDX-License-Identifier: MIT */
#include "run/signal.h"

#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "run/run.h"
#include "task/task.h"

/* The handle of the loop that watches for Ctrl-C; NULL: none does. */
static _Atomic(async_loop *) watching;

/* Enter that handle. Any thread may run the signal handler, while the loop's own thread stops
 * watching and closes the handle. So the variable is read again once the handle was entered:
 * closing waits until nothing is inside, and the memory of a handle is never freed. */
static async_loop *enter_watching(void)
{
    for (async_loop *h; (h = atomic_load(&watching));) {
        handle_enter(h);
        if (atomic_load(&watching) == h)
            return h;
        handle_leave(h);
    }
    return NULL;
}

/* The second Ctrl-C takes its default effect when this handler returns. */
static void on_interrupt(int sig)
{
    int saved = errno;
    async_loop *h = enter_watching();
    bool first = h && atomic_fetch_add(&h->interrupts, 1) == 0;
    if (first)
        async__handle_wake(h);
    if (h)
        handle_leave(h);
    if (!first) {
        signal(sig, SIG_DFL);
        raise(sig);
    }
    errno = saved;
}

bool async__interrupt_watch(struct loop *l)
{
    struct sigaction now,
            ours = { .sa_handler = on_interrupt, .sa_flags = SA_ONSTACK | SA_RESTART };
    sigaction(SIGINT, NULL, &now);
    if (gettid() != getpid() || now.sa_handler != SIG_DFL)
        return false;
    sigemptyset(&ours.sa_mask);
    atomic_store(&l->handle->interrupts, 0);
    atomic_store(&watching, l->handle);
    sigaction(SIGINT, &ours, NULL);
    return true;
}

void async__interrupt_unwatch(void)
{
    struct sigaction now;
    sigaction(SIGINT, NULL, &now);
    if (now.sa_handler == on_interrupt)
        signal(SIGINT, SIG_DFL);
    atomic_store(&watching, NULL);
}

bool async__interrupted(const struct loop *l)
{
    return atomic_load(&l->handle->interrupts) > 0;
}
