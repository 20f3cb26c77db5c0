/* SPDX-License-Identifier: MIT */
/* Groups: children that end before the block that started them. */
#include "group.h"

LOOP_TEST(end_awaits_children)
{
    int r;
    await_group (r, g) {
        async_spawn(g, child("b", 2));
        async_spawn(g, child("a", 1));
        log_event("body");
        r = 4;
    }
    expect_int(r, 4);
    expect_events("body a=0 b=0");
    expect_time(2);
    return 0;
}

LOOP_TEST(empty_group)
{
    int r;
    await_group (r, g)
        expect_true(async_group_errors(g) == NULL);
    expect_ok(r);
    expect_time(0);
    return 0;
}

LOOP_TEST(children_start_in_order)
{
    int r;
    await_group (r, g) {
        async_spawn(g, child("1", 0));
        async_task *t = async_group_create_task(g, child("2", 0));
        async_spawn(g, child("3", 0));
        expect_events("");
        expect_ok(await_task(t));
    }
    expect_ok(r);
    expect_events("1=0 2=0 3=0");
    return 0;
}

/* Three failing children and one slow, a body asleep: the first failure cancels the slow child and the body. */
LOOP_TEST(cancel_children_on_child_error)
{
    int r, body = 0;
    await_group (r, g) {
        async_spawn(g, fails(1, -EIO), .name = "a");
        async_spawn(g, fails(1, -EPROTO), .name = "b");
        async_spawn(g, fails(1, -EDOM), .name = "c");
        async_spawn(g, child("slow", 100));
        body = await_sleep(100);
    }
    expect_int(body, -ECANCELED);
    expect_int(r, -EIO);
    expect_events("slow=-ECANCELED");
    expect_time(1);
    clear_events();
    codes(g);
    /* only real errors; b and c may have been cancelled by a */
    expect_contains(event_log, "a:-EIO");
    expect_true(!strstr(event_log, "ECANCELED"));
    return 0;
}

/* A group waits at its end, the parent is cancelled: so are the children, a plain cancellation comes out. */
ASYNC_DEF(waits_at_the_end, (int *)verdict)
{
    int r;
    await_group (r, g) {
        async_spawn(g, child("a", 100));
        async_spawn(g, fails_late(3, 0));
    }
    *verdict = r;
    expect_true(async_group_errors(g) == NULL);
    expect_text(async_cancel_cause().why, "enough");
    expect_int(async_cancelling(), 1);
    return r;
}

LOOP_TEST(taskgroup_22)
{
    int verdict = 0;
    await_task_auto t = async_create_task(waits_at_the_end(&verdict));
    expect_ok(await_sleep(1));
    async_task_cancel(t, .reason = "enough");
    expect_int(await_task(t), -ECANCELED);
    expect_int(verdict, -ECANCELED);
    expect_events("a=-ECANCELED");
    expect_time(4);
    return 0;
}

/* A group failed and its error was handled: nothing is left of it. */
LOOP_TEST(cancellation_does_not_leak)
{
    int r;
    await_group (r, g) {
        async_spawn(g, fails(1, -EIO));
        async_ignore(await_sleep(100));
    }
    expect_int(r, -EIO);
    expect_ok(async_cancelling());
    expect_ok(await_sleep(1));
    return 0;
}

/* ...and a request that was there before is still there, neither more nor less. */
LOOP_TEST(cancelling_level_preserved)
{
    int r, s;
    async_task_cancel(async_current_task());
    await_shield (s) {
        await_group (r, g) {
            async_spawn(g, fails(1, -EIO));
        }
    }
    expect_int(r, -EIO);
    expect_int(async_cancelling(), 1);
    expect_ok(async_uncancel());
    expect_ok(await_sleep(1));
    return 0;
}

ASYNC_DEF(fails_in_a_group, (int *)verdict)
{
    int r, s;
    await_group (r, g) {
        async_spawn(g, fails_late(0, -EIO));
        await_shield (s)
            expect_ok(await_sleep(2));
    }
    *verdict = r;
    return await_sleep(0);
}

/* External cancel together with child errors: the errors are reported, the cancel stays pending. */
LOOP_TEST(errors_and_an_outer_cancel)
{
    int verdict = 0;
    await_task_auto t = async_create_task(fails_in_a_group(&verdict));
    expect_ok(await_sleep(1));
    async_task_cancel(t);
    expect_int(await_task(t), -ECANCELED);
    expect_int(verdict, -EIO);
    return 0;
}

ASYNC_DEF(never, (bool *)ran)
{
    *ran = true;
    return 0;
}

/* no_create_task_after_failure, finished, not_entered: refused, nothing starts. */
LOOP_TEST(spawn_refused)
{
    int r;
    bool ran = false;
    await_group (r, g) {
        async_spawn(g, fails(1, -EIO));
        expect_int(await_sleep(100), -ECANCELED);
        expect_int(async_spawn(g, never(&ran)), -ECANCELED);
        async_task *t = async_group_create_task(g, never(&ran));
        expect_true(t != NULL);
        expect_true(async_task_done(t));
        expect_true(async_task_cancelled(t));
        expect_false(async_task_cancel(t));
    }
    expect_int(r, -EIO);
    expect_int(async_spawn(g, never(&ran)), -ECANCELED);
    async_task *t = async_group_create_task(g, never(&ran));
    expect_int(await_task(t), -ECANCELED);
    expect_ok(await_sleep(1));
    expect_false(ran);
    return 0;
}

/* precancelled_task: our rule */
LOOP_TEST(spawn_into_a_cancelled_group)
{
    int r;
    bool ran = false;
    await_group (r, g) {
        async_group_cancel(g);
        expect_int(async_spawn(g, never(&ran)), -ECANCELED);
    }
    expect_ok(r);
    expect_false(ran);
    return 0;
}

/* A child spawned before the group's cancel, but not started. */
LOOP_TEST(cancelled_before_first_step)
{
    int r;
    bool ran = false;
    await_group (r, g) {
        expect_ok(async_spawn(g, never(&ran)));
        async_group_cancel(g);
    }
    expect_ok(r);
    expect_false(ran);
    return 0;
}

ASYNC_DEF(spawns, (async_group *)g, (int *)result)
{
    expect_ok(await_sleep(1));
    *result = async_spawn(g, child("late", 1));
    return 0;
}

/* While the end merely awaits its children they may spawn siblings; not when it ends by a failure. */
LOOP_TEST(spawn_at_the_end)
{
    int r, result = 1;
    await_group (r, g)
        async_spawn(g, spawns(g, &result));
    expect_ok(r);
    expect_ok(result);
    expect_events("late=0");
    expect_time(2);
    return 0;
}

ASYNC_DEF(spawns_when_cancelled, (async_group *)g, (int *)result)
{
    expect_int(await_sleep(100), -ECANCELED);
    *result = async_spawn(g, child("late", 1));
    return 0;
}

LOOP_TEST(spawn_while_failing)
{
    int r, result = 1;
    await_group (r, g) {
        async_spawn(g, spawns_when_cancelled(g, &result));
        expect_ok(await_sleep(1));
        r = -EIO;
    }
    expect_int(r, -EIO);
    expect_int(result, -ECANCELED);
    expect_events("");
    return 0;
}

/* taskgroup_19, timeout_taskgroup: the cleanup after the cancel fails: reported together with the first. */
LOOP_TEST(cleanup_fails_too)
{
    int r;
    await_group (r, g) {
        async_spawn(g, fails(1, -EIO), .name = "first");
        async_spawn(g, fails_late(1, -EPROTO), .name = "second");
    }
    expect_int(r, -EIO);
    codes(g);
    expect_events("first:-EIO second:-EPROTO");
    return 0;
}

/* A child that was cancelled is no error, whoever cancelled it. */
LOOP_TEST(cancelled_child_is_no_error)
{
    int r;
    await_group (r, g) {
        async_task *t = async_group_create_task(g, child("a", 100));
        async_spawn(g, child("b", 2));
        expect_ok(await_sleep(1));
        expect_true(async_task_cancel(t));
        expect_int(await_task(t), -ECANCELED);
    }
    expect_ok(r);
    expect_true(async_group_errors(g) == NULL);
    expect_events("a=-ECANCELED b=0");
    return 0;
}

LOOP_TEST(handles_live_as_long_as_the_group)
{
    int r;
    async_task *t = NULL;
    await_group (r, g) {
        t = async_group_create_task(g, child("a", 1), .name = "anna");
    }
    expect_ok(r);
    expect_ok(await_task(t));
    expect_text(async_task_name(t), "anna");
    expect_true(async_task_done(t));
    return 0;
}

ASYNC_DEF(spawns_many, (async_group *)g, (int)depth)
{
    if (depth > 0)
        async_spawn(g, spawns_many(g, depth - 1));
    return await_sleep(0);
}

/* A server's group must not grow: spawned children leave nothing behind. */
LOOP_TEST(many_children)
{
    int r;
    await_group (r, g) {
        for (int i = 0; i < 5000; i++)
            async_spawn(g, async_sleep(i % 7));
        async_spawn(g, spawns_many(g, 2000));
        expect_ok(await_sleep(7));
        expect_true(g->first == NULL && g->running == 0);
    }
    expect_ok(r);
    return 0;
}

ASYNC_GEN(int, broken_items, (int)n)
{
    ASYNC_TRY(await_yield(n));
    return async_fail(-EPROTO, "no item after %d", n);
}

ASYNC_DEF(reads_them)
{
    int r;
    await_for_each (r, x, broken_items(3))
        expect_int(x, 3);
    return r;
}

/* The body's error has no words of its own: it came out of a generator, or another group. */
LOOP_TEST(words_that_a_body_passed_on)
{
    int r;
    await_group (r, g)
        r = await_reads_them();
    expect_int(r, -EPROTO);
    expect_text(async_fail_text(r), "no item after 3");
    expect_text(async_group_errors(g)->text, "");
    expect_text(async_fail_text(-EIO), "");
    return 0;
}

/* Nothing can be made of it, but its failure is like that of the others. */
static int await_spawned(async_co co, const char *name, const char *known_as)
{
    int r;
    await_group (r, g) {
        async_spawn(g, async_sleep(100));
        expect_int(async_spawn(g, co, .stack_size = SIZE_MAX, .name = name), -EINVAL);
        expect_contains(captured_stderr(), "is more than 1 GiB");
    }
    const async_error *e = async_group_errors(g);
    expect_int(e->code, -EINVAL);
    expect_text(e->task, known_as);
    expect_text(e->text, "no stack of that size");
    expect_true(e->created && !e->site && !e->next && !e->cause && e->trace_depth == 0);
    expect_text(async_fail_text(r), "no stack of that size");
    return r;
}

LOOP_TEST(a_child_that_cannot_be_made_is_among_the_errors)
{
    async_co nameless = async_sleep(1);
    nameless.name = NULL;
    expect_int(await_spawned(async_sleep(1), "the giant", "the giant"), -EINVAL);
    expect_int(await_spawned(async_sleep(1), NULL, "sleep"), -EINVAL);
    expect_int(await_spawned(nameless, NULL, "task"), -EINVAL);
    expect_int(async_spawn(async_background(), async_sleep(1), .stack_size = SIZE_MAX), -EINVAL);
    expect_contains(captured_stderr(), "is more than 1 GiB");
    return 0;
}

SUITE("group", end_awaits_children, empty_group, children_start_in_order,
      cancel_children_on_child_error, taskgroup_22, cancellation_does_not_leak,
      cancelling_level_preserved, errors_and_an_outer_cancel, spawn_refused,
      spawn_into_a_cancelled_group, cancelled_before_first_step, spawn_at_the_end,
      spawn_while_failing, cleanup_fails_too, cancelled_child_is_no_error,
      handles_live_as_long_as_the_group, many_children, words_that_a_body_passed_on,
      a_child_that_cannot_be_made_is_among_the_errors)
