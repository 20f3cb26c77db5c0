/* SPDX-License-Identifier: MIT */
/* suspend.c - did this task suspend? Parking leaves a mark in its body, by a store that it makes anyway. */
#include <asyncio/testing.h>

#include <stdio.h>
#include <stdlib.h>

#include "loop/loop.h"

async_suspension async_suspension_begin(bool wanted, const async_site *site)
{
    async_task *t = async_current_task();
    async_suspension s = { .task = t, .site = site, .wanted = wanted };
    if (t) {
        s.before = t->body->stale & SUSPENDED;
        t->body->stale &= (uint8_t)~SUSPENDED;
    }
    return s;
}

void async_suspension_end(async_suspension *s)
{
    bool did = s->task && s->task->body->stale & SUSPENDED;
    if (did != s->wanted) {
        fprintf(stderr, "asyncio: %s:%d: %s: this block %s\n", s->site->file, s->site->line,
                s->site->func, did ? "has suspended" : "has not suspended");
        abort();
    }
    if (s->before)
        s->task->body->stale |= SUSPENDED;
}
