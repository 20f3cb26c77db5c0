/* SPDX-License-Identifier: MIT */
/* progress_bar.h - the bar on standard error. What it looks like is a pure function of some figures;
 * when it is drawn is decided by the caller's clock. ASCII only. */
#ifndef FETCH_PROGRESS_H
#define FETCH_PROGRESS_H

#include "options.h"
#include "common/text.h"

#include <stdbool.h>
#include <stdint.h>

struct progress {
    uint64_t done, failed, active, retrying;
    uint64_t total; /* 0: not known yet */
    uint64_t bytes;
    double seconds; /* since the start */
};

/* Should there be a bar at all? term and no_color are the environment's TERM and NO_COLOR, or
 * NULL. */
bool progress_wanted(enum progress_mode mode, bool is_terminal, const char *term);
bool progress_colour(const char *no_color);

/* Append the line, at most width - 1 columns wide (a full line would make some terminals scroll),
 * without anything that moves the cursor. Figures that do not fit are left out, the least
 * important first. */
void progress_line(const struct progress *p, int width, bool colour, struct text *ret);

/* What stands around it on a terminal: progress_draw() replaces the line where the cursor is,
 * progress_clear() removes it, before anything else is printed there. */
void progress_draw(const struct progress *p, int width, bool colour, struct text *ret);
void progress_clear(struct text *ret);

#endif
