/* SPDX-License-Identifier: MIT */
#include <asyncio/limiter.h>

#include "sync/bind.h"
#include "task/scope.h"

static int bind_limiter(async_limiter *l)
{
    return bind_with_queue(&l->loop, &l->waiters, "a limiter");
}

/* Lend free tokens to the first tasks in the queue. So no token is free while a task waits. */
static void lend_tokens(async_limiter *l)
{
    while (l->borrowed < l->total && async__wake_first(&l->waiters, 0))
        l->borrowed++;
}

static void return_token(async_limiter *l)
{
    l->borrowed--;
    lend_tokens(l);
}

int async_limiter_acquire_nowait(async_limiter *l, async_token *token)
{
    int r = bind_limiter(l);
    if (r < 0)
        return r;
    if (token->limiter)
        return -EALREADY;
    if (l->borrowed >= l->total)
        return -EAGAIN;
    l->borrowed++;
    *token = (async_token){ .limiter = l, .borrowed = true };
    return 0;
}

/* The token counts as taken as soon as the task begins to wait, so that it cannot be used for a
 * second call meanwhile. */
int await_limiter_acquire(async_limiter *l, async_token *token)
{
    async_task *t;
    int r = await_begin(&t, "await_limiter_acquire");
    if (r == 0)
        r = async_limiter_acquire_nowait(l, token);
    if (likely(r != -EAGAIN))
        return r;
    bool chosen;
    token->limiter = l;
    wait_is(t, WAITS_LIMITER);
    r = wait_to_acquire(t, &l->waiters, &chosen);
    token->borrowed = r == 0;
    if (r == 0)
        return 0;
    token->limiter = NULL;
    if (chosen)
        return_token(l);
    return r;
}

int async_limiter_release(async_limiter *l, async_token *token)
{
    int r = bind_limiter(l);
    if (r < 0)
        return r;
    if (token->limiter != l || !token->borrowed) {
        async__warn("async_limiter_release() of a token that was not borrowed from this limiter: "
                    "release each token once, to the limiter that it comes from");
        return -EINVAL;
    }
    *token = (async_token){ .limiter = NULL };
    return_token(l);
    return 0;
}

int async_limiter_resize(async_limiter *l, size_t total)
{
    int r = bind_limiter(l);
    if (r < 0)
        return r;
    l->total = total;
    lend_tokens(l);
    return 0;
}

/* --- as a context manager --- */

ASYNC__MAKE(limiter_enter, "borrow", await_limiter_acquire, (async_limiter *)l,
            (async_token *)token)
ASYNC__MAKE(limiter_leave, "give_back", async_limiter_release, (async_limiter *)l,
            (async_token *)token)

async_context_manager async_limiter_borrow(async_limiter *l, async_token *token)
{
    return (async_context_manager){ limiter_enter(l, token), limiter_leave(l, token) };
}
