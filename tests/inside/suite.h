/* SPDX-License-Identifier: MIT */
/* suite.h - old names of the frame in tests/frame, for files that do not use the new ones yet. */
#ifndef INSIDE_SUITE_H
#define INSIDE_SUITE_H

#include "../frame/suite.h"

#define must(condition) expect_true(condition)

#endif
