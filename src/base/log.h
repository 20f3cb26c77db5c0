/* SPDX-License-Identifier: MIT */
/* log.h - write warnings of the library to stderr, one line each. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <asyncio/base.h>

/* Write "asyncio: ", the message and a newline to stderr, as one line of at most 511 bytes. */
void async__warn(const char *fmt, ...) ASYNC_FORMAT(1, 2);

/* The end of a noun after the number n in a message: "1 file", "2 files". */
#define PLURAL(n) ((n) == 1 ? "" : "s")

/* How tests receive warnings, or suppress them. A sweep makes thousands of runs fail on purpose,
 * and must stay silent. */
extern struct log_hook {
    void (*receive)(const char *message); /* called with each warning, without prefix; or NULL */
    bool silent;                          /* print nothing, neither warnings nor reports */
} async__log;

#endif
