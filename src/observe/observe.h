/* SPDX-License-Identifier: MIT */
/* observe.h - what the run layer and this layer's own files need of each other. */
#ifndef OBSERVE_OBSERVE_H
#define OBSERVE_OBSERVE_H

#include "loop/loop.h"

/* Let the deadlock report, and debug mode if it is on, observe l, which has just been opened. opts
 * may be NULL. Returns 0 or -ENOMEM. */
int async__observe(struct loop *l, const struct async_run_opts *opts);

/* deadlock.c: loop_observer.deadlock. */
bool async__deadlock(struct loop *l);

/* In debug mode: t has just parked. Warn if tasks wait for each other in a circle. */
void async__check_circle(const async_task *t);

/* The one task whose progress would end the wait of t: the one that it awaits, or the owner of the
 * lock that it wants. NULL: t does not wait for one task only. */
const async_task *async__awaited_by(const async_task *t);

#endif
