/* SPDX-License-Identifier: MIT */
/* suite.h - one program a part, one process a test, TAP on stdout. */
#ifndef INSIDE_SUITE_H
#define INSIDE_SUITE_H

#include <check.h>
#include <stdbool.h>
#include <stdlib.h>

#ifdef HAVE_VALGRIND
#include <valgrind/valgrind.h>
#define UNDER_VALGRIND RUNNING_ON_VALGRIND
#else
#define UNDER_VALGRIND 0
#endif

/* For loops: Check's own assertions each tell the parent process where they are. */
#define must(condition)                                                                            \
    do {                                                                                           \
        if (!(condition))                                                                          \
            ck_abort_msg("not: %s", #condition);                                                   \
    } while (0)

/* A test, test_co, that runs the coroutine co() to its 0. For who includes <asyncio.h>. */
#define IN_A_LOOP(co)                                                                              \
    START_TEST(test_##co)                                                                          \
    {                                                                                              \
        ck_assert_int_eq(async_run(co()), 0);                                                      \
    }                                                                                              \
    END_TEST

enum { SUITE_SECONDS = 60 };
#include "../suite_frame.h"

#endif
