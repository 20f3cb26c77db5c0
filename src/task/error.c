/* SPDX-License-Identifier: MIT */
/* error.c - the message and traceback of the current error, and the records of failures.
 * error_print.c prints them. */
#include "task/error.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/alloc.h"

_Thread_local struct thread_call *async__thread_call;

/* The error that occurred last outside of tasks and thread calls: that of a run, or of a task on
 * another thread's loop. */
static _Thread_local struct thread_call outside;

static struct thread_call *thread_call_here(void)
{
    return async__thread_call ? async__thread_call : &outside;
}

static async_task *current_task(void)
{
    struct loop *l = async__loop;
    return l ? l->sched.current : NULL;
}

/* Does what the body holds of an error stem from before the task last suspended? */
static bool is_stale(const async_task *t, uint8_t flag)
{
    return t->node.why & flag;
}

/* --- the current error --- */

static void begin_trace(async_task *t, int code)
{
    struct task_body *b = t->body;
    b->trace_code = code;
    b->trace_depth = 0;
    t->node.why &= (uint8_t)~STALE_TRACE;
    b->message[0] = '\0';
}

static void begin_outside(struct thread_call *c, int code, const async_site *site)
{
    c->code = code;
    c->site = site;
    c->message[0] = '\0';
}

void async__trace_add(int err, const async_site *site)
{
    async_task *t = current_task();
    struct task_body *b = t ? t->body : NULL;
    if (!b && thread_call_here()->code != err)
        begin_outside(thread_call_here(), err, site);
    if (!b)
        return;
    if (b->trace_code != err || is_stale(t, STALE_TRACE))
        begin_trace(t, err);
    if (b->trace_depth < TRACE_DEPTH)
        b->trace[b->trace_depth++] = site;
}

/* The message is formatted into a buffer of its own, because the arguments may point into the old
 * message. */
int async_fail_at(int code, const async_site *site, const char *fmt, ...)
{
    async_task *t = current_task();
    struct task_body *b = t ? t->body : NULL;
    char message[MESSAGE_SIZE];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(message, sizeof message, fmt, ap);
    va_end(ap);
    if (code > 0) { /* a caller would take it for a result */
        async__warn("async_fail(%d): an error code must be negative; %d is used: %s", code, -code,
                    message);
        code = -code;
    }
    if (b) {
        begin_trace(t, code);
        memcpy(b->message, message, sizeof message);
        if (site)
            b->trace[b->trace_depth++] = site;
    } else {
        begin_outside(thread_call_here(), code, site);
        memcpy(thread_call_here()->message, message, sizeof message);
    }
    return code;
}

void async__trace_timeout(const async_scope *s)
{
    async_task *t = s->task;
    struct task_body *b = t->body;
    const async_site *site = s->cause.site;
    if (b->trace_code != -ECANCELED || is_stale(t, STALE_TRACE))
        begin_trace(t, -ETIMEDOUT);
    /* What was recorded of -ECANCELED on the way here is the traceback of the timeout. */
    b->trace_code = -ETIMEDOUT;
    if (site)
        snprintf(b->message, sizeof b->message, "the timeout set in %s, %s:%d", site->func,
                 site->file, site->line);
}

/* If the error has no message of its own, use that of the error with the same code that caused it,
 * if there is one: a group and a generator pass errors on. */
static const char *message_of(const async_error *e, int code)
{
    while (!e->text[0]) {
        const async_error *c = e->cause;
        while (c && c->code != code)
            c = c->next;
        if (!c)
            break;
        e = c;
    }
    return e->text;
}

void async__errors_mark_retrieved(async_error *list)
{
    for (; list; list = list->next)
        list->retrieved = true;
}

static bool all_retrieved(const async_error *list)
{
    while (list && list->retrieved)
        list = list->next;
    return !list;
}

void async__errors_ignore(async_task *t)
{
    async__errors_mark_retrieved(t->body->cause);
}

/* The message of an error with that code among the causes that t has collected, or NULL. */
static const char *message_of_cause(const async_task *t, int code)
{
    const struct task_body *b = t->body;
    async_error *first = b->failed ? b->failed->errors : b->cause;
    if (is_stale(t, STALE_CAUSE) || !first)
        return NULL;
    const async_error *e = async_error_find(first, code);
    if (e)
        async__errors_mark_retrieved(first);
    return e ? message_of(e, code) : NULL;
}

const char *async__task_message(const async_task *t, int code)
{
    const struct task_body *b = t->body;
    if (b->trace_code == code && b->message[0] && !is_stale(t, STALE_TRACE))
        return b->message;
    const char *message = message_of_cause(t, code);
    return message ? message : "";
}

const char *async_fail_text(int code)
{
    const async_task *t = current_task();
    if (t)
        return async__task_message(t, code);
    const struct thread_call *c = thread_call_here();
    return c->code == code ? c->message : "";
}

/* --- records --- */

void async__error_free_causes(async_task *t, int result)
{
    async_error *causes = t->body->cause;
    t->body->cause = NULL;
    if (unlikely(t->loop->debug) && result >= 0 && !all_retrieved(causes))
        async__report_unretrieved_group(causes);
    async__error_free(causes);
}

static void drop_stale_cause(async_task *t)
{
    if (is_stale(t, STALE_CAUSE))
        async__error_free_causes(t, 0);
}

const async_error *async__error_causes(async_task *t)
{
    drop_stale_cause(t);
    return t->body->cause;
}

/* Create a record. The strings and the locations are copied into it. */
static async_error *new_record(int code, const char *task, const char *message,
                               const async_site *const *trace, int depth)
{
    size_t trace_size = (size_t)depth * sizeof *trace;
    size_t name_size = strlen(task) + 1, message_size = strlen(message) + 1;
    async_error *e = async__malloc(sizeof *e + trace_size + name_size + message_size);
    if (!e)
        return NULL;
    const async_site **sites = (const async_site **)(e + 1);
    char *strings = (char *)(sites + depth);
    *e = (async_error){ .code = code,
                        .task = memcpy(strings, task, name_size),
                        .text = memcpy(strings + name_size, message, message_size),
                        .site = depth ? trace[0] : NULL,
                        .trace = depth ? memcpy(sites, trace, trace_size) : sites,
                        .trace_depth = depth };
    return e;
}

/* Is what the body holds the message and traceback of this error? An error that occurred before the
 * task last suspended was handled, even if the task fails with the same code later. */
bool async__error_is_current(const async_task *t, int code)
{
    return t->body->trace_code == code && !is_stale(t, STALE_TRACE);
}

async_error *async__error_new(async_task *t, int code)
{
    struct task_body *b = t->body;
    bool current = async__error_is_current(t, code);
    drop_stale_cause(t);
    async_error *e = new_record(code, async__task_label(t).text, current ? b->message : "",
                                b->trace, current ? b->trace_depth : 0);
    if (!e)
        return NULL;
    e->created = b->site;
    e->cause = b->cause;
    for (async_error *c = b->cause; c; c = c->next)
        c->parent = e;
    b->cause = NULL;
    return e;
}

async_error *async__error_not_started(const char *task, int code, const char *message,
                                      const async_site *created)
{
    async_error *e = new_record(code, task, message, NULL, 0);
    if (e)
        e->created = created;
    return e;
}

/* Without recursion, because groups may be nested deeply: the causes of an error are put in front
 * of what is left to do. */
void async__error_free(async_error *e)
{
    while (e) {
        if (e->cause) {
            async_error *last = e->cause;
            while (last->next)
                last = last->next;
            last->next = e->next;
            e->next = e->cause;
        }
        async_error *next = e->next;
        async__free(e);
        e = next;
    }
}

void async__error_from_group(async_task *t, async_group *g)
{
    t->body->failed = g;
    t->node.why &= (uint8_t)~STALE_CAUSE;
}

void async__error_set_cause(async_task *t, async_error *list)
{
    async__error_free_causes(t, 0);
    t->body->cause = list;
    t->node.why &= (uint8_t)~STALE_CAUSE;
}

const async_error *async_error_next(const async_error *e)
{
    if (e->cause)
        return e->cause;
    while (e && !e->next)
        e = e->parent;
    return e ? e->next : NULL;
}

const async_error *async_error_find(const async_error *e, int code)
{
    while (e && e->code != code)
        e = async_error_next(e);
    return e;
}
