/* SPDX-License-Identifier: MIT */
/* Tests that a task whose await_ calls never have to wait lets the other tasks run. */
#include "../frame/loop_test.h"

/* A task that repeats an await_ call until another task has run for a hundred loop iterations. It
 * gives up after so many calls that another task would have run long before. */
enum { CALLS_MAX = 1000 * 1000 };

static bool others_ran;

ASYNC_DEF(runs_a_hundred_times)
{
    for (int i = 0; i < 100; i++)
        ASYNC_TRY(await_sleep(0));
    others_ran = true;
    return 0;
}

#define REPEAT_UNTIL_OTHERS_RAN(call)                                                              \
    do {                                                                                           \
        others_ran = false;                                                                        \
        int result_;                                                                               \
        await_group (result_, group_) {                                                            \
            async_spawn(group_, runs_a_hundred_times());                                           \
            long calls_ = 0;                                                                       \
            for (; !others_ran && calls_ < CALLS_MAX; calls_++)                                    \
                call;                                                                              \
            expect_that(others_ran, "no other task ran during %ld calls", calls_);                 \
        }                                                                                          \
        expect_ok(result_);                                                                        \
    } while (0)

/* --- each kind of call that need not wait --- */

LOOP_TEST(free_lock_lets_other_tasks_run)
{
    async_lock lock = { 0 };
    REPEAT_UNTIL_OTHERS_RAN({
        expect_ok(await_lock_acquire(&lock));
        async_lock_release(&lock);
    });
    return 0;
}

LOOP_TEST(free_semaphore_lets_other_tasks_run)
{
    async_semaphore semaphore = ASYNC_SEMAPHORE(2);
    REPEAT_UNTIL_OTHERS_RAN({
        expect_ok(await_semaphore_acquire(&semaphore));
        async_semaphore_release(&semaphore);
    });
    return 0;
}

LOOP_TEST(set_event_lets_other_tasks_run)
{
    async_event event = { .set = true };
    REPEAT_UNTIL_OTHERS_RAN(expect_ok(await_event_wait(&event)));
    return 0;
}

/* The calls on this queue are inlined in the caller; those on the next one are not. */
LOOP_TEST(queue_with_items_and_slots_lets_other_tasks_run)
{
    async_queue_of(int, 4) queue = ASYNC_QUEUE(queue);
    int item;
    REPEAT_UNTIL_OTHERS_RAN({
        expect_ok(await_queue_put(&queue, 1));
        expect_ok(await_queue_get(&queue, &item));
    });
    return 0;
}

LOOP_TEST(growing_queue_lets_other_tasks_run)
{
    async_dynamic_queue_of(int) queue = ASYNC_DYNAMIC_QUEUE(queue, 0);
    int item;
    REPEAT_UNTIL_OTHERS_RAN({
        expect_ok(await_queue_put(&queue, 1));
        expect_ok(await_queue_get(&queue, &item));
    });
    async_queue_free(&queue);
    return 0;
}

LOOP_TEST(join_of_finished_queue_lets_other_tasks_run)
{
    async_queue_of(int, 1) queue = ASYNC_QUEUE(queue);
    REPEAT_UNTIL_OTHERS_RAN(expect_ok(await_queue_join(&queue)));
    return 0;
}

LOOP_TEST(completed_future_lets_other_tasks_run)
{
    async_future future = { 0 };
    expect_ok(async_future_set_result(&future, 7));
    REPEAT_UNTIL_OTHERS_RAN(expect_int(await_future(&future), 7));
    return 0;
}

LOOP_TEST(barrier_of_one_lets_other_tasks_run)
{
    async_barrier barrier = ASYNC_BARRIER(1);
    REPEAT_UNTIL_OTHERS_RAN(expect_int(await_barrier_wait(&barrier), 0));
    return 0;
}

ASYNC_DEF(returns_at_once)
{
    return 5;
}

LOOP_TEST(task_that_has_ended_lets_other_tasks_run)
{
    await_task_auto task = async_create_task(returns_at_once());
    expect_int(await_task(task), 5);
    REPEAT_UNTIL_OTHERS_RAN(expect_int(await_task(task), 5));
    REPEAT_UNTIL_OTHERS_RAN(expect_int(await_wait(&task, 1, ASYNC_ALL_COMPLETED, 0), 1));
    return 0;
}

LOOP_TEST(coroutine_that_awaits_nothing_lets_other_tasks_run)
{
    REPEAT_UNTIL_OTHERS_RAN(expect_int(await_co(returns_at_once()), 5));
    return 0;
}

LOOP_TEST(gather_lets_other_tasks_run)
{
    REPEAT_UNTIL_OTHERS_RAN(expect_ok(await_gather(NULL, returns_at_once())));
    return 0;
}

LOOP_TEST(blocks_that_need_not_wait_let_other_tasks_run)
{
    async_lock lock = { 0 };
    int r;
    REPEAT_UNTIL_OTHERS_RAN({ await_with (r, &lock){} });
    REPEAT_UNTIL_OTHERS_RAN({ await_group (r, g){} });
    expect_ok(r);
    return 0;
}

ASYNC_GEN(int, endless)
{
    for (int i = 0;; i++)
        ASYNC_TRY(await_yield(i));
    return 0;
}

LOOP_TEST(generator_that_awaits_nothing_lets_other_tasks_run)
{
    int r;
    others_ran = false;
    await_group (r, g) {
        async_spawn(g, runs_a_hundred_times());
        long items = 0;
        await_for_each (r, item, endless()) {
            if (others_ran || ++items > CALLS_MAX)
                break;
        }
        expect_true(others_ran);
    }
    return r;
}

/* --- failing calls: a cancelled retry loop --- */

ASYNC_DEF(fails_to_connect)
{
    ASYNC_TRY(await_sleep(0));
    return -EAGAIN;
}

ASYNC_DEF(retries_whatever_the_error)
{
    long calls = 0;
    while (!others_ran && calls++ < CALLS_MAX)
        async_ignore(await_fails_to_connect());
    return others_ran ? 0 : -ELOOP;
}

LOOP_TEST(cancelled_retry_loop_lets_other_tasks_run)
{
    await_task_auto client = async_create_task(retries_whatever_the_error());
    expect_ok(await_sleep(0));
    expect_true(async_task_cancel(client));
    expect_ok(await_runs_a_hundred_times());
    expect_ok(await_task(client));
    return 0;
}

ASYNC_DEF(never_gives_up)
{
    for (;;)
        async_ignore(await_fails_to_connect());
    return 0;
}

ASYNC_DEF(leaves_a_retry_loop_running)
{
    async_spawn(async_background(), never_gives_up());
    return await_sleep(0);
}

TEST(shutdown_timeout_ends_a_cancelled_retry_loop)
{
    capture_stderr_begin();
    expect_int(async_run(leaves_a_retry_loop_running(), .shutdown_timeout = 0.01), -ETIME);
    expect_contains(captured_stderr(), "never_gives_up");
    capture_stderr_end();
}

/* --- how often, and at which point of the call --- */

ASYNC_DEF(counts_iterations, (int *)count, (const bool *)stop)
{
    for (; !*stop; ++*count)
        ASYNC_TRY(await_sleep(0));
    return 0;
}

LOOP_TEST(other_tasks_run_after_every_128_calls)
{
    int count = 0, r;
    bool stop = false;
    async_event event = { .set = true };
    await_group (r, g) {
        async_spawn(g, counts_iterations(&count, &stop));
        expect_ok(await_sleep(0));
        count = 0;
        for (int i = 0; i < 10 * 128; i++)
            expect_ok(await_event_wait(&event));
        expect_int(count, 10);
        stop = true;
    }
    return r;
}

ASYNC_DEF(shuts_down, (async_queue *)queue)
{
    async_queue_close(queue, false);
    return 0;
}

/* The call lets other tasks run before it reads the state of the queue. */
LOOP_TEST(call_that_lets_others_run_sees_queue_shut_down_meanwhile)
{
    async_queue_of(int, 256) queue = ASYNC_QUEUE(queue);
    int r, puts = 0;
    await_group (r, g) {
        async_spawn(g, shuts_down(&queue.q));
        while (puts < 256 && (r = await_queue_put(&queue, puts)) == 0)
            puts++;
        expect_int(r, -EPIPE);
        expect_true(puts < 128);
        expect_int(async_queue_count(&queue), puts);
        r = 0;
    }
    return r;
}

SUITE("core-fairness", free_lock_lets_other_tasks_run, free_semaphore_lets_other_tasks_run,
      set_event_lets_other_tasks_run, queue_with_items_and_slots_lets_other_tasks_run,
      growing_queue_lets_other_tasks_run, join_of_finished_queue_lets_other_tasks_run,
      completed_future_lets_other_tasks_run, barrier_of_one_lets_other_tasks_run,
      task_that_has_ended_lets_other_tasks_run, coroutine_that_awaits_nothing_lets_other_tasks_run,
      gather_lets_other_tasks_run, blocks_that_need_not_wait_let_other_tasks_run,
      generator_that_awaits_nothing_lets_other_tasks_run, cancelled_retry_loop_lets_other_tasks_run,
      shutdown_timeout_ends_a_cancelled_retry_loop, other_tasks_run_after_every_128_calls,
      call_that_lets_others_run_sees_queue_shut_down_meanwhile)
