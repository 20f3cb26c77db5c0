/* SPDX-License-Identifier: MIT */
/* signals.h - SIGINT, SIGTERM and SIGHUP as a callback of the loop. The first one requests an
 * orderly end, the second one ends the program at once. */
#ifndef FETCH_SIGNALS_H
#define FETCH_SIGNALS_H

#include <asyncio/loop.h>

struct signals {
    void (*fn)(void *arg, int signal);
    void (*report)(void *arg);
    void *arg;
    async_watch watch;
    int fd; /* the reading end of a pipe to which the handler writes */
};

/* Call fn in the loop, once, for the first of these signals, and report for each SIGUSR1. A
 * signal that is ignored already, as under nohup or in the background of a shell, stays ignored.
 * SIGPIPE and SIGXFSZ are ignored from now on, because write() returns the same as an error.
 * There may be one struct signals at a time.
 *
 * Returns    0 or a negative errno. */
int signals_start(struct signals *s, void (*fn)(void *arg, int signal), void (*report)(void *arg),
                  void *arg);

/* Restore the default effect of the signals. */
void signals_stop(struct signals *s);

#endif
