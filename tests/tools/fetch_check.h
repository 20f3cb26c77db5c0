/* SPDX-License-Identifier: MIT */
/* fetch_check.h - what the unit tests of `asyncio fetch` share: one suite a file, each test in its
 * own process. */
#ifndef FETCH_CHECK_H
#define FETCH_CHECK_H

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"

enum { SUITE_SECONDS = 10 };
#include "../suite_frame.h"

/* The text is this; free it. */
#define ck_text(t, expected)                                                                       \
    do {                                                                                           \
        ck_assert_int_eq((t)->error, 0);                                                           \
        ck_assert_str_eq((t)->data ? (t)->data : "", expected);                                    \
        text_free(t);                                                                              \
    } while (0)

#endif
