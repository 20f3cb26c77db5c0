/* SPDX-License-Identifier: MIT */
/* wait.h - helpers for the tests of await_wait(): tasks with results. */
#ifndef TESTS_WAIT_H
#define TESTS_WAIT_H

#include "../frame/loop_test.h"

ASYNC_DEF(value, (int)r, (double)after)
{
    int e = await_sleep(after);
    return e < 0 ? e : r;
}

/* The results of the first n, in their order. */
static inline void expect_results(async_task **t, int n, const char *words)
{
    clear_events();
    for (int i = 0; i < n; i++)
        log_event("%s", result_text(async_task_result(t[i])));
    expect_events(words);
}

#define T(r, after) async_group_create_task(g, value((r), (after)))

#endif
