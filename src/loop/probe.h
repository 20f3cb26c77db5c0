/* SPDX-License-Identifier: MIT */
/* probe.h - a seam: where tests look into a run. A loop without a probe pays nothing for it. In one that has a
 * probe no scope is quiet and the bound clock stays ignorant, so that every checkpoint and every wait leaves the short
 * way, and comes by. */
#ifndef LOOP_PROBE_H
#define LOOP_PROBE_H

#include <asyncio/base.h>

struct loop;

enum probe_point {
    AT_CHECKPOINT, /* t begins an await_, or is about to go on from one that takes something */
    AT_WAIT,       /* t is about to park */
    AT_REFUSAL,    /* t is cancelled, and an await_ of it says so */
    AT_STANDSTILL, /* t NULL: nothing is ready, and nothing will be */
};

struct probe {
    /* It may cancel, and must not suspend. */
    void (*at)(struct probe *p, struct loop *l, async_task *t, enum probe_point point);
};

#endif
