/* SPDX-License-Identifier: MIT */
/* Tests of capacity limiters: tokens, their order, their number, and misuse. */
#include "../frame/loop_test.h"

ASYNC_DEF(works, (async_limiter *)l, (const char *)name, (double)seconds)
{
    int r;
    async_token token = { 0 };
    await_with (r, async_limiter_borrow(l, &token)) {
        log_event("%s+", name);
        r = await_sleep(seconds);
        log_event("%s-", name);
    }
    if (r < 0)
        log_event("%s:%s", name, result_text(r));
    return r;
}

LOOP_TEST(as_many_tasks_work_as_there_are_tokens)
{
    async_limiter l = ASYNC_LIMITER(2);
    expect_ok(await_gather(NULL, works(&l, "a", 1), works(&l, "b", 2), works(&l, "c", 1),
                           works(&l, "d", 1)));
    expect_events("a+ b+ a- c+ b- c- d+ d-");
    expect_time(3);
    expect_ok(async_limiter_borrowed(&l));
    return 0;
}

LOOP_TEST(more_tokens_let_tasks_in_at_once)
{
    async_limiter l = ASYNC_LIMITER(0);
    int r;
    await_group (r, g) {
        for (int i = 0; i < 3; i++)
            async_spawn(g, works(&l, "x", 1));
        expect_ok(await_sleep(1));
        expect_events("");
        expect_ok(async_limiter_resize(&l, 2));
        expect_int(async_limiter_total(&l), 2);
        expect_ok(await_sleep(0));
        expect_events("x+ x+");
        expect_int(async_limiter_borrowed(&l), 2);
    }
    expect_time(3);
    return r;
}

LOOP_TEST(fewer_tokens_take_none_away_and_let_no_task_in)
{
    async_limiter l = ASYNC_LIMITER(2);
    int r;
    await_group (r, g) {
        async_spawn(g, works(&l, "a", 1));
        async_spawn(g, works(&l, "b", 2));
        async_spawn(g, works(&l, "c", 1));
        expect_ok(await_sleep(0));
        expect_ok(async_limiter_resize(&l, 1));
        expect_int(async_limiter_borrowed(&l), 2);
    }
    expect_events("a+ b+ a- b- c+ c-");
    return r;
}

LOOP_TEST(same_token_borrowed_twice_is_refused)
{
    async_limiter l = ASYNC_LIMITER(2), other = ASYNC_LIMITER(2);
    async_token token = { 0 };
    expect_ok(await_limiter_acquire(&l, &token));
    expect_int(await_limiter_acquire(&l, &token), -EALREADY);
    expect_int(async_limiter_acquire_nowait(&other, &token), -EALREADY);
    expect_int(async_limiter_borrowed(&l), 1);
    return async_limiter_release(&l, &token);
}

ASYNC_DEF(waits_for, (async_limiter *)l, (async_token *)token)
{
    ASYNC_TRY(await_limiter_acquire(l, token));
    return async_limiter_release(l, token);
}

LOOP_TEST(token_that_another_task_waits_for_is_refused)
{
    async_limiter l = ASYNC_LIMITER(1);
    async_token held = { 0 }, token = { 0 };
    expect_ok(await_limiter_acquire(&l, &held));
    await_task_auto t = async_create_task(waits_for(&l, &token));
    expect_ok(await_sleep(0));
    expect_int(await_limiter_acquire(&l, &token), -EALREADY);
    expect_int(async_limiter_release(&l, &token), -EINVAL);
    expect_contains(captured_stderr(),
                    "async_limiter_release() of a token that was not borrowed from this limiter");
    expect_ok(async_limiter_release(&l, &held));
    return await_task(t);
}

LOOP_TEST(token_given_back_twice_is_refused_with_a_message)
{
    async_limiter l = ASYNC_LIMITER(1), other = ASYNC_LIMITER(1);
    async_token token = { 0 };
    expect_ok(await_limiter_acquire(&l, &token));
    expect_int(async_limiter_release(&other, &token), -EINVAL);
    expect_contains(captured_stderr(), "not borrowed from this limiter");
    expect_ok(async_limiter_release(&l, &token));
    expect_int(async_limiter_release(&l, &token), -EINVAL);
    expect_contains(captured_stderr(), "not borrowed from this limiter");
    expect_ok(async_limiter_borrowed(&l));
    return 0;
}

LOOP_TEST(nowait_does_not_overtake_a_task_that_waits)
{
    async_limiter l = ASYNC_LIMITER(1);
    async_token held = { 0 }, token = { 0 }, mine = { 0 };
    expect_ok(async_limiter_acquire_nowait(&l, &held));
    expect_int(async_limiter_acquire_nowait(&l, &mine), -EAGAIN);
    await_task_auto t = async_create_task(waits_for(&l, &token));
    expect_ok(await_sleep(0));
    expect_ok(async_limiter_release(&l, &held)); /* it belongs to the task that waits */
    expect_int(async_limiter_acquire_nowait(&l, &mine), -EAGAIN);
    expect_ok(await_task(t));
    expect_ok(async_limiter_acquire_nowait(&l, &mine));
    return async_limiter_release(&l, &mine);
}

LOOP_TEST(cancelled_waiter_takes_no_token)
{
    async_limiter l = ASYNC_LIMITER(1);
    async_token held = { 0 }, token = { 0 };
    expect_ok(await_limiter_acquire(&l, &held));
    expect_int(await_wait_for(waits_for(&l, &token), 1), -ETIMEDOUT);
    expect_true(token.limiter == NULL);
    expect_ok(async_limiter_release(&l, &held));
    expect_ok(await_limiter_acquire(&l, &token));
    return async_limiter_release(&l, &token);
}

LOOP_TEST(waiter_cancelled_after_it_was_chosen_passes_its_token_on)
{
    async_limiter l = ASYNC_LIMITER(1);
    async_token held = { 0 }, a = { 0 }, b = { 0 };
    expect_ok(await_limiter_acquire(&l, &held));
    await_task_auto first = async_create_task(waits_for(&l, &a));
    await_task_auto second = async_create_task(waits_for(&l, &b));
    expect_ok(await_sleep(0));
    expect_ok(async_limiter_release(&l, &held));
    async_task_cancel(first);
    expect_ok(await_task(second));
    expect_int(await_task(first), -ECANCELED);
    expect_ok(async_limiter_borrowed(&l));
    return 0;
}

LOOP_TEST(report_of_tasks_names_the_limiter)
{
    async_limiter l = ASYNC_LIMITER(0);
    async_token token = { 0 };
    await_task_auto t = async_create_task(waits_for(&l, &token));
    expect_ok(await_sleep(0));
    async_print_tasks();
    expect_contains(captured_stderr(), "waits_for-2: waits for a token of limiter ");
    expect_ok(async_limiter_resize(&l, 1));
    return await_task(t);
}

SUITE("core-limiter", as_many_tasks_work_as_there_are_tokens, more_tokens_let_tasks_in_at_once,
      fewer_tokens_take_none_away_and_let_no_task_in, same_token_borrowed_twice_is_refused,
      token_that_another_task_waits_for_is_refused,
      token_given_back_twice_is_refused_with_a_message, nowait_does_not_overtake_a_task_that_waits,
      cancelled_waiter_takes_no_token, waiter_cancelled_after_it_was_chosen_passes_its_token_on,
      report_of_tasks_names_the_limiter)
