/* SPDX-License-Identifier: MIT */
/* report.c - collect findings, except those that a comment in the source allows. */
#include "source.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static void __attribute__((format(printf, 4, 0)))
add_finding(struct source *s, int line, int column, const char *fmt, va_list args)
{
    struct lint_report *r = s->report;
    struct lint_finding *grown =
            grow_array(s, r->findings, r->count, &s->finding_room, sizeof *grown);
    if (!grown)
        return;
    r->findings = grown;
    struct lint_finding *f = &r->findings[r->count++];
    *f = (struct lint_finding){ .line = line, .column = column, .rule = s->rule };
    vsnprintf(f->text, sizeof f->text, fmt, args);
}

void report_always(struct source *s, int line, int column, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    add_finding(s, line, column, fmt, args);
    va_end(args);
}

/* Return the bit of the running rule in the list of an allow comment; 0 if it is not listed. */
static uint32_t allowed_bit(const struct source *s, const struct allow *a)
{
    const char *list = a->names, *name;
    uint32_t bit = 1;
    for (size_t n; (n = next_allowed_name(&list, a->names + a->size, &name)) > 0; bit <<= 1)
        if (strlen(s->rule) == n && memcmp(s->rule, name, n) == 0)
            return bit;
    return 0;
}

/* Does a comment allow a finding of the running rule in this line? All comments that do are marked
 * as used, since one that never is gets reported itself. */
static bool is_allowed(struct source *s, int line)
{
    bool allowed = false;
    for (size_t i = 0; i < s->allow_count; i++) {
        struct allow *a = &s->allows[i];
        int last = a->alone ? s->tokens[a->next].line : a->last_line;
        uint32_t bit = allowed_bit(s, a);
        if (!bit || !(a->file || (line >= a->line && line <= last)))
            continue;
        a->used |= bit;
        allowed = true;
    }
    return allowed;
}

void report_finding(struct source *s, uint32_t at, const char *fmt, ...)
{
    const struct token *t = &s->tokens[at];
    if (is_allowed(s, t->line))
        return;
    va_list args;
    va_start(args, fmt);
    add_finding(s, t->line, t->column, fmt, args);
    va_end(args);
}

static int compare_findings(const void *a, const void *b)
{
    const struct lint_finding *x = a, *y = b;
    if (x->line != y->line)
        return x->line > y->line ? 1 : -1;
    if (x->column != y->column)
        return x->column > y->column ? 1 : -1;
    return strcmp(x->rule, y->rule);
}

void sort_findings(struct lint_report *r)
{
    if (r->count > 0)
        qsort(r->findings, r->count, sizeof *r->findings, compare_findings);
}
