/* SPDX-License-Identifier: MIT */
/* group.h - children for the tests of groups. */
#ifndef TESTS_CORE_GROUP_H
#define TESTS_CORE_GROUP_H

#include "run.h"

ASYNC_DEF(child, (const char *)word, (double)seconds)
{
    int r = await_sleep(seconds);
    note("%s=%s", word, shown(r));
    return r;
}

ASYNC_DEF(fails, (double)after, (int)error)
{
    ASYNC_TRY(await_sleep(after));
    return error;
}

/* The cleanup after the cancel suspends, and fails. */
ASYNC_DEF(fails_late, (double)seconds, (int)error)
{
    int r = await_sleep(100), s;
    is(r, -ECANCELED);
    await_shield (s)
        ok(await_sleep(seconds));
    return error;
}

static inline void codes(async_group *g)
{
    async_for_each_error (e, g)
        note("%s:%s", e->task, shown(e->code));
}

#endif
