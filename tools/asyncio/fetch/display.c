/* SPDX-License-Identifier: MIT */
/* display.c - what people see: the bar, messages, the summary. All of it on standard error. */
#include "fetch.h"

#include "common/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const double interval = 0.1; /* seconds between two drawings */

static void put(struct text *t)
{
    if (!t->error && t->len)
        async_ignore(write(STDERR_FILENO, t->data, t->len));
    text_free(t);
}

static int width(void)
{
    struct winsize w;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col ? w.ws_col : 80;
}

static void draw(void *arg)
{
    struct run *f = arg;
    struct meter *m = &f->meter;
    struct progress p = {
        .done = f->stats.ok + f->stats.failed,
        .failed = f->stats.failed,
        .active = m->active,
        .retrying = m->retrying,
        .total = m->total,
        .bytes = f->stats.bytes,
        .seconds = async_time() - m->start,
    };
    struct text t = { 0 };
    progress_draw(&p, width(), m->colour, &t);
    put(&t);
    m->drawn = true;
    async_call_later(&m->timer, interval, draw, f);
}

void meter_start(struct run *f)
{
    struct meter *m = &f->meter;
    m->start = async_time();
    m->total = f->o.input ? 0 : f->o.url_count;
    m->colour = progress_colour(getenv("NO_COLOR"));
    m->on = !f->o.quiet &&
            progress_wanted((enum progress_mode)f->o.progress, isatty(STDERR_FILENO), getenv("TERM"));
    if (m->on)
        async_call_later(&m->timer, interval, draw, f);
}

void meter_hide(struct run *f)
{
    struct text t = { 0 };
    if (!f->meter.drawn)
        return;
    progress_clear(&t);
    put(&t);
    f->meter.drawn = false;
}

void meter_stop(struct run *f)
{
    async_callback_cancel(&f->meter.timer);
    meter_hide(f);
}

/* A server's words may be in it: nothing that a terminal would obey. */
static void make_harmless(char *s)
{
    for (size_t left = strlen(s), n; left; left -= n, s += n) {
        unsigned c = 0;
        n = utf8_decode(s, left, &c);
        if (!n || c < 0x20 || (c >= 0x7f && c < 0xa0))
            memset(s, '?', n = n ? n : 1);
    }
}

/* It allocates nothing: that there is no memory is one of the messages. */
void meter_say(struct run *f, const char *fmt, ...)
{
    char line[512];
    va_list ap;
    meter_hide(f);
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    make_harmless(line);
    fprintf(stderr, "asyncio fetch: %s\n", line);
}

void meter_summary(struct run *f)
{
    struct text t = { 0 };
    if (f->o.quiet)
        return;
    stats_summary(&f->stats, async_time() - f->meter.start, &t);
    put(&t);
}
