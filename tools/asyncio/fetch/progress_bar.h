/* SPDX-License-Identifier: MIT */
/* progress_bar.h - the progress bar on standard error. These functions only format it, in ASCII,
 * from a few figures; the caller decides when it is drawn. */
#ifndef FETCH_PROGRESS_BAR_H
#define FETCH_PROGRESS_BAR_H

#include "common/text.h"
#include "options.h"

#include <stdbool.h>
#include <stdint.h>

struct progress {
    uint64_t done, failed, active, retrying;
    uint64_t total; /* 0 if it is not known */
    uint64_t bytes;
    double seconds; /* since the start */
};

/* Is a bar drawn, and may it have colours? term and no_color are the environment
 * variables TERM and NO_COLOR, or NULL. */
bool progress_wanted(enum progress_mode mode, bool is_terminal, const char *term);
bool progress_colour(const char *no_color);

/* Append the line, without anything that moves the cursor. It has at most width - 1 columns,
 * because some terminals scroll after a full line. Figures that do not fit are left out, the least
 * important first. */
void progress_line(const struct progress *p, int width, bool colour, struct text *ret);

/* The same for a terminal: progress_draw() replaces the line in which the cursor is,
 * progress_clear() removes it before something else is printed there. */
void progress_draw(const struct progress *p, int width, bool colour, struct text *ret);
void progress_clear(struct text *ret);

#endif
