/* SPDX-License-Identifier: MIT */
/* gather.h - coroutines for the tests of gather and race. They log how they ended. */
#ifndef TESTS_GATHER_H
#define TESTS_GATHER_H

#include "../frame/loop_test.h"

ASYNC_DEF(value, (int)r, (double)after)
{
    int e = await_sleep(after);
    log_event("%d%s", r, e < 0 ? "!" : "");
    return e < 0 ? e : r;
}

ASYNC_DEF(fails_late, (int)error)
{
    int r = await_sleep(100), s;
    expect_int(r, -ECANCELED);
    await_shield (s)
        expect_ok(await_sleep(2));
    log_event("late");
    return error;
}

#endif
