/* SPDX-License-Identifier: MIT */
/* Tests of debug mode: it reports blocked loops, swallowed cancellations, bare returns, lost
 * handles and errors. Without debug mode, nothing is reported. */
#include "../frame/loop_test.h"

static async_event never;

static int run_debug(async_co co, const struct async_run_opts *opts)
{
    capture_stderr_begin();
    int r = async_run_opt(co, opts);
    captured_stderr();
    capture_stderr_end();
    return r;
}

/* Each step is slow then. */
#define SLOW              .debug = true, .virtual_clock = true, .slow_step = 1e-9
#define DEBUG             .debug = true, .virtual_clock = true, .slow_step = 1e9
#define run_with(co, ...) run_debug((co), &(const struct async_run_opts){ __VA_ARGS__ })

ASYNC_DEF(steps)
{
    ASYNC_TRY(await_sleep(1));
    return 5;
}

static void called(void *arg)
{
    async_event_set(arg);
}

ASYNC_DEF(has_slow_steps)
{
    async_callback cb = { 0 };
    async_event event = { 0 };
    await_task_auto t = async_create_task(steps());
    expect_int(await_task(t), 5);
    async_call_soon(&cb, called, &event);
    return await_event_wait(&event);
}

TEST(debug_reports_slow_steps)
{
    expect_ok(run_with(has_slow_steps(), SLOW));
    expect_contains(capture.text, "asyncio: task \"steps-2\", created in await_has_slow_steps, ");
    expect_contains(capture.text, "asyncio: a callback blocked the loop for ");
    expect_contains(capture.text, " s\n    until it called a");
    expect_contains(capture.text, " s\n    until it ended\n");
    expect_contains(capture.text, " s\n    in ");
}

TEST(debug_does_not_report_quick_steps)
{
    expect_ok(run_with(has_slow_steps(), DEBUG));
    expect_text(capture.text, "");
    expect_ok(run_with(has_slow_steps(), .virtual_clock = true, .slow_step = 1e-9));
    expect_text(capture.text, "");
}

/* --- swallowed cancels --- */

ASYNC_DEF(swallows)
{
    async_ignore(await_event_wait(&never));
    return 3;
}

ASYNC_DEF(deals_with_it)
{
    async_ignore(await_event_wait(&never));
    async_uncancel();
    return await_sleep(1);
}

ASYNC_DEF(passes_it_on)
{
    return await_event_wait(&never);
}

ASYNC_DEF(cancels, (async_co *)co)
{
    await_task_auto t = async_create_task(*co);
    ASYNC_TRY(await_sleep(0.5));
    async_task_cancel(t, .reason = "enough");
    return await_task(t);
}

TEST(debug_reports_swallowed_cancel)
{
    async_co co = swallows();
    expect_int(run_with(cancels(&co), DEBUG), 3);
    expect_contains(capture.text,
                    "task \"swallows-2\" swallowed its cancellation and returned 3: cancelled by "
                    "\"cancels\": enough\n"
                    "    in await_cancels, ");
    expect_int(run_with(cancels(&co), .virtual_clock = true), 3);
    expect_text(capture.text, "");
}

ASYNC_DEF(cancels_from_nowhere, (async_co *)co)
{
    await_task_auto t = async_create_task(*co);
    ASYNC_TRY(await_sleep(0.5));
    async_task_cancel_opt(t, NULL);
    return await_task(t);
}

TEST(report_of_swallowed_cancel_without_location_has_advice)
{
    async_co co = swallows();
    expect_int(run_with(cancels_from_nowhere(&co), DEBUG), 3);
    expect_contains(capture.text,
                    "cancelled by \"cancels_from_nowhere\"\n"
                    "    call async_uncancel() if the task has dealt with the request\n");
}

TEST(debug_does_not_report_handled_cancel)
{
    async_co co = deals_with_it();
    expect_ok(run_with(cancels(&co), DEBUG));
    expect_text(capture.text, "");
    co = passes_it_on();
    expect_int(run_with(cancels(&co), DEBUG), -ECANCELED);
    expect_text(capture.text, "");
}

ASYNC_DEF(does_not_listen)
{
    for (int i = 0; i < 5000; i++)
        if (await_sleep(1) == 0)
            return -EPROTO;
    return 0;
}

TEST(debug_reports_cancelled_task_that_goes_on)
{
    async_co co = does_not_listen();
    expect_ok(run_with(cancels(&co), DEBUG));
    expect_contains(capture.text,
                    "task \"does_not_listen-2\" ignores its cancellation: 1000 await_ calls in a "
                    "row have returned -ECANCELED\n"
                    "    until it called a");
    expect_ok(run_with(cancels(&co), .virtual_clock = true));
    expect_text(capture.text, "");
}

/* --- bare returns --- */

static async_lock lock;

ASYNC_DEF(returns_barely, (int)kind)
{
    int r;
    if (kind == 0)
        await_timeout (r, 1)
            return 1;
    if (kind == 1)
        await_shield (r)
            return 1;
    if (kind == 2)
        await_with (r, &lock)
            return 1;
    await_group (r, g) {
        async_spawn(g, steps());
        return 1;
    }
    return r;
}

TEST(debug_reports_bare_return)
{
    static const char *const blocks[] = { "n await_timeout", "n await_shield", "n await_with",
                                          "n await_group" };
    for (int kind = 0; kind < 4; kind++) {
        char words[256];
        expect_int(run_with(returns_barely(kind), DEBUG), 1);
        snprintf(words, sizeof words,
                 "returned from inside a%s block, which discards the block's result; "
                 "use ASYNC_RETURN, ASYNC_TRY or break\n    the block is in await_returns_barely, ",
                 blocks[kind]);
        expect_contains(capture.text, words);
        expect_true(strchr(strstr(capture.text, "await_returns_barely, "), ':') != NULL);
        expect_int(run_with(returns_barely(kind), .virtual_clock = true), 1);
        expect_text(capture.text, "");
    }
}

ASYNC_DEF(leaves_in_all_other_ways)
{
    int r, rounds = 0;
    await_timeout (r, 1)
        break;
    expect_ok(r);
    await_timeout (r, 1) {
        if (rounds++ == 0)
            continue;
        fail_test("continue must leave the block");
    }
    expect_ok(r);
    await_group (r, g) {
        async_spawn(g, steps());
        break;
    }
    expect_ok(r);
    await_with (r, &lock) {
        r = -EIO;
        break;
    }
    expect_int(r, -EIO);
    expect_false(async_lock_locked(&lock));
    await_shield (r)
        await_timeout (r, 1)
            ASYNC_TRY(-EPROTO);
    return r;
}

TEST(debug_does_not_report_other_ways_out_of_blocks)
{
    expect_int(run_with(leaves_in_all_other_ways(), DEBUG), -EPROTO);
    expect_text(capture.text, "");
}

ASYNC_DEF(loses_a_handle)
{
    expect_true(async_create_task(async_sleep(100)) != NULL);
    return await_sleep(1);
}

TEST(environment_variable_turns_debug_mode_on)
{
    static const char *const words[] = { "1", "yes", "0", "" };
    for (size_t i = 0; i < countof(words); i++) {
        setenv("ASYNCIO_DEBUG", words[i], 1);
        expect_ok(run_with(loses_a_handle(), .virtual_clock = true, .slow_step = 1e9));
        expect_int(strstr(capture.text, "its handle is lost") != NULL, i < 2);
    }
    unsetenv("ASYNCIO_DEBUG");
}

/* --- handles and errors that were lost --- */

ASYNC_DEF(ends_at_once)
{
    return 0;
}

ASYNC_DEF(loses_handles, (int)n)
{
    for (int i = 0; i < n; i++)
        expect_true(async_create_task(ends_at_once()) != NULL);
    return await_sleep(1);
}

TEST(debug_reports_lost_handles_of_ended_tasks)
{
    expect_ok(run_with(loses_handles(7), DEBUG));
    expect_contains(capture.text,
                    "7 tasks have ended, but the handles were never dropped: \"ends_at_once-");
    expect_contains(capture.text,
                    ", ...; use await_task_auto, or async_spawn(), which keeps no handle");
    expect_ok(run_with(loses_handles(7), .virtual_clock = true));
    expect_text(capture.text, "");
}

ASYNC_DEF(fails)
{
    return async_fail(-EIO, "the disk is full");
}

/* What becomes of the result of a group. */
enum use { IGNORED, LOOKED_AT, ASKED_FOR_ITS_MESSAGE, RETURNED, TRIED };

ASYNC_DEF(has_a_failed_group, (int)use)
{
    int r;
    await_group (r, g) {
        async_spawn(g, fails());
        if (use == TRIED)
            ASYNC_TRY(await_sleep(1));
    }
    expect_int(r, -EIO);
    if (use == LOOKED_AT)
        expect_int(async_group_errors(g)->code, -EIO);
    if (use == ASKED_FOR_ITS_MESSAGE)
        expect_text(async_fail_text(-EIO), "the disk is full");
    return use == RETURNED ? r : 0;
}

TEST(debug_reports_group_errors_never_retrieved)
{
    expect_ok(run_with(has_a_failed_group(IGNORED), DEBUG));
    expect_contains(capture.text, "errors of a group were never retrieved");
    expect_contains(capture.text, "fails-2: Input/output error: the disk is full");
    expect_ok(run_with(has_a_failed_group(IGNORED), .virtual_clock = true));
    expect_text(capture.text, "");
}

TEST(debug_does_not_report_group_errors_retrieved_or_returned)
{
    for (int use = LOOKED_AT; use <= TRIED; use++) {
        expect_int(run_with(has_a_failed_group(use), DEBUG), use >= RETURNED ? -EIO : 0);
        expect_text(capture.text, "");
    }
}

/* The result of the block is the error of the body, so there is nothing else to retrieve. */
ASYNC_DEF(handles_the_error_of_a_body)
{
    int r;
    await_group (r, g)
        r = await_wait_for(async_sleep(5), 1);
    expect_int(r, -ETIMEDOUT);
    return await_sleep(1);
}

TEST(debug_does_not_report_the_error_of_a_groups_body)
{
    expect_ok(run_with(handles_the_error_of_a_body(), DEBUG));
    expect_text(capture.text, "");
}

ASYNC_DEF(fails_in_the_body_of_a_group)
{
    int r;
    await_group (r, g)
        ASYNC_TRY(await_fails());
    return r;
}

ASYNC_DEF(spawns_it_in_the_background)
{
    async_spawn(async_background(), fails_in_the_body_of_a_group());
    return await_sleep(1);
}

TEST(error_of_a_groups_body_is_printed_once)
{
    expect_ok(run_with(spawns_it_in_the_background(), .virtual_clock = true));
    const char *first = strstr(capture.text, "the disk is full");
    expect_not_null(first);
    expect_null(strstr(first + 1, "the disk is full"));
}

ASYNC_DEF(handles_the_error_of_a_task)
{
    await_task_auto t = async_create_task(fails());
    expect_int(await_task(t), -EIO);
    expect_int(await_gather(NULL, fails()), -EIO);
    expect_int(await_gather_all(NULL, fails(), fails()), 2);
    return await_sleep(1);
}

TEST(debug_does_not_report_errors_that_calls_returned)
{
    expect_ok(run_with(handles_the_error_of_a_task(), DEBUG));
    expect_text(capture.text, "");
}

/* --- tasks that await each other, while something else keeps the loop awake --- */

static async_task *a, *b;
static async_lock lock_of_b;

ASYNC_DEF(awaits_b)
{
    return await_task(b);
}

ASYNC_DEF(awaits_a_with_a_lock)
{
    int r;
    await_with (r, &lock_of_b)
        r = await_task(a);
    return r;
}

ASYNC_DEF(awaits_in_a_circle)
{
    int r;
    await_task_auto first = a = async_create_task(awaits_b(), .name = "a");
    await_task_auto second = b = async_create_task(awaits_a_with_a_lock(), .name = "b");
    await_timeout (r, 1)
        r = await_task(first);
    return second ? r : -ENOMEM;
}

TEST(debug_reports_circle_of_tasks_while_timer_is_armed)
{
    expect_int(run_with(awaits_in_a_circle(), DEBUG), -ETIMEDOUT);
    expect_contains(capture.text, "deadlock: these tasks wait for each other:\n");
    expect_contains(capture.text, "    \"a\" waits for \"b\"\n");
    expect_contains(capture.text, "    \"b\" waits for \"a\"\n");
    expect_int(run_with(awaits_in_a_circle(), .virtual_clock = true), -ETIMEDOUT);
    expect_text(capture.text, "");
}

ASYNC_DEF(awaits_with_a_timeout)
{
    int r;
    await_timeout (r, 0.5)
        r = await_task(b);
    return r;
}

ASYNC_DEF(awaits_in_a_circle_with_a_timeout)
{
    await_task_auto first = a = async_create_task(awaits_with_a_timeout(), .name = "a");
    await_task_auto second = b = async_create_task(awaits_a_with_a_lock(), .name = "b");
    int r = await_task(first);
    expect_int(await_task(second), -ETIMEDOUT);
    return r;
}

TEST(debug_does_not_report_circle_that_timeout_will_break)
{
    expect_int(run_with(awaits_in_a_circle_with_a_timeout(), DEBUG), -ETIMEDOUT);
    expect_true(!strstr(capture.text, "deadlock"));
}

ASYNC_DEF(fails_in_background)
{
    async_spawn(async_background(), has_a_failed_group(RETURNED));
    return await_sleep(1);
}

TEST(debug_reports_group_errors_of_background_task_once)
{
    expect_ok(run_with(fails_in_background(), DEBUG));
    expect_contains(capture.text, "has_a_failed_group-2: Input/output error");
    expect_contains(capture.text, "fails-3: Input/output error: the disk is full");
    expect_lacks(capture.text, "never retrieved");
}

SUITE("core-debug", report_of_swallowed_cancel_without_location_has_advice,
      debug_reports_group_errors_never_retrieved,
      debug_does_not_report_group_errors_retrieved_or_returned,
      debug_does_not_report_the_error_of_a_groups_body, error_of_a_groups_body_is_printed_once,
      debug_does_not_report_errors_that_calls_returned, debug_reports_lost_handles_of_ended_tasks,
      debug_reports_circle_of_tasks_while_timer_is_armed,
      debug_does_not_report_circle_that_timeout_will_break,
      environment_variable_turns_debug_mode_on, debug_reports_slow_steps,
      debug_does_not_report_quick_steps, debug_reports_swallowed_cancel,
      debug_does_not_report_handled_cancel, debug_reports_cancelled_task_that_goes_on,
      debug_reports_bare_return, debug_does_not_report_other_ways_out_of_blocks,
      debug_reports_group_errors_of_background_task_once)
