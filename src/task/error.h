/* SPDX-License-Identifier: MIT */
/* error.h - the message and traceback of the current task's error, and the records of failures. */
#ifndef TASK_ERROR_H
#define TASK_ERROR_H

#include "loop/loop.h"

/* What a thread does for a task, outside of any loop, and the error that occurred there last. */
struct thread_call {
    const char *name;
    int (*run)(void *frame); /* the function that runs; or NULL */
    int code;                /* of the error; 0: none, and the members below are not set */
    const async_site *site;
    char message[MESSAGE_SIZE];
};
extern _Thread_local struct thread_call *async__thread_call
        __attribute__((tls_model("initial-exec")));

/* async_fail_text() for t, which has not ended. */
const char *async__task_message(const async_task *t, int code);

/* Add a location to the traceback of the current task: an error passes it on its way out. */
void async__trace_add(int err, const async_site *site);

/* The deadline of s has interrupted its body: make this the error of the current task. */
void async__trace_timeout(const async_scope *s);

/* Do the message and traceback in the body of t belong to an error with that code that it fails
 * with now? */
bool async__error_is_current(const async_task *t, int code);

/* The causes of whatever t fails with now. */
const async_error *async__error_causes(async_task *t);

/* Create a record of the failure of t, with the causes that t has collected. Returns NULL if there
 * is no memory; then only the message, the traceback and the causes are lost. */
async_error *async__error_new(async_task *t, int code);

/* The same for a task of that name that could not be created. */
async_error *async__error_not_started(const char *task, int code, const char *message,
                                      const async_site *created);

/* Free e, its causes, and what follows it. */
void async__error_free(async_error *e);

/* Free the causes that t has collected, and go on with result. In debug mode the errors of a group
 * are reported if the program has neither looked at them nor failed with them. */
void async__error_free_causes(async_task *t, int result);

/* Make these errors the cause of whatever fails next in t, in place of earlier ones. */
void async__error_set_cause(async_task *t, async_error *list);

/* The same with the errors of g, which has ended and still owns them. */
void async__error_from_group(async_task *t, async_group *g);

/* Report the failure of t on stderr, with its traceback and its causes; as: under the name of
 * another error. */
void async__report(async_task *t, int code);
void async__report_as(async_task *t, int code, int as);

/* Report the failure of t if it was never retrieved. Called before its record goes. */
void async__report_unretrieved(const async_task *t);

/* The same for a list of errors, which may be NULL, and for the errors of a group. */
void async__report_unretrieved_list(const async_error *e);
void async__report_unretrieved_group(const async_error *e);

/* All errors of a list were retrieved: debug mode does not report them. */
void async__errors_mark_retrieved(async_error *list);

/* The error with which a part of t has ended is ignored on purpose, and so are its causes. */
void async__errors_ignore(async_task *t);

#endif
