/* SPDX-License-Identifier: MIT */
/* report.c - a message contains what the client has sent, so everything that a terminal could take
 * for a command is replaced. */
#include "report.h"

#include <asyncio/error.h>

#include <stdio.h>
#include <string.h>

enum { REPORTS_PER_SECOND = 10 };

static void copy_printable(char *to, size_t size, const char *from)
{
    size_t i = 0;
    for (; from[i] && i + 1 < size; i++)
        to[i] = (unsigned char)from[i] < ' ' || (unsigned char)from[i] >= 0x7f ? '?' : from[i];
    to[i] = '\0';
}

static void print_report(const char *method, const char *path, int result)
{
    char m[32], p[256], text[160];
    copy_printable(m, sizeof m, method);
    copy_printable(p, sizeof p, path);
    copy_printable(text, sizeof text, result < 0 ? async_fail_text(result) : "");
    if (result < 0)
        fprintf(stderr, "asyncio-web: %s %s: handler failed: %s%s%s\n", m, p, strerror(-result),
                text[0] ? ": " : "", text);
    else
        fprintf(stderr, "asyncio-web: %s %s: handler returned %d without a response\n", m, p,
                result);
}

static void print_suppressed(void *arg)
{
    struct web_reports *reports = arg;
    fprintf(stderr, "asyncio-web: %u more reports suppressed\n", reports->suppressed);
    reports->suppressed = 0;
}

void web_reports_end(struct web_reports *reports)
{
    if (reports->suppressed > 0 && async_callback_cancel(&reports->end))
        print_suppressed(reports);
}

void web_report(struct web_reports *reports, const char *method, const char *path, int result)
{
    double now = async_time();
    if (now >= reports->since + 1) {
        web_reports_end(reports);
        reports->since = now;
        reports->printed = 0;
    }
    if (reports->printed < REPORTS_PER_SECOND) {
        reports->printed++;
        print_report(method, path, result);
    } else if (reports->suppressed++ == 0) {
        async_call_at(&reports->end, reports->since + 1, print_suppressed, reports);
    }
}
