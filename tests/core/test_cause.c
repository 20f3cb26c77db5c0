/* SPDX-License-Identifier: MIT */
/* Whose cancellation it is. */
#include "run.h"

ASYNC_DEF(tells)
{
    int r = await_sleep(100);
    async_cause c = async_cancel_cause();
    note("%d/%s/%s/%d", c.kind, c.who, c.why, c.site != NULL);
    return r;
}

ASYNC_DEF(asks, (async_task *)t)
{
    async_task_cancel(t, .reason = "too slow");
    async_task_cancel(t, .reason = "much too slow"); /* of two requests the first */
    return 0;
}

CASE(cause_task)
{
    is(async_cancel_cause().kind, ASYNC_CANCEL_NONE);
    await_task_auto t = async_create_task(tells());
    ok(await_sleep(1));
    await_task_auto a = async_create_task(asks(t), .name = "boss");
    ok(await_task(a));
    is(await_task(t), -ECANCELED);
    is_trail("1/boss/too slow/1");
    is(async_cancel_cause().kind, ASYNC_CANCEL_NONE);
    return 0;
}

CASE(cause_timeout)
{
    int r, s;
    const int line = __LINE__ + 1;
    await_timeout (r, 1) {
        is(await_sleep(5), -ECANCELED);
        async_cause c = async_cancel_cause();
        is(c.kind, ASYNC_CANCEL_TIMEOUT);
        is_text(c.who, async_task_name(async_current_task()));
        is(c.site->line, line);
        await_shield (s) /* also within a shield */
            is(async_cancel_cause().kind, ASYNC_CANCEL_TIMEOUT);
    }
    is(async_cancel_cause().kind, ASYNC_CANCEL_NONE);
    return 0;
}

CASE(cause_renamed)
{
    int r, s;
    async_task *self = async_current_task();
    async_task_set_name(self, "the first name");
    await_timeout (r, 1) {
        async_task_set_name(self, "the second one");
        is(await_sleep(5), -ECANCELED);
        is_text(async_cancel_cause().who, "the second one");
    }
    await_group (r, g) {
        async_group_cancel(g);
        async_task_set_name(self, "the third one");
        is_text(async_cancel_cause().who, "the second one");
    }
    await_timeout (s, 1) {
        await_group (r, g2)
            async_spawn(g2, tells());
    }
    async_task_set_name(self, "the fourth one");
    is_trail("2/the third one//1");
    return 0;
}

ASYNC_DEF(fails, (double)after, (int)error)
{
    ASYNC_TRY(await_sleep(after));
    ASYNC_TRY(async_fail(error, "no luck"));
    return 0;
}

CASE(cause_group)
{
    int r;
    await_group (r, g) {
        async_spawn(g, tells());
        async_spawn(g, fails(1, -EIO), .name = "culprit");
    }
    is(r, -EIO);
    is_trail("3/culprit/no luck/1");
    forget_trail();
    await_group (r, g2) {
        async_spawn(g2, tells());
        ok(await_sleep(1));
        async_group_cancel(g2);
    }
    has_text(trail, "3/cause_group_case/");
    return 0;
}

/* Of two causes the outermost. */
CASE(cause_outermost)
{
    int outer, inner, s;
    await_timeout (outer, 2) {
        await_timeout (inner, 1) {
            is(await_sleep(100), -ECANCELED);
            async_task_cancel(async_current_task(), .reason = "outermost");
            is(async_cancel_cause().kind, ASYNC_CANCEL_TASK);
            is_text(async_cancel_cause().why, "outermost");
            async_uncancel();
            await_shield (s)
                ok(await_sleep(5));
            is(async_cancel_cause().kind, ASYNC_CANCEL_TIMEOUT);
        }
    }
    return 0;
}

SUITE("cause", cause_task, cause_timeout, cause_renamed, cause_group, cause_outermost)
