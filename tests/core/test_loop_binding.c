/* SPDX-License-Identifier: MIT */
/* Tests that a lock and a condition belong to the loop that first used them, until it is closed. */
#include "remote.h"

static async_lock lock;
static async_condition condition = ASYNC_CONDITION(&lock);

ASYNC_DEF(takes_the_lock)
{
    ASYNC_TRY(await_lock_acquire(&lock));
    return async_lock_release(&lock);
}

ASYNC_DEF(keeps_the_lock)
{
    return await_lock_acquire(&lock);
}

static int takes_the_lock_in_its_own_loop(void)
{
    return async_run(takes_the_lock());
}

LOOP_TEST(free_lock_of_an_open_loop_is_refused_in_another_loop)
{
    expect_ok(await_takes_the_lock());
    expect_int(await_run_in_thread(takes_the_lock_in_its_own_loop), -EPERM);
    expect_contains(captured_stderr(), "uses a lock that belongs to another thread's loop");
    expect_false(async_lock_locked(&lock));
    return await_takes_the_lock();
}

ASYNC_DEF(waits_for_the_condition)
{
    int r;
    await_with (r, &lock)
        r = await_condition_wait(&condition);
    return r;
}

static int waits_for_the_condition_in_its_own_loop(void)
{
    return async_run(waits_for_the_condition());
}

LOOP_TEST(condition_of_an_open_loop_is_refused_in_another_loop)
{
    await_task_auto waiter = async_create_task(waits_for_the_condition());
    expect_ok(await_sleep(0));
    expect_int(await_run_in_thread(waits_for_the_condition_in_its_own_loop), -EPERM);
    expect_contains(captured_stderr(), "belongs to another thread's loop");
    int r;
    await_with (r, &lock)
        expect_ok(async_condition_notify(&condition, 1));
    expect_ok(r);
    return await_task(waiter);
}

/* The number of a loop is never used again, however many loops there are. */
TEST(lock_that_a_closed_loop_left_held_stays_lost_after_many_loops)
{
    expect_ok(async_run(keeps_the_lock()));
    int loops = reduced_count(5000);
    for (int i = 0; i < loops; i++) {
        expect_int(async_run(takes_the_lock()), -EOWNERDEAD);
        expect_contains(async_fail_text(-EOWNERDEAD),
                        "a loop that is closed has left the lock held");
    }
}

TEST(free_lock_of_a_closed_loop_can_be_used_in_the_next_one)
{
    expect_ok(async_run(takes_the_lock()));
    expect_ok(async_run(takes_the_lock()));
}

SUITE("core-loop_binding", free_lock_of_an_open_loop_is_refused_in_another_loop,
      condition_of_an_open_loop_is_refused_in_another_loop,
      lock_that_a_closed_loop_left_held_stays_lost_after_many_loops,
      free_lock_of_a_closed_loop_can_be_used_in_the_next_one)
