/* SPDX-License-Identifier: MIT */
/* report.c - what the rules find, what comments allow, and in which order it is told. */
#include "source.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

const char *const lint_rule_names[LINT_RULES] = {
    [LINT_RETURN] = "return-in-block",  [LINT_BLOCKING] = "blocking",
    [LINT_LOCK] = "lock-over-await",    [LINT_FORGOTTEN] = "never-awaited",
    [LINT_CANCEL] = "swallowed-cancel", [LINT_ALLOW] = "unused-allow",
};

void *lint_grow(struct source *s, void *array, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return array;
    size_t more = *room ? 2 * *room : 64;
    void *larger = more < UINT32_MAX / 2 ? reallocarray(array, more, size) : NULL;
    if (!larger) {
        s->no_memory = true;
        return NULL;
    }
    *room = more;
    return larger;
}

void lint_found_at(struct source *s, enum lint_rule rule, int line, int column, const char *text)
{
    struct lint_report *r = s->report;
    struct lint_finding *slot = lint_grow(s, r->findings, r->count, &s->finding_room, sizeof *slot);
    if (!slot)
        return;
    r->findings = slot;
    struct lint_finding *f = &r->findings[r->count++];
    *f = (struct lint_finding){ .line = line, .column = column, .rule = rule };
    snprintf(f->text, sizeof f->text, "%s", text);
}

/* Does a comment allow it? */
static bool is_allowed(struct source *s, enum lint_rule rule, int line)
{
    bool allowed = false;
    for (size_t i = 0; i < s->allow_count; i++) {
        struct allow *a = &s->allows[i];
        int to = a->alone ? s->tokens[a->next].line : a->to;
        if (!(a->rules & 1U << rule) || !(a->file || (line >= a->from && line <= to)))
            continue;
        a->used |= 1U << rule;
        allowed = true;
    }
    return allowed;
}

void lint_found(struct source *s, enum lint_rule rule, uint32_t at, const char *fmt, ...)
{
    const struct token *t = &s->tokens[at];
    if (is_allowed(s, rule, t->line))
        return;
    char text[sizeof s->report->findings->text];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    lint_found_at(s, rule, t->line, t->column, text);
}

/* A comment that allows what is not there is out of date, or misspelt. */
static void check_allows(struct source *s)
{
    for (size_t i = 0; i < s->allow_count; i++) {
        const struct allow *a = &s->allows[i];
        if (!a->rules)
            lint_found_at(s, LINT_ALLOW, a->line, a->column,
                          "no rule has that name; 'asyncio lint --rules' lists them");
        for (int rule = 0; rule < LINT_ALLOW; rule++) {
            char text[80];
            snprintf(text, sizeof text, "there is nothing to allow: %s", lint_rule_names[rule]);
            if (a->rules & ~a->used & 1U << rule)
                lint_found_at(s, LINT_ALLOW, a->line, a->column, text);
        }
    }
}

static int by_place(const void *a, const void *b)
{
    const struct lint_finding *x = a, *y = b;
    return x->line != y->line ? (x->line > y->line) - (x->line < y->line)
                              : (x->column > y->column) - (x->column < y->column);
}

static void look(struct source *s)
{
    lint_functions(s);
    for (size_t i = 0; i < s->function_count && !s->no_memory; i++) {
        const struct function *f = &s->functions[i];
        lint_blocks(s, f);
        lint_forgotten(s, f);
        if (!f->task)
            continue;
        lint_blocking(s, f);
        lint_locks(s, f);
        lint_cancel(s, f);
    }
    check_allows(s);
    if (s->report->count > 0)
        qsort(s->report->findings, s->report->count, sizeof *s->report->findings, by_place);
}

bool lint_text(const char *text, size_t size, struct lint_report *ret)
{
    *ret = (struct lint_report){ 0 };
    struct source s = { .report = ret };
    if (lint_tokens(&s, text, size) && !s.no_memory)
        look(&s);
    free(s.tokens);
    free(s.allows);
    free(s.functions);
    if (s.no_memory)
        lint_free(ret);
    return !s.no_memory;
}

void lint_free(struct lint_report *r)
{
    free(r->findings);
    *r = (struct lint_report){ 0 };
}
