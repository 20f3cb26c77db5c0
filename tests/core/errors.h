/* SPDX-License-Identifier: MIT */
/* errors.h - coroutines that fail, for the tests of errors. */
#ifndef TESTS_ERRORS_H
#define TESTS_ERRORS_H

#include "../frame/loop_test.h"

static double moment = 1; /* of virtual time */

ASYNC_DEF(broken, (const char *)what)
{
    ASYNC_TRY(await_sleep(moment));
    return async_fail(-EIO, "%s is broken", what);
}

ASYNC_DEF(fails_with, (int)error)
{
    return error;
}

ASYNC_DEF(family)
{
    int r;
    await_group (r, g) {
        async_spawn(g, broken("door"), .name = "child 1");
        async_spawn(g, broken("lock"), .name = "child 2");
    }
    return r;
}

ASYNC_DEF(first)
{
    ASYNC_TRY(await_broken("deep"));
    return 0;
}

ASYNC_DEF(second)
{
    ASYNC_TRY(await_first());
    return 0;
}

#endif
