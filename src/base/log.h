/* SPDX-License-Identifier: MIT */
/* log.h - warnings of the library: one line each, on stderr. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <asyncio/base.h>

/* Write "asyncio: ", the message and a newline to stderr, as one line of at most 511 bytes. */
void async__warn(const char *fmt, ...) ASYNC_FORMAT(1, 2);

/* What tests do with warnings. A sweep makes thousands of runs fail on purpose and must stay
 * silent. */
extern struct log_hook {
    void (*line)(const char *line); /* receives each warning, without prefix; NULL: nothing does */
    bool silent;                    /* nothing is printed, neither warnings nor reports */
} async__log;

#endif
