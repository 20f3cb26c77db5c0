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

SUITE("core-with", every_way_out, a_block_in_what_leaves_one)
