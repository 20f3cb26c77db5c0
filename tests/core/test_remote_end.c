/* SPDX-License-Identifier: MIT */
/* Tests of submitted coroutines when the loop ends: no thread waits for ever. Also run under the
 * thread sanitizer. */
#include "remote.h"

/* --- the loop's end --- */

ASYNC_DEF(refuses_to_end)
{
    int r;
    await_shield (r)
        r = await_event_wait(&never);
    return r;
}

static async_remote *kept[3];

/* While the loop shuts down, no coroutine starts any more. */
ASYNC_DEF(submit_too_late)
{
    int r = await_sleep(100);
    kept[2] = async_create_task_threadsafe(async_get_running_loop(), doubles(1));
    await_shield (r)
        r = await_sleep(1);
    return r;
}

ASYNC_DEF(leaves_some_behind)
{
    async_spawn(async_background(), submit_too_late());
    kept[0] = async_create_task_threadsafe(async_get_running_loop(), refuses_to_end());
    kept[1] = async_create_task_threadsafe(async_get_running_loop(), doubles(1));
    return await_sleep(1);
}

TEST(abandoned_loop_fails_submitted_coroutines)
{
    capture_stderr_begin();
    expect_int(async_run(leaves_some_behind(), .virtual_clock = true, .shutdown_timeout = 5),
               -ETIME);
    expect_contains(captured_stderr(), "refuses_to_end-3: waits for event");
    const int wanted[] = { -EPIPE, 2, -EPIPE };
    for (size_t i = 0; i < countof(kept); i++) {
        expect_int(async_remote_wait(kept[i], ASYNC_FOREVER), wanted[i]);
        async_remote_drop(&kept[i]);
    }
    expect_text(captured_stderr(), "");
    capture_stderr_end();
}

static atomic_bool ready, goes_on;

static void *submit_until_closed(void *arg)
{
    int *served = arg, r;
    while ((r = async_run_coroutine_threadsafe(home, doubles(1))) == 2)
        ++*served;
    expect_true(r == -EPIPE || r == -ECANCELED);
    expect_int(async_run_coroutine_threadsafe(home, doubles(1)), -EPIPE);
    return NULL;
}

static pthread_t threads[THREADS];
static int served[THREADS];

ASYNC_DEF(serves_some)
{
    home = async_get_running_loop();
    for (int i = 0; i < THREADS; i++)
        expect_ok(pthread_create(&threads[i], NULL, submit_until_closed, &served[i]));
    for (int i = 0; i < 200; i++)
        ASYNC_TRY(await_sleep(0));
    return 0;
}

TEST(closing_loop_answers_every_thread)
{
    for (int round = 0; round < 10; round++) {
        expect_run_ok(serves_some());
        for (int i = 0; i < THREADS; i++)
            expect_ok(pthread_join(threads[i], NULL));
    }
}

ASYNC_DEF(remember_loop)
{
    home = async_get_running_loop();
    return 0;
}

TEST(closed_loop_refuses_coroutines)
{
    expect_run_ok(remember_loop());
    expect_int(async_run_coroutine_threadsafe(home, doubles(1)), -EPIPE);
    async_remote *r = async_create_task_threadsafe(home, doubles(1));
    expect_true(async_remote_done(r));
    expect_false(async_remote_cancel(r));
    expect_int(async_remote_wait(r, 0), -EPIPE);
    async_remote_drop(&r);
}

static void *submit_twice(void *arg)
{
    int *r = arg;
    async_remote_auto second = async_create_task_threadsafe(home, waits_for_ever());
    async_remote_auto first = async_create_task_threadsafe(home, doubles(21));
    atomic_store(&ready, true);
    r[0] = async_remote_wait(first, ASYNC_FOREVER);
    r[1] = async_remote_wait(second, ASYNC_FOREVER);
    return NULL;
}

ASYNC_DEF(sleeps_a_little)
{
    return await_sleep(0.1);
}

/* What still runs is ended by the close. */
TEST(coroutine_submitted_between_runs_starts_in_next_run)
{
    pthread_t t;
    int r[2];
    async_runner *rn = async_runner_open(&(struct async_run_opts){ .virtual_clock = true });
    expect_ok(async_runner_run(rn, remember_loop()));
    expect_ok(pthread_create(&t, NULL, submit_twice, r));
    while (!atomic_load(&ready))
        sched_yield();
    expect_ok(atomic_load(&begun));
    expect_ok(async_runner_run(rn, sleeps_a_little()));
    expect_int(atomic_load(&begun), 1);
    async_runner_close(rn);
    expect_ok(pthread_join(t, NULL));
    expect_int(r[0], 42);
    expect_int(r[1], -ECANCELED);
}

/* Submitted to a loop that closes without another run. It is refused. */
static void *submit_once(void *arg)
{
    async_remote *r = async_create_task_threadsafe(home, doubles(1));
    atomic_store(&ready, true);
    while (!atomic_load(&goes_on))
        sched_yield();
    *(int *)arg = async_remote_wait(r, ASYNC_FOREVER);
    async_remote_drop(&r);
    return NULL;
}

TEST(coroutine_submitted_to_loop_that_closes_without_run_is_refused)
{
    pthread_t t;
    int r = 0;
    async_runner *rn = async_runner_open(NULL);
    expect_ok(async_runner_run(rn, remember_loop()));
    expect_ok(pthread_create(&t, NULL, submit_once, &r));
    while (!atomic_load(&ready))
        sched_yield();
    async_runner_close(rn);
    atomic_store(&goes_on, true);
    expect_ok(pthread_join(t, NULL));
    expect_true(r == 2 || r == -EPIPE || r == -ECANCELED);
}

/* The submitting thread has ended by the time the task ends. */
static int leaves_it(void)
{
    async_remote_detach(async_create_task_threadsafe(home, waits_for_ever()));
    return 0;
}

LOOP_TEST(coroutine_goes_on_after_submitting_thread_ended)
{
    expect_ok(await_run_in_thread(leaves_it));
    expect_ok(await_sleep(1));
    expect_int(begun, 1);
    return 0; /* it is cancelled when the loop ends */
}

SUITE("core-remote_end", abandoned_loop_fails_submitted_coroutines,
      closing_loop_answers_every_thread, closed_loop_refuses_coroutines,
      coroutine_submitted_between_runs_starts_in_next_run,
      coroutine_submitted_to_loop_that_closes_without_run_is_refused,
      coroutine_goes_on_after_submitting_thread_ended)
