/* SPDX-License-Identifier: MIT */
/* gather.h - what the tests of gather and race share: children that say how they ended. */
#ifndef TESTS_GATHER_H
#define TESTS_GATHER_H

#include "run.h"

ASYNC_DEF(value, (int)r, (double)after)
{
    int e = await_sleep(after);
    note("%d%s", r, e < 0 ? "!" : "");
    return e < 0 ? e : r;
}

ASYNC_DEF(fails_late, (int)error)
{
    int r = await_sleep(100), s;
    is(r, -ECANCELED);
    await_shield (s)
        ok(await_sleep(2));
    note("late");
    return error;
}

#endif
