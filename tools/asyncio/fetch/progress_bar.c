/* SPDX-License-Identifier: MIT */
/* progress_bar.c - format the progress bar. */
#include "progress_bar.h"

#include "common/units.h"

#include <stdio.h>
#include <string.h>

enum { BAR_MAX = 30, BAR_MIN = 10, FIELD = 48, FIELDS = 7 };

bool progress_wanted(enum progress_mode mode, bool is_terminal, const char *term)
{
    if (mode != PROGRESS_AUTO)
        return mode == PROGRESS_ALWAYS;
    return is_terminal && term && *term && strcmp(term, "dumb") != 0;
}

bool progress_colour(const char *no_color)
{
    return !no_color || !*no_color; /* no-color.org: empty means not set */
}

/* A total that is too small must not draw the bar beyond its end. */
static uint64_t done_at_most_total(const struct progress *p)
{
    return p->total && p->done > p->total ? p->total : p->done;
}

static void format_count(const struct progress *p, char *to)
{
    if (p->total)
        snprintf(to, FIELD, "%llu/%llu %3llu%%", (unsigned long long)p->done,
                 (unsigned long long)p->total,
                 (unsigned long long)((double)done_at_most_total(p) / (double)p->total * 100));
    else
        snprintf(to, FIELD, "%llu done", (unsigned long long)p->done);
}

static void format_time_left(const struct progress *p, char *to)
{
    if (!p->total || !p->done || p->seconds < 1)
        return;
    double left = p->seconds * (double)(p->total - done_at_most_total(p)) / (double)p->done;
    unsigned long s = left < 1e8 ? (unsigned long)(left + 0.5) : 100000000;
    if (s < 3600)
        snprintf(to, FIELD, "eta %lu:%02lu", s / 60, s % 60);
    else
        snprintf(to, FIELD, "eta %lu:%02lu:%02lu", s / 3600, s / 60 % 60, s % 60);
}

/* Format all figures, the most important first. Empty ones are not shown. Returns their number. */
static int format_figures(const struct progress *p, char f[FIELDS][FIELD])
{
    char text[32];
    double seconds = p->seconds > 0 ? p->seconds : 0;
    memset(f, 0, FIELDS * sizeof *f);
    format_count(p, f[0]);
    if (p->failed)
        snprintf(f[1], FIELD, "%llu failed", (unsigned long long)p->failed);
    if (seconds > 0)
        snprintf(f[2], FIELD, "%.0f/s", (double)p->done / seconds);
    format_time_left(p, f[3]);
    if (seconds > 0)
        snprintf(f[4], FIELD, "%s/s", format_bytes(text, (double)p->bytes / seconds));
    snprintf(f[5], FIELD, "%llu active", (unsigned long long)p->active);
    if (p->retrying)
        snprintf(f[6], FIELD, "%llu retrying", (unsigned long long)p->retrying);
    return FIELDS;
}

static void put_bar(const struct progress *p, size_t width, struct text *ret)
{
    char cells[BAR_MAX];
    size_t full = (size_t)((double)done_at_most_total(p) / (double)p->total * (double)width);
    memset(cells, ' ', sizeof cells);
    memset(cells, '=', full);
    if (full < width)
        cells[full] = '>';
    text_printf(ret, "[%.*s] ", (int)width, cells);
}

void progress_line(const struct progress *p, int width, bool colour, struct text *ret)
{
    char f[FIELDS][FIELD];
    size_t room = width > 1 ? (size_t)width - 1 : 0, used = 0;
    int fields = format_figures(p, f), shown = 0;
    for (; shown < fields; shown++) { /* keep room for a short bar */
        size_t n = strlen(f[shown]), gap = used && n ? 2 : 0;
        size_t reserved = p->total && room > 40 ? BAR_MIN + 3 : 0;
        if (used + gap + n + reserved > room)
            break;
        used += gap + n;
    }
    size_t left = room - used;
    if (p->total && left >= BAR_MIN + 3)
        put_bar(p, left - 3 > BAR_MAX ? BAR_MAX : left - 3, ret);
    const char *gap = "";
    for (int i = 0; i < shown; i++) {
        if (!f[i][0])
            continue;
        bool red = colour && i == 1;
        text_printf(ret, "%s%s%s%s", gap, red ? "\x1b[31m" : "", f[i], red ? "\x1b[0m" : "");
        gap = "  ";
    }
}

void progress_draw(const struct progress *p, int width, bool colour, struct text *ret)
{
    text_puts(ret, "\r");
    progress_line(p, width, colour, ret);
    text_puts(ret, "\x1b[K");
}

void progress_clear(struct text *ret)
{
    text_puts(ret, "\r\x1b[K");
}
