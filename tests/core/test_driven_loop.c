/* SPDX-License-Identifier: MIT */
/* Tests of a loop that another program drives, one iteration at a time. */
#include "../frame/loop_test.h"

#include <poll.h>
#include <pthread.h>
#include <semaphore.h>

static async_runner *rn;

static void open_runner(bool virtual_clock)
{
    capture_stderr_begin();
    rn = async_runner_open(&(struct async_run_opts){ .virtual_clock = virtual_clock });
    expect_true(rn != NULL);
}

static void close_runner(void)
{
    async_runner_close(rn);
    expect_text(captured_stderr(), "");
    capture_stderr_end();
}

/* Drive the runner as a host program does. Returns the number of iterations. */
static int drive(int *result)
{
    int turns = 0, r = 0;
    while (r == 0) {
        double seconds = async_runner_timeout(rn);
        struct pollfd p = { .fd = async_runner_fd(rn), .events = POLLIN };
        expect_true(poll(&p, 1, seconds < 1000 ? (int)(seconds * 1000) + (seconds > 0) : 10000) >=
                    0);
        r = async_runner_turn(rn, result);
        turns++;
    }
    expect_int(r, 1);
    return turns;
}

ASYNC_DEF(steps, (int)n)
{
    for (int i = 0; i < n; i++) {
        log_event("%d", i);
        ASYNC_TRY(await_sleep(0));
    }
    return 10 * n;
}

TEST(each_turn_runs_what_was_ready_when_it_began)
{
    int r = 0;
    open_runner(false);
    expect_ok(async_runner_start(rn, steps(3)));
    expect_true(async_runner_timeout(rn) == 0);
    expect_events(""); /* starting runs nothing */
    expect_ok(async_runner_turn(rn, &r));
    expect_events("0");
    expect_ok(async_runner_turn(rn, &r));
    expect_events("0 1"); /* an iteration runs what was ready when it began */
    expect_ok(async_runner_turn(rn, NULL));
    expect_int(async_runner_turn(rn, &r), 1);
    expect_int(r, 30);
    expect_int(async_runner_turn(rn, &r), -EINVAL);
    close_runner();
}

ASYNC_DEF(sleeps, (double)seconds)
{
    double before = async_time();
    ASYNC_TRY(await_sleep(seconds));
    expect_true(async_time() >= before + seconds);
    return 1;
}

TEST(host_sleeps_until_timer_of_runner)
{
    int r = 0;
    open_runner(false);
    expect_ok(async_runner_start(rn, sleeps(0.02)));
    expect_ok(async_runner_turn(rn, &r));
    expect_true(async_runner_timeout(rn) >= 0 && async_runner_timeout(rn) <= 0.02);
    expect_true(drive(&r) < 10); /* it did not spin */
    expect_int(r, 1);
    close_runner();
}

TEST(driven_loop_skips_virtual_time)
{
    int r = 0;
    open_runner(true);
    expect_ok(async_runner_start(rn, sleeps(1e6)));
    expect_true(drive(&r) < 10);
    expect_int(r, 1);
    close_runner();
}

static async_event event;

ASYNC_DEF(waits)
{
    ASYNC_TRY(await_event_wait(&event));
    return 5;
}

/* The runner has nothing to do: no timeout, and a descriptor that is not readable. */
static void expect_idle(void)
{
    struct pollfd p = { .fd = async_runner_fd(rn), .events = POLLIN };
    expect_true(async_runner_timeout(rn) == ASYNC_FOREVER);
    expect_ok(poll(&p, 1, 0));
}

TEST(event_set_by_host_between_turns_wakes_task)
{
    int r = 0;
    open_runner(false);
    expect_ok(async_runner_start(rn, waits()));
    for (int i = 0; i < 3; i++)
        expect_ok(async_runner_turn(rn, &r));
    expect_idle(); /* it is no deadlock, because the host may set the event */
    async_event_set(&event);
    expect_true(async_runner_timeout(rn) == 0);
    drive(&r);
    expect_int(r, 5);
    close_runner();
}

static void sets(void *arg)
{
    async_event_set(arg);
}

static void nothing(void *arg)
{
    (void)arg;
}

static void *posts(void *loop)
{
    for (int i = 0; i < 1000; i++)
        expect_ok(async_call_soon_threadsafe(loop, nothing, NULL));
    expect_ok(async_call_soon_threadsafe(loop, sets, &event));
    return NULL;
}

TEST(post_makes_descriptor_of_runner_readable)
{
    for (int round = 0; round < 20; round++) {
        int r = 0;
        pthread_t t;
        open_runner(false);
        async_event_clear(&event);
        expect_ok(async_runner_start(rn, waits()));
        expect_ok(pthread_create(&t, NULL, posts, async_get_running_loop()));
        drive(&r);
        expect_int(r, 5);
        expect_ok(pthread_join(t, NULL));
        while (async_runner_timeout(rn) == 0)
            expect_int(async_runner_turn(rn, NULL), -EINVAL);
        close_runner();
    }
}

ASYNC_DEF(reads, (int)fd)
{
    char c;
    expect_int(await_fd_ready(fd, POLLIN), POLLIN);
    return (int)read(fd, &c, 1);
}

TEST(ready_descriptor_makes_descriptor_of_runner_readable)
{
    int r = 0, fds[2];
    expect_ok(pipe2(fds, O_CLOEXEC));
    open_runner(false);
    expect_ok(async_runner_start(rn, reads(fds[0])));
    expect_ok(async_runner_turn(rn, &r));
    expect_idle();
    expect_int(write(fds[1], "x", 1), 1);
    drive(&r);
    expect_int(r, 1);
    close_runner();
    close(fds[0]);
    close(fds[1]);
}

static int inside;

ASYNC_DEF(calls_the_runner)
{
    inside = async_runner_turn(rn, NULL);
    expect_int(async_runner_run(rn, steps(1)), -EBUSY);
    expect_contains(captured_stderr(), "async_runner_run() inside a run");
    return 0;
}

static void *turns_elsewhere(void *arg)
{
    *(int *)arg = async_runner_turn(rn, NULL);
    return NULL;
}

TEST(driving_runner_at_wrong_time_or_place_is_refused)
{
    int r = 0;
    pthread_t t;
    open_runner(false);
    expect_int(async_runner_turn(rn, &r), -EINVAL);
    expect_ok(async_runner_start(rn, calls_the_runner()));
    expect_int(async_runner_start(rn, steps(1)), -EBUSY);
    expect_int(async_runner_run(rn, steps(1)), -EBUSY);
    expect_contains(captured_stderr(),
                    "while a run that was started with async_runner_start() has not ended");
    expect_ok(pthread_create(&t, NULL, turns_elsewhere, &r));
    expect_ok(pthread_join(t, NULL));
    expect_int(r, -EBUSY);
    drive(&r);
    expect_int(inside, -EBUSY);
    expect_int(async_runner_run(rn, steps(1)), 10); /* free again */
    captured_stderr();
    close_runner();
}

ASYNC_DEF(cleans_up)
{
    int r = await_event_wait(&event);
    await_shield (r)
        r = await_sleep(1);
    log_event("cleaned up");
    return -ECANCELED;
}

TEST(runner_closed_before_end_cancels_started_run)
{
    open_runner(true);
    expect_ok(async_runner_start(rn, cleans_up()));
    expect_ok(async_runner_turn(rn, NULL));
    close_runner();
    expect_events("cleaned up");
}

TEST(runner_closed_before_first_turn_never_starts_run)
{
    open_runner(true);
    expect_ok(async_runner_start(rn, cleans_up()));
    close_runner();
    expect_events("");
}

/* --- done callbacks and the end of a run --- */

static void notes_the_end(async_task *t, void *word)
{
    (void)t;
    log_event("%s", (const char *)word);
}

ASYNC_DEF(ends_with_a_callback_on_its_way)
{
    async_task *self = async_current_task();
    expect_ok(async_task_add_done_callback(self, notes_the_end, "done"));
    return 7;
}

TEST(done_callback_scheduled_by_last_step_runs)
{
    int r = 0;
    open_runner(true);
    expect_ok(async_runner_start(rn, ends_with_a_callback_on_its_way()));
    drive(&r);
    expect_int(r, 7);
    expect_events("done");
    expect_int(async_runner_run(rn, steps(1)), 10);
    close_runner();
}

ASYNC_DEF(ends_after, (async_task *)t)
{
    expect_ok(async_task_add_done_callback(t, notes_the_end, "one"));
    expect_ok(async_task_add_done_callback(t, notes_the_end, "two"));
    return 7;
}

ASYNC_DEF(has_an_end_before_its_own)
{
    await_task_auto t = async_create_task(steps(0));
    ASYNC_TRY(await_task(t));
    return await_ends_after(t);
}

/* The callbacks are queued behind the entry that ends the turn. */
TEST(runner_closed_between_end_and_callbacks_runs_callbacks)
{
    open_runner(true);
    expect_ok(async_runner_start(rn, has_an_end_before_its_own()));
    while (async_runner_turn(rn, NULL) == 0 && !event_log[0])
        ;
    close_runner();
    expect_events("one two");
}

static int left;

static void adds_itself_again(async_task *t, void *arg)
{
    if (--left > 0)
        expect_ok(async_task_add_done_callback(t, adds_itself_again, arg));
}

ASYNC_DEF(ends_with_one_that_adds_itself)
{
    left = 1000000;
    return async_task_add_done_callback(async_current_task(), adds_itself_again, NULL);
}

TEST(callbacks_that_add_callbacks_do_not_keep_run_open)
{
    open_runner(true);
    expect_ok(async_runner_run(rn, ends_with_one_that_adds_itself()));
    expect_int(left, 999999);
    left = 1; /* it goes on in the next one, or when the runner is closed */
    close_runner();
    expect_ok(left);
}

ASYNC_DEF(answers_a_cancel, (int)result)
{
    async_ignore(await_sleep(100));
    return result;
}

/* The close ends the run, and no call returns its result. An error must not be lost. */
TEST(runner_closed_before_end_drops_result_and_reports_error)
{
    open_runner(true);
    expect_ok(async_runner_start(rn, answers_a_cancel(5)));
    expect_ok(async_runner_turn(rn, NULL));
    close_runner();
    open_runner(true);
    expect_ok(async_runner_start(rn, answers_a_cancel(-EIO)));
    expect_ok(async_runner_turn(rn, NULL));
    async_runner_close(rn);
    expect_text(captured_stderr(),
                "asyncio: task error was never retrieved: main: Input/output error\n");
    capture_stderr_end();
}

static void sets_event(void *e)
{
    async_event_set(e);
}

static async_event event_of_a_timer;

ASYNC_DEF(waits_for_a_timer)
{
    return await_event_wait(&event_of_a_timer);
}

/* The host arms it between two turns. It does not move the clock. */
TEST(timer_armed_for_past_time_fires_in_next_turn)
{
    int r = -1;
    async_callback late = { 0 }, later = { 0 };
    open_runner(true);
    expect_ok(async_runner_start(rn, waits_for_a_timer()));
    expect_ok(async_runner_turn(rn, NULL));
    expect_ok(async_runner_turn(rn, NULL)); /* nothing to do at all */
    expect_true(async_runner_timeout(rn) == ASYNC_FOREVER);
    async_call_at(&later, 7, sets_event, &event_of_a_timer);
    async_call_at(&late, 0, sets_event, &event_of_a_timer);
    expect_true(async_runner_timeout(rn) == 0);
    while (async_runner_turn(rn, &r) == 0)
        expect_time(0);
    expect_ok(r);
    expect_true(async_callback_cancel(&later));
    close_runner();
}

ASYNC_THREAD(takes_real_time)
{
    usleep(50 * 1000);
    return 7;
}

ASYNC_DEF(calls_a_thread, (double *)time)
{
    int r = 0;
    await_timeout (r, 60)
        r = await_takes_real_time();
    *time = async_time();
    return r;
}

TEST(virtual_clock_of_driven_loop_stands_still_while_a_call_runs)
{
    int r = 0;
    double time = -1;
    open_runner(true);
    expect_ok(async_runner_start(rn, calls_a_thread(&time)));
    drive(&r);
    expect_int(r, 7);
    expect_near(time, 0, 1e-6);
    close_runner();
}

static sem_t may_return;

ASYNC_THREAD(waits_for_the_test)
{
    return sem_wait(&may_return);
}

ASYNC_DEF(calls_a_thread_for_too_long)
{
    int r = 0;
    await_timeout (r, 0.02)
        r = await_to_thread(waits_for_the_test(), .abandon = true);
    expect_time(0.02);
    return r;
}

TEST(timeout_of_a_call_expires_in_driven_loop_with_virtual_clock)
{
    int r = 0;
    expect_ok(sem_init(&may_return, 0, 0));
    open_runner(true);
    expect_ok(async_runner_start(rn, calls_a_thread_for_too_long()));
    drive(&r);
    expect_int(r, -ETIMEDOUT);
    expect_ok(sem_post(&may_return));
    close_runner();
}

SUITE("core-driven_loop", runner_closed_before_end_drops_result_and_reports_error,
      timer_armed_for_past_time_fires_in_next_turn, each_turn_runs_what_was_ready_when_it_began,
      done_callback_scheduled_by_last_step_runs,
      runner_closed_between_end_and_callbacks_runs_callbacks,
      callbacks_that_add_callbacks_do_not_keep_run_open, host_sleeps_until_timer_of_runner,
      driven_loop_skips_virtual_time, virtual_clock_of_driven_loop_stands_still_while_a_call_runs,
      timeout_of_a_call_expires_in_driven_loop_with_virtual_clock,
      event_set_by_host_between_turns_wakes_task, post_makes_descriptor_of_runner_readable,
      ready_descriptor_makes_descriptor_of_runner_readable,
      driving_runner_at_wrong_time_or_place_is_refused,
      runner_closed_before_end_cancels_started_run,
      runner_closed_before_first_turn_never_starts_run)
