/* SPDX-License-Identifier: MIT */
/* fork.c - a child of fork() has copies of our memory, but shares the kernel's side of a loop with its parent: what it told
 * epoll, the parent would hear. So the copy is put out of action before the child goes on, and nobody has to ask
 * later whether this process is still the one that it was. posix_spawn() and vfork() do not come by here. */
#include <pthread.h>

#include "arch/overflow.h"
#include "loop/loop.h"

_Thread_local bool async__forked;

static void before(void)
{
    async__overflow_lock(true);
    async__handles_lock(true);
}

static void in_parent(void)
{
    async__handles_lock(false);
    async__overflow_lock(false);
}

/* Closing does not take anything out of epoll, as the parent still has it open. */
static void put_out_of_action(struct loop *l)
{
    l->forked = l->stop = true;
    l->ready.head = NULL;
    l->done_callbacks = l->done_callbacks_owed = 0;
    async__sys.close(l->poller.ep);
    l->poller.ep = -1;
    async__handle_forked(l->handle);
    async__task_forked(l);
}

/* Only the thread that called fork() is left. Loops of others are memory that nobody looks at. */
static void in_child(void)
{
    in_parent();
    struct loop *l = async__loop;
    if (!l)
        return;
    async__loop_leave();
    async__forked = true;
    put_out_of_action(l);
}

static void watch(void)
{
    pthread_atfork(before, in_parent, in_child);
}

void async__fork_watch(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, watch);
}
