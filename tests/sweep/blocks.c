/* SPDX-License-Identifier: MIT */
/* Scenarios of blocks: timeouts, shields, context managers, and the ways out of them. The result
 * belongs to the right block, whatever cancels from outside. */
#include "scenario.h"

SCENARIO(timeout_that_does_not_expire)
{
    int r;
    await_timeout (r, 10)
        r = await_guest(1);
    scenario_expect(r != -ETIMEDOUT);
    return r;
}

SCENARIO(timeout_that_expires)
{
    int r;
    await_timeout (r, 5)
        r = await_guest(100);
    return r == -ETIMEDOUT ? 0 : r;
}

SCENARIO(nested_timeouts)
{
    int outer, inner = 0;
    await_timeout (outer, 10) {
        await_timeout (inner, 5)
            inner = await_guest(100);
        scenario_expect(inner == -ETIMEDOUT || inner == -ECANCELED);
        outer = await_guest(100);
    }
    if (outer == -ETIMEDOUT)
        scenario_expect(inner == -ETIMEDOUT);
    return outer == -ETIMEDOUT ? 0 : outer;
}

SCENARIO(nested_timeouts_of_equal_length)
{
    int outer, inner = 0;
    await_timeout (outer, 5) {
        await_timeout (inner, 5)
            inner = await_guest(100);
        scenario_expect(inner < 0);
        outer = inner;
    }
    return outer == -ETIMEDOUT ? 0 : outer;
}

SCENARIO(timeout_at_a_deadline)
{
    int r;
    await_timeout_at (r, async_time() + 3)
        r = await_guest(100);
    if (r != -ETIMEDOUT)
        return r;
    await_timeout_at (r, async_time() - 1)
        r = await_guest(0);
    return r == -ETIMEDOUT ? await_sleep(1) : r;
}

SCENARIO(deadline_around_a_gather)
{
    int r;
    await_timeout_at (r, async_time() + 3)
        r = await_gather(NULL, guest(1), guest(100));
    scenario_expect(account.held == 0);
    return r == -ETIMEDOUT ? 0 : r;
}

SCENARIO(timeout_that_is_rescheduled)
{
    int r;
    await_timeout (r, 5) {
        ASYNC_TRY(await_sleep(4));
        scenario_expect(async_reschedule(10) == 0 || async_expired() || async_cancelling());
        ASYNC_TRY(await_sleep(9));
        r = await_guest(100);
    }
    return r == -ETIMEDOUT ? 0 : r;
}

SCENARIO(wait_for_a_call)
{
    int r = await_wait_for(item(1, 8), 5);
    if (r < 0)
        return r;
    scenario_expect(r == 8);
    r = await_wait_for(guest(100), 5);
    scenario_expect(account.held == 0);
    return r == -ETIMEDOUT ? 0 : r;
}

ASYNC_DEF(waits_for_guest, (double)seconds)
{
    return await_wait_for(guest(100), seconds);
}

SCENARIO(nested_wait_for)
{
    int r = await_wait_for(waits_for_guest(3), 10);
    if (r != -ETIMEDOUT)
        return r;
    r = await_wait_for(waits_for_guest(10), 3);
    return r == -ETIMEDOUT ? 0 : r;
}

/* --- shields --- */

SCENARIO(shield)
{
    int r;
    await_shield (r) {
        hold(1);
        r = await_sleep(1);
        scenario_expect(r == 0);
        r = await_gather(NULL, guest(1), guest(2));
        hold(-1);
    }
    return r < 0 ? r : await_sleep(0);
}

SCENARIO(cleanup_with_a_timeout)
{
    int r = await_sleep(1), shielded, clean = 0;
    await_shield (shielded) {
        await_timeout (clean, 2)
            clean = await_guest(100);
        scenario_expect(clean == -ETIMEDOUT);
    }
    return r;
}

SCENARIO(shield_inside_a_timeout)
{
    int r, shielded;
    await_timeout (r, 5) {
        await_shield (shielded)
            shielded = await_sleep(10);
        scenario_expect(shielded == 0);
        r = await_sleep(1);
    }
    return r == -ETIMEDOUT ? 0 : r;
}

/* --- context managers --- */

ASYNC_DEF(comes_in, (double)seconds)
{
    ASYNC_TRY(await_sleep(seconds));
    hold(1);
    return 0;
}

ASYNC_DEF(goes_out, (double)seconds)
{
    int r = await_sleep(seconds);
    scenario_expect(r == 0); /* leaving runs in a shield */
    hold(-1);
    return r;
}

static async_context_manager room(double seconds)
{
    return (async_context_manager){ comes_in(seconds), goes_out(seconds) };
}

SCENARIO(context_manager)
{
    int r;
    await_with (r, room(1))
        r = await_sleep(1);
    scenario_expect(account.held == 0);
    return r;
}

SCENARIO(nested_context_managers)
{
    int r, inner = 0;
    await_with (r, room(1)) {
        await_with (inner, room(0)) {
            ASYNC_TRY(await_sleep(1));
            inner = await_gather(NULL, guest(1), guest(2));
        }
        r = inner;
    }
    return r;
}

SCENARIO(context_manager_left_by_a_timeout)
{
    int r, inner = 0;
    await_timeout (r, 5) {
        await_with (inner, room(2))
            inner = await_sleep(100);
        r = inner;
    }
    scenario_expect(account.held == 0);
    return r == -ETIMEDOUT ? 0 : r;
}

SCENARIO(ways_out)
{
    int r;
    for (int i = 0; i < 4; i++)
        await_with (r, room(0)) {
            if (i == 0)
                break;
            if (i == 1)
                continue;
            await_timeout (r, 1) {
                ASYNC_TRY(await_sleep(i == 2 ? 0 : 0.5));
                break;
            }
        }
    scenario_expect(account.held == 0);
    return 0;
}

ASYNC_DEF(returns_from_within, (bool)early)
{
    int r;
    await_timeout (r, 10) {
        await_with (r, room(1)) {
            if (early)
                return await_sleep(1);
            r = await_sleep(2);
        }
    }
    return r;
}

SCENARIO(bare_return)
{
    ASYNC_TRY(await_returns_from_within(true));
    return await_returns_from_within(false);
}

/* --- dealing with it --- */

ASYNC_DEF(withdraws)
{
    int r = await_sleep(100);
    if (r == -ECANCELED && async_cancelling() > 0 && async_cancel_cause().kind == ASYNC_CANCEL_TASK)
        while (async_cancelling() > 0)
            async_uncancel();
    return await_guest(1);
}

SCENARIO(cancel_that_is_withdrawn)
{
    await_task_auto t = async_create_task(withdraws());
    ASYNC_TRY(await_sleep(1));
    async_task_cancel(t);
    int r = await_task(t);
    await_task_drop(&t);
    scenario_expect(account.held == 0);
    return r;
}

/* The task withdraws the cancel. The block must not report its timeout, which has not expired. */
ASYNC_DEF(withdraws_in_a_limit)
{
    int r;
    await_timeout (r, 100) {
        r = await_sleep(10);
        while (async_cancelling() > 0)
            async_uncancel();
        if (r == -ECANCELED)
            r = await_guest(1);
    }
    scenario_expect(r != -ETIMEDOUT);
    return r;
}

/* The timeout must not be reported, because it has not expired. */
SCENARIO(cancel_that_is_withdrawn_inside_a_timeout)
{
    await_task_auto t = async_create_task(withdraws_in_a_limit());
    ASYNC_TRY(await_sleep(1));
    async_task_cancel(t);
    return await_task(t);
}

SCENARIO(causes)
{
    int r;
    await_timeout (r, 5)
        r = await_sleep(100);
    if (r == -ETIMEDOUT)
        return 0;
    scenario_expect(r == 0 || async_cancel_cause().kind != ASYNC_CANCEL_NONE);
    return r;
}
