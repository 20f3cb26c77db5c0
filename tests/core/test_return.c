/* SPDX-License-Identifier: MIT */
/* Tests of ASYNC_RETURN(), which returns a value from inside of blocks. */
#include "../frame/loop_test.h"

static async_lock lock;

ASYNC_DEF(returns_from_blocks, (int)value)
{
    int r, s;
    await_timeout (r, 10)
        await_with (s, &lock)
            ASYNC_RETURN(value);
    return -EPROTO;
}

LOOP_TEST(return_leaves_blocks_and_returns_value)
{
    expect_int(await_returns_from_blocks(7), 7);
    expect_false(async_lock_locked(&lock));
    expect_int(await_returns_from_blocks(-EIO), -EIO);
    expect_false(async_lock_locked(&lock));
    return 0;
}

ASYNC_DEF(sleeps_and_notes)
{
    int r = await_sleep(1);
    log_event("%s", result_text(r));
    return r;
}

ASYNC_DEF(fails)
{
    ASYNC_TRY(await_sleep(1));
    return async_fail(-EIO, "a child has failed");
}

ASYNC_DEF(returns_from_a_group, (async_co *)child)
{
    int r;
    await_group (r, g) {
        async_spawn(g, *child);
        ASYNC_RETURN(7);
    }
    return r;
}

LOOP_TEST(return_awaits_children_before_value_is_returned)
{
    async_co child = sleeps_and_notes();
    expect_int(await_returns_from_a_group(&child), 7);
    expect_events("0");
    expect_time(1);
    return 0;
}

LOOP_TEST(return_gives_error_of_child_instead_of_value)
{
    async_co child = fails();
    expect_int(await_returns_from_a_group(&child), -EIO);
    expect_contains(async_fail_text(-EIO), "a child has failed");
    return 0;
}

ASYNC_DEF(enters)
{
    return 0;
}

ASYNC_DEF(fails_to_leave)
{
    return -EPIPE;
}

ASYNC_DEF(returns_from_a_manager_that_cannot_be_left)
{
    int r;
    await_with (r, ((async_context_manager){ enters(), fails_to_leave() }))
        ASYNC_RETURN(7);
    return 0;
}

LOOP_TEST(return_gives_error_of_leaving_instead_of_value)
{
    expect_int(await_returns_from_a_manager_that_cannot_be_left(), -EPIPE);
    return 0;
}

ASYNC_DEF(returns_after_a_timeout)
{
    int r;
    await_timeout (r, 1) {
        async_ignore(await_sleep(5));
        ASYNC_RETURN(7);
    }
    return 0;
}

LOOP_TEST(return_gives_timeout_of_block_instead_of_value)
{
    expect_int(await_returns_after_a_timeout(), -ETIMEDOUT);
    return 0;
}

static const char *await_name_of(int n)
{
    int r;
    await_shield (r) {
        if (n == 1)
            return "one";
    }
    return "many";
}

ASYNC_DEF(returns_without_a_block, (int)n)
{
    ASYNC_RETURN(n);
}

LOOP_TEST(return_without_block_is_plain_return)
{
    expect_int(await_returns_without_a_block(3), 3);
    expect_int(await_returns_without_a_block(-3), -3);
    expect_text(await_name_of(2), "many");
    return 0;
}

static async_runner *debugged;

TEST(debug_does_not_report_async_return)
{
    capture_stderr_begin();
    debugged = async_runner_open(&(
            const struct async_run_opts){ .virtual_clock = true, .debug = true, .slow_step = 1e9 });
    expect_int(async_runner_run(debugged, returns_from_blocks(7)), 7);
    async_runner_close(debugged);
    expect_text(captured_stderr(), "");
    capture_stderr_end();
}

ASYNC_DEF(tries_in_the_result_of_a_block)
{
    int r[1] = { 0 };
    await_timeout (r[ASYNC_TRY(await_fails_to_leave())], 1)
        fail_test("the block was entered");
    return 0;
}

/* The block exists by then, but was not entered. */
LOOP_TEST(try_in_result_of_block_skips_block)
{
    expect_int(await_tries_in_the_result_of_a_block(), -EPIPE);
    return await_sleep(1);
}

SUITE("core-return", return_leaves_blocks_and_returns_value,
      return_awaits_children_before_value_is_returned, return_gives_error_of_child_instead_of_value,
      return_gives_error_of_leaving_instead_of_value,
      return_gives_timeout_of_block_instead_of_value, return_without_block_is_plain_return,
      debug_does_not_report_async_return, try_in_result_of_block_skips_block)
