/* SPDX-License-Identifier: MIT */
/* Calls on threads, swept: what fails is the loop's side, the bodies just do their work. */
#include "scenario.h"

ASYNC_LOCAL(int, number, 0);

/* An item is what a body has made: it has run if, and only if, its call says so. */
ASYNC_THREAD(makes, (bool *)ran, (int)n)
{
    *ran = true;
    return async_local_get(number) == 7 ? n : -EPROTO;
}

ASYNC_DEF(calls, (int)n)
{
    for (int i = 0; i < 3; i++) {
        bool ran = false;
        int r = await_makes(&ran, n + i);
        must(ran == (r >= 0));
        must(r < 0 || r == n + i);
        ASYNC_TRY(r);
    }
    return 0;
}

SCENARIO(calls_at_once)
{
    ASYNC_TRY(async_local_set(number, 7));
    return await_gather(NULL, calls(1), calls(10), calls(100));
}

/* In real time: the virtual clock waits a moment for threads, which may be too short for a slow machine. */
REAL_SCENARIO(calls_in_blocks)
{
    int r, s = 0;
    ASYNC_TRY(async_local_set(number, 7));
    await_timeout (r, 1000) {
        await_group (s, g) {
            async_spawn(g, calls(1));
            ASYNC_TRY(await_calls(2));
        }
        await_shield (s)
            s = await_calls(3);
        r = s;
    }
    return r;
}

/* What is handed over is given back by exactly one side, by whichever way. */
static void give_back(void *owned)
{
    account.kept++;
    free(owned);
}

ASYNC_THREAD(fills, (int *)owned)
{
    *owned = 42;
    return 0;
}

ASYNC_DEF(hands_over)
{
    int *owned = malloc(sizeof *owned);
    account.made++;
    int r = await_to_thread(fills(owned), .abandon = true, .owned = owned, .release = give_back);
    must(r < 0 || *owned == 42);
    if (r != -ECANCELED) {
        account.used++;
        free(owned);
    }
    return r;
}

SCENARIO(abandoned_calls)
{
    ASYNC_TRY(await_gather(NULL, hands_over(), hands_over()));
    return await_hands_over();
}

/* A failure's sentence, and the pool's figures. */
ASYNC_THREAD(fails, (int)code)
{
    return async_fail(code, "as it was asked to");
}

SCENARIO(a_call_that_fails)
{
    struct async_pool_stats s;
    int r = await_to_thread(fails(-EPROTO));
    must(r != -EPROTO || !strcmp(async_fail_text(r), "as it was asked to"));
    ASYNC_TRY(async_pool_stats(ASYNC_POOL_THREADS, &s));
    must(s.queued == 0 && s.running == 0);
    return r == -EPROTO ? 0 : r;
}
