/* SPDX-License-Identifier: MIT */
/* report.h - messages on stderr about handlers that have failed. */
#ifndef WEB_REPORT_H
#define WEB_REPORT_H

/* Report that the handler of a request has failed with result, or, if result is not negative,
 * that it has ended without a response. */
void web_report(const char *method, const char *path, int result);

#endif
