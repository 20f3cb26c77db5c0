/* SPDX-License-Identifier: MIT */
/* Tests of locks. */
#include "../frame/loop_test.h"

ASYNC_DEF(holds, (async_lock *)l, (const char *)word, (double)seconds)
{
    int r = await_lock_acquire(l);
    log_event("%s=%s", word, result_text(r));
    if (r < 0)
        return r;
    int s = await_sleep(seconds);
    expect_ok(async_lock_release(l));
    return s;
}

LOOP_TEST(lock_goes_to_waiters_in_order)
{
    async_lock l = { 0 };
    expect_ok(await_gather(NULL, holds(&l, "a", 1), holds(&l, "b", 1), holds(&l, "c", 1)));
    expect_events("a=0 b=0 c=0");
    expect_time(3);
    expect_false(async_lock_locked(&l));
    return 0;
}

LOOP_TEST(acquiring_held_lock_again_is_a_deadlock)
{
    async_lock l = { 0 };
    expect_ok(await_lock_acquire(&l));
    expect_true(async_lock_locked(&l));
    expect_int(await_lock_acquire(&l), -EDEADLK);
    expect_ok(async_lock_release(&l));
    expect_false(async_lock_locked(&l));
    return 0;
}

LOOP_TEST(releasing_lock_of_another_task_is_refused_with_message)
{
    async_lock l = { 0 };
    expect_int(async_lock_release(&l), -EPERM);
    expect_contains(captured_stderr(), "releases a lock");
    await_task_auto t = async_create_task(holds(&l, "a", 5));
    expect_ok(await_sleep(1));
    expect_int(async_lock_release(&l), -EPERM);
    expect_contains(captured_stderr(), "releases a lock");
    expect_true(async_lock_locked(&l));
    expect_ok(await_task(t));
    return 0;
}

/* Every await_ is a cancellation point, also if it would not have to wait. */
LOOP_TEST(cancelled_task_acquires_nothing)
{
    async_lock l = { 0 };
    async_event e = { .set = true };
    async_semaphore s = ASYNC_SEMAPHORE(1);
    async_task_cancel(async_current_task());
    expect_int(await_lock_acquire(&l), -ECANCELED);
    expect_false(async_lock_locked(&l));
    expect_int(await_event_wait(&e), -ECANCELED);
    expect_int(await_semaphore_acquire(&s), -ECANCELED);
    expect_int(s.value, 1);
    async_uncancel();
    return 0;
}

/* A released lock belongs to the waiter even before the waiter runs, so a retry of the releasing
 * task has to queue. */
ASYNC_DEF(releases_and_retries, (async_lock *)l)
{
    expect_ok(await_lock_acquire(l));
    expect_ok(await_sleep(1));
    expect_ok(async_lock_release(l));
    expect_true(async_lock_locked(l));
    log_event("retry");
    expect_ok(await_lock_acquire(l));
    log_event("again");
    return async_lock_release(l);
}

LOOP_TEST(released_lock_belongs_to_waiter_before_it_runs)
{
    async_lock l = { 0 };
    expect_ok(await_gather(NULL, releases_and_retries(&l), holds(&l, "b", 1)));
    expect_events("retry b=0 again");
    return 0;
}

/* In one iteration, the first waiter is cancelled and the holder releases the lock. */
static void lock_race(bool release_first)
{
    async_lock l = { 0 };
    expect_ok(await_lock_acquire(&l));
    await_task_auto a = async_create_task(holds(&l, "a", 1));
    await_task_auto b = async_create_task(holds(&l, "b", 1));
    await_task_auto c = async_create_task(holds(&l, "c", 1));
    expect_ok(await_sleep(1));
    if (release_first)
        expect_ok(async_lock_release(&l));
    expect_true(async_task_cancel(a));
    if (!release_first)
        expect_ok(async_lock_release(&l));
    expect_int(await_task(a), -ECANCELED);
    expect_ok(await_task(b));
    expect_ok(await_task(c));
    expect_events("a=-ECANCELED b=0 c=0");
    expect_false(async_lock_locked(&l));
}

LOOP_TEST(waiter_cancelled_before_release_does_not_receive_lock)
{
    lock_race(false);
    return 0;
}

LOOP_TEST(waiter_cancelled_after_release_passes_lock_on)
{
    lock_race(true);
    return 0;
}

LOOP_TEST(last_waiter_cancelled_after_release_frees_lock)
{
    async_lock l = { 0 };
    expect_ok(await_lock_acquire(&l));
    await_task_auto a = async_create_task(holds(&l, "a", 1));
    expect_ok(await_sleep(1));
    expect_ok(async_lock_release(&l));
    async_task_cancel(a);
    expect_int(await_task(a), -ECANCELED);
    expect_false(async_lock_locked(&l));
    expect_ok(await_lock_acquire(&l));
    return async_lock_release(&l);
}

LOOP_TEST(waiter_cancelled_in_middle_of_queue_spares_others)
{
    async_lock l = { 0 };
    expect_ok(await_lock_acquire(&l));
    await_task_auto a = async_create_task(holds(&l, "a", 1));
    await_task_auto b = async_create_task(holds(&l, "b", 1));
    await_task_auto c = async_create_task(holds(&l, "c", 1));
    expect_ok(await_sleep(0));
    async_task_cancel(b);
    expect_int(await_task(b), -ECANCELED);
    async_task_cancel(c);
    expect_int(await_task(c), -ECANCELED);
    expect_ok(async_lock_release(&l));
    expect_ok(await_task(a));
    expect_events("b=-ECANCELED c=-ECANCELED a=0");
    return 0;
}

ASYNC_DEF(takes_and_ends, (async_lock *)l)
{
    return await_lock_acquire(l);
}

LOOP_TEST(acquire_that_times_out_does_not_hold_lock)
{
    async_lock l = { 0 };
    await_task_auto t = async_create_task(holds(&l, "a", 5));
    expect_ok(await_sleep(0));
    expect_int(await_wait_for(takes_and_ends(&l), 1), -ETIMEDOUT);
    expect_ok(await_task(t));
    expect_false(async_lock_locked(&l));
    int r;
    await_with (r, &l)
        expect_true(async_lock_locked(&l));
    expect_ok(r);
    expect_false(async_lock_locked(&l));
    return 0;
}

/* --- an owner that has ended --- */

static bool message_names_owner(int r, const char *owner)
{
    return r == -EOWNERDEAD && strstr(async_fail_text(r), owner);
}

ASYNC_DEF(takes_and_leaves, (async_lock *)l, (double)seconds)
{
    ASYNC_TRY(await_lock_acquire(l));
    return await_sleep(seconds);
}

ASYNC_DEF(fails_by_the_owner, (async_lock *)l, (const char *)word)
{
    int r = await_lock_acquire(l);
    expect_true(message_names_owner(r, "\"takes_and_leaves-2\""));
    log_event("%s", word);
    return 0;
}

/* No task can release it. Tasks that wait fail when the owner ends, later ones at once. */
LOOP_TEST(lock_of_ended_owner_fails_all_waiters)
{
    async_lock l = { 0 };
    expect_ok(await_gather(NULL, takes_and_leaves(&l, 1), fails_by_the_owner(&l, "a"),
                           fails_by_the_owner(&l, "b")));
    expect_events("a b");
    expect_time(1);
    expect_true(async_lock_locked(&l));
    expect_int(async_lock_release(&l), -EPERM);
    expect_contains(captured_stderr(), "releases a lock");
    expect_true(message_names_owner(await_lock_acquire(&l), "takes_and_leaves"));
    int r;
    await_with (r, &l)
        log_event("not reached");
    expect_int(r, -EOWNERDEAD);
    expect_events("a b");
    return 0;
}

LOOP_TEST(lock_of_ended_owner_is_not_inherited_with_its_memory)
{
    async_lock l = { 0 };
    expect_ok(await_co(async_joining(async_create_task(takes_and_leaves(&l, 0)))));
    for (int i = 0; i < 100; i++)
        expect_ok(await_gather(NULL, fails_by_the_owner(&l, "x")));
    return 0;
}

LOOP_TEST(lock_of_cancelled_owner_fails_all_waiters)
{
    async_lock l = { 0 };
    await_task_auto owner = async_create_task(takes_and_leaves(&l, 100), .name = "Kurt");
    await_task_auto a = async_create_task(takes_and_leaves(&l, 100));
    expect_ok(await_sleep(1));
    async_task_cancel(owner);
    expect_int(await_task(owner), -ECANCELED);
    expect_int(await_task(a), -EOWNERDEAD);
    expect_true(message_names_owner(await_lock_acquire(&l), "\"Kurt\""));
    return 0;
}

/* The lock is handed on, its second owner ends with it, and the third is cancelled. */
LOOP_TEST(lock_left_by_second_owner_fails_later_waiters)
{
    async_lock l = { 0 };
    await_task_auto a = async_create_task(holds(&l, "a", 1));
    await_task_auto b = async_create_task(takes_and_leaves(&l, 1));
    await_task_auto c = async_create_task(holds(&l, "c", 1));
    await_task_auto d = async_create_task(holds(&l, "d", 1));
    expect_ok(await_sleep(1.5));
    async_task_cancel(c);
    expect_int(await_task(d), -EOWNERDEAD);
    expect_events("a=0 c=-ECANCELED d=-EOWNERDEAD");
    expect_time(2);
    return 0;
}

ASYNC_DEF(waits_for_news, (async_condition *)c)
{
    ASYNC_TRY(await_lock_acquire(c->lock));
    return await_condition_wait(c);
}

LOOP_TEST(condition_whose_lock_owner_ended_fails_waiters)
{
    async_lock l = { 0 };
    async_condition c = ASYNC_CONDITION(&l);
    await_task_auto a = async_create_task(waits_for_news(&c));
    await_task_auto b = async_create_task(waits_for_news(&c));
    expect_ok(await_sleep(1));
    await_task_auto owner = async_create_task(takes_and_leaves(&l, 1));
    expect_ok(await_task(owner));
    expect_int(await_task(a), -EOWNERDEAD);
    expect_int(await_task(b), -EOWNERDEAD);
    expect_time(2);
    return 0;
}

/* The lock lies in a stack frame that no longer exists, so it must not be read. */
ASYNC_DEF(leaves_its_own)
{
    async_lock l = { 0 }, released = { 0 };
    ASYNC_TRY(await_lock_acquire(&l));
    ASYNC_TRY(await_lock_acquire(&released));
    return async_lock_release(&released);
}

LOOP_TEST(lock_in_stack_frame_of_ended_owner_is_not_touched)
{
    async_lock other = { 0 };
    expect_ok(await_lock_acquire(&other));
    await_task_auto a = async_create_task(holds(&other, "a", 1));
    int r;
    await_group (r, g)
        for (int i = 0; i < 100; i++)
            async_spawn(g, leaves_its_own());
    expect_ok(r);
    expect_ok(async_lock_release(&other));
    expect_ok(await_task(a));
    expect_events("a=0");
    return 0;
}

/* A lock that outlives the loop in which it was taken, by the main task. */
static async_lock lasting;

ASYNC_DEF(finds_it_left)
{
    expect_int(await_lock_acquire(&lasting), -EOWNERDEAD);
    expect_contains(async_fail_text(-EOWNERDEAD), "a loop that is closed");
    return 0;
}

TEST(lock_left_held_by_closed_loop_fails_next_owner)
{
    expect_run_ok(takes_and_leaves(&lasting, 0));
    expect_run_ok(finds_it_left());
}

ASYNC_DEF(end_with_lock)
{
    async_lock l = { 0 };
    await_task_auto owner = async_create_task(takes_and_leaves(&l, 0), .name = "Kurt");
    expect_ok(await_task(owner));
    expect_contains(captured_stderr(), "task \"Kurt\" has ended and still holds a lock");
    return 0;
}

TEST(debug_reports_task_that_ends_with_lock)
{
    expect_run_ok(end_with_lock(), .debug = true);
}

ASYNC_DEF(cancels_after, (async_task *)t, (double)seconds)
{
    ASYNC_TRY(await_sleep(seconds));
    async_task_cancel(t);
    return 0;
}

/* The owner has ended, and the waiter is cancelled before it runs. */
LOOP_TEST(waiter_cancelled_after_owner_ended_returns_ecanceled)
{
    async_lock l = { 0 };
    await_task_auto owner = async_create_task(takes_and_leaves(&l, 1));
    await_task_auto waiter = async_create_task(holds(&l, "a", 1));
    await_task_auto canceller = async_create_task(cancels_after(waiter, 1));
    expect_int(await_task(waiter), -ECANCELED);
    expect_events("a=-ECANCELED");
    return await_task(canceller);
}

/* The search for the waiters passes the record of a task that is no more. */
LOOP_TEST(lock_of_ended_owner_fails_waiter_behind_free_record)
{
    async_lock l = { 0 };
    async_task *gone = async_create_task(async_sleep(0));
    await_task_auto owner = async_create_task(takes_and_leaves(&l, 1));
    await_task_auto waiter = async_create_task(holds(&l, "a", 1));
    await_task_drop(&gone);
    expect_int(await_task(waiter), -EOWNERDEAD);
    return await_task(owner);
}

SUITE("core-lock", waiter_cancelled_after_owner_ended_returns_ecanceled,
      lock_goes_to_waiters_in_order, acquiring_held_lock_again_is_a_deadlock,
      releasing_lock_of_another_task_is_refused_with_message, cancelled_task_acquires_nothing,
      released_lock_belongs_to_waiter_before_it_runs,
      waiter_cancelled_before_release_does_not_receive_lock,
      waiter_cancelled_after_release_passes_lock_on, last_waiter_cancelled_after_release_frees_lock,
      waiter_cancelled_in_middle_of_queue_spares_others, acquire_that_times_out_does_not_hold_lock,
      lock_of_ended_owner_fails_all_waiters, lock_of_ended_owner_is_not_inherited_with_its_memory,
      lock_of_cancelled_owner_fails_all_waiters, lock_left_by_second_owner_fails_later_waiters,
      condition_whose_lock_owner_ended_fails_waiters,
      lock_in_stack_frame_of_ended_owner_is_not_touched,
      lock_left_held_by_closed_loop_fails_next_owner, debug_reports_task_that_ends_with_lock,
      lock_of_ended_owner_fails_waiter_behind_free_record)
