/* SPDX-License-Identifier: MIT */
/* tool_check.h - what the unit tests of the command share: each file is one suite, and each test
 * runs in a process of its own. */
#ifndef TOOL_CHECK_H
#define TOOL_CHECK_H

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"

enum { SUITE_SECONDS = 10 };
#include "../suite_frame.h"

/* Assert that a text is this, and free it. */
#define ck_text(t, expected)                                                                       \
    do {                                                                                           \
        ck_assert_int_eq((t)->error, 0);                                                           \
        ck_assert_str_eq((t)->data ? (t)->data : "", expected);                                    \
        text_free(t);                                                                              \
    } while (0)

#endif
