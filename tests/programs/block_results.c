/* SPDX-License-Identifier: MIT */
/* block_results.c - the result of a block in unusual cases: left by break, cancelled, an error that
 * is ignored, a value that comes too late; and the order in which nested blocks are left. */
#include "fetch.h"

#define SHOW(r) printf("%-28s %s\n", __func__ + 6, (r) < 0 ? strerror(-(r)) : "ok")

ASYNC_DEF(say, (const char *)what)
{
    puts(what);
    return 0;
}

static async_context_manager noisy(const char *in, const char *out)
{
    return (async_context_manager){ say(in), say(out) };
}

ASYNC_DEF(left_by_break)
{
    int r;
    await_timeout (r, 0.01) {
        if ((r = await_sleep(1)) < 0)
            break;
        puts("not reached");
    }
    SHOW(r); /* the result is set after break, too */
    return 0;
}

ASYNC_DEF(forgotten_check)
{
    int r;
    await_timeout (r, 0.01)
        async_ignore(await_sleep(1)); /* interrupted, and the error is ignored */
    SHOW(r);
    return 0;
}

ASYNC_DEF(level_triggered)
{
    int r, again = 0;
    await_timeout (r, 0.01) {
        async_ignore(await_sleep(1));
        again = await_sleep(0); /* fails at once, like every await_ in this block */
    }
    SHOW(again);
    return 0;
}

ASYNC_DEF(late_value)
{
    int r;
    await_timeout (r, 0.01) {
        async_ignore(await_sleep(1));
        r = 8; /* too late */
    }
    SHOW(r);
    return 0;
}

ASYNC_DEF(stubborn)
{
    async_ignore(await_sleep(10));
    printf("cancelled by %s: %s\n", async_cancel_cause().who, async_cancel_cause().why);
    async_uncancel(); /* the cancel is handled, so the task may go on */
    return await_sleep(0.01);
}

ASYNC_DEF(uncancelled)
{
    await_task_auto t = async_create_task(stubborn());
    ASYNC_TRY(await_sleep(0));
    async_task_cancel(t, .reason = "enough");
    int r = await_task(t);
    SHOW(r);
    return 0;
}

ASYNC_DEF(stopped_group)
{
    int r;
    await_group (r, g) {
        async_spawn(g, async_sleep(10));
        ASYNC_TRY(await_sleep(0.01));
        async_group_cancel(g); /* enough; not an error */
    }
    SHOW(r);
    return 0;
}

ASYNC_DEF(body_fails)
{
    int r;
    await_group (r, g) {
        async_spawn(g, async_sleep(10));
        r = await_fetch("!");
    }
    SHOW(r);
    return 0;
}

ASYNC_DEF(three_deep)
{
    int r;
    await_with (r, noisy("outer in", "outer out")) /* left last */
        await_timeout (r, 0.02)
            await_with (r, noisy("inner in", "inner out")) /* left first */
                ASYNC_TRY(await_sleep(1));
    return r;
}

ASYNC_DEF(cancelled_task)
{
    await_task_auto t = async_create_task(async_sleep(10));
    ASYNC_TRY(await_sleep(0));
    async_task_cancel(t);
    int r = await_task(t); /* its result; this task is not cancelled */
    SHOW(r);
    return await_sleep(0);
}

ASYNC_DEF(group_in_timeout)
{
    int r;
    await_timeout (r, 0.02) {
        await_group (r, g) {
            async_spawn(g, async_sleep(10));
            async_spawn(g, async_sleep(20));
        }
    }
    SHOW(r);
    return 0;
}

ASYNC_DEF(amain)
{
    ASYNC_TRY(await_left_by_break());
    ASYNC_TRY(await_forgotten_check());
    ASYNC_TRY(await_level_triggered());
    ASYNC_TRY(await_late_value());
    ASYNC_TRY(await_uncancelled());
    ASYNC_TRY(await_stopped_group());
    ASYNC_TRY(await_body_fails());
    ASYNC_TRY(await_cancelled_task());
    ASYNC_TRY(await_group_in_timeout());
    int r = await_three_deep();
    printf("%s\n", strerror(-r));
    return 0;
}

int main(void)
{
    return async_main(amain());
}
