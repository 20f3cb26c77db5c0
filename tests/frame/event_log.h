/* SPDX-License-Identifier: MIT */
/* event_log.h - record the order of events in a test.
 *
 *   log_event("%s=%s", name, result_text(r));
 *   ...
 *   expect_events("first=0 second=-ECANCELED");
 *
 * The log is a text, in which a blank separates the events. */
#ifndef TESTS_FRAME_EVENT_LOG_H
#define TESTS_FRAME_EVENT_LOG_H

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "assertions.h"

static char event_log[8192];

__attribute__((format(printf, 1, 2))) static inline void log_event(const char *fmt, ...)
{
    size_t used = strlen(event_log);
    va_list ap;
    va_start(ap, fmt);
    if (used > 0 && used + 1 < sizeof event_log)
        event_log[used++] = ' ';
    int n = vsnprintf(event_log + used, sizeof event_log - used, fmt, ap);
    va_end(ap);
    frame_expects(n >= 0 && used + (size_t)n < sizeof event_log, "the event log is full");
}

static inline void clear_events(void)
{
    event_log[0] = '\0';
}

#define expect_events(expected) expect_text(event_log, expected)

#endif
