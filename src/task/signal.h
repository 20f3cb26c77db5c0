/* SPDX-License-Identifier: MIT */
/* signal.h - Ctrl-C for async_main. */
#ifndef TASK_SIGNAL_H
#define TASK_SIGNAL_H

#include <stdbool.h>

struct loop;

/* Let SIGINT cancel l's main task, unless it has a handler or this is not the first thread. true: it does. */
bool async__interrupt_watch(struct loop *l);
void async__interrupt_forget(void);
bool async__interrupted(struct loop *l); /* has it come? */

#endif
