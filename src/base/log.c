/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

struct log_hook async__log;

void async__warn(const char *fmt, ...)
{
    char line[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    if (async__log.receive)
        async__log.receive(line);
    if (!async__log.silent)
        fprintf(stderr, "asyncio: %s\n", line);
}
