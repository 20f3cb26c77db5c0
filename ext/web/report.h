/* SPDX-License-Identifier: MIT */
/* report.h - messages on stderr about handlers that have failed, a limited number of them. */
#ifndef WEB_REPORT_H
#define WEB_REPORT_H

#include <asyncio/loop.h>

/* The reports of one server. Zero is a good start. */
struct web_reports {
    double since;        /* when the current second began */
    unsigned printed;    /* in the current second */
    unsigned suppressed; /* in the current second, beyond the limit */
    async_callback end;  /* of the current second; prints how many were suppressed */
};

/* Report that the handler of a request has failed with result, or, if result is not negative, that
 * it has ended without a response. At most ten reports a second are printed, so that a client that
 * finds a way to make a handler fail cannot fill a disk. The others are counted, and the number is
 * printed at the end of the second. */
void web_report(struct web_reports *reports, const char *method, const char *path, int result);

/* Print how many reports were suppressed in the current second, if any, without waiting for its
 * end. */
void web_reports_end(struct web_reports *reports);

#endif
