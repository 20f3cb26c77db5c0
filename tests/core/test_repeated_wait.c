/* SPDX-License-Identifier: MIT */
/* Tests of await_wait() called again and again over one array, and over arrays that change. */
#include "wait.h"

/* All tasks have ended before the first wait. */
LOOP_TEST(repeated_wait_returns_ended_tasks_in_order_of_ends)
{
    int r;
    await_group (r, g) {
        async_task *t[] = { T(1, 4), T(2, 1), T(3, 3), T(4, 2) }, **left = t;
        expect_ok(await_sleep(9));
        for (int n = 4; n > 0; n--, left++)
            expect_int(await_wait(left, (size_t)n, ASYNC_FIRST_COMPLETED, ASYNC_FOREVER), n);
        expect_results(t, 4, "2 4 3 1");
    }
    return r;
}

/* A new task may have the address of the old one. */
LOOP_TEST(wait_sees_new_tasks_in_slots_of_ended_ones)
{
    enum { SLOTS = 3, N = 20 };
    async_task *t[SLOTS] = { 0 };
    int started = 0, ended = 0, sum = 0;
    for (; started < SLOTS; started++)
        t[started] = async_create_task(value(started, 1 + started % 4));
    while (ended < N) {
        size_t n = (size_t)(N - ended < SLOTS ? N - ended : SLOTS);
        int done = await_wait(t, n, ASYNC_FIRST_COMPLETED, ASYNC_FOREVER);
        expect_true(done > 0);
        for (int i = 0; i < done; i++) {
            int r = async_task_result(t[i]);
            expect_true(r >= 0);
            sum += r;
            ended++;
            await_task_drop(&t[i]);
            if (started < N) {
                t[i] = async_create_task(value(started, 1 + started % 4));
                started++;
            }
        }
        for (size_t i = 0, k = 0; i < n; i++) /* close the gaps */
            if (t[i]) {
                async_task *moved = t[i];
                t[i] = NULL;
                t[k++] = moved;
            }
    }
    expect_int(sum, N * (N - 1) / 2);
    return 0;
}

LOOP_TEST(wait_sees_last_task_moved_into_slot_of_ended_one)
{
    enum { N = 50 };
    int r, sum = 0;
    async_task *t[N];
    await_group (r, g) {
        for (int i = 0; i < N; i++)
            t[i] = T(i, i * 7 % N);
        for (size_t n = N; n > 0;) {
            int done = await_wait(t, n, ASYNC_FIRST_COMPLETED, ASYNC_FOREVER);
            expect_int(done, 1);
            sum += async_task_result(t[0]);
            t[0] = t[--n];
        }
        expect_int(sum, N * (N - 1) / 2);
    }
    return r;
}

/* An ended task in the slot of a pending one, and the other way round. */
LOOP_TEST(wait_sees_every_change_of_array)
{
    int r;
    await_group (r, g) {
        async_task *a = T(1, 1), *b = T(2, 2), *c = T(3, 3), *d = T(4, 4);
        async_task *t[] = { a, c, d };
        expect_int(await_wait(t, 3, ASYNC_FIRST_COMPLETED, ASYNC_FOREVER), 1);
        expect_ok(await_sleep(1.5)); /* b has ended */
        t[0] = d;
        t[1] = b;
        t[2] = c;
        expect_int(await_wait(t, 3, ASYNC_FIRST_COMPLETED, ASYNC_FOREVER), 1);
        expect_true(t[0] == b);
        t[0] = a;
        expect_int(await_wait(t, 3, ASYNC_FIRST_COMPLETED, 0), 1);
        expect_ok(await_sleep(1)); /* c has ended, but no wait has returned since */
        t[1] = b;
        t[2] = d;
        expect_int(await_wait(t, 3, ASYNC_ALL_COMPLETED, 0), 2);
        expect_true(t[0] == a && t[1] == b && t[2] == d);
        expect_int(await_wait(t, 3, ASYNC_ALL_COMPLETED, ASYNC_FOREVER), 3);
        expect_time(4);
    }
    return r;
}

/* The handle is dropped during a wait. The task has ended then, so it counts. */
ASYNC_DEF(drops, (async_task **)t)
{
    expect_ok(await_sleep(1));
    await_task_drop(t);
    return 0;
}

LOOP_TEST(task_dropped_during_wait_counts_as_ended)
{
    async_task *a = async_create_task(value(1, 5)), *held = a;
    await_task_auto b = async_create_task(value(2, 2));
    await_task_auto d = async_create_task(drops(&held));
    async_task *t[] = { a, b };
    expect_int(await_wait(t, 2, ASYNC_ALL_COMPLETED, ASYNC_FOREVER), 2);
    expect_time(2);
    expect_true(t[1] == b);
    return await_task(d);
}

/* Any order of ends, timeouts and changes of the array. */
LOOP_TEST(random_waits_agree_with_model)
{
    enum { N = 24 };
    unsigned random = 12345;
    for (int round = 0; round < 300; round++) {
        async_task *t[N];
        for (int i = 0; i < N; i++) {
            random = random * 1103515245 + 12345;
            t[i] = async_create_task(value(i, (random >> 16) % 9));
        }
        for (size_t first = 0; first < N;) {
            random = random * 1103515245 + 12345;
            size_t most = N - first, n = 1 + (random >> 8) % most;
            enum async_return_when when =
                    random >> 20 & 1 ? ASYNC_FIRST_COMPLETED : ASYNC_ALL_COMPLETED;
            int done = await_wait(t + first, n, when, (random >> 24) % 4);
            expect_true(done >= 0);
            for (size_t i = 0; i < n; i++)
                expect_int(async_task_done(t[first + i]), (int)i < done);
            if (done > 0 && random >> 21 & 1) { /* remove some from the front, or swap two */
                await_task_drop(&t[first++]);
            } else if (n > 1) {
                async_task *moved = t[first];
                t[first] = t[first + n - 1];
                t[first + n - 1] = moved;
            }
        }
    }
    return 0;
}

/* The array is larger than what is compared at a time. */
LOOP_TEST(wait_over_parts_of_large_array_is_right)
{
    enum { N = 300 };
    int r;
    async_task *t[N];
    await_group (r, g) {
        for (int i = 0; i < N; i++)
            t[i] = T(i, 1 + i);
        expect_int(await_wait(t, N / 2, ASYNC_ALL_COMPLETED, 10.5), 10);
        expect_int(await_wait(t, N, ASYNC_ALL_COMPLETED, 10), 20);
        expect_int(await_wait(t + 10, N - 10, ASYNC_ALL_COMPLETED, 10), 20);
        expect_int(await_wait(t + 10, N - 100, ASYNC_ALL_COMPLETED, ASYNC_FOREVER), N - 100);
        expect_int(await_wait(t, N, ASYNC_ALL_COMPLETED, ASYNC_FOREVER), N);
        expect_time(N);
    }
    return r;
}

LOOP_TEST(only_task_dropped_during_wait_counts_as_ended)
{
    async_task *t = async_create_task(value(1, 5)), *held = t;
    await_task_auto d = async_create_task(drops(&held));
    expect_int(await_wait(&t, 1, ASYNC_ALL_COMPLETED, ASYNC_FOREVER), 1);
    expect_time(1);
    return await_task(d);
}

ASYNC_DEF(waits_for_the_first, (async_task **)t)
{
    expect_int(await_wait(t, 2, ASYNC_FIRST_COMPLETED, ASYNC_FOREVER), 1);
    return 0;
}

/* The set that the wait has kept for the next one goes with the task. */
LOOP_TEST(task_that_ends_after_wait_leaves_awaited_tasks)
{
    await_task_auto a = async_create_task(value(1, 1));
    await_task_auto b = async_create_task(value(2, 2));
    async_task *t[] = { a, b };
    await_task_auto w = async_create_task(waits_for_the_first(t));
    expect_ok(await_task(w));
    expect_time(1);
    expect_int(await_task(b), 2);
    return 0;
}

LOOP_TEST(wait_over_more_of_array_than_before_is_right)
{
    int r;
    await_group (r, g) {
        async_task *t[] = { T(1, 3), T(2, 1), T(3, 2) };
        expect_int(await_wait(t + 1, 2, ASYNC_FIRST_COMPLETED, ASYNC_FOREVER), 1);
        expect_int(await_wait(t, 3, ASYNC_ALL_COMPLETED, 1), 2);
        expect_time(2);
        expect_results(t, 2, "2 3");
    }
    return r;
}

ASYNC_DEF(waits_for_what_another_drops)
{
    async_task *t = async_create_task(value(1, 5)), *held = t;
    await_task_auto d = async_create_task(drops(&held));
    expect_int(await_wait(&t, 1, ASYNC_ALL_COMPLETED, ASYNC_FOREVER), 1);
    return await_task(d);
}

/* The record of the task may be released before the waiter runs. */
TEST(task_dropped_during_wait_counts_as_ended_in_any_order)
{
    for (uint64_t seed = 1; seed <= 20; seed++)
        expect_run_ok(waits_for_what_another_drops(), .seed = seed);
}

SUITE("core-repeated_wait", wait_over_parts_of_large_array_is_right,
      only_task_dropped_during_wait_counts_as_ended,
      repeated_wait_returns_ended_tasks_in_order_of_ends,
      wait_sees_new_tasks_in_slots_of_ended_ones, wait_sees_last_task_moved_into_slot_of_ended_one,
      wait_sees_every_change_of_array, task_dropped_during_wait_counts_as_ended,
      random_waits_agree_with_model, task_that_ends_after_wait_leaves_awaited_tasks,
      wait_over_more_of_array_than_before_is_right,
      task_dropped_during_wait_counts_as_ended_in_any_order)
