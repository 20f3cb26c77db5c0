/* SPDX-License-Identifier: MIT */
/* What debug mode names: blocked loops, swallowed cancels, bare returns. Nothing of it otherwise. */
#include "run.h"

static async_event never;

static int run_debug(async_co co, const struct async_run_opts *opts)
{
    ears_open();
    int r = async_run_opt(co, opts);
    heard();
    ears_close();
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
    is(await_task(t), 5);
    async_call_soon(&cb, called, &event);
    return await_event_wait(&event);
}

START_TEST(slow_steps_are_named)
{
    ok(run_with(has_slow_steps(), SLOW));
    has_text(ears.text, "asyncio: task \"steps-2\", created in await_has_slow_steps, ");
    has_text(ears.text, "asyncio: a callback blocked the loop for ");
    has_text(ears.text, " s\n    until it called a");
    has_text(ears.text, " s\n    until it ended\n");
    has_text(ears.text, " s\n    in ");
}
END_TEST

START_TEST(quick_steps_are_not)
{
    ok(run_with(has_slow_steps(), DEBUG));
    is_text(ears.text, "");
    ok(run_with(has_slow_steps(), .virtual_clock = true, .slow_step = 1e-9));
    is_text(ears.text, "");
}
END_TEST

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

START_TEST(swallowed_cancel_is_named)
{
    async_co co = swallows();
    is(run_with(cancels(&co), DEBUG), 3);
    has_text(ears.text,
             "task \"swallows-2\" swallowed its cancellation and returned 3: cancelled by \"cancels\": enough\n"
             "    in await_cancels, ");
    is(run_with(cancels(&co), .virtual_clock = true), 3);
    is_text(ears.text, "");
}
END_TEST

START_TEST(cancel_that_was_dealt_with)
{
    async_co co = deals_with_it();
    is(run_with(cancels(&co), DEBUG), 0);
    is_text(ears.text, "");
    co = passes_it_on();
    is(run_with(cancels(&co), DEBUG), -ECANCELED);
    is_text(ears.text, "");
}
END_TEST

ASYNC_DEF(does_not_listen)
{
    for (int i = 0; i < 5000; i++)
        if (await_sleep(1) == 0)
            return -EPROTO;
    return 0;
}

START_TEST(task_that_does_not_listen)
{
    async_co co = does_not_listen();
    is(run_with(cancels(&co), DEBUG), 0);
    has_text(ears.text,
             "task \"does_not_listen-2\" ignores its cancellation: 1000 await_ calls in a row have returned -ECANCELED\n"
             "    until it called a");
    is(run_with(cancels(&co), .virtual_clock = true), 0);
    is_text(ears.text, "");
}
END_TEST

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

START_TEST(bare_return_is_named)
{
    static const char *const blocks[] = { "n await_timeout", "n await_shield", "n await_with",
                                          "n await_group" };
    for (int kind = 0; kind < 4; kind++) {
        char words[256];
        is(run_with(returns_barely(kind), DEBUG), 1);
        snprintf(words, sizeof words,
                 "returned from inside a%s block, which discards the block's result; "
                 "use ASYNC_RETURN, ASYNC_TRY or break\n    the block is in await_returns_barely, ",
                 blocks[kind]);
        has_text(ears.text, words);
        is_true(strchr(strstr(ears.text, "await_returns_barely, "), ':') != NULL);
        is(run_with(returns_barely(kind), .virtual_clock = true), 1);
        is_text(ears.text, "");
    }
}
END_TEST

ASYNC_DEF(leaves_in_all_other_ways)
{
    int r, rounds = 0;
    await_timeout (r, 1)
        break;
    ok(r);
    await_timeout (r, 1) {
        if (rounds++ == 0)
            continue;
        ck_abort_msg("continue must leave the block");
    }
    ok(r);
    await_group (r, g) {
        async_spawn(g, steps());
        break;
    }
    ok(r);
    await_with (r, &lock) {
        r = -EIO;
        break;
    }
    is(r, -EIO);
    is_false(async_lock_locked(&lock));
    await_shield (r)
        await_timeout (r, 1)
            ASYNC_TRY(-EPROTO);
    return r;
}

START_TEST(other_ways_out_are_not)
{
    is(run_with(leaves_in_all_other_ways(), DEBUG), -EPROTO);
    is_text(ears.text, "");
}
END_TEST

ASYNC_DEF(loses_a_handle)
{
    is_true(async_create_task(async_sleep(100)) != NULL);
    return await_sleep(1);
}

/* ASYNCIO_DEBUG turns it on, unless it says no. */
START_TEST(asked_for_by_the_environment)
{
    static const char *const words[] = { "1", "yes", "0", "" };
    for (size_t i = 0; i < countof(words); i++) {
        setenv("ASYNCIO_DEBUG", words[i], 1);
        ok(run_with(loses_a_handle(), .virtual_clock = true, .slow_step = 1e9));
        is(strstr(ears.text, "its handle is lost") != NULL, i < 2);
    }
    unsetenv("ASYNCIO_DEBUG");
}
END_TEST

/* --- handles and errors that were lost --- */

ASYNC_DEF(ends_at_once)
{
    return 0;
}

ASYNC_DEF(loses_handles, (int)n)
{
    for (int i = 0; i < n; i++)
        is_true(async_create_task(ends_at_once()) != NULL);
    return await_sleep(1);
}

START_TEST(ended_tasks_whose_handles_were_lost_are_named)
{
    ok(run_with(loses_handles(7), DEBUG));
    has_text(ears.text, "7 tasks have ended, but their handles were never dropped: \"ends_at_once-");
    has_text(ears.text, ", ...; use await_task_auto, or async_spawn(), which keeps no handle");
    ok(run_with(loses_handles(7), .virtual_clock = true));
    is_text(ears.text, "");
}
END_TEST

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
    is(r, -EIO);
    if (use == LOOKED_AT)
        is(async_group_errors(g)->code, -EIO);
    if (use == ASKED_FOR_ITS_MESSAGE)
        is_text(async_fail_text(-EIO), "the disk is full");
    return use == RETURNED ? r : 0;
}

START_TEST(errors_of_a_group_that_were_never_retrieved_are_named)
{
    ok(run_with(has_a_failed_group(IGNORED), DEBUG));
    has_text(ears.text, "errors of a group were never retrieved");
    has_text(ears.text, "fails-2: Input/output error: the disk is full");
    ok(run_with(has_a_failed_group(IGNORED), .virtual_clock = true));
    is_text(ears.text, "");
}
END_TEST

START_TEST(errors_of_a_group_that_were_retrieved_or_returned_are_not_named)
{
    for (int use = LOOKED_AT; use <= TRIED; use++) {
        is(run_with(has_a_failed_group(use), DEBUG), use >= RETURNED ? -EIO : 0);
        is_text(ears.text, "");
    }
}
END_TEST

ASYNC_DEF(handles_the_error_of_a_task)
{
    await_task_auto t = async_create_task(fails());
    is(await_task(t), -EIO);
    is(await_gather(NULL, fails()), -EIO);
    is(await_gather_all(NULL, fails(), fails()), 2);
    return await_sleep(1);
}

START_TEST(errors_that_calls_have_returned_are_not_named)
{
    ok(run_with(handles_the_error_of_a_task(), DEBUG));
    is_text(ears.text, "");
}
END_TEST

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
    await_with (r, &lock_of_b) r = await_task(a);
    return r;
}

ASYNC_DEF(awaits_in_a_circle)
{
    int r;
    await_task_auto first = a = async_create_task(awaits_b(), .name = "a");
    await_task_auto second = b = async_create_task(awaits_a_with_a_lock(), .name = "b");
    await_timeout (r, 1) r = await_task(first);
    return second ? r : -ENOMEM;
}

START_TEST(circle_of_tasks_is_named_although_a_timer_is_armed)
{
    is(run_with(awaits_in_a_circle(), DEBUG), -ETIMEDOUT);
    has_text(ears.text, "deadlock: these tasks wait for each other:\n");
    has_text(ears.text, "    \"a\" waits for \"b\"\n");
    has_text(ears.text, "    \"b\" waits for \"a\"\n");
    is(run_with(awaits_in_a_circle(), .virtual_clock = true), -ETIMEDOUT);
    is_text(ears.text, "");
}
END_TEST

ASYNC_DEF(awaits_with_a_timeout)
{
    int r;
    await_timeout (r, 0.5) r = await_task(b);
    return r;
}

ASYNC_DEF(awaits_in_a_circle_with_a_timeout)
{
    await_task_auto first = a = async_create_task(awaits_with_a_timeout(), .name = "a");
    await_task_auto second = b = async_create_task(awaits_a_with_a_lock(), .name = "b");
    int r = await_task(first);
    is(await_task(second), -ETIMEDOUT);
    return r;
}

START_TEST(circle_that_a_timeout_will_break_is_not_named)
{
    is(run_with(awaits_in_a_circle_with_a_timeout(), DEBUG), -ETIMEDOUT);
    is_true(!strstr(ears.text, "deadlock"));
}
END_TEST

SUITE("debug", errors_of_a_group_that_were_never_retrieved_are_named,
      errors_of_a_group_that_were_retrieved_or_returned_are_not_named,
      errors_that_calls_have_returned_are_not_named,
      ended_tasks_whose_handles_were_lost_are_named,
      circle_of_tasks_is_named_although_a_timer_is_armed,
      circle_that_a_timeout_will_break_is_not_named,
      asked_for_by_the_environment, slow_steps_are_named, quick_steps_are_not,
      swallowed_cancel_is_named, cancel_that_was_dealt_with, task_that_does_not_listen,
      bare_return_is_named, other_ways_out_are_not)
