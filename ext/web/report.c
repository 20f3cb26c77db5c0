/* SPDX-License-Identifier: MIT */
/* report.c - one line on stderr for a handler that failed. What the client sent is in it, so nothing that a
 * terminal would obey. */
#include "internal.h"

#include <stdio.h>

static void clean(char *to, size_t size, const char *from)
{
    size_t i = 0;
    for (; from[i] && i + 1 < size; i++)
        to[i] = (unsigned char)from[i] < ' ' || (unsigned char)from[i] >= 0x7f ? '?' : from[i];
    to[i] = '\0';
}

void web_report(async_web_request *rq, int result)
{
    char method[32], path[256], text[160];
    const char *sentence = result < 0 ? async_fail_text(result) : "";
    clean(method, sizeof method, rq->method);
    clean(path, sizeof path, rq->path);
    clean(text, sizeof text, sentence);
    fprintf(stderr, "asyncio-web: %s %s: %s%s%s\n", method, path,
            result < 0 ? strerror(-result) : "the handler gave no answer", text[0] ? ": " : "", text);
}
