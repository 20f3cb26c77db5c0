/* SPDX-License-Identifier: MIT */
/* signal.h - watch for Ctrl-C (SIGINT) during a run. */
#ifndef RUN_SIGNAL_H
#define RUN_SIGNAL_H

#include <stdbool.h>

struct loop;

/* Let the first Ctrl-C cancel the main task of l, and the second one end the program. Returns
 * false, and changes nothing, if SIGINT has a handler already or this is not the first thread. */
bool async__interrupt_watch(struct loop *l);

/* From here on Ctrl-C ends the program again. */
void async__interrupt_unwatch(void);

/* Has there been a Ctrl-C since async__interrupt_watch()? */
bool async__interrupted(const struct loop *l);

#endif
