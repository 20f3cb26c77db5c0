/* SPDX-License-Identifier: MIT */
/* Thread tasks: tasks that are only a call on a thread. They behave like tasks that await the
 * call. */
#include "held.h"

#include <sys/resource.h>

static atomic_int ran;

ASYNC_THREAD(runs, (int)result)
{
    ran++;
    return result;
}

ASYNC_THREAD(fails, (const char *)why)
{
    return async_fail(-EPROTO, "%s on a thread", why);
}

struct large {
    char text[60];
};

/* Its arguments leave no room for the function, so a task of it has a stack. */
ASYNC_THREAD(measures, (struct large)l)
{
    return (int)strlen(l.text);
}

/* --- results --- */

LOOP_TEST(task_has_the_result_of_its_call)
{
    int n[3];
    await_task_auto t = async_create_task(runs(21), .name = "called");
    expect_text(async_task_name(t), "called");
    expect_int(async_task_result(t), -EINPROGRESS);
    expect_int(await_task(t), 21);
    expect_int(async_task_result(t), 21);
    expect_ok(await_gather(n, runs(1), measures((struct large){ "four" }), runs(3)));
    expect_int(n[0], 1);
    expect_int(n[1], 4);
    expect_int(n[2], 3);
    expect_int(await_co(runs(5)), 5);
    expect_int(await_race(n, runs(6)), 0);
    expect_int(n[0], 6);
    expect_int(await_wait_for(runs(7), ASYNC_FOREVER), 7);
    return 0;
}

static int done_with;

static void is_done(async_task *t, void *arg)
{
    (void)arg;
    done_with = async_task_result(t);
}

LOOP_TEST(end_of_a_thread_task_is_reported_to_waiters)
{
    async_task *two[2];
    await_task_auto a = two[0] = async_create_task(held(1));
    await_task_auto b = two[1] = async_create_task(runs(2));
    expect_ok(async_task_add_done_callback(b, is_done, NULL));
    expect_int(await_wait(two, 2, ASYNC_FIRST_COMPLETED, ASYNC_FOREVER), 1);
    expect_true(two[0] == b);
    expect_ok(await_sleep(0));
    expect_int(done_with, 2);
    expect_false(async_task_done(a));
    open_door(true);
    expect_int(await_wait(two, 2, ASYNC_ALL_COMPLETED, ASYNC_FOREVER), 2);
    return 0;
}

LOOP_TEST(many_thread_tasks_need_no_stacks)
{
    int r;
    unsigned n = (unsigned)reduced_count(20000);
    struct rusage before, after;
    await_task_auto full = async_create_task(fills_the_pool());
    expect_ok(await_until_inside((int)most_threads()));
    getrusage(RUSAGE_SELF, &before);
    await_group (r, g) {
        for (unsigned i = 0; i < n; i++)
            expect_ok(async_spawn(g, runs(0)));
        for (struct async_pool_stats s = { 0 }; s.queued < n;) {
            expect_ok(await_sleep(0));
            expect_ok(async_pool_stats(ASYNC_POOL_THREADS, &s));
        }
        getrusage(RUSAGE_SELF, &after);
        open_door(true);
    }
    expect_int(ran, n);
    expect_ok(await_task(full));
#if !defined __SANITIZE_ADDRESS__ && !defined __SANITIZE_THREAD__
    expect_true(after.ru_maxrss - before.ru_maxrss <
                (long)n + 8192); /* KiB: a stack would have four */
#endif
    return r;
}

/* --- order --- */

ASYNC_DEF(says, (int)n)
{
    log_event("%d", n);
    return 0;
}

static bool argument;

ASYNC_THREAD(sees_argument)
{
    return argument;
}

LOOP_TEST(thread_tasks_begin_in_the_order_of_the_ready_queue)
{
    await_task_auto before = async_create_task(says(1));
    await_task_auto t = async_create_task(sees_argument());
    await_task_auto after = async_create_task(says(2));
    usleep(2000);
    argument = true; /* the call has not begun, because this task has not suspended */
    expect_int(await_task(t), 1);
    expect_events("1 2");
    expect_ok(await_task(after));
    return await_task(before);
}

ASYNC_DEF(several)
{
    int n[4];
    expect_ok(await_gather(n, runs(1), runs(2), says(0), runs(3)));
    expect_int(n[0] + n[1] + n[3], 6);
    return 0;
}

TEST(thread_tasks_run_in_every_kind_of_loop)
{
    for (uint64_t seed = 1; seed < 20; seed++)
        expect_run_ok(several(), .seed = seed);
    expect_run_ok(several(), .debug = true);
    expect_int(run_silently(several(), NULL), 0);
}

/* --- errors --- */

LOOP_TEST(failure_reaches_waiters_with_its_message)
{
    int r;
    expect_int(await_gather(NULL, runs(1), fails("it broke")), -EPROTO);
    expect_text(async_fail_text(-EPROTO), "it broke on a thread");
    await_task_auto t = async_create_task(fails("this too"));
    expect_int(await_task(t), -EPROTO);
    expect_text(async_fail_text(-EPROTO), "this too on a thread");
    await_group (r, g) {
        async_spawn(g, fails("a child"));
    }
    expect_int(r, -EPROTO);
    const async_error *e = async_group_errors(g);
    expect_text(e->task, "fails-5");
    expect_text(e->text, "a child on a thread");
    expect_true(e->site != NULL && e->created != NULL);
    return 0;
}

/* --- cancelled --- */

LOOP_TEST(cancel_before_the_first_step_prevents_the_call)
{
    int r;
    await_task_auto t = async_create_task(runs(1));
    expect_true(async_task_cancel(t));
    expect_int(await_task(t), -ECANCELED);
    expect_true(async_task_cancelled(t));
    await_group (r, g) {
        async_spawn(g, runs(1));
        async_group_cancel(g);
    }
    expect_ok(r);
    expect_int(ran, 0);
    return 0;
}

ASYNC_DEF(is_late)
{
    int r;
    await_timeout (r, 0.001) {
        await_group (r, g) {
            async_spawn(g, runs(1));
            usleep(5000);
        }
    }
    expect_int(r, -ETIMEDOUT);
    return 0;
}

TEST(expired_timeout_prevents_the_call)
{
    expect_int(run_silently(is_late(), NULL), 0);
    expect_int(ran, 0);
}

ASYNC_DEF(fails_at_once)
{
    return -EIO;
}

LOOP_TEST(cancel_while_queued_prevents_the_call)
{
    int r;
    await_task_auto full = async_create_task(fills_the_pool());
    expect_ok(await_until_inside((int)most_threads()));
    await_task_auto t = async_create_task(runs(1));
    expect_ok(await_sleep(0));
    expect_true(async_task_cancel(t));
    expect_int(await_task(t), -ECANCELED);
    await_timeout (r, 1) {
        int n[2];
        r = await_gather(n, runs(1), runs(2));
    }
    expect_int(r, -ETIMEDOUT);
    expect_int(await_gather(NULL, runs(1), runs(2), says(3), fails_at_once()), -EIO);
    int which;
    expect_int(await_race(&which, says(4), runs(1)), 0);
    expect_int(ran, 0);
    open_door(true);
    return await_task(full);
}

ASYNC_DEF(opens_in_a_second)
{
    expect_ok(await_sleep(1));
    open_door(true);
    return 0;
}

LOOP_TEST(cancel_after_the_call_has_begun_keeps_its_result)
{
    int r;
    await_task_auto t = async_create_task(held(5));
    await_task_auto dropped = async_create_task(opens_in_a_second());
    expect_ok(await_until_inside(1));
    expect_true(async_task_cancel(t));
    expect_ok(await_sleep(0));
    expect_true(async_task_cancel(t));
    expect_int(await_task(t), 5);
    open_door(false);
    inside = 0;
    await_task_auto again = async_create_task(opens_in_a_second());
    await_timeout (r, 0.5) {
        int n;
        r = await_gather(&n, held(6));
    }
    expect_int(r, -ETIMEDOUT);
    expect_int(left_room, 2);
    expect_ok(await_task(again));
    return await_task(dropped);
}

LOOP_TEST(shield_protects_the_call_from_a_timeout)
{
    int r, n = 0;
    await_timeout (r, 0.1) {
        await_task_auto opens = async_create_task(opens_in_a_second());
        await_shield (r)
            r = await_gather(&n, held(7));
    }
    expect_int(n, 7);
    return 0;
}

/* --- reports --- */

LOOP_TEST(task_tree_shows_thread_tasks)
{
    await_task_auto t = async_create_task(held(0));
    async_print_tasks();
    expect_contains(captured_stderr(), "held-2: has not started; created in ");
    expect_ok(await_until_inside(1));
    async_task_cancel(t);
    expect_ok(await_sleep(0));
    async_print_tasks();
    expect_contains(captured_stderr(),
                    "held-2: waits for \"held\" on a thread; it was cancelled; created in ");
    async_task *all[4];
    expect_int(async_all_tasks(all, 4), 2);
    open_door(true);
    return await_task(t);
}

/* --- the end of the loop --- */

ASYNC_DEF(leaves_some)
{
    for (int i = 0; i < 100; i++)
        expect_ok(async_spawn(async_background(), runs(i)));
    async_task *lost = async_create_task(runs(1));
    (void)lost;
    return 0;
}

TEST(calls_that_have_not_begun_when_main_returns_never_do)
{
    expect_run_ok(leaves_some());
    expect_int(ran, 0);
}

ASYNC_DEF(leaves_a_failure)
{
    expect_ok(async_spawn(async_background(), fails("in the background")));
    async_task *lost = async_create_task(fails("lost"));
    while (!async_task_done(lost))
        expect_ok(await_sleep(0.001));
    return 0;
}

TEST(failure_that_is_never_retrieved_is_reported)
{
    capture_stderr_begin();
    expect_ok(async_run(leaves_a_failure()));
    const char *said = captured_stderr();
    capture_stderr_end();
    expect_contains(said, "fails-2: Protocol error: in the background on a thread");
    expect_contains(said, "lost on a thread");
}

ASYNC_DEF(returns_at_some_moment, (unsigned)seed)
{
    for (unsigned i = 0; i < 50; i++)
        expect_ok(async_spawn(async_background(), i % 3 ? runs(1) : fails(NULL)));
    for (unsigned i = 0; i < seed % 7; i++)
        expect_ok(await_sleep(seed % 2 ? 0 : 1e-6 * seed));
    return 0;
}

TEST(shutdown_at_any_moment_leaves_nothing)
{
    capture_stderr_begin();
    for (unsigned i = 0; i < 400; i++) {
        expect_ok(async_run(returns_at_some_moment(i)));
        expect_ok(async_set_allocator(NULL));
        captured_stderr();
    }
    capture_stderr_end();
}

/* --- groups and options --- */

ASYNC_DEF(is_ready_during_its_call)
{
    int r;
    await_group (r, g) {
        async_spawn(g, held(1));
        ASYNC_TRY(await_until_inside(1));
        ASYNC_TRY(async_started(7));
        open_door(true);
    }
    return r;
}

LOOP_TEST(child_that_has_thread_task_moves_into_group)
{
    int r;
    await_group (r, g)
        expect_int(await_group_start(g, is_ready_during_its_call()), 7);
    return r;
}

LOOP_TEST(thread_task_with_invalid_option_is_refused)
{
    expect_null(async_create_task(runs(1), .stack_size = (size_t)2 << 30));
    expect_contains(captured_stderr(), "is more than 1 GiB");
    expect_ok(ran);
    return 0;
}

SUITE("thread tasks", task_has_the_result_of_its_call, end_of_a_thread_task_is_reported_to_waiters,
      many_thread_tasks_need_no_stacks, thread_tasks_begin_in_the_order_of_the_ready_queue,
      thread_tasks_run_in_every_kind_of_loop, failure_reaches_waiters_with_its_message,
      cancel_before_the_first_step_prevents_the_call, expired_timeout_prevents_the_call,
      cancel_while_queued_prevents_the_call, cancel_after_the_call_has_begun_keeps_its_result,
      shield_protects_the_call_from_a_timeout, task_tree_shows_thread_tasks,
      calls_that_have_not_begun_when_main_returns_never_do,
      failure_that_is_never_retrieved_is_reported, shutdown_at_any_moment_leaves_nothing,
      child_that_has_thread_task_moves_into_group, thread_task_with_invalid_option_is_refused)
