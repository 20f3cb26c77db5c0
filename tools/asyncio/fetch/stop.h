/* SPDX-License-Identifier: MIT */
/* stop.h - end a run early: after a signal, too many failures, the deadline, or a local error. */
#ifndef FETCH_STOP_H
#define FETCH_STOP_H

#include "run.h"

/* Read no more input. After a signal, jobs in progress get two seconds to end; otherwise they are
 * cancelled now. Only the first call has an effect. */
void run_stop(struct run *f, enum stop_reason why);

/* Stop because of an error of this machine, rather than of a request. Of several errors the first
 * one is printed. */
void run_fail(struct run *f, int error, const char *what);

/* Return why the run was stopped, for the results of jobs that are cancelled by it. */
const char *stop_message(const struct run *f);

/* Callbacks that stop the run given as arg. */
void on_stop_signal(void *arg, int signal);
void on_run_deadline(void *arg);
void on_output_error(void *arg);

#endif
