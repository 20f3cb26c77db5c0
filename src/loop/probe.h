/* SPDX-License-Identifier: MIT */
/* probe.h - where tests look into a run.
 *
 * A loop without a probe pays nothing for it. In a loop with a probe every scope needs a check
 * (loop.no_deadline is a value that no deadline has) and the coarse clock stays without a rate, so
 * that every checkpoint and every wait takes the slow path, which calls the probe. */
#ifndef LOOP_PROBE_H
#define LOOP_PROBE_H

#include <asyncio/base.h>

struct loop;

enum probe_point {
    /* T begins an await_ call, or is about to return from one that takes something. */
    AT_CHECKPOINT,
    AT_WAIT,       /* t is about to park */
    AT_REFUSAL,    /* an await_ call of t is refused because t is cancelled */
    AT_STANDSTILL, /* t is NULL: nothing is ready, and nothing will be */
};

struct probe {
    /* May cancel; must not suspend. */
    void (*at)(struct probe *p, struct loop *l, async_task *t, enum probe_point point);
};

#endif
