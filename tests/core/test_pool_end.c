/* SPDX-License-Identifier: MIT */
/* Calls on threads that nobody waits for any more: abandoned by their task, or left to the end of the loop. */
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

ASYNC_DEF(abandons, (int)result)
{
    return await_to_thread(held(result), .abandon = true, .owned = &one, .release = release);
}

CASE(an_abandoned_call_goes_on_by_itself)
{
    await_task_auto t = async_create_task(abandons(5));
    ok(await_until_inside(1));
    async_task_cancel(t);
    is(await_task(t), -ECANCELED);
    is(inside, 1);
    is(released, 0);
    open_door(true);
    while (!released)
        ok(await_sleep(0.001));
    is(left_room, 1);
    is_true(pthread_equal(released_on, pthread_self()));
    is(await_abandons(6), 6); /* nobody cancels: the caller keeps what it owns */
    is(await_abandons(-EIO), -EIO);
    is(released, 1);
    is(await_abandons(-ECANCELED), -ECANCELED); /* its own word, but the rule is the rule */
    is(released, 2);
    return 0;
}

CASE(an_abandoned_call_that_has_not_begun_is_released_at_once)
{
    await_task_auto full = async_create_task(fills_the_pool());
    ok(await_until_inside((int)most_threads()));
    is(await_wait_for(abandons(5), 1), -ETIMEDOUT);
    is(released, 1);
    open_door(true);
    ok(await_task(full));
    is(left_room, most_threads());
    return 0;
}

ASYNC_DEF(leaves_one_running)
{
    await_task_auto t = async_create_task(abandons(5));
    return await_until_inside(1);
}

START_TEST(a_closing_loop_names_what_was_abandoned)
{
    ears_open();
    ok(async_run(leaves_one_running(), .shutdown_timeout = 0.02));
    has_text(heard(), "leaves \"held\" to itself, which has been on a thread for ");
    ears_close();
    is(released, 0);
    is(async_set_allocator(NULL), -EBUSY);
    open_door(true);
    for (int i = 0; i < 5000 && async_set_allocator(NULL) < 0; i++)
        usleep(1000);
    is(released, 1);
    is_false(pthread_equal(released_on, pthread_self()));
    usleep(50000); /* the thread itself has a few more steps to go */
}
END_TEST

static atomic_bool opening;

ASYNC_THREAD(opens)
{
    opening = true;
    usleep(20000);
    open_door(true);
    return 0;
}

ASYNC_DEF(opens_soon)
{
    return await_to_thread(opens(), .abandon = true);
}

ASYNC_DEF(leaves_two_running)
{
    await_task_auto a = async_create_task(abandons(5));
    await_task_auto b = async_create_task(abandons(6));
    ok(await_until_inside(2));
    await_task_auto c = async_create_task(opens_soon());
    while (!opening)
        ok(await_sleep(0.001));
    return 0;
}

START_TEST(a_closing_loop_waits_for_what_was_abandoned)
{
    is(run_heard(leaves_two_running(), &(const struct async_run_opts){ .shutdown_timeout = 20 }), 0);
    is(released, 2);
    ok(async_set_allocator(NULL));
}
END_TEST

/* What still runs may wake somebody, or not. */
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
    usleep(20000); /* so that everybody waits by then */
    return r;
}

ASYNC_DEF(abandons_what_frees, (bool)frees_something)
{
    return await_to_thread(async_call(held_a_little_longer, NULL, "held"), .abandon = true,
                           .release = frees_something ? frees : NULL);
}

ASYNC_DEF(waits_for_what_is_freed)
{
    await_task_auto t = async_create_task(abandons_what_frees(true));
    ok(await_until_inside(1));
    async_task_cancel(t);
    is(await_task(t), -ECANCELED);
    open_door(true);
    return await_event_wait(&freed);
}

START_TEST(what_an_abandoned_call_releases_may_wake_a_task)
{
    is(run_heard(waits_for_what_is_freed(), NULL), 0);
    async_event_clear(&freed);
    inside = 0;
    open_door(false);
    RUN(waits_for_what_is_freed());
}
END_TEST

ASYNC_DEF(waits_for_nothing)
{
    await_task_auto t = async_create_task(abandons_what_frees(false));
    ok(await_until_inside(1));
    async_task_cancel(t);
    is(await_task(t), -ECANCELED);
    return await_event_wait(&freed);
}

START_TEST(an_abandoned_call_that_wakes_nobody_hides_no_deadlock)
{
    for (int virtual = 0; virtual < 2; virtual ++) {
        inside = left_room = 0;
        open_door(false);
        ears_open();
        is(async_run(waits_for_nothing(), .virtual_clock = virtual, .shutdown_timeout = 0.01),
           -EDEADLK);
        has_text(heard(), "deadlock: all tasks are waiting");
        ears_close();
        open_door(true);
        for (int i = 0; i < 5000 && async_set_allocator(NULL) < 0; i++)
            usleep(1000);
        is(left_room, 1);
    }
    usleep(50000); /* the thread itself has a few more steps to go */
}
END_TEST

/* --- the end of the loop --- */

ASYNC_DEF(starts_one_that_hangs)
{
    async_task *lost = async_create_task(held(0));
    (void)lost;
    return await_until_inside(1);
}

START_TEST(a_call_that_does_not_end_is_named)
{
    ears_open();
    is(async_run(starts_one_that_hangs(), .shutdown_timeout = 0.02), -ETIME);
    has_text(heard(), "waits for \"held\" on a thread");
    ears_close();
    open_door(true);
    for (int i = 0; i < 5000 && left_room == 0; i++)
        usleep(1000);
    is(left_room, 1);
    for (int i = 0; i < 5000 && async_set_allocator(NULL) < 0; i++)
        usleep(1000);
    ok(async_set_allocator(NULL)); /* its pool has gone with it */
}
END_TEST

/* main returns, or is cancelled, at any moment of other tasks' calls: all that was accepted is waited for or taken back,
 * each thing is released once, nothing is left. */
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
        ok(await_sleep(1e-6 * (double)(seed % 500)));
    return 0;
}

static void shut_down_often(unsigned from)
{
    for (unsigned i = from; i < from + 250; i++) {
        struct async_run_opts opts = { 0 }; /* in virtual time it would never be later */
        ok(run_heard(returns_at_some_moment(i * 7919), &opts));
        ok(async_set_allocator(NULL));
    }
    is(given_back, owned);
    is_true(owned > 0);
}

#define SHUTDOWNS(name, from)                                                                      \
    START_TEST(name)                                                                               \
    {                                                                                              \
        shut_down_often(from);                                                                     \
    }                                                                                              \
    END_TEST
SHUTDOWNS(shutdown_at_any_moment, 0)
SHUTDOWNS(shutdown_at_any_moment_2, 250)
SHUTDOWNS(shutdown_at_any_moment_3, 500)
SHUTDOWNS(shutdown_at_any_moment_4, 750)

SUITE("pool-end", what_an_abandoned_call_releases_may_wake_a_task,
      an_abandoned_call_that_wakes_nobody_hides_no_deadlock, an_abandoned_call_goes_on_by_itself,
      an_abandoned_call_that_has_not_begun_is_released_at_once,
      a_closing_loop_names_what_was_abandoned, a_closing_loop_waits_for_what_was_abandoned,
      a_call_that_does_not_end_is_named, shutdown_at_any_moment, shutdown_at_any_moment_2,
      shutdown_at_any_moment_3, shutdown_at_any_moment_4)
