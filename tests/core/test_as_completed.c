/* SPDX-License-Identifier: MIT */
/* Tests of async_as_completed(). */
#include "../frame/loop_test.h"

ASYNC_DEF(value, (int)r, (double)after)
{
    int e = await_sleep(after);
    if (e < 0)
        log_event("%d!", r);
    return e < 0 ? e : r;
}

LOOP_TEST(results_come_in_order_of_completion)
{
    int r;
    await_for_each (r, d, async_as_completed(value(1, 3), value(2, 1), value(-EIO, 2))) {
        log_event("%zu:%s", d.index, result_text(d.result));
        expect_time(async_time() < 1.5 ? 1 : async_time() < 2.5 ? 2 : 3);
    }
    expect_ok(r);
    expect_events("1:2 2:-EIO 0:1");
    expect_time(3);
    return 0;
}

/* Results that are ready before the loop asks for them keep their order, too. */
LOOP_TEST(slow_consumer_receives_results_in_order_of_completion)
{
    int r;
    await_for_each (r, d, async_as_completed(value(1, 3), value(2, 1), value(3, 1), value(4, 2))) {
        log_event("%zu", d.index);
        expect_ok(await_sleep(10));
    }
    expect_ok(r);
    expect_events("1 2 3 0");
    expect_time(41);
    return 0;
}

ASYNC_DEF(leaves_it, (int)how)
{
    int r;
    await_for_each (r, d, async_as_completed(value(1, 1), value(2, 5), value(3, 6))) {
        expect_ok(d.index);
        if (how == 0)
            break;
        if (how == 1)
            return d.result;
        ASYNC_TRY(await_sleep(how == 2 ? 1 : 100));
        return -EIO;
    }
    return r;
}

/* However the loop is left. */
LOOP_TEST(loop_left_early_cancels_and_awaits_the_rest)
{
    expect_ok(await_leaves_it(0));
    expect_events("2! 3!");
    expect_time(1);
    expect_int(await_leaves_it(1), 1);
    expect_int(await_leaves_it(2), -EIO);
    expect_int(await_wait_for(leaves_it(3), 2), -ETIMEDOUT);
    expect_events("2! 3! 2! 3! 2! 3! 2! 3!");
    expect_time(6);
    return 0;
}

ASYNC_DEF(fails, (double)after, (const char *)message)
{
    ASYNC_TRY(await_sleep(after));
    return async_fail(-EIO, "%s", message);
}

LOOP_TEST(failure_that_a_loop_left_early_has_not_received_is_reported)
{
    int r;
    await_for_each (
            r, d, async_as_completed(fails(1, "received"), fails(2, "not received"), value(1, 3))) {
        /* the second one fails during this sleep */
        if (d.index == 0)
            expect_ok(await_sleep(5));
        break;
    }
    expect_ok(r);
    const char *output = captured_stderr();
    expect_contains(output, "task error was never retrieved:\nfails-");
    expect_contains(output, "not received");
    expect_true(!strstr(output, ": received"));
    return 0;
}

LOOP_TEST(timeout_applies_to_whole_iteration)
{
    int r;
    await_timeout (r, 2.5)
        await_for_each (r, d, async_as_completed(value(1, 1), value(2, 2), value(3, 3)))
            log_event("%d", d.result);
    expect_int(r, -ETIMEDOUT);
    expect_events("1 2 3!");
    expect_time(2.5);
    return 0;
}

LOOP_TEST(cancelled_coroutine_is_a_result)
{
    int r, n = 0;
    await_task_auto t = async_create_task(value(1, 9));
    await_for_each (r, d, async_as_completed(async_joining(t), value(2, 1))) {
        log_event("%zu:%s", d.index, result_text(d.result));
        if (n++ == 0)
            async_task_cancel(t);
    }
    expect_ok(r);
    expect_events("1:2 1! 0:-ECANCELED");
    return 0;
}

LOOP_TEST(no_coroutines_give_no_results)
{
    int r;
    await_for_each (r, d, async_as_completed_n(NULL, 0))
        log_event("%zu", d.index);
    expect_ok(r);
    expect_events("");
    return 0;
}

LOOP_TEST(ten_thousand_results_come_once_each)
{
    enum { N = 10000 };
    static async_co cos[N];
    static unsigned char told[N];
    int r, last = 0;
    size_t n = 0;
    for (int i = 0; i < N; i++)
        cos[i] = value(i, 1 + (i * 7919 % N) / 100);
    await_for_each (r, d, async_as_completed_n(cos, N)) {
        expect_int(d.result, d.index);
        expect_ok(told[d.index]++);
        expect_true(1 + ((int)d.index * 7919 % N) / 100 >= last);
        last = 1 + ((int)d.index * 7919 % N) / 100;
        n++;
    }
    expect_ok(r);
    expect_int(n, N);
    return 0;
}

LOOP_TEST(absurd_number_of_coroutines_is_refused)
{
    int r;
    await_for_each (r, d, async_as_completed_n(NULL, SIZE_MAX))
        log_event("%zu", d.index);
    expect_int(r, -ENOMEM);
    expect_events("");
    return 0;
}

SUITE("core-as_completed", failure_that_a_loop_left_early_has_not_received_is_reported,
      results_come_in_order_of_completion, slow_consumer_receives_results_in_order_of_completion,
      loop_left_early_cancels_and_awaits_the_rest, timeout_applies_to_whole_iteration,
      cancelled_coroutine_is_a_result, no_coroutines_give_no_results,
      ten_thousand_results_come_once_each, absurd_number_of_coroutines_is_refused)
