/* SPDX-License-Identifier: MIT */
/* Tests of the order of tasks: no starvation, seeded orders, and calls outside of a task. */
#include "../frame/loop_test.h"

#include <poll.h>
#include <limits.h>

/* --- starvation: two tasks keep waking each other, and the others must run within some steps
 * --- */

struct hogs {
    async_event ping, pong;
    long steps;
    bool stop;
};

enum { PATIENCE = 1000000 };

ASYNC_DEF(hog, (struct hogs *)h, (async_event *)mine, (async_event *)other)
{
    while (!h->stop) {
        async_event_set(other);
        ASYNC_TRY(await_event_wait(mine));
        async_event_clear(mine);
        if (++h->steps > PATIENCE)
            return -ELOOP;
    }
    async_event_set(other);
    return 0;
}

static void hogs_spawn(async_group *g, struct hogs *h)
{
    async_spawn(g, hog(h, &h->ping, &h->pong));
    async_spawn(g, hog(h, &h->pong, &h->ping));
}

/* Main cancels them, and is scheduled often enough to do so. */
LOOP_TEST(busy_tasks_do_not_starve_main)
{
    struct hogs h = { 0 };
    int r;
    await_group (r, g) {
        hogs_spawn(g, &h);
        for (int i = 0; i < 100; i++)
            expect_ok(await_sleep(0));
        expect_true(h.steps >= 50 && h.steps < 1000);
        async_group_cancel(g);
    }
    return r;
}

/* With the real clock, a timer fires although a task is always ready. */
ASYNC_DEF(stops_by_timer, (struct hogs *)h)
{
    ASYNC_TRY(await_sleep(0.001));
    h->stop = true;
    return 0;
}

ASYNC_DEF(hogs_and_a_timer_body)
{
    struct hogs h = { 0 };
    int r;
    await_group (r, g) {
        hogs_spawn(g, &h);
        async_spawn(g, stops_by_timer(&h));
    }
    return r;
}

TEST(busy_tasks_do_not_starve_timers)
{
    expect_ok(async_run(hogs_and_a_timer_body()));
    expect_ok(async_run(hogs_and_a_timer_body(), .seed = 5));
}

static void stops(void *arg)
{
    ((struct hogs *)arg)->stop = true;
}

ASYNC_DEF(hogs_and_callbacks_body, (bool)later)
{
    struct hogs h = { 0 };
    async_callback cb = { 0 };
    int r;
    await_group (r, g) {
        hogs_spawn(g, &h);
        expect_ok(await_sleep(0));
        if (later)
            async_call_later(&cb, 0.001, stops, &h);
        else
            async_call_soon(&cb, stops, &h);
    }
    return r;
}

TEST(busy_tasks_do_not_starve_callbacks)
{
    expect_ok(async_run(hogs_and_callbacks_body(false)));
    expect_ok(async_run(hogs_and_callbacks_body(true)));
}

ASYNC_DEF(stops_by_io, (struct hogs *)h, (int)fd)
{
    expect_int(await_fd_ready(fd, POLLIN), POLLIN);
    h->stop = true;
    return 0;
}

ASYNC_DEF(hogs_and_io_body)
{
    struct hogs h = { 0 };
    int r, fds[2];
    expect_ok(pipe2(fds, O_CLOEXEC));
    await_group (r, g) {
        hogs_spawn(g, &h);
        async_spawn(g, stops_by_io(&h, fds[0]));
        for (int i = 0; i < 10; i++)
            expect_ok(await_sleep(0));
        expect_int(write(fds[1], "x", 1), 1);
    }
    close(fds[1]);
    expect_ok(async_fd_close(fds[0]));
    return r;
}

TEST(busy_tasks_do_not_starve_descriptors)
{
    expect_ok(async_run(hogs_and_io_body()));
    expect_ok(async_run(hogs_and_io_body(), .virtual_clock = true));
    expect_ok(async_run(hogs_and_io_body(), .seed = 9));
}

ASYNC_DEF(hogs_and_posts_body)
{
    struct hogs h = { 0 };
    int r;
    await_group (r, g) {
        hogs_spawn(g, &h);
        expect_ok(await_sleep(0));
        expect_ok(async_call_soon_threadsafe(async_get_running_loop(), stops, &h));
    }
    return r;
}

TEST(busy_tasks_do_not_starve_posts)
{
    expect_ok(async_run(hogs_and_posts_body()));
}

/* A timeout around a task that never has to wait: each await_ checks the deadline. */
ASYNC_DEF(hog_with_a_limit)
{
    int r;
    long steps = 0;
    await_timeout (r, 0.001)
        while ((r = await_sleep(0)) == 0 && ++steps < 100 * (long)PATIENCE)
            ;
    expect_int(r, -ETIMEDOUT);
    return 0;
}

TEST(timeout_interrupts_task_that_never_waits)
{
    expect_ok(async_run(hog_with_a_limit()));
}

/* It does so, too, if the task never suspends at all. */
ASYNC_DEF(limit_without_suspension)
{
    int r;
    long steps = 0;
    async_event e = { .set = true };
    await_timeout (r, 0.001)
        while ((r = await_event_wait(&e)) == 0 && ++steps < 1000 * (long)PATIENCE)
            ;
    expect_int(r, -ETIMEDOUT);
    return 0;
}

TEST(timeout_interrupts_task_that_never_suspends)
{
    expect_ok(async_run(limit_without_suspension()));
}

LOOP_TEST(virtual_clock_stands_still_while_tasks_are_ready)
{
    struct hogs h = { 0 };
    int r;
    async_callback cb = { 0 };
    await_group (r, g) {
        hogs_spawn(g, &h);
        async_call_later(&cb, 1, stops, &h);
        for (int i = 0; i < 1000; i++)
            expect_ok(await_sleep(0));
        expect_time(0);
        h.stop = true;
    }
    expect_true(async_callback_cancel(&cb));
    return r;
}

/* --- seeded orders --- */

ASYNC_DEF(walks, (int)i)
{
    for (int k = 0; k < 3; k++) {
        log_event("%d", i);
        ASYNC_TRY(await_sleep(k == 1 ? i % 3 : 0));
    }
    return 0;
}

ASYNC_DEF(walkers)
{
    int r;
    await_group (r, g)
        for (int i = 0; i < 12; i++)
            async_spawn(g, walks(i));
    return r;
}

static const char *order_of(uint64_t seed)
{
    static char texts[4][sizeof event_log];
    static unsigned n;
    clear_events();
    expect_run_ok(walkers(), .seed = seed);
    return strcpy(texts[n++ % countof(texts)], event_log);
}

TEST(seeded_order_is_repeatable_and_differs_from_others)
{
    const char *plain = order_of(0), *one = order_of(1);
    expect_text(order_of(0), plain);
    expect_text(order_of(1), one);
    expect_true(strcmp(plain, one) != 0);
    unsigned different = 0;
    for (uint64_t seed = 2; seed < 22; seed++) {
        const char *other = order_of(seed);
        expect_int(strlen(other), strlen(plain));
        different += strcmp(other, one) != 0;
        if (seed == 21)
            expect_text(order_of(21), other);
        one = order_of(1);
    }
    expect_int(different, 20);
    expect_true(strcmp(order_of(UINT64_MAX), order_of(1)) != 0);
}

TEST(without_seed_tasks_run_in_order_of_spawns)
{
    expect_contains(order_of(0), "0 1 2 3 4 5 6 7 8 9 10 11 0 1 2 3 4 5 6 7 8 9 10 11 ");
}

/* A seed must not change the order of a queue: the first waiter is served first. */
ASYNC_DEF(takes, (async_lock *)l, (int *)next, (int)number)
{
    ASYNC_TRY(await_sleep(number));
    ASYNC_TRY(await_lock_acquire(l));
    expect_int(number, *next);
    ++*next;
    ASYNC_TRY(await_sleep(100));
    return async_lock_release(l);
}

ASYNC_DEF(lock_in_order)
{
    int r, next = 0;
    async_lock l = { 0 };
    await_group (r, g)
        for (int i = 0; i < 20; i++)
            async_spawn(g, takes(&l, &next, i));
    expect_int(next, 20);
    return r;
}

TEST(seeded_order_keeps_queue_of_lock)
{
    for (uint64_t seed = 1; seed < 20; seed++)
        expect_run_ok(lock_in_order(), .seed = seed);
}

/* --- tasks that start tasks --- */

static struct {
    int made;
    bool heard;
    async_event never;
} relay;

static void on_heard(void *arg)
{
    (void)arg;
    relay.heard = true;
}

/* Each task starts the next one and waits. There is always a task that has not started, and it runs
 * first. */
static int relay_on(void *arg)
{
    if (relay.heard || ++relay.made == 10000) {
        async_event_set(&relay.never);
        return 0;
    }
    async_spawn(arg, async_call(relay_on, arg, "relay"));
    return await_event_wait(&relay.never);
}

LOOP_TEST(tasks_that_start_tasks_do_not_starve_posts)
{
    int r;
    await_group (r, g) {
        expect_ok(async_call_soon_threadsafe(async_get_running_loop(), on_heard, NULL));
        async_spawn(g, async_call(relay_on, g, "relay"));
    }
    expect_true(relay.heard);
    expect_true(relay.made < 100);
    return r;
}

/* --- outside of a task --- */

TEST(await_outside_of_task_is_refused)
{
    int r = 1;
    capture_stderr_begin();
    expect_int(await_sleep(1), -EPERM);
    expect_contains(captured_stderr(), "await_sleep() outside of a task");
    expect_int(await_wait_for(async_sleep(1), 1), -EPERM);
    expect_int(await_gather(NULL, async_sleep(1)), -EPERM);
    expect_int(await_race(NULL, async_sleep(1)), -EPERM);
    expect_int(await_task(NULL), -EPERM);
    async_lock l = { 0 };
    async_semaphore s = ASYNC_SEMAPHORE(1);
    async_condition c = ASYNC_CONDITION(&l);
    expect_int(await_lock_acquire(&l), -EPERM);
    expect_int(await_semaphore_acquire(&s), -EPERM);
    expect_int(await_condition_wait(&c), -EPERM);
    expect_int(s.value, 1);
    captured_stderr();
    await_timeout (r, 1)
        log_event("not reached");
    expect_int(r, -EPERM);
    expect_contains(captured_stderr(), "() outside of a task");
    r = 1;
    await_group (r, g)
        log_event("not reached");
    expect_int(r, -EPERM);
    captured_stderr();
    expect_int(async_uncancel(), -EPERM);
    expect_int(async_cancelling(), -EPERM);
    expect_true(async_create_task(async_sleep(1)) == NULL);
    expect_true(captured_stderr()[0] != '\0');
    expect_int(async_cancel_cause().kind, ASYNC_CANCEL_NONE);
    expect_events("");
    expect_true(async_time() > 0);
    capture_stderr_end();
}

SUITE("core-starvation", busy_tasks_do_not_starve_main, busy_tasks_do_not_starve_timers,
      busy_tasks_do_not_starve_callbacks, busy_tasks_do_not_starve_descriptors,
      busy_tasks_do_not_starve_posts, timeout_interrupts_task_that_never_waits,
      tasks_that_start_tasks_do_not_starve_posts, timeout_interrupts_task_that_never_suspends,
      virtual_clock_stands_still_while_tasks_are_ready,
      seeded_order_is_repeatable_and_differs_from_others, without_seed_tasks_run_in_order_of_spawns,
      seeded_order_keeps_queue_of_lock, await_outside_of_task_is_refused)
