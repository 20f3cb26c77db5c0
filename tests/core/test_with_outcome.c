/* SPDX-License-Identifier: MIT */
/* Tests of async_with_outcome(): what a context manager finds out about the way in which its block
 * was left. */
#include "../frame/loop_test.h"

ASYNC_DEF(enter)
{
    return 0;
}

ASYNC_DEF(log_outcome, (const char *)label)
{
    log_event("%s:%s", label, result_text(async_with_outcome()));
    return 0;
}

static async_context_manager logged_hold(const char *label)
{
    return (async_context_manager){ enter(), log_outcome(label) };
}

ASYNC_DEF(end, (int)value)
{
    int r;
    await_with (r, logged_hold("end"))
        r = value;
    return r;
}

ASYNC_DEF(broken)
{
    int r;
    await_with (r, logged_hold("break")) {
        r = 3;
        if (r)
            break;
        r = 4;
    }
    return r;
}

ASYNC_DEF(tried)
{
    int r;
    await_with (r, logged_hold("outer"))
        await_with (r, logged_hold("inner"))
            ASYNC_TRY(async_fail(-EIO, "the disk is gone"));
    return r;
}

ASYNC_DEF(bare, (int)before)
{
    int r;
    await_with (r, logged_hold("bare")) {
        r = before;
        return 7;
    }
    return r;
}

ASYNC_DEF(sleeper)
{
    int r;
    await_with (r, logged_hold("cancelled"))
        ASYNC_TRY(await_sleep(ASYNC_FOREVER));
    return r;
}

LOOP_TEST(outcome_is_result_of_block_for_every_way_out)
{
    expect_int(await_end(5), 5);
    expect_int(await_end(-ENOENT), -ENOENT);
    expect_int(await_broken(), 3);
    expect_events("end:5 end:-ENOENT break:3");
    clear_events();
    expect_int(await_tried(), -EIO);
    expect_events("inner:-EIO outer:-EIO");
    clear_events();
    expect_int(await_bare(0), 7);
    expect_int(await_bare(-EPROTO), 7);
    expect_int(await_wait_for(sleeper(), 1), -ETIMEDOUT);
    expect_events("bare:-EINTR bare:-EPROTO cancelled:-ECANCELED");
    return 0;
}

ASYNC_DEF(leaves_blocks, (const char *)label)
{
    int r;
    log_event("%s:%s", label, result_text(async_with_outcome()));
    await_shield (r)
        await_with (r, logged_hold("within"))
            r = 1;
    log_event("%s:%s", label, result_text(async_with_outcome()));
    return 0;
}

LOOP_TEST(block_inside_leave_has_its_own_outcome)
{
    int r;
    await_with (r, ((async_context_manager){ enter(), leaves_blocks("leave") }))
        r = -EBUSY;
    expect_int(r, -EBUSY);
    expect_events("leave:-EBUSY within:1 leave:-EBUSY");
    expect_int(async_with_outcome(), -EINVAL);
    return 0;
}

ASYNC_DEF(log_outcome_in_shield)
{
    int r;
    await_shield (r)
        log_event("%s", result_text(async_with_outcome()));
    return 0;
}

LOOP_TEST(shield_inside_leave_keeps_outcome)
{
    int r;
    await_with (r, ((async_context_manager){ enter(), log_outcome_in_shield() }))
        r = -EBUSY;
    expect_int(r, -EBUSY);
    expect_events("-EBUSY");
    return 0;
}

ASYNC_DEF(waits_in_vain, (async_semaphore *)s)
{
    int r;
    await_with (r, async_semaphore_hold(s))
        await_with (r, async_semaphore_hold(s))
            log_event("not reached");
    return r;
}

/* They may be kept and handed on. */
LOOP_TEST(context_managers_of_locks_are_objects)
{
    int r;
    async_lock lock = { 0 };
    async_condition condition = ASYNC_CONDITION(&lock);
    async_semaphore semaphore = ASYNC_SEMAPHORE(1);
    async_context_manager holds[] = { async_lock_hold(&lock), async_condition_hold(&condition),
                           async_semaphore_hold(&semaphore) };
    for (size_t i = 0; i < countof(holds); i++) {
        await_with (r, holds[i]) {
            log_event("%d%d", async_lock_locked(&lock), async_semaphore_locked(&semaphore));
            expect_int(async_condition_notify(&condition, 1), i < 2 ? 0 : -EPERM);
        }
        expect_ok(r);
    }
    expect_events("10 10 01");
    captured_stderr();
    expect_false(async_lock_locked(&lock) || async_semaphore_locked(&semaphore));
    expect_int(await_wait_for(waits_in_vain(&semaphore), 1), -ETIMEDOUT);
    return 0;
}

SUITE("core-with_outcome", outcome_is_result_of_block_for_every_way_out,
      block_inside_leave_has_its_own_outcome, shield_inside_leave_keeps_outcome,
      context_managers_of_locks_are_objects)
