/* SPDX-License-Identifier: MIT */
/* Tests of the loop with a clock and system calls that the test replaces. */
#include "base/compiler.h"
#include "../frame/loop_test.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/wait.h>

#include "base/sys.h"
#include "loop/loop.h"

/* --- the clock --- */

static int64_t now;

static int64_t fake_clock(void)
{
    return now;
}

ASYNC_DEF(ends_soon, (bool *)ended)
{
    ASYNC_TRY(await_sleep(0));
    *ended = true;
    return 0;
}

ASYNC_DEF(passes_the_time, (const bool *)ended, (int *)steps)
{
    for (int i = 0; i < 3; i++) {
        if (*ended)
            now += 1000000000;
        ++*steps;
        ASYNC_TRY(await_sleep(0));
    }
    return 0;
}

/* Between the end of the task and its waiter there are more steps than the loop makes without
 * reading the clock. */
ASYNC_DEF(waits_with_a_limit)
{
    enum { OTHERS = 300 };
    bool ended = false;
    int steps = 0, r;
    await_task_auto t = async_create_task(ends_soon(&ended));
    await_group (r, g) {
        for (int i = 0; i < OTHERS; i++)
            async_ignore(async_spawn(g, passes_the_time(&ended, &steps)));
        expect_int(await_wait(&t, 1, ASYNC_ALL_COMPLETED, 0.5), 1);
    }
    expect_int(steps, 3 * OTHERS);
    return r;
}

TEST(timeout_of_wait_expires_although_loop_is_busy)
{
    async__sys.clock = fake_clock;
    expect_ok(run_silently(waits_with_a_limit(), NULL));
}

/* --- a post between two polls of one iteration --- */

static struct {
    async_loop *loop;
    bool armed;
} post;

static void called(void *e)
{
    async_event_set(e);
}

static async_event event;

static int posting_epoll_wait(int ep, struct epoll_event *evs, int n, int64_t timeout)
{
    if (post.armed) {
        post.armed = false;
        expect_ok(async_call_soon_threadsafe(post.loop, called, &event));
    }
    return async__sys_kernel.epoll_wait(ep, evs, n, timeout);
}

ASYNC_DEF(waits_to_read, (int)fd)
{
    return await_fd_ready(fd, POLLIN);
}

ASYNC_DEF(arms)
{
    post.armed = true;
    return 0;
}

ASYNC_DEF(does_nothing)
{
    return 0;
}

/* With any number of steps between the post and the end of the iteration. */
ASYNC_DEF(wait_for_post, (int)fd)
{
    await_task_auto t = async_create_task(waits_to_read(fd));
    ASYNC_TRY(await_sleep(0));
    for (int others = 0, r; others < 100; others++) {
        async_event_clear(&event);
        await_group (r, g) {
            async_ignore(async_spawn(g, arms()));
            for (int i = 0; i < others; i++)
                async_ignore(async_spawn(g, does_nothing()));
            r = await_event_wait(&event);
        }
        ASYNC_TRY(r);
    }
    return 0;
}

TEST(post_made_between_two_polls_of_iteration_wakes_loop)
{
    int pipes[2], r = 0, result = -1;
    expect_ok(pipe(pipes));
    async_runner *rn = async_runner_open(NULL);
    post.loop = async_get_running_loop();
    async__sys.epoll_wait = posting_epoll_wait;
    expect_ok(async_runner_start(rn, wait_for_post(pipes[0])));
    while (r == 0) {
        struct pollfd p = { .fd = async_runner_fd(rn), .events = POLLIN };
        expect_true(post.armed || async_runner_timeout(rn) == 0 || poll(&p, 1, 0) == 1);
        r = async_runner_turn(rn, &result);
    }
    expect_ok(result);
    async_runner_close(rn);
}

/* --- moments --- */

static int interrupts_left;

static int64_t interrupting_clock(void)
{
    struct sigaction at;
    sigaction(SIGINT, NULL, &at);
    if (at.sa_handler != SIG_DFL && interrupts_left > 0) {
        interrupts_left--;
        raise(SIGINT);
    }
    return async__sys_kernel.clock();
}

ASYNC_DEF(notes_its_beginning)
{
    log_event("begun");
    return 0;
}

/* There is nothing to clean up. */
TEST(interrupt_before_first_step_of_main_ends_run)
{
    signal(SIGINT, SIG_DFL); /* Check has a handler of its own */
    interrupts_left = 1;
    async__sys.clock = interrupting_clock;
    expect_int(async_main(notes_its_beginning()), 130);
    expect_events("");
    expect_ok(interrupts_left);
}

static void *map_nothing(size_t size ASYNC_UNUSED)
{
    return NULL;
}

TEST(run_that_cannot_begin_leaves_interrupt_alone)
{
    struct sigaction now_set;
    signal(SIGINT, SIG_DFL);
    async_runner *rn = async_runner_open(NULL);
    async__sys.map = map_nothing;
    expect_int(async_runner_run(rn, notes_its_beginning()), -ENOMEM);
    async__sys.map = async__sys_kernel.map;
    sigaction(SIGINT, NULL, &now_set);
    expect_true(now_set.sa_handler == SIG_DFL);
    expect_ok(async_runner_run(rn, notes_its_beginning()));
    async_runner_close(rn);
}

TEST(timer_that_passed_while_host_was_busy_fires_at_once)
{
    int r;
    now = 1000000000;
    async__sys.clock = fake_clock;
    async_runner *rn = async_runner_open(NULL);
    expect_ok(async_runner_start(rn, async_sleep(1)));
    for (int i = 0; i < 3; i++)
        expect_ok(async_runner_turn(rn, NULL));
    expect_true(async_runner_timeout(rn) > 0.99 && async_runner_timeout(rn) < 1.01);
    now += INT64_C(2000000000);
    expect_true(async_runner_timeout(rn) == 0);
    while (async_runner_turn(rn, &r) == 0)
        ;
    expect_ok(r);
    async_runner_close(rn);
}

/* --- deadlines that pass before they are checked --- */

static struct {
    double limit[3]; /* for three blocks, outermost first */
    int verdict[3];
    bool expired[3];
} nest;

ASYNC_DEF(blocks)
{
    int a, b, c;
    await_timeout (a, nest.limit[0]) {
        await_timeout (b, nest.limit[1]) {
            await_timeout (c, nest.limit[2]) {
                now += INT64_C(10000000000);
                c = await_sleep(0);
                nest.expired[2] = async_expired();
            }
            nest.verdict[2] = c;
            nest.expired[1] = async_expired();
            b = 0;
        }
        nest.verdict[1] = b;
        nest.expired[0] = async_expired();
        a = 0;
    }
    nest.verdict[0] = a;
    return 0;
}

/* Whichever block it belongs to. A deadline that has not passed is not reported. */
TEST(first_deadline_that_passed_is_reported)
{
    static const double times[] = { 1, 2, 3, 20 };
    async__sys.clock = fake_clock;
    for (int n = 0; n < 64; n++) {
        int first = 0;
        for (int i = 0; i < 3; i++)
            nest.limit[i] = times[n >> 2 * i & 3];
        for (int i = 1; i < 3; i++)
            if (nest.limit[i] < nest.limit[first])
                first = i;
        now = 1000000000;
        expect_ok(async_run(blocks()));
        for (int i = 0; i < 3; i++)
            expect_true(!nest.expired[i] || nest.limit[i] < 10);
        expect_int(nest.expired[first], nest.limit[first] < 10);
        expect_int(nest.verdict[first], nest.limit[first] < 10 ? -ETIMEDOUT : 0);
    }
}

/* --- fork() while another thread is posting --- */

static async_loop *former;

ASYNC_DEF(keeps_its_handle)
{
    former = async_get_running_loop();
    return 0;
}

/* Loops that follow use the handle of a closed one again, after thousands of others. */
static void use_former_handle_again(void)
{
    for (int i = 0; i < 5000; i++)
        expect_ok(async_run(async_sleep(0)));
}

TEST(child_of_fork_does_not_wait_for_thread_that_was_posting)
{
    expect_ok(async_run(keeps_its_handle()));
    handle_enter(former); /* as another thread does, which does not exist in the child */
    pid_t child = fork();
    if (child == 0) {
        use_former_handle_again();
        _exit(0);
    }
    handle_leave(former);
    int status;
    expect_int(waitpid(child, &status, 0), child);
    expect_ok(status);
}

static async_event event_of_another_loop;

static void posted(void *arg ASYNC_UNUSED)
{
    log_event("posted");
}

ASYNC_DEF(forks)
{
    former = async_get_running_loop();
    async_event_set(&event_of_another_loop); /* this binds the event to the loop */
    pid_t child = fork();
    if (child == 0)
        return 0;
    int status;
    expect_int(waitpid(child, &status, 0), child);
    expect_ok(status);
    return 0;
}

ASYNC_DEF(uses_what_the_parent_had)
{
    expect_int(async_call_soon_threadsafe(former, posted, NULL), -EPIPE);
    return await_event_wait(&event_of_another_loop);
}

TEST(loops_of_parent_are_closed_in_child_of_fork)
{
    pid_t parent = getpid();
#ifdef WITH_TSAN /* does not see that a mutex was unlocked by the handler of fork() in the child */
    return;
#endif
    capture_stderr_begin();
    int r = async_run(forks());
    capture_stderr_end();
    if (getpid() != parent)
        _exit(r == -EPERM && async_run(uses_what_the_parent_had()) == 0 ? 0 : 1);
    expect_ok(r);
}

/* --- a poll that fails --- */

static int failed_polls;

static int failing_epoll_wait(int ep, struct epoll_event *evs, int n, int64_t timeout)
{
    (void)ep, (void)evs, (void)n, (void)timeout;
    failed_polls++;
    errno = ENOMEM;
    return -1;
}

ASYNC_DEF(sleeps_beside_a_watch, (int)fd)
{
    async_watch w = { 0 };
    expect_ok(async_watch_start(&w, fd, POLLIN, NULL, NULL));
    int r = await_sleep(1);
    async_watch_stop(&w);
    return r;
}

TEST(poll_that_fails_does_not_stop_timers)
{
    int fds[2];
    expect_ok(pipe(fds));
    async__sys.epoll_wait = failing_epoll_wait;
    expect_run_ok(sleeps_beside_a_watch(fds[0]));
    expect_greater(failed_polls, 0);
    close(fds[0]);
    close(fds[1]);
}

/* --- what a closed loop must not own any more --- */

static void expect_leak(struct loop *l, const char *message)
{
    capture_stderr_begin();
    async__loop_close(l);
    expect_contains(captured_stderr(), message);
    capture_stderr_end();
}

TEST(loop_that_closes_reports_what_it_still_owns)
{
    struct loop *l;
    struct stack stack;
    expect_ok(async__loop_open(&l, NULL));
    expect_not_null(slab_take(&l->tasks));
    expect_leak(l, "the loop closes with 1 task, 0 of them not started, and 0 stacks");
    expect_ok(async__loop_open(&l, NULL));
    expect_not_null(slab_take(&l->starts));
    expect_leak(l, "the loop closes with 0 tasks, 1 of them not started, and 0 stacks");
    expect_ok(async__loop_open(&l, NULL));
    expect_ok(async__stack_take(&l->stacks, l->sched.default_class, &stack));
    expect_leak(l, "the loop closes with 0 tasks, 0 of them not started, and 1 stack");
    expect_ok(async__loop_open(&l, NULL));
    async__timer_arm(&l->timers, 1, l, TIMER_SLEEP);
    expect_leak(l, "the loop closes with 1 timer armed");
}

SUITE("inside-loop", run_that_cannot_begin_leaves_interrupt_alone,
      child_of_fork_does_not_wait_for_thread_that_was_posting,
      loops_of_parent_are_closed_in_child_of_fork, first_deadline_that_passed_is_reported,
      interrupt_before_first_step_of_main_ends_run,
      timer_that_passed_while_host_was_busy_fires_at_once,
      timeout_of_wait_expires_although_loop_is_busy,
      post_made_between_two_polls_of_iteration_wakes_loop, poll_that_fails_does_not_stop_timers,
      loop_that_closes_reports_what_it_still_owns)
