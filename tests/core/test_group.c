/* SPDX-License-Identifier: MIT */
/* Tests of groups: children that end before the block that started them. */
#include "group.h"

typedef async_queue_of(int, 3) queue3;

LOOP_TEST(end_of_group_awaits_children)
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

LOOP_TEST(empty_group_ends_at_once)
{
    int r;
    await_group (r, g)
        expect_true(async_group_errors(g) == NULL);
    expect_ok(r);
    expect_time(0);
    return 0;
}

LOOP_TEST(children_start_in_order_of_spawns)
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

ASYNC_DEF(puts_once_and_fails, (queue3 *)q)
{
    ASYNC_TRY(await_queue_put(q, 1));
    ASYNC_TRY(await_sleep(1));
    return async_fail(-EIO, "no more items");
}

ASYNC_DEF(consumes_from_child)
{
    int r;
    queue3 q = ASYNC_QUEUE(q);
    await_group (r, g) {
        async_spawn(g, puts_once_and_fails(&q));
        for (int item;;) {
            ASYNC_TRY(await_queue_get(&q, &item));
            log_event("%d", item);
        }
    }
    return r;
}

/* The body returns the error of the child, not its own cancellation. */
LOOP_TEST(failing_child_interrupts_body_that_waits_for_its_items)
{
    expect_int(await_consumes_from_child(), -EIO);
    expect_text(async_fail_text(-EIO), "no more items");
    expect_events("1");
    return 0;
}

/* Three children fail, one is slow, and the body sleeps. */
LOOP_TEST(first_failing_child_cancels_siblings_and_body)
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
    log_group_errors(g);
    /* only real errors; b and c may have been cancelled by a */
    expect_contains(event_log, "a:-EIO");
    expect_true(!strstr(event_log, "ECANCELED"));
    return 0;
}

/* The parent is cancelled while its group waits at its end. The children are cancelled, too, and
 * the result is -ECANCELED. */
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

LOOP_TEST(cancel_at_end_of_group_cancels_children_and_comes_out)
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

LOOP_TEST(handled_group_error_leaves_no_cancellation)
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

LOOP_TEST(group_failure_keeps_earlier_cancel_request)
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

LOOP_TEST(group_returns_child_error_while_outer_cancel_stays_pending)
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

/* Nothing starts. */
LOOP_TEST(spawn_into_failed_or_closed_group_is_refused)
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

LOOP_TEST(spawn_into_cancelled_group_is_refused)
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

LOOP_TEST(child_cancelled_before_first_step_never_runs)
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

/* Not if the group ends because of a failure. */
LOOP_TEST(child_may_spawn_sibling_while_end_awaits_it)
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

LOOP_TEST(child_of_failing_group_cannot_spawn_sibling)
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

LOOP_TEST(failing_cleanup_is_reported_with_first_error)
{
    int r;
    await_group (r, g) {
        async_spawn(g, fails(1, -EIO), .name = "first");
        async_spawn(g, fails_late(1, -EPROTO), .name = "second");
    }
    expect_int(r, -EIO);
    log_group_errors(g);
    expect_events("first:-EIO second:-EPROTO");
    return 0;
}

/* Whatever cancelled it. */
LOOP_TEST(cancelled_child_is_no_error_of_group)
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

LOOP_TEST(handle_of_child_is_valid_after_group)
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

/* The group of a server must not grow. */
LOOP_TEST(ended_children_leave_nothing_in_group)
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

/* The error of the body has no message of its own, because it comes from a generator. */
LOOP_TEST(group_error_has_message_of_generator_in_body)
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

/* The child cannot be created, but its failure is reported like that of the others. */
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

LOOP_TEST(child_that_cannot_be_created_is_an_error_of_group)
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

SUITE("core-group", end_of_group_awaits_children, empty_group_ends_at_once,
      children_start_in_order_of_spawns, failing_child_interrupts_body_that_waits_for_its_items,
      first_failing_child_cancels_siblings_and_body,
      cancel_at_end_of_group_cancels_children_and_comes_out,
      handled_group_error_leaves_no_cancellation, group_failure_keeps_earlier_cancel_request,
      group_returns_child_error_while_outer_cancel_stays_pending,
      spawn_into_failed_or_closed_group_is_refused, spawn_into_cancelled_group_is_refused,
      child_cancelled_before_first_step_never_runs, child_may_spawn_sibling_while_end_awaits_it,
      child_of_failing_group_cannot_spawn_sibling, failing_cleanup_is_reported_with_first_error,
      cancelled_child_is_no_error_of_group, handle_of_child_is_valid_after_group,
      ended_children_leave_nothing_in_group, group_error_has_message_of_generator_in_body,
      child_that_cannot_be_created_is_an_error_of_group)
