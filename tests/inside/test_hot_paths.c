/* SPDX-License-Identifier: MIT */
/* Tests of what the hot paths leave out, and of what they must not leave out with it. */
#include "../frame/loop_test.h"

#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>

#include "base/sys.h"
#include "loop/loop.h"

/* A case that runs in real time: virtual time has other rules for polls and budgets. */
#define REAL_CASE(name)                                                                            \
    static async_co name##_body(void);                                                             \
    TEST(name)                                                                                     \
    {                                                                                              \
        expect_ok(async_run(name##_body()));                                                       \
    }                                                                                              \
    ASYNC_DEF(name##_body)

/* --- waking a loop --- */

static int writes;

static ssize_t counting_write(int fd, const void *data, size_t size)
{
    writes++;
    return async__sys_kernel.write(fd, data, size);
}

static async_event event;

static void set_event(void *arg)
{
    (void)arg;
    async_event_set(&event);
}

REAL_CASE(post_to_a_loop_that_is_awake_writes_nothing)
{
    if (UNDER_VALGRIND) /* where a step may take longer than the loop goes without a poll */
        return 0;
    expect_ok(await_sleep(0.001)); /* the loop has waited for the kernel once */
    async__sys.write = counting_write;
    expect_ok(async_call_soon_threadsafe(async_get_running_loop(), set_event, NULL));
    expect_ok(await_event_wait(&event));
    expect_int(writes, 0);
    return 0;
}

static int posting_epoll_wait(int ep, struct epoll_event *evs, int n, int64_t timeout)
{
    if (timeout != 0 && writes == 0)
        expect_ok(async_call_soon_threadsafe(async__loop->handle, set_event, NULL));
    return async__sys_kernel.epoll_wait(ep, evs, n, timeout);
}

ASYNC_DEF(waits_for_the_event)
{
    async__sys.write = counting_write;
    async__sys.epoll_wait = posting_epoll_wait;
    async_get_running_loop();
    expect_ok(await_event_wait(&event));
    expect_int(writes, 1);
    return 0;
}

TEST(post_to_a_loop_that_is_about_to_wait_writes_once)
{
    expect_ok(async_run(waits_for_the_event()));
}

static int noting_epoll_wait(int ep, struct epoll_event *evs, int n, int64_t timeout)
{
    expect_int(timeout, 0);
    return async__sys_kernel.epoll_wait(ep, evs, n, timeout);
}

/* The post arrives after the posts were run and before the loop falls asleep: the loop must not
 * wait. */
LOOP_TEST(post_before_the_loop_falls_asleep_keeps_it_from_waiting)
{
    struct loop *l = async__loop;
    async__sys.epoll_wait = noting_epoll_wait;
    expect_ok(async_call_soon_threadsafe(async_get_running_loop(), set_event, NULL));
    expect_true(async__poller_poll(l, -1));
    async__sys.epoll_wait = async__sys_kernel.epoll_wait;
    return await_event_wait(&event);
}

ASYNC_DEF(posts_to_its_own_loop)
{
    expect_ok(await_sleep(0.001));
    return async_call_soon_threadsafe(async_get_running_loop(), set_event, NULL);
}

ASYNC_DEF(has_its_event)
{
    return await_event_wait(&event);
}

TEST(embedded_loop_is_readable_after_a_post_from_before)
{
    int r = 1, turns = 0;
    async_runner *runner = async_runner_open(NULL);
    expect_true(runner != NULL);
    expect_ok(async_runner_run(runner, posts_to_its_own_loop()));
    expect_ok(async_runner_start(runner, has_its_event()));
    struct pollfd p = { .fd = async_runner_fd(runner), .events = POLLIN };
    expect_int(poll(&p, 1, 10000), 1);
    while (async_runner_turn(runner, &r) > 0)
        expect_true(++turns < 100);
    async_runner_close(runner);
}

/* --- the budget of steps --- */

ASYNC_DEF(yields_often, (int)times)
{
    for (int i = 0; i < times; i++)
        expect_ok(await_sleep(0));
    return 0;
}

static int polls;

static int counting_epoll_wait(int ep, struct epoll_event *evs, int n, int64_t timeout)
{
    polls++;
    return async__sys_kernel.epoll_wait(ep, evs, n, timeout);
}

static int64_t stopped_at;

static int64_t stopped_clock(void)
{
    return stopped_at;
}

/* Let the coarse clock stand still as well. */
static void stop_clocks(void)
{
    stopped_at = async__sys_kernel.clock();
    async__sys.clock = stopped_clock;
    async__loop->coarse = (struct coarse_clock){ .tick0 = cpu_ticks(),
                                                 .tick = cpu_ticks(),
                                                 .ns0 = stopped_at,
                                                 .ns = stopped_at,
                                                 .per_tick = 1 };
}

ASYNC_DEF(waits_to_read, (int)fd)
{
    return await_fd_ready(fd, POLLIN);
}

static void mark_passed(void *passed)
{
    *(bool *)passed = true;
}

REAL_CASE(busy_loop_does_not_poll_until_time_has_passed)
{
    int fds[2];
    expect_int(pipe(fds), 0);
    await_task_auto reader = async_create_task(waits_to_read(fds[0]));
    expect_ok(await_sleep(0));
    stop_clocks();
    async__sys.epoll_wait = counting_epoll_wait;
    expect_ok(await_gather(NULL, yields_often(10000), yields_often(10000)));
    expect_true(polls < 50);
    return 0;
}

REAL_CASE(busy_loop_runs_a_post_although_no_time_has_passed)
{
    bool passed = false;
    stop_clocks();
    expect_ok(async_call_soon_threadsafe(async_get_running_loop(), mark_passed, &passed));
    expect_ok(await_gather(NULL, yields_often(100), yields_often(100)));
    expect_true(passed);
    return 0;
}

/* --- a task that is created on the stack of the one before it --- */

ASYNC_DEF(returns, (int)value)
{
    return value;
}

/* After this the loop has a cached stack. */
#define END_A_TASK() expect_ok(await_gather(NULL, returns(0)))

LOOP_TEST(task_on_the_cached_stack_is_cancelled_before_it_starts)
{
    END_A_TASK();
    await_task_auto t = async_create_task(returns(7));
    async_task_cancel(t);
    expect_int(await_task(t), -ECANCELED);
    return 0;
}

LOOP_TEST(task_on_the_cached_stack_has_not_started_in_the_tree)
{
    END_A_TASK();
    await_task_auto t = async_create_task(returns(7));
    capture_stderr_begin();
    async_print_tasks();
    expect_contains(captured_stderr(), "has not started");
    capture_stderr_end();
    expect_int(await_task(t), 7);
    return 0;
}

LOOP_TEST(tasks_with_and_without_the_cached_stack_start_in_the_order_of_their_creation)
{
    int results[3];
    END_A_TASK();
    expect_ok(await_gather(results, returns(1), returns(2), returns(3)));
    expect_int(results[0] * 100 + results[1] * 10 + results[2], 123);
    return 0;
}

SUITE("hot-paths", post_to_a_loop_that_is_awake_writes_nothing,
      post_to_a_loop_that_is_about_to_wait_writes_once,
      post_before_the_loop_falls_asleep_keeps_it_from_waiting,
      embedded_loop_is_readable_after_a_post_from_before,
      busy_loop_does_not_poll_until_time_has_passed,
      busy_loop_runs_a_post_although_no_time_has_passed,
      task_on_the_cached_stack_is_cancelled_before_it_starts,
      task_on_the_cached_stack_has_not_started_in_the_tree,
      tasks_with_and_without_the_cached_stack_start_in_the_order_of_their_creation)
