/* SPDX-License-Identifier: MIT */
/* display.h - what people see of a run, all of it on standard error: the progress bar, messages,
 * and the summary. */
#ifndef FETCH_DISPLAY_H
#define FETCH_DISPLAY_H

#include "options.h"
#include "stats.h"

#include <asyncio/loop.h>

struct display {
    async_callback timer;
    const struct stats *stats; /* that the bar and the summary show */
    bool drawn, colour, quiet;
    double start;
    uint64_t active, retrying; /* attempts in progress, and jobs that wait for the next one */
    uint64_t total;            /* requests; 0 if it is not known */
};

/* Start the clock, and draw the bar every 0.1 s if it is wanted. */
void display_start(struct display *d, const struct stats *stats, const struct options *o);
void display_stop(struct display *d); /* removes the bar */

/* Remove the bar until it is drawn the next time. */
void display_hide(struct display *d);

/* Print a line that begins with "asyncio fetch: ". Control characters are replaced, because the
 * message may quote a server. This allocates no memory, as one of the messages is that there is
 * none. */
void display_message(struct display *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Print the summary, unless --quiet was given. */
void display_summary(const struct display *d);

#endif
