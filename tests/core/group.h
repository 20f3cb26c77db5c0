/* SPDX-License-Identifier: MIT */
/* group.h - children for the tests of groups. */
#ifndef TESTS_CORE_GROUP_H
#define TESTS_CORE_GROUP_H

#include "../frame/loop_test.h"

ASYNC_DEF(child, (const char *)word, (double)seconds)
{
    int r = await_sleep(seconds);
    log_event("%s=%s", word, result_text(r));
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
    expect_int(r, -ECANCELED);
    await_shield (s)
        expect_ok(await_sleep(seconds));
    return error;
}

static inline void log_group_errors(async_group *g)
{
    async_for_each_error (e, g)
        log_event("%s:%s", e->task, result_text(e->code));
}

#endif
