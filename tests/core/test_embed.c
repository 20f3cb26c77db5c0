/* SPDX-License-Identifier: MIT */
/* A loop that somebody else drives, a turn at a time. */
#include "run.h"

#include <pthread.h>

static async_runner *rn;

static void open_runner(bool virtual_clock)
{
    ears_open();
    rn = async_runner_open(&(struct async_run_opts){ .virtual_clock = virtual_clock });
    is_true(rn != NULL);
}

static void close_runner(void)
{
    async_runner_close(rn);
    is_text(heard(), "");
    ears_close();
}

/* What a host does; how many turns that took. */
static int drive(int *result)
{
    int turns = 0, r = 0;
    while (r == 0) {
        double seconds = async_runner_timeout(rn);
        struct pollfd p = { .fd = async_runner_fd(rn), .events = POLLIN };
        is_true(poll(&p, 1, seconds < 1000 ? (int)(seconds * 1000) + (seconds > 0) : 10000) >= 0);
        r = async_runner_turn(rn, result);
        turns++;
    }
    is(r, 1);
    return turns;
}

ASYNC_DEF(steps, (int)n)
{
    for (int i = 0; i < n; i++) {
        note("%d", i);
        ASYNC_TRY(await_sleep(0));
    }
    return 10 * n;
}

START_TEST(turn_by_turn)
{
    int r = 0;
    open_runner(false);
    ok(async_runner_start(rn, steps(3)));
    is_true(async_runner_timeout(rn) == 0);
    is_trail(""); /* starting runs nothing */
    ok(async_runner_turn(rn, &r));
    is_trail("0");
    ok(async_runner_turn(rn, &r));
    is_trail("0 1"); /* a turn runs what was ready when it began */
    ok(async_runner_turn(rn, NULL));
    is(async_runner_turn(rn, &r), 1);
    is(r, 30);
    is(async_runner_turn(rn, &r), -EINVAL);
    close_runner();
}
END_TEST

ASYNC_DEF(sleeps, (double)seconds)
{
    double before = async_time();
    ASYNC_TRY(await_sleep(seconds));
    is_true(async_time() >= before + seconds);
    return 1;
}

START_TEST(timers)
{
    int r = 0;
    open_runner(false);
    ok(async_runner_start(rn, sleeps(0.02)));
    ok(async_runner_turn(rn, &r));
    is_true(async_runner_timeout(rn) > 0 && async_runner_timeout(rn) <= 0.02);
    is_true(drive(&r) < 10); /* it did not spin */
    is(r, 1);
    close_runner();
}
END_TEST

START_TEST(virtual_time)
{
    int r = 0;
    open_runner(true);
    ok(async_runner_start(rn, sleeps(1e6)));
    is_true(drive(&r) < 10);
    is(r, 1);
    close_runner();
}
END_TEST

static async_event event;

ASYNC_DEF(waits)
{
    ASYNC_TRY(await_event_wait(&event));
    return 5;
}

/* Nothing to do: no time, and a silent descriptor. */
static void is_idle(void)
{
    struct pollfd p = { .fd = async_runner_fd(rn), .events = POLLIN };
    is_true(async_runner_timeout(rn) == ASYNC_FOREVER);
    is(poll(&p, 1, 0), 0);
}

START_TEST(host_acts_between_turns)
{
    int r = 0;
    open_runner(false);
    ok(async_runner_start(rn, waits()));
    for (int i = 0; i < 3; i++)
        ok(async_runner_turn(rn, &r));
    is_idle(); /* and no deadlock: the host may do this: */
    async_event_set(&event);
    is_true(async_runner_timeout(rn) == 0);
    drive(&r);
    is(r, 5);
    close_runner();
}
END_TEST

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
        ok(async_call_soon_threadsafe(loop, nothing, NULL));
    ok(async_call_soon_threadsafe(loop, sets, &event));
    return NULL;
}

START_TEST(posts_make_the_descriptor_readable)
{
    for (int round = 0; round < 20; round++) {
        int r = 0;
        pthread_t t;
        open_runner(false);
        async_event_clear(&event);
        ok(async_runner_start(rn, waits()));
        ok(pthread_create(&t, NULL, posts, async_get_running_loop()));
        drive(&r);
        is(r, 5);
        ok(pthread_join(t, NULL));
        while (async_runner_timeout(rn) == 0)
            is(async_runner_turn(rn, NULL), -EINVAL);
        close_runner();
    }
}
END_TEST

ASYNC_DEF(reads, (int)fd)
{
    char c;
    is(await_fd_ready(fd, POLLIN), POLLIN);
    return (int)read(fd, &c, 1);
}

START_TEST(descriptors_make_it_readable)
{
    int r = 0, fds[2];
    ok(pipe2(fds, O_CLOEXEC));
    open_runner(false);
    ok(async_runner_start(rn, reads(fds[0])));
    ok(async_runner_turn(rn, &r));
    is_idle();
    is(write(fds[1], "x", 1), 1);
    drive(&r);
    is(r, 1);
    close_runner();
    close(fds[0]);
    close(fds[1]);
}
END_TEST

static int inside;

ASYNC_DEF(calls_the_runner)
{
    inside = async_runner_turn(rn, NULL);
    is(async_runner_run(rn, steps(1)), -EBUSY);
    has_text(heard(), "async_runner_run() inside a run");
    return 0;
}

static void *turns_elsewhere(void *arg)
{
    *(int *)arg = async_runner_turn(rn, NULL);
    return NULL;
}

START_TEST(misuse)
{
    int r = 0;
    pthread_t t;
    open_runner(false);
    is(async_runner_turn(rn, &r), -EINVAL);
    ok(async_runner_start(rn, calls_the_runner()));
    is(async_runner_start(rn, steps(1)), -EBUSY);
    is(async_runner_run(rn, steps(1)), -EBUSY);
    has_text(heard(), "while a run that was started with async_runner_start() has not ended");
    ok(pthread_create(&t, NULL, turns_elsewhere, &r));
    ok(pthread_join(t, NULL));
    is(r, -EBUSY);
    drive(&r);
    is(inside, -EBUSY);
    is(async_runner_run(rn, steps(1)), 10); /* free again */
    heard();
    close_runner();
}
END_TEST

ASYNC_DEF(cleans_up)
{
    int r = await_event_wait(&event);
    await_shield (r)
        r = await_sleep(1);
    note("cleaned up");
    return -ECANCELED;
}

START_TEST(closed_before_its_end)
{
    open_runner(true);
    ok(async_runner_start(rn, cleans_up()));
    ok(async_runner_turn(rn, NULL));
    close_runner();
    is_trail("cleaned up");
}
END_TEST

START_TEST(closed_before_its_beginning)
{
    open_runner(true);
    ok(async_runner_start(rn, cleans_up()));
    close_runner();
    is_trail("");
}
END_TEST

/* --- done callbacks and the end of a run --- */

static void notes_the_end(async_task *t, void *word)
{
    (void)t;
    note("%s", (const char *)word);
}

ASYNC_DEF(ends_with_a_callback_on_its_way)
{
    async_task *self = async_current_task();
    ok(async_task_add_done_callback(self, notes_the_end, "done"));
    return 7;
}

START_TEST(done_callback_of_the_last_step)
{
    int r = 0;
    open_runner(true);
    ok(async_runner_start(rn, ends_with_a_callback_on_its_way()));
    drive(&r);
    is(r, 7);
    is_trail("done");
    is(async_runner_run(rn, steps(1)), 10);
    close_runner();
}
END_TEST

ASYNC_DEF(ends_after, (async_task *)t)
{
    ok(async_task_add_done_callback(t, notes_the_end, "one"));
    ok(async_task_add_done_callback(t, notes_the_end, "two"));
    return 7;
}

ASYNC_DEF(has_an_end_before_its_own)
{
    await_task_auto t = async_create_task(steps(0));
    ASYNC_TRY(await_task(t));
    return await_ends_after(t);
}

/* The callbacks are behind what ends the turn. */
START_TEST(closed_between_the_end_and_its_callbacks)
{
    open_runner(true);
    ok(async_runner_start(rn, has_an_end_before_its_own()));
    while (async_runner_turn(rn, NULL) == 0 && !trail[0])
        ;
    close_runner();
    is_trail("one two");
}
END_TEST

static int left;

static void adds_itself_again(async_task *t, void *arg)
{
    if (--left > 0)
        ok(async_task_add_done_callback(t, adds_itself_again, arg));
}

ASYNC_DEF(ends_with_one_that_adds_itself)
{
    left = 1000000;
    return async_task_add_done_callback(async_current_task(), adds_itself_again, NULL);
}

START_TEST(callbacks_that_add_callbacks_do_not_keep_a_run_open)
{
    open_runner(true);
    ok(async_runner_run(rn, ends_with_one_that_adds_itself()));
    is(left, 999999);
    left = 1; /* it goes on in the next one, or when the runner is closed */
    close_runner();
    is(left, 0);
}
END_TEST

ASYNC_DEF(answers_a_cancel, (int)result)
{
    async_ignore(await_sleep(100));
    return result;
}

/* Nobody is there to take the result of what the close has ended; an error must not get lost. */
START_TEST(closed_and_its_result)
{
    open_runner(true);
    ok(async_runner_start(rn, answers_a_cancel(5)));
    ok(async_runner_turn(rn, NULL));
    close_runner();
    open_runner(true);
    ok(async_runner_start(rn, answers_a_cancel(-EIO)));
    ok(async_runner_turn(rn, NULL));
    async_runner_close(rn);
    is_text(heard(), "asyncio: task error was never retrieved: main: Input/output error\n");
    ears_close();
}
END_TEST

static void sets_event(void *e)
{
    async_event_set(e);
}

static async_event event_of_a_timer;

ASYNC_DEF(waits_for_a_timer)
{
    return await_event_wait(&event_of_a_timer);
}

/* The host arms a timer between two turns, for a time that has passed: it is due in the next one, and moves no clock. */
START_TEST(timer_that_is_late)
{
    int r = -1;
    async_callback late = { 0 }, later = { 0 };
    open_runner(true);
    ok(async_runner_start(rn, waits_for_a_timer()));
    ok(async_runner_turn(rn, NULL));
    ok(async_runner_turn(rn, NULL)); /* nothing to do at all */
    is_true(async_runner_timeout(rn) == ASYNC_FOREVER);
    async_call_at(&later, 7, sets_event, &event_of_a_timer);
    async_call_at(&late, 0, sets_event, &event_of_a_timer);
    is_true(async_runner_timeout(rn) == 0);
    while (async_runner_turn(rn, &r) == 0)
        is_time(0);
    ok(r);
    is_true(async_callback_cancel(&later));
    close_runner();
}
END_TEST

SUITE("embed", closed_and_its_result, timer_that_is_late, turn_by_turn, done_callback_of_the_last_step,
      closed_between_the_end_and_its_callbacks, callbacks_that_add_callbacks_do_not_keep_a_run_open,
      timers, virtual_time, host_acts_between_turns, posts_make_the_descriptor_readable,
      descriptors_make_it_readable, misuse, closed_before_its_end, closed_before_its_beginning)
