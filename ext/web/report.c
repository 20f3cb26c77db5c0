/* SPDX-License-Identifier: MIT */
/* report.c - a message contains what the client has sent, so everything that a terminal could
 * take for a command is replaced. */
#include "report.h"

#include <asyncio/error.h>

#include <stdio.h>
#include <string.h>

static void copy_printable(char *to, size_t size, const char *from)
{
    size_t i = 0;
    for (; from[i] && i + 1 < size; i++)
        to[i] = (unsigned char)from[i] < ' ' || (unsigned char)from[i] >= 0x7f ? '?' : from[i];
    to[i] = '\0';
}

void web_report(const char *method, const char *path, int result)
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
