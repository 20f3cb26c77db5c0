/* SPDX-License-Identifier: MIT */
/* error.h - the traceback of the current task, and the records of failures. */
#ifndef TASK_ERROR_H
#define TASK_ERROR_H

#include "loop/loop.h"

/* What a thread does for a task, outside of any loop, and what is said there of its latest error. */
struct thread_call {
    const char *name;
    int (*run)(void *frame); /* what it does; or NULL */
    int code;                /* 0: none, and the words are not set */
    const async_site *site;
    char text[TEXT_SIZE];
};
extern _Thread_local struct thread_call *async__thread_call __attribute__((tls_model("initial-exec")));

/* As async_fail_text(), of a task that has not gone. */
const char *async__text_of(const async_task *t, int code);

/* The failure of a task of that name that could not be made. NULL: no memory for that either. */
async_error *async__error_not_started(const char *task, int code, const char *text,
                                 const async_site *created);

/* An error passes this place on its way out. */
void async__trace_add(int err, const async_site *site);

/* The limit of s has come, and has interrupted its body. */
void async__trace_timeout(const async_scope *s);

/* A record of t's failure, with the causes that t has collected. NULL: no memory; then nothing is lost but words. */
async_error *async__error_new(async_task *t, int code);
void async__error_free(async_error *e); /* with its causes and those after it */

/* Make these errors the cause of whatever fails next in the current task, in place of the former ones. */
void async__error_set_cause(async_task *t, async_error *list);

/* Should t ask for the words of its failure: g, which has ended, still has its errors. */
void async__error_from_group(async_task *t, async_group *g);

/* t's failure, its traceback and causes, on stderr. */
void async__report(async_task *t, int code);
void async__report_as(async_task *t, int code, int as); /* under the name of another error */

/* t has ended: if by a failure that nobody has read, its record, on stderr. Before t's record goes. */
void async__report_unretrieved(const async_task *t);

#endif
