/* SPDX-License-Identifier: MIT */
#include "sync/bind.h"

static int refuse(const struct loop *l, const char *what)
{
    if (l && l->current)
        async__warn("task \"%s\" uses %s of another thread's loop", l->current->name, what);
    else
        async__warn("a thread uses %s of another thread's loop; let it do so itself, by "
                        "async_call_soon_threadsafe()",
                        what);
    return -EPERM;
}

/* A thread without a loop may prepare what nobody uses yet: then it is nobody's. In a child of fork() without a loop it
 * stays its parent's, so that whoever wakes a task of the parent's hears of it. */
int async__bind(async_loop **to, const char *what)
{
    const struct loop *l = async__loop;
    async_loop *home = l ? l->handle : NULL, *was = __atomic_load_n(to, __ATOMIC_RELAXED);
    do {
        if (was == home || (!home && async__forked))
            return 0;
        if (was && async__handle_is_open(was))
            return refuse(l, what);
    } while (!__atomic_compare_exchange_n(to, &was, home, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
    return was ? TAKEN_OVER : 0;
}
