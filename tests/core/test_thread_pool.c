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

LOOP_TEST(call_runs_on_a_thread_named_after_the_pool)
{
    char name[16];
    async_thread_pool_auto p = async_thread_pool_open(.threads = 2, .name = "resize images fast");
    expect_ok(await_thread_pool_call(p, named(name)));
    expect_text(name, "resize images f");
    return 0;
}

LOOP_TEST(pools_without_names_have_numbers)
{
    char name[16];
    async_thread_pool_auto first = async_thread_pool_open(.threads = 1),
                           second = async_thread_pool_open(.threads = 1);
    expect_ok(await_thread_pool_call(second, named(name)));
    expect_text(name, "pool-2");
    expect_ok(await_thread_pool_call(first, named(name)));
    expect_text(name, "pool-1");
    expect_ok(await_named(name));
    expect_text(name, "asyncio-thread");
    return 0;
}

LOOP_TEST(pool_runs_as_many_calls_at_a_time_as_it_has_threads)
{
    int r;
    struct async_pool_stats s;
    async_thread_pool_auto p = async_thread_pool_open(.threads = 2);
    await_group (r, g) {
        for (int i = 0; i < 6; i++)
            async_spawn(g, held_in(p, 0));
        expect_ok(await_state(p, 4, 0));
        expect_ok(await_until_inside(2));
        expect_ok(async_thread_pool_stats(p, &s));
        expect_int(s.threads, 2);
        expect_int(s.running, 2);
        expect_true(s.oldest > 0);
        open_door(true);
    }
    expect_int(most_inside, 2);
    expect_int(left_room, 6);
    expect_ok(async_thread_pool_stats(p, &s));
    expect_int(s.begun, 6);
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

LOOP_TEST(pool_of_one_thread_runs_calls_one_after_the_other)
{
    int r;
    async_thread_pool_auto p = async_thread_pool_open(.threads = 1);
    await_group (r, g)
        for (int i = 0; i < 8; i++)
            async_spawn(g, leaves_trail_in(p, i));
    for (int i = 0; i < 8; i++)
        expect_int(trail_of_calls[i], i);
    return r;
}

LOOP_TEST(two_pools_of_one_declaration_are_both_dropped)
{
    async_thread_pool_auto a = async_thread_pool_open(.threads = 1),
                           b = async_thread_pool_open(.threads = 1);
    expect_int(await_thread_pool_call(a, leaves_trail(1)), 1);
    expect_int(await_thread_pool_call(b, leaves_trail(2)), 2);
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

LOOP_TEST(errors_reach_the_caller_with_their_messages)
{
    async_thread_pool_auto p = async_thread_pool_open(.threads = 1);
    expect_int(await_thread_pool_call(p, fails("it broke")), -EPROTO);
    expect_text(async_fail_text(-EPROTO), "it broke on a thread");
    expect_int(await_thread_pool_call(p, measures((struct large){ "four" })), -EPERM);
    expect_contains(async_fail_text(-EPERM),
                    "await_to_thread() of \"measures\", which goes to a thread by itself");
    expect_contains(captured_stderr(), "\"measures\" is an ASYNC_THREAD with large arguments");
    return 0;
}

/* --- what cannot be opened or used --- */

TEST(pool_needs_a_loop)
{
    struct async_pool_stats s;
    expect_true(async_thread_pool_open(.threads = 1) == NULL);
    expect_int(errno, EPERM);
    expect_int(async_thread_pool_stats(NULL, &s), -EINVAL);
}

LOOP_TEST(pool_needs_a_sensible_size)
{
    expect_true(async_thread_pool_open(.threads = 100000) == NULL);
    expect_int(errno, EINVAL);
    expect_true(async_thread_pool_open(.max_abandoned = 100000) == NULL);
    expect_int(errno, EINVAL);
    return 0;
}

LOOP_TEST(call_in_no_pool_is_refused)
{
    async_thread_pool *none = NULL;
    expect_int(await_thread_pool_call(none, held(0)), -EPIPE);
    expect_text(async_fail_text(-EPIPE), "no thread pool: it was closed, or never opened");
    expect_ok(await_thread_pool_close(&none));
    async_thread_pool_drop(&none);
    return 0;
}

static async_thread_pool *shared_pool;

ASYNC_DEF(uses_the_pool_of_another_loop)
{
    struct async_pool_stats s;
    async_thread_pool *p = shared_pool;
    expect_int(await_thread_pool_call(p, held(0)), -EPERM);
    expect_int(async_thread_pool_stats(p, &s), -EPERM);
    expect_int(await_thread_pool_close(&p), -EPERM);
    expect_true(p == shared_pool);
    async_thread_pool_drop(&p);
    return 0;
}

static void *runs_another_loop(void *arg)
{
    expect_ok(async_run(uses_the_pool_of_another_loop()));
    return arg;
}

LOOP_TEST(pool_is_refused_to_another_loop)
{
    pthread_t thread;
    async_thread_pool_auto p = shared_pool = async_thread_pool_open(.threads = 1);
    expect_ok(pthread_create(&thread, NULL, runs_another_loop, NULL));
    expect_ok(pthread_join(thread, NULL));
    expect_contains(
            captured_stderr(),
            "await_thread_pool_call() of a thread pool that belongs to another thread's loop");
    expect_int(await_thread_pool_call(p, leaves_trail(3)), 3);
    return 0;
}

/* --- closing --- */

ASYNC_CO(thread_pool_close, (async_thread_pool **)p)

LOOP_TEST(close_waits_for_the_calls)
{
    async_thread_pool *p = async_thread_pool_open(.threads = 1), *copy = p;
    await_task_auto a = async_create_task(held_in(p, 1));
    await_task_auto b = async_create_task(held_in(p, 2));
    expect_ok(await_state(p, 1, 0));
    await_task_auto closer = async_create_task(thread_pool_close(&p));
    expect_ok(await_sleep(0));
    expect_true(p == NULL);
    expect_int(await_thread_pool_call(copy, leaves_trail(3)), -EPIPE);
    expect_text(async_fail_text(-EPIPE), "the thread pool is closing");
    expect_false(async_task_done(closer));
    open_door(true);
    expect_ok(await_task(closer));
    expect_int(left_room, 2);
    expect_int(await_task(a), 1);
    expect_int(await_task(b), 2);
    return 0;
}

LOOP_TEST(cancelled_close_drops_the_pool)
{
    async_thread_pool *p = async_thread_pool_open(.threads = 1);
    await_task_auto running = async_create_task(held_in(p, 1));
    expect_ok(await_until_inside(1));
    await_task_auto queued = async_create_task(held_in(p, 2));
    expect_ok(await_state(p, 1, 0));
    await_task_auto closer = async_create_task(thread_pool_close(&p));
    expect_ok(await_sleep(0));
    async_task_cancel(closer);
    expect_int(await_task(closer), -ECANCELED);
    expect_int(await_task(queued), -EPIPE);
    open_door(true);
    expect_int(await_task(running), 1);
    return 0;
}

LOOP_TEST(drop_fails_queued_calls_and_spares_running_ones)
{
    async_thread_pool *p = async_thread_pool_open(.threads = 1);
    await_task_auto running = async_create_task(held_in(p, 1));
    expect_ok(await_until_inside(1));
    await_task_auto queued = async_create_task(held_in(p, 2));
    expect_ok(await_state(p, 1, 0));
    async_thread_pool_drop(&p);
    expect_true(p == NULL);
    expect_int(await_task(queued), -EPIPE);
    expect_text(async_fail_text(-EPIPE), "the thread pool was dropped before held began");
    expect_false(async_task_done(running));
    open_door(true);
    expect_int(await_task(running), 1);
    expect_int(left_room, 1);
    return 0;
}

ASYNC_DEF(leaves_a_pool_open)
{
    async_thread_pool *p = async_thread_pool_open(.threads = 1, .name = "forgotten");
    return await_thread_pool_call(p, leaves_trail(0));
}

TEST(loop_that_closes_with_an_open_pool_warns)
{
    capture_stderr_begin();
    expect_ok(async_run(leaves_a_pool_open()));
    expect_contains(captured_stderr(), "the loop closes with thread pool \"forgotten\" open");
    capture_stderr_end();
    expect_ok(async_set_allocator(NULL)); /* nothing of the loop is left */
}

ASYNC_DEF(leaves_a_call_running)
{
    async_thread_pool_auto p = async_thread_pool_open(.threads = 1);
    async_task *lost = async_create_task(held_in(p, 0));
    (void)lost;
    return await_until_inside(1);
}

TEST(call_that_outlives_its_pool_and_its_loop_is_named)
{
    capture_stderr_begin();
    expect_int(async_run(leaves_a_call_running(), .shutdown_timeout = 0.02), -ETIME);
    expect_contains(captured_stderr(), "waits for \"held\" on a thread");
    capture_stderr_end();
    open_door(true);
    for (int i = 0; i < 5000 && async_set_allocator(NULL) < 0; i++)
        usleep(1000);
    expect_ok(async_set_allocator(NULL)); /* the pool has gone with its thread */
    expect_int(left_room, 1);
}

/* --- a bound on the queue --- */

LOOP_TEST(full_queue_makes_callers_wait_in_their_order)
{
    int r;
    async_thread_pool_auto p = async_thread_pool_open(.threads = 1, .max_queued = 2);
    await_task_auto first = async_create_task(held_in(p, 1));
    expect_ok(await_until_inside(1));
    await_group (r, g) {
        for (int i = 0; i < 6; i++)
            async_spawn(g, leaves_trail_in(p, i));
        expect_ok(await_state(p, 2, 4));
        open_door(true);
    }
    for (int i = 0; i < 6; i++)
        expect_int(trail_of_calls[i], i);
    expect_int(await_task(first), 1);
    return await_state(p, 0, 0);
}

LOOP_TEST(cancel_while_waiting_for_room_prevents_the_call)
{
    async_thread_pool_auto p = async_thread_pool_open(.threads = 1, .max_queued = 1);
    await_task_auto running = async_create_task(held_in(p, 1));
    await_task_auto queued = async_create_task(leaves_trail_in(p, 2));
    expect_ok(await_state(p, 1, 0));
    await_task_auto waiting = async_create_task(leaves_trail_in(p, 3));
    await_task_auto behind = async_create_task(leaves_trail_in(p, 4));
    expect_ok(await_state(p, 1, 2));
    async_task_cancel(waiting);
    expect_int(await_task(waiting), -ECANCELED);
    open_door(true);
    expect_int(await_task(behind), 4);
    expect_int(await_task(queued), 2);
    expect_int(calls_made, 2);
    return 0;
}

/* A caller that was given room, and is cancelled before it runs, passes the room on. */
LOOP_TEST(cancel_of_a_chosen_caller_lets_the_next_one_in)
{
    async_thread_pool_auto p = async_thread_pool_open(.threads = 1, .max_queued = 1);
    await_task_auto running = async_create_task(held_in(p, 1));
    expect_ok(await_until_inside(1));
    await_task_auto queued = async_create_task(leaves_trail_in(p, 2));
    expect_ok(await_state(p, 1, 0));
    await_task_auto chosen = async_create_task(leaves_trail_in(p, 3));
    await_task_auto behind = async_create_task(leaves_trail_in(p, 4));
    expect_ok(await_state(p, 1, 2));
    async_task_cancel(queued); /* when it ends, it gives its room to the task `chosen` */
    expect_int(await_task(queued), -ECANCELED);
    async_task_cancel(chosen);
    expect_int(await_task(chosen), -ECANCELED);
    open_door(true);
    expect_int(await_task(behind), 4);
    expect_int(calls_made, 1);
    return await_task(running) == 1 ? 0 : -EPROTO;
}

LOOP_TEST(drop_fails_callers_that_wait_for_room)
{
    async_thread_pool *p = async_thread_pool_open(.threads = 1, .max_queued = 1);
    await_task_auto running = async_create_task(held_in(p, 1));
    await_task_auto queued = async_create_task(held_in(p, 2));
    await_task_auto waiting = async_create_task(held_in(p, 3));
    expect_ok(await_state(p, 1, 1));
    async_thread_pool_drop(&p);
    expect_int(await_task(queued), -EPIPE);
    expect_int(await_task(waiting), -EPIPE);
    open_door(true);
    expect_int(await_task(running), 1);
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
    expect_ok(await_until_inside(before + 1));
    async_task_cancel(t);
    expect_int(await_task(t), -ECANCELED);
    return 0;
}

LOOP_TEST(abandoned_call_occupies_its_thread)
{
    struct async_pool_stats s;
    async_thread_pool_auto p = async_thread_pool_open(.threads = 1);
    expect_ok(await_abandoned_call(p));
    await_task_auto next = async_create_task(leaves_trail_in(p, 1));
    expect_ok(await_state(p, 1, 0));
    expect_ok(async_thread_pool_stats(p, &s));
    expect_int(s.abandoned, 1);
    expect_int(s.threads, 1);
    expect_int(calls_made, 0);
    open_door(true);
    expect_int(await_task(next), 1);
    expect_int(released, 1);
    return 0;
}

LOOP_TEST(abandoned_calls_up_to_the_limit_are_replaced)
{
    struct async_pool_stats s;
    async_thread_pool_auto p = async_thread_pool_open(.threads = 1, .max_abandoned = 2);
    expect_ok(await_abandoned_call(p));
    expect_int(await_thread_pool_call(p, leaves_trail(1)), 1);
    expect_ok(await_abandoned_call(p));
    expect_int(await_thread_pool_call(p, leaves_trail(2)), 2);
    expect_ok(await_abandoned_call(p));
    await_task_auto next = async_create_task(leaves_trail_in(p, 3));
    expect_ok(await_state(p, 1, 0));
    expect_ok(async_thread_pool_stats(p, &s));
    expect_int(s.threads, 3);
    open_door(true);
    expect_int(await_task(next), 3);
    expect_ok(await_thread_pool_close(&p));
    expect_int(released, 3);
    return 0;
}

LOOP_TEST(abandoned_call_keeps_its_room_until_it_is_over)
{
    async_thread_pool_auto p = async_thread_pool_open(.threads = 1, .max_queued = 1);
    expect_ok(await_abandoned_call(p));
    await_task_auto queued = async_create_task(leaves_trail_in(p, 1));
    await_task_auto waiting = async_create_task(leaves_trail_in(p, 2));
    expect_ok(await_state(p, 1, 1));
    open_door(true);
    expect_int(await_task(queued), 1);
    expect_int(await_task(waiting), 2);
    return 0;
}

LOOP_TEST(drop_leaves_an_abandoned_call_running)
{
    async_thread_pool *p = async_thread_pool_open(.threads = 1);
    expect_ok(await_abandoned_call(p));
    async_thread_pool_drop(&p);
    expect_int(released, 0);
    open_door(true);
    while (!released)
        expect_ok(await_sleep(0.001));
    return 0;
}

/* --- reports and children --- */

LOOP_TEST(task_tree_names_the_pool)
{
    async_thread_pool_auto p =
            async_thread_pool_open(.threads = 1, .max_queued = 1, .name = "resize");
    await_task_auto running = async_create_task(held_in(p, 1));
    expect_ok(await_until_inside(1));
    await_task_auto queued = async_create_task(leaves_trail_in(p, 2));
    await_task_auto waiting = async_create_task(leaves_trail_in(p, 3));
    expect_ok(await_state(p, 1, 1));
    async_print_tasks();
    const char *text = captured_stderr();
    expect_contains(text, "waits for \"held\" on a thread of pool \"resize\"");
    expect_contains(text, "waits for \"leaves_trail\" on a thread of pool \"resize\"");
    expect_contains(text, "waits for room in the queue of pool \"resize\"");
    open_door(true);
    expect_int(await_task(waiting), 3);
    return 0;
}

static int parse(void *arg)
{
    pthread_mutex_lock(&door.mutex);
    inside++;
    while (!door.open)
        pthread_cond_wait(&door.changed, &door.mutex);
    pthread_mutex_unlock(&door.mutex);
    return arg ? -EINVAL : 0;
}

ASYNC_DEF(parses_in, (async_thread_pool *)p)
{
    return await_thread_pool_call(p, async_call(parse, NULL, "parse"));
}

LOOP_TEST(task_tree_has_the_name_given_to_async_call)
{
    async_thread_pool_auto p = async_thread_pool_open(.threads = 1);
    await_task_auto t = async_create_task(parses_in(p));
    expect_ok(await_until_inside(1));
    async_print_tasks();
    expect_contains(captured_stderr(), "waits for \"parse\" on a thread of pool \"pool-1\"");
    open_door(true);
    return await_task(t);
}

#if !defined __SANITIZE_THREAD__ /* it does not support threads before a fork() */
LOOP_TEST(drop_in_a_child_leaves_the_pool_of_the_parent_alone)
{
    int status;
    async_thread_pool_auto p = async_thread_pool_open(.threads = 1);
    await_task_auto running = async_create_task(held_in(p, 1));
    expect_ok(await_until_inside(1));
    pid_t child = fork();
    if (child == 0) {
        alarm(20);
        async_thread_pool_drop(&p);
        _exit(p == NULL ? 0 : 1);
    }
    expect_int(waitpid(child, &status, 0), child);
    expect_int(status, 0);
    open_door(true);
    expect_int(await_task(running), 1);
    expect_int(await_thread_pool_call(p, leaves_trail(2)), 2);
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
      task_tree_names_the_pool, task_tree_has_the_name_given_to_async_call FORK_TESTS)
