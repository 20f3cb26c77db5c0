/* SPDX-License-Identifier: MIT */
/* Tests of coroutines that other threads submit to a loop. Also run under the thread sanitizer. */
#include "remote.h"

static int calls(void)
{
    for (int i = 0; i < CALLS; i++)
        expect_int(async_run_coroutine_threadsafe(home, doubles(i)), 2 * i);
    return async_run_coroutine_threadsafe(home, doubles(-1));
}

LOOP_TEST(thread_receives_result_and_error)
{
    expect_int(await_run_in_thread(calls), -EPROTO);
    return 0;
}

ASYNC_LOCAL(int, request, 1);

ASYNC_DEF(log_variable)
{
    return async_local_get(request);
}

static int submit_with_variable(void)
{
    expect_int(async_run_coroutine_threadsafe(home, log_variable()), 1);
    expect_ok(async_local_set(request, 5));
    expect_int(async_run_coroutine_threadsafe(home, log_variable()), 5);
    return 0;
}

LOOP_TEST(submitted_coroutine_sees_variables_of_submitting_thread)
{
    expect_ok(async_local_set(request, 9));
    return await_run_in_thread(submit_with_variable);
}

static async_loop *gone;

/* The message of the error is available to the thread that waited. The next error replaces it. */
static int check_messages(void)
{
    expect_int(async_run_coroutine_threadsafe(home, doubles(-1)), -EPROTO);
    expect_text(async_fail_text(-EPROTO), "-1 is negative");
    async_remote_auto r = async_create_task_threadsafe(home, doubles(-2));
    expect_int(async_remote_wait(r, ASYNC_FOREVER), -EPROTO);
    expect_text(async_fail_text(-EPROTO), "-2 is negative");
    expect_int(async_run_coroutine_threadsafe(gone, doubles(-3)), -EPIPE);
    expect_text(async_fail_text(-EPIPE), "the loop is closed");
    expect_text(async_fail_text(-EPROTO), "");
    return 0;
}

ASYNC_DEF(goes)
{
    gone = async_get_running_loop();
    return 0;
}

TEST(thread_receives_message_of_error)
{
    expect_ok(async_run(goes()));
    expect_run_ok(run_in_thread(check_messages));
}

/* In a task of another loop, which is blocked during the call. */
ASYNC_DEF(call_other_loop)
{
    expect_int(async_run_coroutine_threadsafe(home, doubles(-1)), -EPROTO);
    expect_text(async_fail_text(-EPROTO), "-1 is negative");
    return 0;
}

static int has_a_loop(void)
{
    return async_run(call_other_loop());
}

LOOP_TEST(task_of_other_loop_receives_message_of_error)
{
    return await_run_in_thread(has_a_loop);
}

LOOP_TEST(many_threads_submit_at_once)
{
    int r[THREADS];
    expect_int(await_gather_all(r, run_in_thread(calls), run_in_thread(calls), run_in_thread(calls),
                                run_in_thread(calls)),
               THREADS);
    for (int i = 0; i < THREADS; i++)
        expect_int(r[i], -EPROTO);
    return 0;
}

static int waits_a_little(void)
{
    async_remote_auto r = async_create_task_threadsafe(home, waits_for_ever());
    expect_int(async_remote_wait(r, 0), -ETIMEDOUT);
    while (!atomic_load(&begun))
        expect_int(async_remote_wait(r, 0.001), -ETIMEDOUT);
    expect_false(async_remote_done(r));
    return 0;
}

LOOP_TEST(wait_times_out_and_dropped_handle_cancels)
{
    expect_ok(await_run_in_thread(waits_a_little));
    expect_int(cancelled, 1); /* before the block of the handle was left */
    return 0;
}

static int cancels(void)
{
    async_remote_auto r = async_create_task_threadsafe(home, waits_for_ever());
    while (!atomic_load(&begun))
        sched_yield();
    expect_true(async_remote_cancel(r));
    async_remote_cancel(r);
    expect_int(async_remote_wait(r, ASYNC_FOREVER), -ECANCELED);
    expect_false(async_remote_cancel(r));
    expect_int(async_remote_wait(r, 0), -ECANCELED);
    return 0;
}

LOOP_TEST(cancel_from_submitting_thread_ends_task)
{
    expect_ok(await_run_in_thread(cancels));
    expect_int(cancelled, 1);
    return 0;
}

ASYNC_DEF(why)
{
    if (await_event_wait(&never) == 0)
        return -ETIME;
    async_cause c = async_cancel_cause();
    expect_int(c.kind, ASYNC_CANCEL_TASK);
    expect_text(c.why, "another thread has cancelled it");
    return 7;
}

static int cancels_at_once(void)
{
    for (int i = 0; i < CALLS; i++) {
        async_remote_auto r = async_create_task_threadsafe(home, why());
        async_remote_cancel(r);
        int result = async_remote_wait(r, ASYNC_FOREVER); /* it may have started in between */
        expect_true(result == -ECANCELED || result == 7);
    }
    return 0;
}

LOOP_TEST(cancel_right_after_submit_ends_task)
{
    return await_run_in_thread(cancels_at_once);
}

static async_task *victim;

ASYNC_DEF(shows_itself)
{
    victim = async_current_task();
    return await_event_wait(&never);
}

static int is_cancelled_inside(void)
{
    return async_run_coroutine_threadsafe(home, shows_itself());
}

LOOP_TEST(cancel_inside_loop_is_result_of_thread)
{
    await_task_auto t = async_create_task(run_in_thread(is_cancelled_inside));
    while (!victim)
        ASYNC_TRY(await_sleep(0.01));
    expect_true(async_task_cancel(victim));
    expect_int(await_task(t), -ECANCELED);
    return 0;
}

/* --- handles that are given up --- */

static async_event detached;

ASYNC_DEF(fails_later)
{
    ASYNC_TRY(await_event_wait(&detached));
    return await_doubles(-5);
}

static int detaches(void)
{
    async_remote_detach(async_create_task_threadsafe(home, fails_later()));
    async_remote_detach(async_create_task_threadsafe(home, doubles(5)));
    return 0;
}

LOOP_TEST(detached_failure_is_reported)
{
    expect_ok(await_run_in_thread(detaches));
    async_event_set(&detached);
    expect_ok(await_sleep(1));
    const char *output = captured_stderr();
    expect_contains(output, "fails_later-2: Protocol error: -5 is negative");
    return 0;
}

static int never_waits(void)
{
    async_remote *r = async_create_task_threadsafe(home, doubles(-6));
    while (!async_remote_done(r))
        sched_yield();
    async_remote_drop(&r);
    expect_true(r == NULL);
    async_remote_drop(&r);
    return 0;
}

LOOP_TEST(failure_never_retrieved_by_thread_is_reported)
{
    expect_ok(await_run_in_thread(never_waits));
    expect_contains(captured_stderr(), "task error was never retrieved: doubles: Protocol error");
    return 0;
}

/* --- on the loop's own thread --- */

LOOP_TEST(wait_on_thread_of_loop_is_refused_as_deadlock)
{
    async_loop *l = async_get_running_loop();
    expect_int(async_run_coroutine_threadsafe(l, doubles(1)), -EDEADLK);
    expect_contains(captured_stderr(), "on the loop's own thread");
    async_remote *r = async_create_task_threadsafe(l, doubles(1));
    expect_int(async_remote_wait(r, 1), -EDEADLK);
    expect_contains(captured_stderr(), "on the thread whose loop runs the task");
    expect_ok(await_sleep(1));
    expect_int(async_remote_wait(r, 1), 2);
    async_remote_drop(&r);
    r = async_create_task_threadsafe(l, waits_for_ever());
    expect_ok(await_sleep(1));
    expect_int(begun, 1);
    async_remote_drop(&r);
    expect_contains(captured_stderr(), "dropped on the thread of its own loop");
    expect_ok(await_sleep(1));
    expect_int(cancelled, 1);
    return 0;
}

static int raw(void *frame)
{
    (void)frame;
    log_event("%s", async_task_name(async_current_task()));
    return 0;
}

ASYNC_DEF(fails_with, (int)r)
{
    return await_sleep(0) < 0 ? -EINTR : r;
}

LOOP_TEST(coroutine_without_name_gets_a_name)
{
    async_remote *r =
            async_create_task_threadsafe(async_get_running_loop(), (async_co){ .run = raw });
    expect_ok(await_sleep(1));
    expect_ok(async_remote_wait(r, 0));
    async_remote_drop(&r);
    expect_events("task-2");
    return 0;
}

/* A result, a cancellation and a refusal are not. */
LOOP_TEST(only_errors_of_dropped_handles_are_reported)
{
    async_loop *l = async_get_running_loop();
    async_remote *r[] = { async_create_task_threadsafe(l, doubles(2)),
                          async_create_task_threadsafe(l, waits_for_ever()),
                          async_create_task_threadsafe(l, fails_with(-EPIPE)) };
    expect_ok(await_sleep(1));
    expect_true(async_remote_cancel(r[1]));
    expect_true(async_remote_cancel(r[1])); /* the cancel is on its way */
    expect_ok(await_sleep(1));
    for (size_t i = 0; i < countof(r); i++) {
        expect_true(async_remote_done(r[i]));
        async_remote_detach(r[i]);
    }
    expect_text(captured_stderr(), "");
    return 0;
}

/* A thread that has a loop of its own blocks while it waits. That is no misuse. */
ASYNC_DEF(calls_another_loop)
{
    expect_int(async_run_coroutine_threadsafe(home, doubles(4)), 8);
    async_remote *r = async_create_task_threadsafe(home, fails_with(-EDEADLK));
    expect_int(async_remote_wait(r, ASYNC_FOREVER), -EDEADLK);
    async_remote_drop(&r);
    r = async_create_task_threadsafe(home, waits_for_ever());
    async_remote_drop(&r); /* and waits */
    return 0;
}

static int calls_from_a_loop(void)
{
    return async_run(calls_another_loop(), .virtual_clock = true);
}

LOOP_TEST(thread_with_loop_may_submit_and_wait)
{
    expect_ok(await_run_in_thread(calls_from_a_loop));
    expect_text(captured_stderr(), "");
    return 0;
}

TEST(null_remote_handle_is_harmless)
{
    async_remote *r = NULL;
    expect_true(async_remote_done(r));
    expect_false(async_remote_cancel(r));
    expect_int(async_remote_wait(r, 0), -ENOMEM);
    async_remote_drop(&r);
    async_remote_detach(r);
}

static int raw_failure(void *frame)
{
    (void)frame;
    return -EIO;
}

LOOP_TEST(report_uses_name_given_to_submitted_coroutine)
{
    async_loop *l = async_get_running_loop();
    async_remote *named = async_create_task_threadsafe(l, fails_with(-EIO), .name = "upload");
    async_remote *nameless = async_create_task_threadsafe(l, (async_co){ .run = raw_failure });
    expect_ok(await_sleep(1));
    async_remote_drop(&named);
    expect_text(captured_stderr(),
                "asyncio: task error was never retrieved: upload: Input/output error\n");
    async_remote_drop(&nameless);
    expect_text(captured_stderr(),
                "asyncio: task error was never retrieved: task: Input/output error\n");
    return 0;
}

SUITE("core-remote", submitted_coroutine_sees_variables_of_submitting_thread,
      coroutine_without_name_gets_a_name, only_errors_of_dropped_handles_are_reported,
      thread_with_loop_may_submit_and_wait, thread_receives_result_and_error,
      thread_receives_message_of_error, task_of_other_loop_receives_message_of_error,
      many_threads_submit_at_once, wait_times_out_and_dropped_handle_cancels,
      cancel_from_submitting_thread_ends_task, cancel_right_after_submit_ends_task,
      cancel_inside_loop_is_result_of_thread, detached_failure_is_reported,
      failure_never_retrieved_by_thread_is_reported, wait_on_thread_of_loop_is_refused_as_deadlock,
      null_remote_handle_is_harmless, report_uses_name_given_to_submitted_coroutine)
