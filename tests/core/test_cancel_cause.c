/* SPDX-License-Identifier: MIT */
/* Tests of async_cancel_cause(): what cancelled a task, why, and where. */
#include "../frame/loop_test.h"

#include <signal.h>

ASYNC_DEF(log_cause)
{
    int r = await_sleep(100);
    async_cause c = async_cancel_cause();
    log_event("%d/%s/%s/%d", c.kind, c.who, c.why, c.site != NULL);
    return r;
}

ASYNC_DEF(request_cancel_twice, (async_task *)t)
{
    async_task_cancel(t, .reason = "too slow");
    async_task_cancel(t, .reason = "much too slow"); /* the first of two requests counts */
    return 0;
}

LOOP_TEST(cause_of_cancelled_task_is_first_request)
{
    expect_int(async_cancel_cause().kind, ASYNC_CANCEL_NONE);
    await_task_auto t = async_create_task(log_cause());
    expect_ok(await_sleep(1));
    await_task_auto a = async_create_task(request_cancel_twice(t), .name = "boss");
    expect_ok(await_task(a));
    expect_int(await_task(t), -ECANCELED);
    expect_events("1/boss/too slow/1");
    expect_int(async_cancel_cause().kind, ASYNC_CANCEL_NONE);
    return 0;
}

LOOP_TEST(cause_of_timeout_is_its_block)
{
    int r, s;
    const int line = __LINE__ + 1;
    await_timeout (r, 1) {
        expect_int(await_sleep(5), -ECANCELED);
        async_cause c = async_cancel_cause();
        expect_int(c.kind, ASYNC_CANCEL_TIMEOUT);
        expect_text(c.who, async_task_name(async_current_task()));
        expect_int(c.site->line, line);
        await_shield (s) /* also within a shield */
            expect_int(async_cancel_cause().kind, ASYNC_CANCEL_TIMEOUT);
    }
    expect_int(async_cancel_cause().kind, ASYNC_CANCEL_NONE);
    return 0;
}

LOOP_TEST(cause_shows_current_name_of_renamed_task)
{
    int r, s;
    async_task *self = async_current_task();
    async_task_set_name(self, "the first name");
    await_timeout (r, 1) {
        async_task_set_name(self, "the second one");
        expect_int(await_sleep(5), -ECANCELED);
        expect_text(async_cancel_cause().who, "the second one");
    }
    await_group (r, g) {
        async_group_cancel(g);
        async_task_set_name(self, "the third one");
        expect_text(async_cancel_cause().who, "the second one");
    }
    await_timeout (s, 1) {
        await_group (r, g2)
            async_spawn(g2, log_cause());
    }
    async_task_set_name(self, "the fourth one");
    expect_events("2/the third one//1");
    return 0;
}

ASYNC_DEF(fails, (double)after, (int)error)
{
    ASYNC_TRY(await_sleep(after));
    ASYNC_TRY(async_fail(error, "no luck"));
    return 0;
}

LOOP_TEST(cause_of_cancelled_child_is_failed_sibling_or_group_owner)
{
    int r;
    await_group (r, g) {
        async_spawn(g, log_cause());
        async_spawn(g, fails(1, -EIO), .name = "culprit");
    }
    expect_int(r, -EIO);
    expect_events("3/culprit/no luck/1");
    clear_events();
    await_group (r, g2) {
        async_spawn(g2, log_cause());
        expect_ok(await_sleep(1));
        async_group_cancel(g2);
    }
    expect_contains(event_log, "3/cause_of_cancelled_child_is_failed_sibling_or_group_owner_case/");
    return 0;
}

LOOP_TEST(cause_is_outermost_of_two)
{
    int outer, inner, s;
    await_timeout (outer, 2) {
        await_timeout (inner, 1) {
            expect_int(await_sleep(100), -ECANCELED);
            async_task_cancel(async_current_task(), .reason = "outermost");
            expect_int(async_cancel_cause().kind, ASYNC_CANCEL_TASK);
            expect_text(async_cancel_cause().why, "outermost");
            async_uncancel();
            await_shield (s)
                expect_ok(await_sleep(5));
            expect_int(async_cancel_cause().kind, ASYNC_CANCEL_TIMEOUT);
        }
    }
    return 0;
}

/* --- each way to be cancelled has a location in the source --- */

/* A copy: the strings of a cause go with the scope that was cancelled. */
static struct {
    enum async_cancel_kind kind;
    char why[64];
    const async_site *site;
} last_cause;

static void keep_cause(void)
{
    async_cause c = async_cancel_cause();
    last_cause.kind = c.kind;
    snprintf(last_cause.why, sizeof last_cause.why, "%s", c.why);
    last_cause.site = c.site;
}

ASYNC_DEF(keeps_its_cause)
{
    int r = await_sleep(100);
    keep_cause();
    return r;
}

#define expect_cause(kind_, why_, function)                                                        \
    do {                                                                                           \
        expect_int(last_cause.kind, kind_);                                                        \
        expect_text(last_cause.why, why_);                                                         \
        expect_true(last_cause.site != NULL);                                                      \
        expect_text(last_cause.site->func, function);                                              \
    } while (0)

ASYNC_DEF(drops_a_handle)
{
    await_task_auto t = async_create_task(keeps_its_cause());
    return t ? await_sleep(1) : -ENOMEM;
}

LOOP_TEST(dropped_handle_tells_where_the_handle_was_made)
{
    expect_ok(await_drops_a_handle());
    expect_cause(ASYNC_CANCEL_TASK, "its handle was dropped", "await_drops_a_handle");
    return 0;
}

ASYNC_DEF(leaves_its_group)
{
    int r;
    await_group (r, g) {
        async_spawn(g, keeps_its_cause());
        expect_ok(await_sleep(1));
        r = -EINVAL;
    }
    return r;
}

LOOP_TEST(left_body_tells_where_the_group_is)
{
    expect_int(await_leaves_its_group(), -EINVAL);
    expect_cause(ASYNC_CANCEL_GROUP, "its body was left", "await_leaves_its_group");
    return 0;
}

ASYNC_DEF(races)
{
    int result;
    return await_race(&result, keeps_its_cause(), async_sleep(1));
}

LOOP_TEST(lost_race_tells_where_the_race_is)
{
    expect_int(await_races(), 1);
    expect_cause(ASYNC_CANCEL_GROUP, "another coroutine won the race", "await_races");
    return 0;
}

ASYNC_GEN(int, generator_that_keeps_its_cause)
{
    int r = 0;
    for (int i = 0; r == 0; i++)
        r = await_yield(i);
    keep_cause();
    return r;
}

ASYNC_DEF(leaves_a_generator)
{
    int r;
    await_for_each (r, item, generator_that_keeps_its_cause())
        if (item == 1)
            break;
    return r;
}

LOOP_TEST(left_generator_tells_where_the_loop_over_it_is)
{
    expect_ok(await_leaves_a_generator());
    expect_cause(ASYNC_CANCEL_TASK, "the loop over it was left", "await_leaves_a_generator");
    return 0;
}

ASYNC_DEF(leaves_a_task_in_the_background)
{
    async_spawn(async_background(), keeps_its_cause());
    return await_sleep(1);
}

TEST(shutdown_tells_where_the_run_was_started)
{
    expect_ok(async_run(leaves_a_task_in_the_background(), .virtual_clock = true));
    expect_cause(ASYNC_CANCEL_SHUTDOWN, "main has returned", __func__);
}

ASYNC_DEF(is_interrupted)
{
    raise(SIGINT);
    return await_keeps_its_cause();
}

TEST(interrupt_tells_where_the_run_was_started)
{
    signal(SIGINT, SIG_DFL); /* Check has installed a handler of its own */
    expect_int(async_main(is_interrupted(), .virtual_clock = true), 130);
    expect_cause(ASYNC_CANCEL_SIGNAL, "interrupted by Ctrl-C", __func__);
}

LOOP_TEST(cause_inside_shield_is_cancellation_inside_shield)
{
    int r, s;
    await_shield (s) {
        await_timeout (r, 1) {
            expect_int(await_sleep(5), -ECANCELED);
            expect_true(async_task_cancel(async_current_task()));
            expect_int(async_cancel_cause().kind, ASYNC_CANCEL_TIMEOUT);
        }
        expect_int(r, -ETIMEDOUT);
        expect_int(async_cancel_cause().kind, ASYNC_CANCEL_TASK);
    }
    expect_ok(s);
    return async_uncancel();
}

SUITE("core-cancel_cause", dropped_handle_tells_where_the_handle_was_made,
      left_body_tells_where_the_group_is, lost_race_tells_where_the_race_is,
      left_generator_tells_where_the_loop_over_it_is, shutdown_tells_where_the_run_was_started,
      interrupt_tells_where_the_run_was_started, cause_of_cancelled_task_is_first_request,
      cause_of_timeout_is_its_block, cause_shows_current_name_of_renamed_task,
      cause_of_cancelled_child_is_failed_sibling_or_group_owner, cause_is_outermost_of_two,
      cause_inside_shield_is_cancellation_inside_shield)
