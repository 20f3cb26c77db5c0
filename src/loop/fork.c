/* SPDX-License-Identifier: MIT */
/* fork.c - what becomes of a loop in the child of fork().
 *
 * The child has a copy of the loop's memory, but shares the kernel's side of it with the parent:
 * what the child registered with epoll would change what the parent receives. So the copy is
 * disabled before the child goes on, and no later call has to check whether this process is still
 * the same. posix_spawn() and vfork() do not run these handlers. */
#include <pthread.h>

#include "arch/overflow.h"
#include "loop/loop.h"

_Thread_local bool async__forked;
unsigned async__fork_generation;

static void before_fork(void)
{
    async__overflow_lock(true);
    async__handles_lock(true);
}

static void after_fork(void)
{
    async__handles_lock(false);
    async__overflow_lock(false);
}

/* Closing the copy of epoll's descriptor takes nothing out of epoll, because the parent still has
 * it open. */
static void disable(struct loop *l)
{
    l->forked = l->stop = true;
    l->sched.ready.head = NULL;
    l->done_callbacks = 0;
    l->last.node.kind = 0;
    async__sys.close(l->poller.ep);
    l->poller.ep = -1;
    async__loop_keep(l);
    async__task_forked(l);
}

/* Only the thread that called fork() exists in the child. The loops of other threads are memory
 * that nothing uses. */
static void in_child(void)
{
    struct loop *l = async__loop;
    async__fork_generation++;
    async__handles_forked();
    after_fork();
    if (!l)
        return;
    async__loop_leave();
    async__forked = true;
    disable(l);
}

static void register_handlers(void)
{
    pthread_atfork(before_fork, after_fork, in_child);
}

void async__fork_watch(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, register_handlers);
}
