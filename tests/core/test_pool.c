/* SPDX-License-Identifier: MIT */
/* Calls on threads. A body that is to take its time waits for the test; nothing here is a matter of milliseconds. */
#include "held.h"

#include <sys/wait.h>

/* --- what a call does --- */

static pthread_t test_thread;

ASYNC_THREAD(twice, (int)n)
{
    return pthread_equal(pthread_self(), test_thread) ? -EDEADLK : 2 * n;
}

ASYNC_DEF(triple, (int)n)
{
    return 3 * n;
}

CASE(a_call_runs_on_another_thread)
{
    int n[2];
    test_thread = pthread_self();
    is(await_twice(21), 42);
    ok(await_gather(n, twice(6), twice(7)));
    is(n[0], 12);
    is(n[1], 14);
    is(await_to_thread(triple(5)), 15); /* any coroutine that does not await */
    return 0;
}

ASYNC_THREAD(meets, (pthread_barrier_t *)both)
{
    int r = pthread_barrier_wait(both);
    return r == PTHREAD_BARRIER_SERIAL_THREAD ? 1 : r;
}

CASE(calls_run_at_the_same_time)
{
    pthread_barrier_t b;
    int n[2];
    pthread_barrier_init(&b, NULL, 2);
    ok(await_gather(n, meets(&b), meets(&b)));
    is(n[0] + n[1], 1);
    return pthread_barrier_destroy(&b);
}

ASYNC_DEF(opens_when_full, (unsigned)n)
{
    struct async_pool_stats s;
    ok(await_until_inside((int)n));
    do {
        ok(await_sleep(0.001));
        ok(async_pool_stats(ASYNC_POOL_THREADS, &s));
    } while (s.queued < 20);
    is(s.threads, n);
    is(s.idle, 0);
    is(s.running, n);
    is_true(s.oldest > 0);
    open_door(true);
    return 0;
}

CASE(more_calls_than_threads_stand_in_a_line)
{
    int r;
    unsigned n = most_threads();
    struct async_pool_stats s;
    await_group (r, g) {
        async_spawn(g, opens_when_full(n));
        for (unsigned i = 0; i < n + 20; i++)
            async_spawn(g, held(0));
    }
    ok(r);
    is(most_inside, n);
    is(left_room, n + 20);
    ok(async_pool_stats(ASYNC_POOL_THREADS, &s));
    is(s.begun, n + 20);
    is(s.queued, 0);
    is_true(s.longest > 0 && s.waited >= s.longest);
    ok(async_pool_stats(ASYNC_POOL_FILES, &s));
    is(s.threads, 0);
    is(async_pool_stats((enum async_pool)3, &s), -EINVAL);
    return 0;
}

/* As many tasks as you like, each gets its own result. */
ASYNC_DEF(calls, (int)n, (int *)sum)
{
    for (int i = 0; i < 10; i++) {
        int r = ASYNC_TRY(await_twice(n + i));
        is(r, 2 * (n + i));
        *sum += r;
    }
    return 0;
}

CASE(many_calls)
{
    int r, sum = 0;
    await_group (r, g) {
        for (int i = 0; i < 500; i++)
            async_spawn(g, calls(i, &sum));
    }
    is(sum, 2 * (10 * 500 * 499 / 2 + 500 * 45));
    return r;
}

/* --- errors --- */

ASYNC_THREAD(fails, (const char *)why)
{
    if (!why)
        return -ENOENT;
    return async_fail(-EPROTO, "%s on a thread", why);
}

ASYNC_DEF(passes_on)
{
    ASYNC_TRY(await_fails("it broke"));
    return 0;
}

ASYNC_THREAD(asks_for_words)
{
    int r = async_fail(-EIO, "words");
    return !strcmp(async_fail_text(-EIO), "words") && !async_fail_text(-EPROTO)[0] ? 1 : r;
}

CASE(the_sentence_of_an_error_arrives)
{
    is(await_fails("it broke"), -EPROTO);
    is_text(async_fail_text(-EPROTO), "it broke on a thread");
    is(await_fails(NULL), -ENOENT);
    is_text(async_fail_text(-ENOENT), "");
    is(await_asks_for_words(), 1);
    await_task_auto t = async_create_task(passes_on());
    is(await_task(t), -EPROTO);
    is_text(async_fail_text(-EPROTO), "it broke on a thread");
    return 0;
}

ASYNC_THREAD(awaits)
{
    int r;
    is(await_sleep(1), -EPERM);
    is(await_twice(1), -EPERM);
    await_timeout (r, 1) {
        r = 0;
    }
    is(r, -EPERM);
    return 7;
}

CASE(a_body_must_not_await)
{
    is(await_awaits(), 7);
    const char *said = heard();
    has_text(said, "await_sleep() on the thread that runs \"awaits\": a function on a thread must not await");
    has_text(said, "await_to_thread() on the thread that runs \"awaits\"");
    is_time(0);
    return 0;
}

ASYNC_THREAD(calls_itself, (int)n)
{
    return n > 0 ? await_calls_itself(n - 1) : 0;
}

static int owned_by_caller;

static void must_not_release(void *owned)
{
    (void)owned;
    ck_abort_msg("the call was not cancelled");
}

typedef struct {
    char bytes[60];
} large;

ASYNC_THREAD(takes_much, (large)arg)
{
    return arg.bytes[0];
}

/* What goes to a thread by itself may be sent there with options; if its arguments leave no room to know it by, it says what
 * to do instead. */
CASE(what_goes_to_a_thread_by_itself_may_be_given_to_one)
{
    large arg = { "x" };
    is(await_to_thread(twice(21)), 42);
    is(await_to_thread(twice(21), .abandon = true, .owned = &owned_by_caller,
                       .release = must_not_release),
       42);
    is(await_takes_much(arg), 'x');
    is(await_to_thread(takes_much(arg), .abandon = true, .owned = &owned_by_caller,
                       .release = must_not_release),
       -EPERM);
    is_text(async_fail_text(-EPERM),
            "await_to_thread() of \"takes_much\", which goes to a thread by itself");
    has_text(heard(),
             "\"takes_much\" is an ASYNC_THREAD with large arguments, which goes to a thread by itself: await it as "
             "any coroutine; for .abandon give it a pointer to them, or use an async_call()");
    is(await_calls_itself(1), -EPERM); /* which is something else */
    has_text(heard(), "on the thread that runs \"calls_itself\": a function on a thread must not await");
    return 0;
}

/* --- task-local variables --- */

ASYNC_LOCAL(int, request, 1);

ASYNC_THREAD(sees, (int)sets)
{
    int before = async_local_get(request);
    ok(async_local_set(request, sets));
    return before * 100 + async_local_get(request);
}

ASYNC_DEF(with_request, (int)n)
{
    ok(async_local_set(request, n));
    for (int i = 0; i < 20; i++) {
        is(await_sees(i), n * 100 + i);
        is(async_local_get(request), n); /* what it sets it keeps to itself */
    }
    return 0;
}

CASE(task_local_variables_go_along)
{
    int r;
    is(await_sees(3), 103); /* and the thread keeps nothing of it */
    is(await_sees(4), 104);
    await_group (r, g) {
        for (int i = 2; i < 12; i++)
            async_spawn(g, with_request(i));
    }
    is(async_local_get(request), 1);
    return r;
}

/* --- cancelled --- */

static bool has_run;

ASYNC_THREAD(runs)
{
    has_run = true;
    return 0;
}

CASE(cancelled_before_it_begins_it_never_runs)
{
    await_task_auto full = async_create_task(fills_the_pool());
    ok(await_until_inside((int)most_threads()));
    is(await_wait_for(runs(), 1), -ETIMEDOUT);
    await_task_auto other = async_create_task(runs());
    ok(await_sleep(1));
    async_task_cancel(other);
    is(await_task(other), -ECANCELED);
    open_door(true);
    ok(await_task(full));
    is_false(has_run);
    ok(await_runs());
    is_true(has_run);
    return 0;
}

ASYNC_DEF(is_told_later, (int *)result)
{
    *result = await_held(5);
    return await_sleep(0);
}

ASYNC_DEF(opens_later)
{
    ok(await_sleep(1));
    is(left_room, 0);
    open_door(true);
    return 0;
}

CASE(cancelled_after_it_has_begun_it_is_waited_for)
{
    int result = 0;
    await_task_auto t = async_create_task(is_told_later(&result));
    ok(await_until_inside(1));
    async_task_cancel(t);
    await_task_auto opens = async_create_task(opens_later());
    is(await_task(t), -ECANCELED); /* of the next await_ */
    is(result, 5);
    is(left_room, 1);
    ok(await_task(opens));
    open_door(false);
    inside = 0;
    result = 0;
    int r;
    left_room = 0;
    await_task_auto opens_again = async_create_task(opens_later());
    r = await_wait_for(held(6), 0.5);
    ck_assert(r == 6 || (r == -ETIMEDOUT && left_room == 0)); /* not begun in time, on a slow machine */
    await_timeout (r, 0) {
        r = result = await_held(7);
    }
    is(result, -ECANCELED);
    is(r, -ETIMEDOUT);
    return await_task(opens_again);
}

ASYNC_DEF(twice_in_a_cancelled_task)
{
    async_task_cancel(async_current_task());
    is(await_twice(1), -ECANCELED);
    is(await_to_thread(runs(), .abandon = true), -ECANCELED);
    return 0;
}

CASE(a_cancelled_task_begins_nothing)
{
    ok(await_wait_for(twice_in_a_cancelled_task(), 1));
    is_false(has_run);
    return 0;
}

/* --- several loops, and fork() --- */

static void *runs_a_loop(void *arg)
{
    int sum = 0;
    for (int i = 0; i < 20; i++)
        is(async_run(calls(i, &sum)), 0);
    return arg;
}

START_TEST(several_loops)
{
    pthread_t t[4];
    for (size_t i = 0; i < countof(t); i++)
        ok(pthread_create(&t[i], NULL, runs_a_loop, NULL));
    for (size_t i = 0; i < countof(t); i++)
        ok(pthread_join(t[i], NULL));
}
END_TEST

/* A child has none of the parent's threads, but its loops make their own. */
ASYNC_THREAD(forks)
{
    pid_t pid = fork();
    int status = -1;
    if (pid == 0) {
        int sum = 0;
        _exit(async_run(calls(3, &sum)) == 0 ? 33 : 1);
    }
    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -ECHILD;
}

CASE(a_fork_has_pools_of_its_own)
{
#if defined __SANITIZE_THREAD__
    return 0; /* which does not know threads in a child of a process that had some */
#endif
    for (int i = 0; i < 5; i++)
        is(await_forks(), 33);
    return 0;
}

SUITE("pool", a_call_runs_on_another_thread, calls_run_at_the_same_time,
      more_calls_than_threads_stand_in_a_line, many_calls, the_sentence_of_an_error_arrives,
      a_body_must_not_await, what_goes_to_a_thread_by_itself_may_be_given_to_one,
      task_local_variables_go_along, cancelled_before_it_begins_it_never_runs,
      cancelled_after_it_has_begun_it_is_waited_for, a_cancelled_task_begins_nothing, several_loops,
      a_fork_has_pools_of_its_own)
