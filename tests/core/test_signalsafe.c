/* SPDX-License-Identifier: MIT */
/* Tests of async_call_soon_signalsafe(), for signal handlers and for threads that must not
 * allocate. */
#include "remote.h"

#include <errno.h>
#include <signal.h>
#include <sys/time.h>

static async_post post;
static volatile sig_atomic_t handler_result;
static async_event called;
static int calls;

static void on_loop(void *arg)
{
    expect_true(async_current_task() == NULL);
    expect_text((const char *)arg, "argument");
    calls++;
    async_event_set(&called);
}

static void on_signal(int sig ASYNC_UNUSED)
{
    handler_result = async_call_soon_signalsafe(home, &post, on_loop, (void *)"argument");
}

LOOP_TEST(call_from_signal_handler_runs_on_loop)
{
    home = async_get_running_loop();
    signal(SIGUSR1, on_signal);
    errno = EDOM;
    raise(SIGUSR1);
    expect_int(errno, EDOM);
    expect_ok(handler_result);
    expect_ok(calls);
    expect_ok(await_event_wait(&called));
    expect_int(calls, 1);
    return 0;
}

LOOP_TEST(pending_post_is_refused_and_called_once)
{
    home = async_get_running_loop();
    signal(SIGUSR1, on_signal);
    raise(SIGUSR1);
    raise(SIGUSR1);
    expect_int(handler_result, -EBUSY);
    expect_ok(await_event_wait(&called));
    async_event_clear(&called);
    expect_int(calls, 1);
    raise(SIGUSR1); /* it may be used again */
    expect_ok(handler_result);
    expect_ok(await_event_wait(&called));
    expect_int(calls, 2);
    return 0;
}

static void posts_itself(void *arg)
{
    if (++calls < 5)
        expect_ok(async_call_soon_signalsafe(home, &post, posts_itself, arg));
    else
        async_event_set(&called);
}

LOOP_TEST(called_function_may_use_its_post_again)
{
    home = async_get_running_loop();
    expect_ok(async_call_soon_signalsafe(home, &post, posts_itself, NULL));
    return await_event_wait(&called);
}

ASYNC_DEF(keeps_its_loop)
{
    home = async_get_running_loop();
    return 0;
}

TEST(closed_loop_refuses_signalsafe_call)
{
    expect_ok(async_run(keeps_its_loop()));
    expect_int(async_call_soon_signalsafe(home, &post, on_loop, NULL), -EPIPE);
    expect_int(async_call_soon_signalsafe(home, &post, on_loop, NULL), -EPIPE);
}

/* --- signals at any moment, while other threads post and the loop allocates --- */

enum { SIGNALS = 300 };

static atomic_int signals;

static void on_alarm(int sig ASYNC_UNUSED)
{
    atomic_fetch_add(&signals, 1);
    async_call_soon_signalsafe(home, &post, on_loop, (void *)"argument");
}

static void nothing(void *arg ASYNC_UNUSED) {}

static int posts_until_enough(void)
{
    while (atomic_load(&signals) < SIGNALS)
        expect_ok(async_call_soon_threadsafe(home, nothing, NULL));
    return 0;
}

ASYNC_DEF(handles_signals)
{
    home = async_get_running_loop();
    signal(SIGALRM, on_alarm);
    const struct itimerval often = { { 0, 200 }, { 0, 200 } }, never_again = { { 0, 0 }, { 0, 0 } };
    expect_ok(setitimer(ITIMER_REAL, &often, NULL));
    await_task_auto t = async_create_task(run_in_thread(posts_until_enough));
    while (atomic_load(&signals) < SIGNALS) {
        int r[2];
        expect_ok(await_gather(r, async_sleep(0), async_sleep(0)));
    }
    expect_ok(setitimer(ITIMER_REAL, &never_again, NULL));
    expect_ok(await_task(t));
    while (post.pending)
        expect_ok(await_sleep(0));
    expect_true(calls > 0);
    return 0;
}

TEST(signals_at_any_moment_lose_no_call)
{
    expect_ok(async_run(handles_signals()));
}

SUITE("core-signalsafe", call_from_signal_handler_runs_on_loop,
      pending_post_is_refused_and_called_once, called_function_may_use_its_post_again,
      closed_loop_refuses_signalsafe_call, signals_at_any_moment_lose_no_call)
