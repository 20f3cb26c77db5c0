/* SPDX-License-Identifier: MIT */
/* tool_check.h - frame of the unit tests of the command. */
#ifndef TOOL_CHECK_H
#define TOOL_CHECK_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"

#define SUITE_SECONDS 10
#include "../frame/suite.h"

/* Compare a text under construction (common/text.h), and free it. */
#define expect_built_text(t, expected)                                                             \
    do {                                                                                           \
        expect_ok((t)->error);                                                                     \
        expect_text((t)->data ? (t)->data : "", expected);                                         \
        text_free(t);                                                                              \
    } while (0)

#endif
