/* SPDX-License-Identifier: MIT */
#include "sync/bind.h"

/* Warn that an object belongs to another loop. */
static int refuse_foreign(const struct loop *l, const char *what)
{
    const async_task *t = l ? l->sched.current : NULL;
    if (t)
        async__warn("task \"%s\" uses %s that belongs to another thread's loop; use "
                    "async_call_soon_threadsafe()",
                    async__task_label(t).text, what);
    else
        async__warn("a thread uses %s that belongs to another thread's loop; use "
                    "async_call_soon_threadsafe()",
                    what);
    return -EPERM;
}

/* A thread without a loop may set up an object that is not in use; the object is then bound to no
 * loop. In a child of fork() without a loop of its own the object stays bound to the parent's, so
 * that waking one of the parent's tasks is an error. If two threads use an unbound object at the
 * same time, one of them is refused. */
int async__bind(uint64_t *loop, const char *what)
{
    const struct loop *l = async__loop;
    uint64_t here = l ? l->serial : 0, was = __atomic_load_n(loop, __ATOMIC_RELAXED);
    do {
        if (was == here || (!here && async__forked))
            return 0;
        if (was && async__handle_is_open(was))
            return refuse_foreign(l, what);
    } while (!__atomic_compare_exchange_n(loop, &was, here, false, __ATOMIC_ACQ_REL,
                                          __ATOMIC_RELAXED));
    return was ? TAKEN_OVER : 0;
}
