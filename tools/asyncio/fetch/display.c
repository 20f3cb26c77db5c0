/* SPDX-License-Identifier: MIT */
/* display.c - print the progress bar, messages and the summary to standard error. */
#include "display.h"

#include "common/utf8.h"
#include "progress_bar.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const double draw_interval = 0.1; /* seconds */

static void write_to_stderr(struct text *t)
{
    if (!t->error && t->len)
        async_ignore(write(STDERR_FILENO, t->data, t->len));
    text_free(t);
}

static int terminal_width(void)
{
    struct winsize w;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col ? w.ws_col : 80;
}

/* Draw the bar, and arm the timer for the next time. This runs on the loop, between the tasks. */
static void draw_bar(void *arg)
{
    struct display *d = arg;
    struct progress p = {
        .done = d->stats->ok + d->stats->failed,
        .failed = d->stats->failed,
        .active = d->active,
        .retrying = d->retrying,
        .total = d->total,
        .bytes = d->stats->bytes,
        .seconds = async_time() - d->start,
    };
    struct text t = { 0 };
    progress_draw(&p, terminal_width(), d->colour, &t);
    write_to_stderr(&t);
    d->drawn = true;
    async_call_later(&d->timer, draw_interval, draw_bar, d);
}

void display_start(struct display *d, const struct stats *stats, const struct options *o)
{
    d->stats = stats;
    d->start = async_time();
    d->total = o->input ? 0 : o->url_count;
    d->quiet = o->quiet;
    d->colour = progress_colour(getenv("NO_COLOR"));
    bool terminal = isatty(STDERR_FILENO);
    if (!d->quiet && progress_wanted((enum progress_mode)o->progress, terminal, getenv("TERM")))
        async_call_later(&d->timer, draw_interval, draw_bar, d);
}

void display_hide(struct display *d)
{
    struct text t = { 0 };
    if (!d->drawn)
        return;
    progress_clear(&t);
    write_to_stderr(&t);
    d->drawn = false;
}

void display_stop(struct display *d)
{
    async_callback_cancel(&d->timer);
    display_hide(d);
}

/* Replace control characters and malformed UTF-8 by question marks. */
static void replace_controls(char *s)
{
    for (size_t left = strlen(s), n; left; left -= n, s += n) {
        unsigned c = 0;
        n = utf8_decode(s, left, &c);
        if (!n || c < 0x20 || (c >= 0x7f && c < 0xa0))
            memset(s, '?', n = n ? n : 1);
    }
}

void display_message(struct display *d, const char *fmt, ...)
{
    char line[512];
    va_list ap;
    display_hide(d);
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    replace_controls(line);
    fprintf(stderr, "asyncio fetch: %s\n", line);
}

void display_summary(const struct display *d)
{
    struct text t = { 0 };
    if (d->quiet)
        return;
    stats_summary(d->stats, async_time() - d->start, &t);
    write_to_stderr(&t);
}
