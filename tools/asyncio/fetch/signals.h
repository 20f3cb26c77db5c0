/* SPDX-License-Identifier: MIT */
/* signals.h - SIGINT and SIGTERM as callbacks of the loop. The first one asks for an orderly end; the
 * second ends the program at once. */
#ifndef ASYNCIO_TOOL_SIGNALS_H
#define ASYNCIO_TOOL_SIGNALS_H

#include <asyncio/loop.h>

struct signals {
    void (*fn)(void *arg, int signal);
    void *arg;
    async_watch watch;
    int fd; /* the reading end of a pipe that the handler writes to */
};

/* fn is called in the loop, once, for the first of them. One that is ignored already (nohup, a shell's
 * background) stays ignored. SIGPIPE is ignored from here on: a write says so itself. At most one at a
 * time. 0, or a negative errno. */
int signals_start(struct signals *s, void (*fn)(void *arg, int signal), void *arg);
void signals_stop(struct signals *s);

#endif
