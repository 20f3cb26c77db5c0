/* SPDX-License-Identifier: MIT */
/* Calls on threads of the loop's own pool. A function that shall take its time waits until the test
 * lets it go, so nothing here depends on how fast the machine is. */
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

LOOP_TEST(call_runs_on_another_thread)
{
    int n[2];
    test_thread = pthread_self();
    expect_int(await_twice(21), 42);
    expect_ok(await_gather(n, twice(6), twice(7)));
    expect_int(n[0], 12);
    expect_int(n[1], 14);
    expect_int(await_to_thread(triple(5)),
               15); /* a coroutine that never awaits may run on a thread, too */
    return 0;
}

ASYNC_THREAD(meets, (pthread_barrier_t *)both)
{
    int r = pthread_barrier_wait(both);
    return r == PTHREAD_BARRIER_SERIAL_THREAD ? 1 : r;
}

LOOP_TEST(calls_run_at_the_same_time)
{
    pthread_barrier_t b;
    int n[2];
    pthread_barrier_init(&b, NULL, 2);
    expect_ok(await_gather(n, meets(&b), meets(&b)));
    expect_int(n[0] + n[1], 1);
    return pthread_barrier_destroy(&b);
}

ASYNC_DEF(opens_when_full, (unsigned)n)
{
    struct async_pool_stats s;
    expect_ok(await_until_inside((int)n));
    do {
        expect_ok(await_sleep(0.001));
        expect_ok(async_pool_stats(ASYNC_POOL_THREADS, &s));
    } while (s.queued < 20);
    expect_int(s.threads, n);
    expect_int(s.idle, 0);
    expect_int(s.running, n);
    expect_true(s.oldest > 0);
    open_door(true);
    return 0;
}

LOOP_TEST(calls_beyond_the_threads_wait_in_the_queue)
{
    int r;
    unsigned n = most_threads();
    struct async_pool_stats s;
    await_group (r, g) {
        async_spawn(g, opens_when_full(n));
        for (unsigned i = 0; i < n + 20; i++)
            async_spawn(g, held(0));
    }
    expect_ok(r);
    expect_int(most_inside, n);
    expect_int(left_room, n + 20);
    expect_ok(async_pool_stats(ASYNC_POOL_THREADS, &s));
    expect_int(s.begun, n + 20);
    expect_int(s.queued, 0);
    expect_true(s.longest > 0 && s.waited >= s.longest);
    expect_ok(async_pool_stats(ASYNC_POOL_FILES, &s));
    expect_int(s.threads, 0);
    expect_int(async_pool_stats((enum async_pool)3, &s), -EINVAL);
    return 0;
}

/* It takes longer than a loop with a virtual clock waits for descriptors before the clock jumps. */
ASYNC_THREAD(takes_real_time)
{
    usleep(50 * 1000);
    return 7;
}

LOOP_TEST(virtual_clock_stands_still_while_a_call_runs)
{
    int r = 0;
    await_timeout (r, 60)
        r = await_takes_real_time();
    expect_int(r, 7);
    expect_time(0);
    return 0;
}

LOOP_TEST(timeout_of_a_call_that_does_not_return_expires_in_virtual_time)
{
    int r = 0;
    open_door(false);
    await_timeout (r, 0.02)
        r = await_to_thread(held(0), .abandon = true);
    open_door(true);
    expect_int(r, -ETIMEDOUT);
    expect_time(0.02);
    return 0;
}

ASYNC_DEF(calls, (int)n, (int *)sum)
{
    for (int i = 0; i < 10; i++) {
        int r = ASYNC_TRY(await_twice(n + i));
        expect_int(r, 2 * (n + i));
        *sum += r;
    }
    return 0;
}

LOOP_TEST(each_of_many_calls_gets_its_own_result)
{
    int r, sum = 0;
    await_group (r, g) {
        for (int i = 0; i < 500; i++)
            async_spawn(g, calls(i, &sum));
    }
    expect_int(sum, 2 * (10 * 500 * 499 / 2 + 500 * 45));
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

ASYNC_THREAD(reads_its_own_message)
{
    int r = async_fail(-EIO, "message");
    return !strcmp(async_fail_text(-EIO), "message") && !async_fail_text(-EPROTO)[0] ? 1 : r;
}

LOOP_TEST(message_of_an_error_reaches_the_caller)
{
    expect_int(await_fails("it broke"), -EPROTO);
    expect_text(async_fail_text(-EPROTO), "it broke on a thread");
    expect_int(await_fails(NULL), -ENOENT);
    expect_text(async_fail_text(-ENOENT), "");
    expect_int(await_reads_its_own_message(), 1);
    await_task_auto t = async_create_task(passes_on());
    expect_int(await_task(t), -EPROTO);
    expect_text(async_fail_text(-EPROTO), "it broke on a thread");
    return 0;
}

ASYNC_THREAD(awaits)
{
    int r;
    expect_int(await_sleep(1), -EPERM);
    expect_int(await_twice(1), -EPERM);
    await_timeout (r, 1) {
        r = 0;
    }
    expect_int(r, -EPERM);
    return 7;
}

LOOP_TEST(await_on_a_thread_is_refused)
{
    expect_int(await_awaits(), 7);
    const char *said = captured_stderr();
    expect_contains(
            said,
            "await_sleep() on the thread that runs \"awaits\": a function on a thread must not "
            "await");
    expect_contains(said, "await_to_thread() on the thread that runs \"awaits\"");
    expect_time(0);
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
    fail_test("the call was not cancelled");
}

typedef struct {
    char bytes[60];
} large;

ASYNC_THREAD(takes_much, (large)arg)
{
    return arg.bytes[0];
}

/* An ASYNC_THREAD may be given options. If its arguments leave no room to recognise it, a message
 * says what to do instead. */
LOOP_TEST(thread_function_may_be_called_with_options)
{
    large arg = { "x" };
    expect_int(await_to_thread(twice(21)), 42);
    expect_int(await_to_thread(twice(21), .abandon = true, .owned = &owned_by_caller,
                               .release = must_not_release),
               42);
    expect_int(await_takes_much(arg), 'x');
    expect_int(await_to_thread(takes_much(arg), .abandon = true, .owned = &owned_by_caller,
                               .release = must_not_release),
               -EPERM);
    expect_text(async_fail_text(-EPERM),
                "await_to_thread() of \"takes_much\", which goes to a thread by itself");
    expect_contains(
            captured_stderr(),
            "\"takes_much\" is an ASYNC_THREAD with large arguments, which goes to a thread by "
            "itself: await it as any coroutine; for .abandon, or for a pool of your own, give it "
            "a pointer to them, or use an async_call()");
    expect_int(await_calls_itself(1), -EPERM); /* because a function on a thread must not await */
    expect_contains(
            captured_stderr(),
            "on the thread that runs \"calls_itself\": a function on a thread must not await");
    return 0;
}

/* --- task-local variables --- */

ASYNC_LOCAL(int, request, 1);

ASYNC_THREAD(sees, (int)sets)
{
    int before = async_local_get(request);
    expect_ok(async_local_set(request, sets));
    return before * 100 + async_local_get(request);
}

ASYNC_DEF(with_request, (int)n)
{
    expect_ok(async_local_set(request, n));
    for (int i = 0; i < 20; i++) {
        expect_int(await_sees(i), n * 100 + i);
        expect_int(async_local_get(request), n); /* what the function sets is not seen here */
    }
    return 0;
}

LOOP_TEST(function_sees_task_local_variables_of_its_caller)
{
    int r;
    expect_int(await_sees(3), 103); /* the thread does not keep what the function has set */
    expect_int(await_sees(4), 104);
    await_group (r, g) {
        for (int i = 2; i < 12; i++)
            async_spawn(g, with_request(i));
    }
    expect_int(async_local_get(request), 1);
    return r;
}

/* --- cancelled --- */

static bool has_run;

ASYNC_THREAD(runs)
{
    has_run = true;
    return 0;
}

LOOP_TEST(cancel_before_a_call_begins_prevents_it)
{
    await_task_auto full = async_create_task(fills_the_pool());
    expect_ok(await_until_inside((int)most_threads()));
    expect_int(await_wait_for(runs(), 1), -ETIMEDOUT);
    await_task_auto other = async_create_task(runs());
    expect_ok(await_sleep(1));
    async_task_cancel(other);
    expect_int(await_task(other), -ECANCELED);
    open_door(true);
    expect_ok(await_task(full));
    expect_false(has_run);
    expect_ok(await_runs());
    expect_true(has_run);
    return 0;
}

ASYNC_DEF(gets_its_result_later, (int *)result)
{
    *result = await_held(5);
    return await_sleep(0);
}

ASYNC_DEF(opens_later)
{
    expect_ok(await_sleep(1));
    expect_int(left_room, 0);
    open_door(true);
    return 0;
}

LOOP_TEST(cancel_after_a_call_has_begun_waits_for_it)
{
    int result = 0;
    await_task_auto t = async_create_task(gets_its_result_later(&result));
    expect_ok(await_until_inside(1));
    async_task_cancel(t);
    await_task_auto opens = async_create_task(opens_later());
    expect_int(await_task(t), -ECANCELED); /* from the await_ after the call */
    expect_int(result, 5);
    expect_int(left_room, 1);
    expect_ok(await_task(opens));
    open_door(false);
    inside = 0;
    result = 0;
    int r;
    left_room = 0;
    await_task_auto opens_again = async_create_task(opens_later());
    r = await_wait_for(held(6), 0.5);
    /* On a slow machine the call may not begin in time. */
    expect_true(r == 6 || (r == -ETIMEDOUT && left_room == 0));
    await_timeout (r, 0) {
        r = result = await_held(7);
    }
    expect_int(result, -ECANCELED);
    expect_int(r, -ETIMEDOUT);
    return await_task(opens_again);
}

ASYNC_DEF(twice_in_a_cancelled_task)
{
    async_task_cancel(async_current_task());
    expect_int(await_twice(1), -ECANCELED);
    expect_int(await_to_thread(runs(), .abandon = true), -ECANCELED);
    return 0;
}

LOOP_TEST(cancelled_task_begins_no_call)
{
    expect_ok(await_wait_for(twice_in_a_cancelled_task(), 1));
    expect_false(has_run);
    return 0;
}

/* --- several loops, and fork() --- */

static void *runs_a_loop(void *arg)
{
    int sum = 0;
    for (int i = 0; i < 20; i++)
        expect_int(async_run(calls(i, &sum)), 0);
    return arg;
}

TEST(loops_of_several_threads_have_separate_pools)
{
    pthread_t t[4];
    for (size_t i = 0; i < countof(t); i++)
        expect_ok(pthread_create(&t[i], NULL, runs_a_loop, NULL));
    for (size_t i = 0; i < countof(t); i++)
        expect_ok(pthread_join(t[i], NULL));
}

/* A child has none of the parent's threads, but its loops start their own. */
ASYNC_THREAD(forks_and_runs_a_loop)
{
    pid_t pid = fork();
    int status = -1;
    if (pid == 0) {
        int sum = 0;
        _exit(async_run(calls(3, &sum)) == 0 ? 33 : 1);
    }
    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -ECHILD;
}

#if defined __SANITIZE_THREAD__
#define NO_FORKS return 0 /* it does not support threads in a child of a process that had some */
#else
#define NO_FORKS (void)0
#endif

LOOP_TEST(child_of_fork_has_pools_of_its_own)
{
    NO_FORKS;
    for (int i = 0; i < 5; i++)
        expect_int(await_forks_and_runs_a_loop(), 33);
    return 0;
}

/* What the processes of the next tests share. */
static struct {
    atomic_int runs_in_parent, runs_in_child;
    pid_t parent;
} * shared;

static void share(void)
{
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    expect_true(shared != MAP_FAILED);
    shared->parent = getpid();
}

enum way { RETURNS, EXITS };

static atomic_bool may_fork;

/* Does not look for leaks at the exit of a child, in which the stacks of other threads are lost. */
static atomic_bool is_forked;
int __lsan_is_turned_off(void);

int __lsan_is_turned_off(void)
{
    return is_forked;
}

/* Both processes go on here, and the parent gets the number of its child. */
ASYNC_THREAD(forks, (enum way)way, (pid_t *)child)
{
    while (!may_fork)
        usleep(100);
    pid_t pid = fork();
    if (pid == 0)
        alarm(20); /* a child that hangs is killed, and fails the test */
    is_forked = pid == 0;
    if (pid == 0 && way == EXITS)
        exit(7);
    if (pid > 0)
        *child = pid;
    return pid < 0 ? -errno : 5;
}

ASYNC_THREAD(counts)
{
    atomic_fetch_add(getpid() == shared->parent ? &shared->runs_in_parent : &shared->runs_in_child,
                     1);
    return 0;
}

ASYNC_DEF(forks_in, (async_thread_pool *)p, (enum way)way, (pid_t *)child)
{
    return await_thread_pool_call(p, forks(way, child));
}

ASYNC_DEF(counts_in, (async_thread_pool *)p)
{
    return await_thread_pool_call(p, counts());
}

static int status_of(pid_t child)
{
    int status = -1;
    expect_int(waitpid(child, &status, 0), child);
    expect_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* Call forks() on the one thread of a pool while three calls wait in the queue. Returns how the
 * child ends. */
static int await_fork_before_others(enum way way)
{
    struct async_pool_stats stats = { 0 };
    pid_t child = 0;
    async_thread_pool_auto p = async_thread_pool_open(.threads = 1);
    may_fork = false;
    await_task_auto fork_task = async_create_task(forks_in(p, way, &child));
    await_task_auto a = async_create_task(counts_in(p));
    await_task_auto b = async_create_task(counts_in(p));
    while (stats.queued < 2) {
        expect_ok(await_sleep(0.001));
        expect_ok(async_thread_pool_stats(p, &stats));
    }
    may_fork = true;
    expect_int(await_task(fork_task), 5);
    int status = status_of(child);
    expect_ok(await_task(a));
    expect_ok(await_task(b));
    return status;
}

/* Otherwise the copy of the thread would run the calls that wait in the copy of the queue, and wait
 * for more. */
LOOP_TEST(child_that_returns_from_a_call_ends_and_runs_no_other)
{
    NO_FORKS;
    share();
    expect_int(await_fork_before_others(RETURNS), EXIT_FAILURE);
    expect_contains(
            captured_stderr(),
            "a child of fork() has returned from \"forks\" on a thread of a pool, and ends here");
    expect_int(shared->runs_in_parent, 2);
    expect_int(shared->runs_in_child, 0);
    return 0;
}

LOOP_TEST(child_that_exits_in_a_call_does_not_hang)
{
    NO_FORKS;
    share();
    expect_int(await_fork_before_others(EXITS), 7);
    expect_int(shared->runs_in_parent, 2);
    expect_int(shared->runs_in_child, 0);
    return 0;
}

/* Fork when the first abandoned call is released. */
static void forks_when_released(void *ret)
{
    pid_t *child = ret;
    atomic_fetch_add(getpid() == shared->parent ? &shared->runs_in_parent : &shared->runs_in_child,
                     1);
    if (*child)
        return;
    *child = fork();
    if (*child)
        return;
    alarm(20);
    is_forked = true;
}

static atomic_int at_work;

ASYNC_THREAD(works_until_it_may_fork)
{
    at_work++;
    while (!may_fork)
        usleep(100);
    return 0;
}

ASYNC_DEF(abandons, (pid_t *)child)
{
    return await_to_thread(works_until_it_may_fork(), .abandon = true, .owned = child,
                           .release = forks_when_released);
}

/* Two calls were abandoned, and are released by the loop. */
REAL_LOOP_TEST(child_that_returns_from_a_release_function_ends_and_calls_no_other)
{
    NO_FORKS;
    int r;
    pid_t child = 0;
    share();
    may_fork = false;
    at_work = 0;
    await_group (r, g) {
        async_spawn(g, abandons(&child));
        async_spawn(g, abandons(&child));
        expect_eventually(at_work == 2);
        async_group_cancel(g);
    }
    expect_ok(r);
    may_fork = true;
    expect_eventually(shared->runs_in_parent == 2);
    expect_int(status_of(child), EXIT_FAILURE);
    expect_contains(captured_stderr(), "a child of fork() has returned from the .release function "
                                       "of \"works_until_it_may_fork\", and ends here");
    expect_int(shared->runs_in_child, 0);
    return 0;
}

static volatile pid_t late_child;

ASYNC_DEF(abandons_to_the_end)
{
    int r;
    await_group (r, g) {
        async_spawn(g, abandons((pid_t *)&late_child));
        expect_eventually(at_work == 1);
        async_group_cancel(g);
    }
    return r;
}

/* The loop has closed, so the call is released on its own thread. */
TEST(child_that_returns_from_a_release_function_on_a_thread_ends)
{
#if !defined __SANITIZE_THREAD__
    share();
    may_fork = false;
    at_work = 0;
    capture_stderr_begin();
    expect_ok(async_run(abandons_to_the_end(), .shutdown_timeout = 0.001));
    expect_contains(captured_stderr(), "still runs on a thread");
    may_fork = true;
    for (int i = 0; i < 10000 * slowdown() && shared->runs_in_parent == 0; i++)
        usleep(1000);
    while (!late_child)
        usleep(1000);
    expect_int(status_of(late_child), EXIT_FAILURE);
    expect_contains(captured_stderr(), "has returned from the .release function");
    capture_stderr_end();
#endif
}

SUITE("pool", call_runs_on_another_thread, calls_run_at_the_same_time,
      calls_beyond_the_threads_wait_in_the_queue, each_of_many_calls_gets_its_own_result,
      message_of_an_error_reaches_the_caller, await_on_a_thread_is_refused,
      thread_function_may_be_called_with_options, function_sees_task_local_variables_of_its_caller,
      cancel_before_a_call_begins_prevents_it, cancel_after_a_call_has_begun_waits_for_it,
      virtual_clock_stands_still_while_a_call_runs,
      timeout_of_a_call_that_does_not_return_expires_in_virtual_time, cancelled_task_begins_no_call,
      loops_of_several_threads_have_separate_pools, child_of_fork_has_pools_of_its_own,
      child_that_returns_from_a_call_ends_and_runs_no_other,
      child_that_exits_in_a_call_does_not_hang,
      child_that_returns_from_a_release_function_ends_and_calls_no_other,
      child_that_returns_from_a_release_function_on_a_thread_ends)
