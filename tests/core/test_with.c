/* SPDX-License-Identifier: MIT */
/* What a context manager learns of the way in which its block was left. */
#include "run.h"

ASYNC_DEF(enter)
{
    return 0;
}

ASYNC_DEF(tell, (const char *)label)
{
    note("%s:%s", label, shown(async_with_outcome()));
    return 0;
}

static async_hold told(const char *label)
{
    return (async_hold){ enter(), tell(label) };
}

ASYNC_DEF(end, (int)value)
{
    int r;
    await_with (r, told("end"))
        r = value;
    return r;
}

ASYNC_DEF(broken)
{
    int r;
    await_with (r, told("break")) {
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
    await_with (r, told("outer"))
        await_with (r, told("inner"))
            ASYNC_TRY(async_fail(-EIO, "the disk is gone"));
    return r;
}

ASYNC_DEF(bare, (int)before)
{
    int r;
    await_with (r, told("bare")) {
        r = before;
        return 7;
    }
    return r;
}

ASYNC_DEF(sleeper)
{
    int r;
    await_with (r, told("cancelled"))
        ASYNC_TRY(await_sleep(ASYNC_FOREVER));
    return r;
}

CASE(every_way_out)
{
    is(await_end(5), 5);
    is(await_end(-ENOENT), -ENOENT);
    is(await_broken(), 3);
    is_trail("end:5 end:-ENOENT break:3");
    forget_trail();
    is(await_tried(), -EIO);
    is_trail("inner:-EIO outer:-EIO");
    forget_trail();
    is(await_bare(0), 7);
    is(await_bare(-EPROTO), 7);
    is(await_wait_for(sleeper(), 1), -ETIMEDOUT);
    is_trail("bare:-EINTR bare:-EPROTO cancelled:-ECANCELED");
    return 0;
}

ASYNC_DEF(leaves_blocks, (const char *)label)
{
    int r;
    note("%s:%s", label, shown(async_with_outcome()));
    await_shield (r)
        await_with (r, told("within"))
            r = 1;
    note("%s:%s", label, shown(async_with_outcome()));
    return 0;
}

CASE(a_block_in_what_leaves_one)
{
    int r;
    await_with (r, ((async_hold){ enter(), leaves_blocks("leave") }))
        r = -EBUSY;
    is(r, -EBUSY);
    is_trail("leave:-EBUSY within:1 leave:-EBUSY");
    is(async_with_outcome(), -EINVAL);
    return 0;
}

ASYNC_DEF(asks_in_a_shield)
{
    int r;
    await_shield (r)
        note("%s", shown(async_with_outcome()));
    return 0;
}

CASE(shield_in_what_leaves_a_block)
{
    int r;
    await_with (r, ((async_hold){ enter(), asks_in_a_shield() }))
        r = -EBUSY;
    is(r, -EBUSY);
    is_trail("-EBUSY");
    return 0;
}

ASYNC_DEF(waits_in_vain, (async_semaphore *)s)
{
    int r;
    await_with (r, async_semaphore_hold(s))
        await_with (r, async_semaphore_hold(s))
            note("not reached");
    return r;
}

/* As coroutine objects, which may be kept and handed on. */
CASE(locks_as_objects)
{
    int r;
    async_lock lock = { 0 };
    async_condition condition = ASYNC_CONDITION(&lock);
    async_semaphore semaphore = ASYNC_SEMAPHORE(1);
    async_hold holds[] = { async_lock_hold(&lock), async_condition_hold(&condition),
                           async_semaphore_hold(&semaphore) };
    for (size_t i = 0; i < countof(holds); i++) {
        await_with (r, holds[i]) {
            note("%d%d", async_lock_locked(&lock), async_semaphore_locked(&semaphore));
            is(async_condition_notify(&condition, 1), i < 2 ? 0 : -EPERM);
        }
        ok(r);
    }
    is_trail("10 10 01");
    heard();
    is_false(async_lock_locked(&lock) || async_semaphore_locked(&semaphore));
    is(await_wait_for(waits_in_vain(&semaphore), 1), -ETIMEDOUT);
    return 0;
}

SUITE("core-with", every_way_out, a_block_in_what_leaves_one, shield_in_what_leaves_a_block,
      locks_as_objects)
