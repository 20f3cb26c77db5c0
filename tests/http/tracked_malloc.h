/* SPDX-License-Identifier: MIT */
/* tracked_malloc.h - malloc() and its like for a test program: they fail on demand, and the blocks
 * that were allocated meanwhile and never freed can be listed.
 *
 *   tracking_begin     fail the n-th allocation of this thread; record those that succeed
 *   tracking_end       stop both
 *   tracked_blocks     count the recorded blocks that have not been freed yet
 *
 * Only allocations of the thread that called tracking_begin() fail or are recorded. A block may be
 * freed by any thread and at any later time: what a task keeps until it ends, or a thread of
 * libcurl's resolver until it has its answer, is not a leak. */
#ifndef TESTS_HTTP_TRACKED_MALLOC_H
#define TESTS_HTTP_TRACKED_MALLOC_H

#include <stdbool.h>
#include <stddef.h>

/* What to fail: one allocation, or that one and every later one until tracking_end(). */
enum fault_extent { FAIL_ONE, FAIL_ALL_FROM };

struct tracked_block {
    size_t size;  /* in bytes, as it was asked for */
    long attempt; /* n of the tracking_begin() before its allocation */
};

/* NULL, or why malloc() cannot be replaced in this process. */
const char *tracking_unavailable(void);

void tracking_begin(long n, enum fault_extent extent);

/* Returns whether an allocation was made to fail since tracking_begin(). */
bool tracking_end(void);

/* Returns how many recorded blocks are still allocated; ret_oldest receives one of them. */
size_t tracked_blocks(struct tracked_block *ret_oldest);

#endif
