/* SPDX-License-Identifier: MIT */
/* error_print.c - errors and their tracebacks on stderr. A tree of errors may have a hundred
 * thousand entries and be as deep, so the output and the indentation are limited. */
#include <stdio.h>

#include "task/error.h"

enum { LINES_MAX = 200, INDENT_MAX = 40 };

/* --- the tree --- */

static int indent_of(const async_error *e)
{
    int indent = 0;
    for (const async_error *p = e->parent; p && indent < INDENT_MAX; p = p->parent)
        indent += 2;
    return indent;
}

static void print_error(const async_error *e)
{
    fprintf(stderr, "%*s%s: %s%s%s", indent_of(e), "", e->task, strerror(-e->code),
            e->text[0] ? ": " : "", e->text);
    if (e->site)
        fprintf(stderr, " (%s:%d)", e->site->file, e->site->line);
    fputc('\n', stderr);
}

static int print_trace(const async_site *const *trace, int depth, const async_site *created,
                       int indent)
{
    for (int i = 0; i < depth; i++)
        fprintf(stderr, "%*sat %s, %s:%d\n", indent, "", trace[i]->func, trace[i]->file,
                trace[i]->line);
    if (created)
        fprintf(stderr, "%*screated in %s, %s:%d\n", indent, "", created->func, created->file,
                created->line);
    return depth + (created != NULL);
}

/* The error of a group's body stands among the errors of the group. If the task then fails with it,
 * it would be printed twice: as the task's error and as the cause of that. */
static bool repeats(const async_error *e, const char *task, int code, const char *text)
{
    return e->code == code && strcmp(e->task, task) == 0 && strcmp(e->text, text) == 0;
}

static void print_tree(const async_error *e, bool traces)
{
    int lines = 0;
    if (async__log.silent)
        return;
    for (; e && lines < LINES_MAX; e = async_error_next(e)) {
        const async_error *p = e->parent;
        if (p && repeats(e, p->task, p->code, p->text))
            continue;
        print_error(e);
        lines++;
        if (traces)
            lines += print_trace(e->trace, e->trace_depth, e->created, indent_of(e) + 4);
    }
    size_t more = 0;
    for (; e; e = async_error_next(e))
        more++;
    if (more > 0)
        fprintf(stderr, "    and %zu more errors\n", more);
}

void async_error_print(const async_error *e)
{
    print_tree(e, false);
}

void async_error_print_traces(const async_error *e)
{
    print_tree(e, true);
}

/* --- tasks --- */

void async__report(async_task *t, int code)
{
    async__report_as(t, code, code);
}

void async__report_as(async_task *t, int code, int as)
{
    const struct task_body *b = t->body;
    bool current = async__error_is_current(t, code);
    if (async__log.silent)
        return;
    fprintf(stderr, "%s: %s%s%s\n", async__task_label(t).text, strerror(-as),
            current && b->message[0] ? ": " : "", current ? b->message : "");
    print_trace(b->trace, current ? b->trace_depth : 0, b->site, 4);
    const async_error *causes = async__error_causes(t);
    if (causes && repeats(causes, async__task_label(t).text, as, current ? b->message : ""))
        causes = async_error_next(causes);
    async_error_print(causes);
}

void async__report_unretrieved_list(const async_error *e)
{
    if (!e)
        return;
    async__warn("task error was never retrieved:");
    async_error_print_traces(e);
}

void async__report_unretrieved_group(const async_error *e)
{
    async__warn("errors of a group were never retrieved: the task went on after its block; call "
                "async_group_errors() or async_fail_text(), or return the block's result:");
    async_error_print_traces(e);
}

void async__report_unretrieved(const async_task *t)
{
    async__report_unretrieved_list(t->error);
}
