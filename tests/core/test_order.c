/* SPDX-License-Identifier: MIT */
/* Who runs when: no starvation, seeded orders, misuse that concerns the whole loop. */
#include "run.h"

#include <limits.h>

/* --- starvation: two tasks keep each other runnable; the others have their turn within so many steps --- */

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

/* overload: main asks to close them, and does get its turn. */
CASE(hogs_and_main)
{
    struct hogs h = { 0 };
    int r;
    await_group (r, g) {
        hogs_spawn(g, &h);
        for (int i = 0; i < 100; i++)
            ok(await_sleep(0));
        is_true(h.steps >= 50 && h.steps < 1000);
        async_group_cancel(g);
    }
    return r;
}

/* On the real clock a timer comes although somebody is always ready. */
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

START_TEST(hogs_and_a_timer)
{
    is(async_run(hogs_and_a_timer_body()), 0);
    is(async_run(hogs_and_a_timer_body(), .seed = 5), 0);
}
END_TEST

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
        ok(await_sleep(0));
        if (later)
            async_call_later(&cb, 0.001, stops, &h);
        else
            async_call_soon(&cb, stops, &h);
    }
    return r;
}

START_TEST(hogs_and_callbacks)
{
    is(async_run(hogs_and_callbacks_body(false)), 0);
    is(async_run(hogs_and_callbacks_body(true)), 0);
}
END_TEST

ASYNC_DEF(stops_by_io, (struct hogs *)h, (int)fd)
{
    is(await_fd_ready(fd, POLLIN), POLLIN);
    h->stop = true;
    return 0;
}

ASYNC_DEF(hogs_and_io_body)
{
    struct hogs h = { 0 };
    int r, fds[2];
    ok(pipe2(fds, O_CLOEXEC));
    await_group (r, g) {
        hogs_spawn(g, &h);
        async_spawn(g, stops_by_io(&h, fds[0]));
        for (int i = 0; i < 10; i++)
            ok(await_sleep(0));
        is(write(fds[1], "x", 1), 1);
    }
    close(fds[1]);
    ok(async_fd_close(fds[0]));
    return r;
}

START_TEST(hogs_and_io)
{
    is(async_run(hogs_and_io_body()), 0);
    is(async_run(hogs_and_io_body(), .virtual_clock = true), 0);
    is(async_run(hogs_and_io_body(), .seed = 9), 0);
}
END_TEST

ASYNC_DEF(hogs_and_posts_body)
{
    struct hogs h = { 0 };
    int r;
    await_group (r, g) {
        hogs_spawn(g, &h);
        ok(await_sleep(0));
        ok(async_call_soon_threadsafe(async_get_running_loop(), stops, &h));
    }
    return r;
}

START_TEST(hogs_and_posts)
{
    is(async_run(hogs_and_posts_body()), 0);
}
END_TEST

/* A limit around a task that never leaves anybody waiting: each await_ looks. */
ASYNC_DEF(hog_with_a_limit)
{
    int r;
    long steps = 0;
    await_timeout (r, 0.001)
        while ((r = await_sleep(0)) == 0 && ++steps < 100 * (long)PATIENCE)
            ;
    is(r, -ETIMEDOUT);
    return 0;
}

START_TEST(limits_on_a_hog)
{
    ok(async_run(hog_with_a_limit()));
}
END_TEST

/* ...also if it never suspends at all. */
ASYNC_DEF(limit_without_suspension)
{
    int r;
    long steps = 0;
    async_event e = { .set = true };
    await_timeout (r, 0.001)
        while ((r = await_event_wait(&e)) == 0 && ++steps < 1000 * (long)PATIENCE)
            ;
    is(r, -ETIMEDOUT);
    return 0;
}

START_TEST(limits_without_suspension)
{
    ok(async_run(limit_without_suspension()));
}
END_TEST

/* The virtual clock stands still while anything is ready. */
CASE(virtual_clock_stands_still)
{
    struct hogs h = { 0 };
    int r;
    async_callback cb = { 0 };
    await_group (r, g) {
        hogs_spawn(g, &h);
        async_call_later(&cb, 1, stops, &h);
        for (int i = 0; i < 1000; i++)
            ok(await_sleep(0));
        is_time(0);
        h.stop = true;
    }
    is_true(async_callback_cancel(&cb));
    return r;
}

/* --- seeded orders --- */

ASYNC_DEF(walks, (int)i)
{
    for (int k = 0; k < 3; k++) {
        note("%d", i);
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
    static char texts[4][sizeof trail];
    static unsigned n;
    forget_trail();
    RUN(walkers(), .seed = seed);
    return strcpy(texts[n++ % countof(texts)], trail);
}

START_TEST(seeds)
{
    const char *plain = order_of(0), *one = order_of(1);
    is_text(order_of(0), plain);
    is_text(order_of(1), one);
    is_true(strcmp(plain, one) != 0);
    unsigned different = 0;
    for (uint64_t seed = 2; seed < 22; seed++) {
        const char *other = order_of(seed);
        is(strlen(other), strlen(plain));
        different += strcmp(other, one) != 0;
        if (seed == 21)
            is_text(order_of(21), other);
        one = order_of(1);
    }
    is(different, 20);
    is_true(strcmp(order_of(UINT64_MAX), order_of(1)) != 0);
}
END_TEST

/* Without a seed: the order of the spawns, each step. */
START_TEST(plain_order)
{
    has_text(order_of(0), "0 1 2 3 4 5 6 7 8 9 10 11 0 1 2 3 4 5 6 7 8 9 10 11 ");
}
END_TEST

/* What seeded orders may not change: who waits first is served first. */
ASYNC_DEF(takes, (async_lock *)l, (int *)next, (int)number)
{
    ASYNC_TRY(await_sleep(number));
    ASYNC_TRY(await_lock_acquire(l));
    is(number, *next);
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
    is(next, 20);
    return r;
}

START_TEST(seeds_keep_lines)
{
    for (uint64_t seed = 1; seed < 20; seed++)
        RUN(lock_in_order(), .seed = seed);
}
END_TEST

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

/* Each starts the next one and waits: there is always a task that has not started, and it goes first. */
static int relay_on(void *arg)
{
    if (relay.heard || ++relay.made == 10000) {
        async_event_set(&relay.never);
        return 0;
    }
    async_spawn(arg, async_call(relay_on, arg, "relay"));
    return await_event_wait(&relay.never);
}

CASE(starts_and_posts)
{
    int r;
    await_group (r, g) {
        ok(async_call_soon_threadsafe(async_get_running_loop(), on_heard, NULL));
        async_spawn(g, async_call(relay_on, g, "relay"));
    }
    is_true(relay.heard);
    is_true(relay.made < 100);
    return r;
}

/* --- outside of a task --- */

START_TEST(outside_of_a_task)
{
    int r = 1;
    ears_open();
    is(await_sleep(1), -EPERM);
    has_text(heard(), "await_sleep() outside of a task");
    is(await_wait_for(async_sleep(1), 1), -EPERM);
    is(await_gather(NULL, async_sleep(1)), -EPERM);
    is(await_race(NULL, async_sleep(1)), -EPERM);
    is(await_task(NULL), -EPERM);
    async_lock l = { 0 };
    async_semaphore s = ASYNC_SEMAPHORE(1);
    async_condition c = ASYNC_CONDITION(&l);
    is(await_lock_acquire(&l), -EPERM);
    is(await_semaphore_acquire(&s), -EPERM);
    is(await_condition_wait(&c), -EPERM);
    is(s.value, 1);
    heard();
    await_timeout (r, 1)
        note("not reached");
    is(r, -EPERM);
    has_text(heard(), "() outside of a task");
    r = 1;
    await_group (r, g)
        note("not reached");
    is(r, -EPERM);
    heard();
    is(async_uncancel(), -EPERM);
    is(async_cancelling(), -EPERM);
    is_true(async_create_task(async_sleep(1)) == NULL);
    is_true(heard()[0] != '\0');
    is(async_cancel_cause().kind, ASYNC_CANCEL_NONE);
    is_trail("");
    is_true(async_time() > 0);
    ears_close();
}
END_TEST

SUITE("order", hogs_and_main, hogs_and_a_timer, hogs_and_callbacks, hogs_and_io, hogs_and_posts,
      limits_on_a_hog, starts_and_posts, limits_without_suspension, virtual_clock_stands_still,
      seeds, plain_order, seeds_keep_lines, outside_of_a_task)
