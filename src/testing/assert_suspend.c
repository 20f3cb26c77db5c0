/* SPDX-License-Identifier: MIT */
/* Assert that a block suspends, or does not. Waking a task stores the reason for the wake-up in its
 * record, and that byte includes a mark, so the check costs nothing where it is not used. */
#include <asyncio/testing.h>

#include <stdio.h>
#include <stdlib.h>

#include "loop/loop.h"

async_suspension async_suspension_begin(bool wanted, const async_site *site)
{
    async_task *t = async_current_task();
    async_suspension s = { .task = t, .site = site, .wanted = wanted };
    if (t) {
        s.before = t->node.why & SUSPENDED;
        t->node.why &= (uint8_t)~SUSPENDED;
    }
    return s;
}

/* Check the assertion, and restore the mark that an enclosing block may need. */
void async_suspension_end(async_suspension *s)
{
    bool did = s->task && s->task->node.why & SUSPENDED;
    if (did != s->wanted) {
        fprintf(stderr, "asyncio: %s:%d: %s: this block %s\n", s->site->file, s->site->line,
                s->site->func, did ? "has suspended, but must not" : "has not suspended, but must");
        abort();
    }
    if (s->before)
        s->task->node.why |= SUSPENDED;
}
