/* SPDX-License-Identifier: MIT */
/* Thread pools that the user opens. Functions on threads wait at a door until the test opens it. */
#include "held.h"

#include <sys/wait.h>

ASYNC_DEF(held_in, (async_thread_pool *)p, (int)result)
{
    return await_thread_pool_call(p, held(result));
}

/* Wait until so many calls are in the queue of p, and so many tasks wait for room in it. */
static int await_state(const async_thread_pool *p, unsigned queued, unsigned waiting)
{
    struct async_pool_stats s = { 0 };
    do {
        ASYNC_TRY(await_sleep(0.001));
        ASYNC_TRY(async_thread_pool_stats(p, &s));
    } while (s.queued != queued || s.waiting != waiting);
    return 0;
}

/* --- threads --- */

ASYNC_THREAD(named, (char *)ret)
{
    return pthread_getname_np(pthread_self(), ret, 16) == 0 ? 0 : -errno;
}

CASE(call_runs_on_a_thread_named_after_the_pool)
{
    char name[16];
    async_thread_pool_auto p = async_thread_pool_open(.threads = 2, .name = "resize images fast");
    ok(await_thread_pool_call(p, named(name)));
    is_text(name, "resize images f");
    return 0;
}

CASE(pools_without_names_have_numbers)
{
    char name[16];
    async_thread_pool_auto first = async_thread_pool_open(.threads = 1),
                           second = async_thread_pool_open(.threads = 1);
    ok(await_thread_pool_call(second, named(name)));
    is_text(name, "pool-2");
    ok(await_thread_pool_call(first, named(name)));
    is_text(name, "pool-1");
    ok(await_named(name));
    is_text(name, "asyncio-thread");
    return 0;
}

CASE(pool_runs_as_many_calls_at_a_time_as_it_has_threads)
{
    int r;
    struct async_pool_stats s;
    async_thread_pool_auto p = async_thread_pool_open(.threads = 2);
    await_group (r, g) {
        for (int i = 0; i < 6; i++)
            async_spawn(g, held_in(p, 0));
        ok(await_state(p, 4, 0));
        ok(await_until_inside(2));
        ok(async_thread_pool_stats(p, &s));
        is(s.threads, 2);
        is(s.running, 2);
        is_true(s.oldest > 0);
        open_door(true);
    }
    is(most_inside, 2);
    is(left_room, 6);
    ok(async_thread_pool_stats(p, &s));
    is(s.begun, 6);
    return r;
}

static int trail_of_calls[8], calls_made;

ASYNC_THREAD(leaves_trail, (int)n)
{
    /* Without a lock: calls of a pool with one thread never overlap. */
    trail_of_calls[calls_made++] = n;
    return n;
}

ASYNC_DEF(leaves_trail_in, (async_thread_pool *)p, (int)n)
{
    return await_thread_pool_call(p, leaves_trail(n));
}

CASE(pool_of_one_thread_runs_calls_one_after_the_other)
{
    int r;
    async_thread_pool_auto p = async_thread_pool_open(.threads = 1);
    await_group (r, g)
        for (int i = 0; i < 8; i++)
            async_spawn(g, leaves_trail_in(p, i));
    for (int i = 0; i < 8; i++)
        is(trail_of_calls[i], i);
    return r;
}

CASE(two_pools_of_one_declaration_are_both_dropped)
{
    async_thread_pool_auto a = async_thread_pool_open(.threads = 1),
                           b = async_thread_pool_open(.threads = 1);
    is(await_thread_pool_call(a, leaves_trail(1)), 1);
    is(await_thread_pool_call(b, leaves_trail(2)), 2);
    return 0;
}

ASYNC_THREAD(fails, (const char *)why)
{
    return async_fail(-EPROTO, "%s on a thread", why);
}

struct large {
    char text[60];
};

ASYNC_THREAD(measures, (struct large)l)
{
    return (int)strlen(l.text);
}

CASE(errors_reach_the_caller_with_their_messages)
{
    async_thread_pool_auto p = async_thread_pool_open(.threads = 1);
    is(await_thread_pool_call(p, fails("it broke")), -EPROTO);
    is_text(async_fail_text(-EPROTO), "it broke on a thread");
    is(await_thread_pool_call(p, measures((struct large){ "four" })), -EPERM);
    has_text(async_fail_text(-EPERM),
             "await_to_thread() of \"measures\", which goes to a thread by itself");
    has_text(heard(), "\"measures\" is an ASYNC_THREAD with large arguments");
    return 0;
}

/* --- what cannot be opened or used --- */

START_TEST(pool_needs_a_loop)
{
    struct async_pool_stats s;
    is_true(async_thread_pool_open(.threads = 1) == NULL);
    is(errno, EPERM);
    is(async_thread_pool_stats(NULL, &s), -EINVAL);
}
END_TEST

CASE(pool_needs_a_sensible_size)
{
    is_true(async_thread_pool_open(.threads = 100000) == NULL);
    is(errno, EINVAL);
    is_true(async_thread_pool_open(.max_abandoned = 100000) == NULL);
    is(errno, EINVAL);
    return 0;
}

CASE(call_in_no_pool_is_refused)
{
    async_thread_pool *none = NULL;
    is(await_thread_pool_call(none, held(0)), -EPIPE);
    is_text(async_fail_text(-EPIPE), "no thread pool: it was closed, or never opened");
    ok(await_thread_pool_close(&none));
    async_thread_pool_drop(&none);
    return 0;
}

static async_thread_pool *shared_pool;

ASYNC_DEF(uses_the_pool_of_another_loop)
{
    struct async_pool_stats s;
    async_thread_pool *p = shared_pool;
    is(await_thread_pool_call(p, held(0)), -EPERM);
    is(async_thread_pool_stats(p, &s), -EPERM);
    is(await_thread_pool_close(&p), -EPERM);
    is_true(p == shared_pool);
    async_thread_pool_drop(&p);
    return 0;
}

static void *runs_another_loop(void *arg)
{
    ok(async_run(uses_the_pool_of_another_loop()));
    return arg;
}

CASE(pool_is_refused_to_another_loop)
{
    pthread_t thread;
    async_thread_pool_auto p = shared_pool = async_thread_pool_open(.threads = 1);
    ok(pthread_create(&thread, NULL, runs_another_loop, NULL));
    ok(pthread_join(thread, NULL));
    has_text(heard(),
             "await_thread_pool_call() of a thread pool that belongs to another thread's loop");
    is(await_thread_pool_call(p, leaves_trail(3)), 3);
    return 0;
}

/* --- closing --- */

ASYNC_CO(thread_pool_close, (async_thread_pool **)p)

CASE(close_waits_for_the_calls)
{
    async_thread_pool *p = async_thread_pool_open(.threads = 1), *copy = p;
    await_task_auto a = async_create_task(held_in(p, 1));
    await_task_auto b = async_create_task(held_in(p, 2));
    ok(await_state(p, 1, 0));
    await_task_auto closer = async_create_task(thread_pool_close(&p));
    ok(await_sleep(0));
    is_true(p == NULL);
    is(await_thread_pool_call(copy, leaves_trail(3)), -EPIPE);
    is_text(async_fail_text(-EPIPE), "the thread pool is closing");
    is_false(async_task_done(closer));
    open_door(true);
    ok(await_task(closer));
    is(left_room, 2);
    is(await_task(a), 1);
    is(await_task(b), 2);
    return 0;
}

CASE(cancelled_close_drops_the_pool)
{
    async_thread_pool *p = async_thread_pool_open(.threads = 1);
    await_task_auto running = async_create_task(held_in(p, 1));
    ok(await_until_inside(1));
    await_task_auto queued = async_create_task(held_in(p, 2));
    ok(await_state(p, 1, 0));
    await_task_auto closer = async_create_task(thread_pool_close(&p));
    ok(await_sleep(0));
    async_task_cancel(closer);
    is(await_task(closer), -ECANCELED);
    is(await_task(queued), -EPIPE);
    open_door(true);
    is(await_task(running), 1);
    return 0;
}

CASE(drop_fails_queued_calls_and_spares_running_ones)
{
    async_thread_pool *p = async_thread_pool_open(.threads = 1);
    await_task_auto running = async_create_task(held_in(p, 1));
    ok(await_until_inside(1));
    await_task_auto queued = async_create_task(held_in(p, 2));
    ok(await_state(p, 1, 0));
    async_thread_pool_drop(&p);
    is_true(p == NULL);
    is(await_task(queued), -EPIPE);
    is_text(async_fail_text(-EPIPE), "the thread pool was dropped before held began");
    is_false(async_task_done(running));
    open_door(true);
    is(await_task(running), 1);
    is(left_room, 1);
    return 0;
}

ASYNC_DEF(leaves_a_pool_open)
{
    async_thread_pool *p = async_thread_pool_open(.threads = 1, .name = "forgotten");
    return await_thread_pool_call(p, leaves_trail(0));
}

START_TEST(loop_that_closes_with_an_open_pool_warns)
{
    ears_open();
    ok(async_run(leaves_a_pool_open()));
    has_text(heard(), "the loop closes with thread pool \"forgotten\" open");
    ears_close();
    ok(async_set_allocator(NULL)); /* nothing of the loop is left */
}
END_TEST

ASYNC_DEF(leaves_a_call_running)
{
    async_thread_pool_auto p = async_thread_pool_open(.threads = 1);
    async_task *lost = async_create_task(held_in(p, 0));
    (void)lost;
    return await_until_inside(1);
}

START_TEST(call_that_outlives_its_pool_and_its_loop_is_named)
{
    ears_open();
    is(async_run(leaves_a_call_running(), .shutdown_timeout = 0.02), -ETIME);
    has_text(heard(), "waits for \"held\" on a thread");
    ears_close();
    open_door(true);
    for (int i = 0; i < 5000 && async_set_allocator(NULL) < 0; i++)
        usleep(1000);
    ok(async_set_allocator(NULL)); /* the pool has gone with its thread */
    is(left_room, 1);
}
END_TEST

/* --- a bound on the queue --- */

CASE(full_queue_makes_callers_wait_in_their_order)
{
    int r;
    async_thread_pool_auto p = async_thread_pool_open(.threads = 1, .max_queued = 2);
    await_task_auto first = async_create_task(held_in(p, 1));
    ok(await_until_inside(1));
    await_group (r, g) {
        for (int i = 0; i < 6; i++)
            async_spawn(g, leaves_trail_in(p, i));
        ok(await_state(p, 2, 4));
        open_door(true);
    }
    for (int i = 0; i < 6; i++)
        is(trail_of_calls[i], i);
    is(await_task(first), 1);
    return await_state(p, 0, 0);
}

CASE(cancel_while_waiting_for_room_prevents_the_call)
{
    async_thread_pool_auto p = async_thread_pool_open(.threads = 1, .max_queued = 1);
    await_task_auto running = async_create_task(held_in(p, 1));
    await_task_auto queued = async_create_task(leaves_trail_in(p, 2));
    ok(await_state(p, 1, 0));
    await_task_auto waiting = async_create_task(leaves_trail_in(p, 3));
    await_task_auto behind = async_create_task(leaves_trail_in(p, 4));
    ok(await_state(p, 1, 2));
    async_task_cancel(waiting);
    is(await_task(waiting), -ECANCELED);
    open_door(true);
    is(await_task(behind), 4);
    is(await_task(queued), 2);
    is(calls_made, 2);
    return 0;
}

/* A caller that was given room, and is cancelled before it runs, passes the room on. */
CASE(cancel_of_a_chosen_caller_lets_the_next_one_in)
{
    async_thread_pool_auto p = async_thread_pool_open(.threads = 1, .max_queued = 1);
    await_task_auto running = async_create_task(held_in(p, 1));
    ok(await_until_inside(1));
    await_task_auto queued = async_create_task(leaves_trail_in(p, 2));
    ok(await_state(p, 1, 0));
    await_task_auto chosen = async_create_task(leaves_trail_in(p, 3));
    await_task_auto behind = async_create_task(leaves_trail_in(p, 4));
    ok(await_state(p, 1, 2));
    async_task_cancel(queued); /* when it ends, it gives its room to the task `chosen` */
    is(await_task(queued), -ECANCELED);
    async_task_cancel(chosen);
    is(await_task(chosen), -ECANCELED);
    open_door(true);
    is(await_task(behind), 4);
    is(calls_made, 1);
    return await_task(running) == 1 ? 0 : -EPROTO;
}

CASE(drop_fails_callers_that_wait_for_room)
{
    async_thread_pool *p = async_thread_pool_open(.threads = 1, .max_queued = 1);
    await_task_auto running = async_create_task(held_in(p, 1));
    await_task_auto queued = async_create_task(held_in(p, 2));
    await_task_auto waiting = async_create_task(held_in(p, 3));
    ok(await_state(p, 1, 1));
    async_thread_pool_drop(&p);
    is(await_task(queued), -EPIPE);
    is(await_task(waiting), -EPIPE);
    open_door(true);
    is(await_task(running), 1);
    return 0;
}

/* --- abandoned calls --- */

static int released, one = 1;

static void release(void *owned)
{
    released += *(int *)owned;
}

ASYNC_DEF(abandons_in, (async_thread_pool *)p)
{
    return await_thread_pool_call(p, held(5), .abandon = true, .owned = &one, .release = release);
}

static int await_abandoned_call(async_thread_pool *p)
{
    int before = inside;
    await_task_auto t = async_create_task(abandons_in(p));
    ok(await_until_inside(before + 1));
    async_task_cancel(t);
    is(await_task(t), -ECANCELED);
    return 0;
}

CASE(abandoned_call_occupies_its_thread)
{
    struct async_pool_stats s;
    async_thread_pool_auto p = async_thread_pool_open(.threads = 1);
    ok(await_abandoned_call(p));
    await_task_auto next = async_create_task(leaves_trail_in(p, 1));
    ok(await_state(p, 1, 0));
    ok(async_thread_pool_stats(p, &s));
    is(s.abandoned, 1);
    is(s.threads, 1);
    is(calls_made, 0);
    open_door(true);
    is(await_task(next), 1);
    is(released, 1);
    return 0;
}

CASE(abandoned_calls_up_to_the_limit_are_replaced)
{
    struct async_pool_stats s;
    async_thread_pool_auto p = async_thread_pool_open(.threads = 1, .max_abandoned = 2);
    ok(await_abandoned_call(p));
    is(await_thread_pool_call(p, leaves_trail(1)), 1);
    ok(await_abandoned_call(p));
    is(await_thread_pool_call(p, leaves_trail(2)), 2);
    ok(await_abandoned_call(p));
    await_task_auto next = async_create_task(leaves_trail_in(p, 3));
    ok(await_state(p, 1, 0));
    ok(async_thread_pool_stats(p, &s));
    is(s.threads, 3);
    open_door(true);
    is(await_task(next), 3);
    ok(await_thread_pool_close(&p));
    is(released, 3);
    return 0;
}

CASE(abandoned_call_keeps_its_room_until_it_is_over)
{
    async_thread_pool_auto p = async_thread_pool_open(.threads = 1, .max_queued = 1);
    ok(await_abandoned_call(p));
    await_task_auto queued = async_create_task(leaves_trail_in(p, 1));
    await_task_auto waiting = async_create_task(leaves_trail_in(p, 2));
    ok(await_state(p, 1, 1));
    open_door(true);
    is(await_task(queued), 1);
    is(await_task(waiting), 2);
    return 0;
}

CASE(drop_leaves_an_abandoned_call_running)
{
    async_thread_pool *p = async_thread_pool_open(.threads = 1);
    ok(await_abandoned_call(p));
    async_thread_pool_drop(&p);
    is(released, 0);
    open_door(true);
    while (!released)
        ok(await_sleep(0.001));
    return 0;
}

/* --- reports and children --- */

CASE(task_tree_names_the_pool)
{
    async_thread_pool_auto p =
            async_thread_pool_open(.threads = 1, .max_queued = 1, .name = "resize");
    await_task_auto running = async_create_task(held_in(p, 1));
    ok(await_until_inside(1));
    await_task_auto queued = async_create_task(leaves_trail_in(p, 2));
    await_task_auto waiting = async_create_task(leaves_trail_in(p, 3));
    ok(await_state(p, 1, 1));
    async_print_tasks();
    const char *text = heard();
    has_text(text, "waits for \"held\" on a thread of pool \"resize\"");
    has_text(text, "waits for \"leaves_trail\" on a thread of pool \"resize\"");
    has_text(text, "waits for room in the queue of pool \"resize\"");
    open_door(true);
    is(await_task(waiting), 3);
    return 0;
}

#if !defined __SANITIZE_THREAD__ /* it does not support threads before a fork() */
CASE(drop_in_a_child_leaves_the_pool_of_the_parent_alone)
{
    int status;
    async_thread_pool_auto p = async_thread_pool_open(.threads = 1);
    await_task_auto running = async_create_task(held_in(p, 1));
    ok(await_until_inside(1));
    pid_t child = fork();
    if (child == 0) {
        alarm(20);
        async_thread_pool_drop(&p);
        _exit(p == NULL ? 0 : 1);
    }
    is(waitpid(child, &status, 0), child);
    is(status, 0);
    open_door(true);
    is(await_task(running), 1);
    is(await_thread_pool_call(p, leaves_trail(2)), 2);
    return 0;
}
#define FORK_TESTS , drop_in_a_child_leaves_the_pool_of_the_parent_alone
#else
#define FORK_TESTS
#endif

SUITE("thread pools", call_runs_on_a_thread_named_after_the_pool, pools_without_names_have_numbers,
      pool_runs_as_many_calls_at_a_time_as_it_has_threads,
      pool_of_one_thread_runs_calls_one_after_the_other,
      two_pools_of_one_declaration_are_both_dropped, errors_reach_the_caller_with_their_messages,
      pool_needs_a_loop, pool_needs_a_sensible_size, call_in_no_pool_is_refused,
      pool_is_refused_to_another_loop, close_waits_for_the_calls, cancelled_close_drops_the_pool,
      drop_fails_queued_calls_and_spares_running_ones, loop_that_closes_with_an_open_pool_warns,
      call_that_outlives_its_pool_and_its_loop_is_named,
      full_queue_makes_callers_wait_in_their_order, cancel_while_waiting_for_room_prevents_the_call,
      cancel_of_a_chosen_caller_lets_the_next_one_in, drop_fails_callers_that_wait_for_room,
      abandoned_call_occupies_its_thread, abandoned_calls_up_to_the_limit_are_replaced,
      abandoned_call_keeps_its_room_until_it_is_over, drop_leaves_an_abandoned_call_running,
      task_tree_names_the_pool FORK_TESTS)
