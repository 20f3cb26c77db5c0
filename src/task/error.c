/* SPDX-License-Identifier: MIT */
#include "task/error.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/alloc.h"

_Thread_local struct thread_call *async__thread_call;

/* What is said of errors outside of tasks and errands: of a run, of what another thread's loop was asked for. */
static _Thread_local struct thread_call own;

static struct thread_call *thread_call_here(void)
{
    return async__thread_call ? async__thread_call : &own;
}

static async_task *current_task(void)
{
    struct loop *l = async__loop;
    return l ? l->current : NULL;
}

/* What is said of an error in the body is from before the task last suspended. */
static bool is_stale(const async_task *t, uint8_t flag)
{
    return t->node.why & flag;
}

static void begin_trace(async_task *t, int code)
{
    struct body *b = t->body;
    b->trace_code = code;
    b->trace_depth = 0;
    t->node.why &= (uint8_t)~STALE_TRACE;
    b->text[0] = '\0';
}

static void begin_thread_call(struct thread_call *e, int code, const async_site *site)
{
    e->code = code;
    e->site = site;
    e->text[0] = '\0';
}

void async__trace_add(int err, const async_site *site)
{
    async_task *t = current_task();
    struct body *b = t ? t->body : NULL;
    if (!b && thread_call_here()->code != err)
        begin_thread_call(thread_call_here(), err, site);
    if (!b)
        return;
    if (b->trace_code != err || is_stale(t, STALE_TRACE))
        begin_trace(t, err);
    if (b->trace_depth < TRACE_DEPTH)
        b->trace[b->trace_depth++] = site;
}

int async_fail_at(int code, const async_site *site, const char *fmt, ...)
{
    async_task *t = current_task();
    struct body *b = t ? t->body : NULL;
    char text[TEXT_SIZE]; /* apart: the arguments may be the old text */
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (b) {
        begin_trace(t, code);
        memcpy(b->text, text, sizeof text);
        if (site)
            b->trace[b->trace_depth++] = site;
    } else {
        begin_thread_call(thread_call_here(), code, site);
        memcpy(thread_call_here()->text, text, sizeof text);
    }
    return code;
}

/* Whose error has no words may have passed on one that has: that of a group or of a generator. */
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

const char *async__text_of(const async_task *t, int code)
{
    const struct body *b = t->body;
    if (b->trace_code == code && b->text[0] && !is_stale(t, STALE_TRACE))
        return b->text;
    const async_error *e = b->failed ? async_group_errors(b->failed) : b->cause;
    if (is_stale(t, STALE_CAUSE))
        e = NULL;
    if (e)
        e = async_error_find(e, code);
    return e ? message_of(e, code) : "";
}

const char *async_fail_text(int code)
{
    const async_task *t = current_task();
    const struct thread_call *e = thread_call_here();
    if (t)
        return async__text_of(t, code);
    return e->code == code ? e->text : "";
}

/* The limit of s has ended a call: what was noted of -ECANCELED on the way here is the traceback of that. */
void async__trace_timeout(const async_scope *s)
{
    async_task *t = s->task;
    struct body *b = t->body;
    const async_site *site = s->cause.site;
    if (b->trace_code != -ECANCELED || is_stale(t, STALE_TRACE))
        begin_trace(t, -ETIMEDOUT);
    b->trace_code = -ETIMEDOUT;
    if (site)
        snprintf(b->text, sizeof b->text, "the limit set in %s, %s:%d", site->func, site->file,
                 site->line);
}

static void drop_stale_cause(async_task *t)
{
    if (!is_stale(t, STALE_CAUSE))
        return;
    async__error_free(t->body->cause);
    t->body->cause = NULL;
}

/* Strings and places are copied. */
static async_error *record(int code, const char *task, const char *text,
                           const async_site *const *trace, int depth)
{
    size_t trace_size = (size_t)depth * sizeof *trace;
    size_t name_size = strlen(task) + 1, text_size = strlen(text) + 1;
    async_error *e = async__malloc(sizeof *e + trace_size + name_size + text_size);
    if (!e)
        return NULL;
    const async_site **places = (const async_site **)(e + 1);
    char *words = (char *)(places + depth);
    *e = (async_error){ .code = code,
                        .task = memcpy(words, task, name_size),
                        .text = memcpy(words + name_size, text, text_size),
                        .site = depth ? trace[0] : NULL,
                        .trace = depth ? memcpy(places, trace, trace_size) : places,
                        .trace_depth = depth };
    return e;
}

async_error *async__error_new(async_task *t, int code)
{
    struct body *b = t->body;
    bool noted = b->trace_code == code;
    drop_stale_cause(t);
    async_error *e = record(code, t->name, noted ? b->text : "", b->trace, noted ? b->trace_depth : 0);
    if (!e)
        return NULL;
    e->created = b->site;
    e->cause = b->cause;
    for (async_error *c = b->cause; c; c = c->next)
        c->parent = e;
    b->cause = NULL;
    return e;
}

async_error *async__error_not_started(const char *task, int code, const char *text, const async_site *created)
{
    async_error *e = record(code, task, text, NULL, 0);
    if (e)
        e->created = created;
    return e;
}

/* Without recursion: groups in groups may be nested deeply. */
void async__error_free(async_error *e)
{
    while (e) {
        if (e->cause) { /* put the causes in front of what is left to do */
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
    async__error_free(t->body->cause);
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

static int depth_of(const async_error *e)
{
    int depth = 0;
    for (const async_error *p = e->parent; p; p = p->parent)
        depth++;
    return depth;
}

static void print_line(const async_error *e)
{
    fprintf(stderr, "%*s%s: %s%s%s", 2 * depth_of(e), "", e->task, strerror(-e->code),
            e->text[0] ? ": " : "", e->text);
    if (e->site)
        fprintf(stderr, " (%s:%d)", e->site->file, e->site->line);
    fputc('\n', stderr);
}

void async_error_print(const async_error *e)
{
    for (; e; e = async_error_next(e))
        print_line(e);
}

static void print_trace(const async_site *const *trace, int depth, const async_site *created, int indent)
{
    for (int i = 0; i < depth; i++)
        fprintf(stderr, "%*sat %s, %s:%d\n", indent, "", trace[i]->func, trace[i]->file,
                trace[i]->line);
    if (created)
        fprintf(stderr, "%*screated in %s, %s:%d\n", indent, "", created->func, created->file,
                created->line);
}

void async_error_print_traces(const async_error *e)
{
    for (; e; e = async_error_next(e)) {
        print_line(e);
        print_trace(e->trace, e->trace_depth, e->created, 2 * depth_of(e) + 4);
    }
}

void async__report(async_task *t, int code)
{
    async__report_as(t, code, code);
}

void async__report_as(async_task *t, int code, int as)
{
    struct body *b = t->body;
    bool noted = b->trace_code == code;
    drop_stale_cause(t);
    if (async__log.silent)
        return;
    fprintf(stderr, "%s: %s%s%s\n", t->name, strerror(-as), noted && b->text[0] ? ": " : "",
            noted ? b->text : "");
    print_trace(b->trace, noted ? b->trace_depth : 0, b->site, 4);
    async_error_print(b->cause);
}

void async__report_unretrieved(const async_task *t)
{
    if (!t->error)
        return;
    async__warn("an error that nobody has read:");
    if (!async__log.silent)
        async_error_print_traces(t->error);
}
