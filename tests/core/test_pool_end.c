/* SPDX-License-Identifier: MIT */
/* Calls on threads that no task waits for any more: abandoned by their task, or still running when
 * the loop closes. */
#include "held.h"

/* --- abandoned --- */

static atomic_int released;
static pthread_t released_on;

static void release(void *owned)
{
    released_on = pthread_self();
    released += *(int *)owned;
}

static int one = 1;

static atomic_bool opening;

ASYNC_THREAD(opens)
{
    opening = true;
    usleep(20000);
    open_door(true);
    return 0;
}

ASYNC_DEF(abandons, (int)result)
{
    return await_to_thread(held(result), .abandon = true, .owned = &one, .release = release);
}

LOOP_TEST(abandoned_call_finishes_by_itself)
{
    await_task_auto t = async_create_task(abandons(5));
    expect_ok(await_until_inside(1));
    async_task_cancel(t);
    expect_int(await_task(t), -ECANCELED);
    expect_int(inside, 1);
    expect_int(released, 0);
    open_door(true);
    while (!released)
        expect_ok(await_sleep(0.001));
    expect_int(left_room, 1);
    expect_true(pthread_equal(released_on, pthread_self()));
    expect_int(await_abandons(6), 6); /* without a cancel the caller keeps what it owns */
    expect_int(await_abandons(-EIO), -EIO);
    expect_int(released, 1);
    /* Returned by the function itself: the same rule holds. */
    expect_int(await_abandons(-ECANCELED), -ECANCELED);
    expect_int(released, 2);
    return 0;
}

LOOP_TEST(abandoned_call_that_has_not_begun_is_released_at_once)
{
    await_task_auto full = async_create_task(fills_the_pool());
    expect_ok(await_until_inside((int)most_threads()));
    expect_int(await_wait_for(abandons(5), 1), -ETIMEDOUT);
    expect_int(released, 1);
    open_door(true);
    expect_ok(await_task(full));
    expect_int(left_room, most_threads());
    return 0;
}

ASYNC_DEF(leaves_one_running)
{
    await_task_auto t = async_create_task(abandons(5));
    return await_until_inside(1);
}

ASYNC_DEF(abandons_one_for_each_thread)
{
    int r;
    await_group (r, g) {
        for (unsigned i = 0; i < most_threads(); i++)
            async_spawn(g, abandons(0));
        expect_ok(await_until_inside((int)most_threads()));
        async_group_cancel(g);
    }
    return r;
}

LOOP_TEST(abandoned_calls_do_not_block_others)
{
    struct async_pool_stats s;
    expect_ok(await_abandons_one_for_each_thread());
    expect_ok(async_pool_stats(ASYNC_POOL_THREADS, &s));
    expect_int(s.abandoned, most_threads());
    expect_ok(await_opens());
    while (released < (int)most_threads())
        expect_ok(await_sleep(0.001));
    expect_ok(async_pool_stats(ASYNC_POOL_THREADS, &s));
    expect_int(s.abandoned, 0);
    return 0;
}

TEST(closing_loop_names_abandoned_calls)
{
    capture_stderr_begin();
    expect_ok(async_run(leaves_one_running(), .shutdown_timeout = 0.02));
    expect_contains(captured_stderr(),
                    "the loop closes while \"held\" still runs on a thread, since ");
    capture_stderr_end();
    expect_int(released, 0);
    expect_int(async_set_allocator(NULL), -EBUSY);
    open_door(true);
    for (int i = 0; i < 5000 && async_set_allocator(NULL) < 0; i++)
        usleep(1000);
    expect_int(released, 1);
    expect_false(pthread_equal(released_on, pthread_self()));
    usleep(50000); /* for the last steps of the thread itself */
}

ASYNC_DEF(opens_soon)
{
    return await_to_thread(opens(), .abandon = true);
}

ASYNC_DEF(leaves_two_running)
{
    await_task_auto a = async_create_task(abandons(5));
    await_task_auto b = async_create_task(abandons(6));
    expect_ok(await_until_inside(2));
    await_task_auto c = async_create_task(opens_soon());
    while (!opening)
        expect_ok(await_sleep(0.001));
    return 0;
}

TEST(closing_loop_waits_for_abandoned_calls)
{
    expect_int(run_silently(leaves_two_running(),
                            &(const struct async_run_opts){ .shutdown_timeout = 20 }),
               0);
    expect_int(released, 2);
    expect_ok(async_set_allocator(NULL));
}

/* The release function of a call that still runs may wake a task. */
static async_event freed;

static void frees(void *owned)
{
    (void)owned;
    async_event_set(&freed);
}

static int held_a_little_longer(void *arg)
{
    (void)arg;
    int r = held_body_(0);
    usleep(20000); /* so that all tasks wait by then */
    return r;
}

ASYNC_DEF(abandons_held, (bool)sets_event)
{
    return await_to_thread(async_call(held_a_little_longer, NULL, "held"), .abandon = true,
                           .release = sets_event ? frees : NULL);
}

ASYNC_DEF(waits_for_the_release)
{
    await_task_auto t = async_create_task(abandons_held(true));
    expect_ok(await_until_inside(1));
    async_task_cancel(t);
    expect_int(await_task(t), -ECANCELED);
    open_door(true);
    return await_event_wait(&freed);
}

TEST(release_of_an_abandoned_call_may_wake_a_task)
{
    expect_int(run_silently(waits_for_the_release(), NULL), 0);
    async_event_clear(&freed);
    inside = 0;
    open_door(false);
    expect_run_ok(waits_for_the_release());
}

ASYNC_DEF(waits_for_nothing)
{
    await_task_auto t = async_create_task(abandons_held(false));
    expect_ok(await_until_inside(1));
    async_task_cancel(t);
    expect_int(await_task(t), -ECANCELED);
    return await_event_wait(&freed);
}

TEST(abandoned_call_without_a_release_hides_no_deadlock)
{
    for (int virtual = 0; virtual < 2; virtual ++) {
        inside = left_room = 0;
        open_door(false);
        capture_stderr_begin();
        expect_int(
                async_run(waits_for_nothing(), .virtual_clock = virtual, .shutdown_timeout = 0.01),
                -EDEADLK);
        expect_contains(captured_stderr(), "deadlock: all tasks are waiting");
        capture_stderr_end();
        open_door(true);
        for (int i = 0; i < 5000 && async_set_allocator(NULL) < 0; i++)
            usleep(1000);
        expect_int(left_room, 1);
    }
    usleep(50000); /* for the last steps of the thread itself */
}

/* --- the end of the loop --- */

ASYNC_DEF(starts_one_that_hangs)
{
    async_task *lost = async_create_task(held(0));
    (void)lost;
    return await_until_inside(1);
}

TEST(call_that_outlives_the_run_is_named)
{
    capture_stderr_begin();
    expect_int(async_run(starts_one_that_hangs(), .shutdown_timeout = 0.02), -ETIME);
    expect_contains(captured_stderr(), "waits for \"held\" on a thread");
    capture_stderr_end();
    open_door(true);
    for (int i = 0; i < 5000 && left_room == 0; i++)
        usleep(1000);
    expect_int(left_room, 1);
    for (int i = 0; i < 5000 && async_set_allocator(NULL) < 0; i++)
        usleep(1000);
    expect_ok(async_set_allocator(NULL)); /* the pool has gone with its thread */
}

/* Main returns at any moment of other tasks' calls: every call that was accepted is waited for or
 * taken back, everything is released once, nothing is left. */
static atomic_int owned, given_back;

static void give_back(void *p)
{
    given_back++;
    free(p);
}

ASYNC_THREAD(takes, (unsigned)us)
{
    if (us > 0)
        usleep(us);
    return 0;
}

ASYNC_DEF(calls_for_ever, (unsigned)kind)
{
    unsigned seed = kind;
    for (;;) {
        void *p = kind % 2 ? malloc(8) : NULL;
        owned += p ? 1 : 0;
        int r = await_to_thread(takes((unsigned)rand_r(&seed) % 50), .abandon = p, .owned = p,
                                .release = give_back);
        if (p && r != -ECANCELED)
            give_back(p);
        ASYNC_TRY(r);
    }
}

ASYNC_DEF(returns_at_some_moment, (unsigned)seed)
{
    for (unsigned i = 0; i < 12; i++)
        async_spawn(async_background(), calls_for_ever(i));
    if (seed % 3)
        expect_ok(await_sleep(1e-6 * (double)(seed % 500)));
    return 0;
}

static void shut_down_often(unsigned from)
{
    for (unsigned i = from; i < from + 250; i++) {
        struct async_run_opts opts = { 0 }; /* in virtual time it would never be later */
        expect_ok(run_silently(returns_at_some_moment(i * 7919), &opts));
        expect_ok(async_set_allocator(NULL));
    }
    expect_int(given_back, owned);
    expect_true(owned > 0);
}

#define SHUTDOWNS(name, from)                                                                      \
    TEST(name)                                                                                     \
    {                                                                                              \
        shut_down_often(from);                                                                     \
    }
SHUTDOWNS(shutdown_at_any_moment_releases_everything_once, 0)
SHUTDOWNS(shutdown_at_any_moment_releases_everything_once_2, 250)
SHUTDOWNS(shutdown_at_any_moment_releases_everything_once_3, 500)
SHUTDOWNS(shutdown_at_any_moment_releases_everything_once_4, 750)

SUITE("pool-end", abandoned_call_finishes_by_itself,
      abandoned_call_that_has_not_begun_is_released_at_once, abandoned_calls_do_not_block_others,
      closing_loop_names_abandoned_calls, closing_loop_waits_for_abandoned_calls,
      release_of_an_abandoned_call_may_wake_a_task,
      abandoned_call_without_a_release_hides_no_deadlock, call_that_outlives_the_run_is_named,
      shutdown_at_any_moment_releases_everything_once,
      shutdown_at_any_moment_releases_everything_once_2,
      shutdown_at_any_moment_releases_everything_once_3,
      shutdown_at_any_moment_releases_everything_once_4)
