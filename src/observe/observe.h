/* SPDX-License-Identifier: MIT */
/* observe.h - reports about tasks: functions for the run layer, and for the files of this layer. */
#ifndef OBSERVE_OBSERVE_H
#define OBSERVE_OBSERVE_H

#include "loop/loop.h"

/* Let the deadlock report, and debug mode if it is on, observe l, which has just been opened. opts
 * may be NULL. Returns 0 or -ENOMEM. */
int async__observe(struct loop *l, const struct async_run_opts *opts);

/* Report a deadlock of l and begin to resolve it. Returns false if it is none, because Ctrl-C can
 * still wake a task. It is called as loop_observer.deadlock. */
bool async__deadlock(struct loop *l);

/* In debug mode: t has just parked. Warn if tasks wait for each other in a circle. */
void async__check_circle(const async_task *t);

/* Return the one task whose progress would end the wait of t: the task that t awaits, or the owner
 * of the lock for which t waits. NULL if t does not wait for one task only. */
const async_task *async__awaited_by(const async_task *t);

#endif
