/* SPDX-License-Identifier: MIT */
/* swallowed_cancel.c - the rule `swallowed-cancel`: a loop that goes on when its task is cancelled. Each await_ in it fails with
 * -ECANCELED from then on, at once, so such a loop spins, and the loop of the tasks stands still. */
#include "source.h"

struct loop_of {
    uint32_t at;        /* for, while, do */
    uint32_t from, to;  /* the condition: from <= i < to */
    uint32_t body, end; /* the statement: from its first to its last token */
    bool counted, ever; /* ends by itself, never ends by its condition */
};

/* for (a; b; c): where b begins and ends. */
static void condition_of_for(const struct source *s, uint32_t open, struct loop_of *l)
{
    uint32_t semicolons[2] = { open, open }, n = 0;
    for (uint32_t i = open + 1; i < match(s, open) && n < 2; i++) {
        if (is(s, i, "(") || is(s, i, "[") || is(s, i, "{"))
            i = match(s, i);
        else if (is(s, i, ";"))
            semicolons[n++] = i;
    }
    if (n < 2) { /* for (x : xs) of C++ */
        l->counted = true;
        return;
    }
    l->from = semicolons[0] + 1;
    l->to = semicolons[1];
    l->ever = l->from == l->to;
    l->counted = !l->ever && semicolons[1] + 1 < match(s, open);
}

/* Is the while at i that of a do? */
static bool ends_a_do(const struct source *s, const struct function *f, uint32_t i)
{
    for (uint32_t at = f->open; at < i; at++)
        if (is(s, at, "do") && statement_end(s, at + 1) + 1 == i)
            return true;
    return false;
}

static bool loop_at(const struct source *s, const struct function *f, uint32_t i, struct loop_of *l)
{
    *l = (struct loop_of){ .at = i };
    if (is(s, i, "do")) {
        uint32_t last = statement_end(s, i + 1);
        l->body = i + 1;
        l->end = last;
        if (!is(s, last + 1, "while") || !is(s, last + 2, "("))
            return false;
        l->from = last + 3;
        l->to = match(s, last + 2);
    } else if ((is(s, i, "while") || is(s, i, "for")) && is(s, i + 1, "(")) {
        if (is(s, i, "for")) {
            condition_of_for(s, i + 1, l);
        } else {
            l->from = i + 2;
            l->to = match(s, i + 1);
        }
        l->body = match(s, i + 1) + 1;
        l->end = statement_end(s, l->body);
        if (is(s, i, "while") && is(s, l->body, ";") && ends_a_do(s, f, i))
            return false;
    } else {
        return false;
    }
    bool one = l->to == l->from + 1;
    l->ever = l->ever || (one && (is(s, l->from, "1") || is(s, l->from, "true")));
    return true;
}

/* (int), (const char *): nothing but words and stars. */
static bool is_cast(const struct source *s, uint32_t open)
{
    uint32_t close = match(s, open), i = open + 1;
    while (i < close && (is_word(s, i) || is(s, i, "*")))
        i++;
    return i == close && close > open + 1;
}

/* The first token of what stands before i as casts, or i. */
static uint32_t before_casts(const struct source *s, uint32_t i)
{
    static const char *const heads[] = { "if", "while", "for", "switch", NULL };
    while (is(s, i - 1, ")") && is_cast(s, match(s, i - 1))) {
        uint32_t open = match(s, i - 1);
        if (is_one_of(s, open - 1, heads) || is_call(s, open - 1) || is_block(s, open - 1))
            break;
        i = open;
    }
    return i;
}

/* The variable that gets what is awaited at i: r in `r = (int)await_x()`, and in `await_timeout (r, 1)`; or 0. */
static uint32_t verdict_of(const struct source *s, uint32_t i)
{
    if (is_block(s, i))
        return is_word(s, i + 2) ? i + 2 : 0;
    i = before_casts(s, i);
    return is(s, i - 1, "=") && is_word(s, i - 2) ? i - 2 : 0;
}

/* Does what was awaited in the loop stand between from and to? */
static bool depends(const struct source *s, const struct loop_of *l, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++)
        if (is_await(s, i))
            return true;
    for (uint32_t i = l->body; i < l->end; i++) {
        uint32_t r = is_await(s, i) || is_block(s, i) ? verdict_of(s, i) : 0;
        for (uint32_t at = from; r && at < to; at++)
            if (at != r && is_word(s, at) && same(s, at, r))
                return true;
    }
    return false;
}

/* Does a break at i end the loop, and not something in it? */
static bool breaks(const struct source *s, const struct loop_of *l, uint32_t i)
{
    for (uint32_t at = l->body; at < i; at++) {
        bool inner = is(s, at, "for") || is(s, at, "while") || is(s, at, "do") || is(s, at, "switch");
        if ((inner || is_block(s, at)) && statement_end(s, at) >= i)
            return false;
    }
    return true;
}

static bool has_way_out(const struct source *s, const struct loop_of *l)
{
    static const char *const ends[] = { "return", "goto",        "ASYNC_TRY", "exit",  "_exit",
                                        "abort",  "await_yield", "co_return", "throw", NULL };
    for (uint32_t i = l->body; i <= l->end; i++)
        if (is_one_of(s, i, ends) || (is(s, i, "break") && breaks(s, l, i)))
            return true;
    return false;
}

static bool knows_of_cancel(const struct source *s, const struct loop_of *l)
{
    static const char *const words[] = { "ECANCELED", "async_cancelling", "async_uncancel",
                                         "async_cancel_cause", NULL };
    for (uint32_t i = l->at; i <= l->end || i < l->to; i++)
        if (is_one_of(s, i, words))
            return true;
    return false;
}

static bool awaits(const struct source *s, const struct loop_of *l)
{
    for (uint32_t i = l->at; i < l->end || i < l->to; i++)
        if (is_await(s, i))
            return true;
    return false;
}

/* Is the result of the await at i thrown away? One that stands alone has none. */
static bool is_ignored(const struct source *s, uint32_t i)
{
    if (is(s, i - 1, "(") && is(s, i - 2, "async_ignore"))
        return true;
    return is(s, i - 1, "!") || contains(s, before_casts(s, i), i, "void");
}

/* Is every result thrown away, so that not even a flag can end the loop? */
static bool ignores_all(const struct source *s, const struct loop_of *l)
{
    for (uint32_t i = l->body; i < l->end; i++)
        if (is_await(s, i) && !is_ignored(s, i))
            return false;
    return true;
}

/* ---- conditions that a failure keeps true ---- */

/* Without the brackets around all of it. */
static void strip(const struct source *s, uint32_t *from, uint32_t *to)
{
    while (*from + 1 < *to && is(s, *from, "(") && match(s, *from) == *to - 1) {
        ++*from;
        --*to;
    }
}

/* The first of these operators that is in no brackets; to: there is none. */
static uint32_t operator_in(const struct source *s, uint32_t from, uint32_t to, const char *const *ops)
{
    for (uint32_t i = from; i < to; i++) {
        if (is_one_of(s, i, ops))
            return i;
        if (is(s, i, "(") || is(s, i, "[") || is(s, i, "{"))
            i = match(s, i);
    }
    return to;
}

/* Has r in this loop what was awaited, and nothing else ever? */
static bool is_verdict(const struct source *s, const struct loop_of *l, uint32_t r)
{
    bool awaited = false;
    for (uint32_t i = l->at; i < l->end || i < l->to; i++) {
        if (is_word(s, i) && same(s, i, r) && (is(s, i - 1, "&") || is(s, i + 1, "="))) {
            uint32_t at = i + 2;
            while (is(s, at, "(") && is_cast(s, at))
                at = match(s, at) + 1;
            if (is(s, i - 1, "&") || !is_await(s, at))
                return false;
            awaited = true;
        }
        awaited |= is_block(s, i) && same(s, i + 2, r);
    }
    return awaited;
}

/* Is it what an await gave: a call, an assignment of one, a variable that has it? */
static bool is_awaited(const struct source *s, const struct loop_of *l, uint32_t from, uint32_t to)
{
    static const char *const assigns[] = { "=", NULL };
    strip(s, &from, &to);
    uint32_t at = operator_in(s, from, to, assigns);
    if (at < to)
        return is_awaited(s, l, at + 1, to);
    while (from < to && is(s, from, "(") && is_cast(s, from))
        from = match(s, from) + 1;
    if (is_await(s, from))
        return match(s, from + 1) == to - 1;
    return to == from + 1 && is_word(s, from) && is_verdict(s, l, from);
}

/* 0 or 3; or -EAGAIN, which no cancel is. */
static bool is_number(const struct source *s, uint32_t from, uint32_t to, bool *negative)
{
    strip(s, &from, &to);
    *negative = is(s, from, "-");
    from += *negative;
    return to == from + 1 && (s->tokens[from].kind == TOKEN_NUMBER || (*negative && is_word(s, from)));
}

static bool comparison_holds(const struct source *s, const struct loop_of *l, uint32_t from,
                             uint32_t at, uint32_t to)
{
    bool negative, turned = is_number(s, from, at, &negative);
    if (!turned && !is_number(s, at + 1, to, &negative))
        return false;
    if (!is_awaited(s, l, turned ? at + 1 : from, turned ? to : at))
        return false;
    bool less = turned ? is(s, at, ">") || is(s, at, ">=") : is(s, at, "<") || is(s, at, "<=");
    return is(s, at, "!=") || (less && !negative);
}

/* Is the condition true whenever what is awaited in the loop has failed? */
static bool holds_on_failure(const struct source *s, const struct loop_of *l, uint32_t from, uint32_t to)
{
    static const char *const or [] = { "||", NULL }, *const and[] = { "&&", NULL },
                                *const compares[] = { "<", ">", "<=", ">=", "==", "!=", NULL },
                                *const others[] = { "?", ",", NULL };
    strip(s, &from, &to);
    if (from >= to || operator_in(s, from, to, others) < to)
        return false;
    uint32_t at = operator_in(s, from, to, or);
    if (at < to)
        return holds_on_failure(s, l, from, at) || holds_on_failure(s, l, at + 1, to);
    at = operator_in(s, from, to, and);
    if (at < to)
        return holds_on_failure(s, l, from, at) && holds_on_failure(s, l, at + 1, to);
    at = operator_in(s, from, to, compares);
    return at < to ? comparison_holds(s, l, from, at, to) : is_awaited(s, l, from, to);
}

/* The first `continue` of the loop after an await that failed: if (await_x() < 0) continue; or 0. */
static uint32_t failing_continue(const struct source *s, const struct loop_of *l)
{
    for (uint32_t i = l->body; i < l->end; i++) {
        if (!is(s, i, "if") || !is(s, i + 1, "(") || !breaks(s, l, i))
            continue;
        uint32_t close = match(s, i + 1), last = statement_end(s, close + 1);
        bool fails = false;
        for (uint32_t at = i + 2; at < close; at++)
            fails |= (is(s, at, "<") || is(s, at, "!=")) && is(s, at + 1, "0");
        if (!(fails && depends(s, l, i + 2, close)) && !holds_on_failure(s, l, i + 2, close))
            continue;
        if (is(s, close + 1, "{")) /* only as the last thing of it */
            last = statement_end(s, close + 1) - 1;
        if (is(s, last, ";") && is(s, last - 1, "continue"))
            return last - 1;
    }
    return 0;
}

void lint_cancel(struct source *s, const struct function *f)
{
    for (uint32_t i = f->open; i < f->close; i++) {
        struct loop_of l;
        if (!loop_at(s, f, i, &l) || !awaits(s, &l) || knows_of_cancel(s, &l))
            continue;
        bool goes_on = holds_on_failure(s, &l, l.from, l.to);
        if (!goes_on && (l.counted || depends(s, &l, l.from, l.to)))
            continue;
        uint32_t at = failing_continue(s, &l);
        if (at)
            lint_found(s, LINT_CANCEL, at,
                       "goes on with -ECANCELED, too: a cancelled task would run this loop for ever");
        else if (!has_way_out(s, &l) && (l.ever || goes_on || ignores_all(s, &l)))
            lint_found(s, LINT_CANCEL, i,
                       "no failure ends this loop: a cancelled task would run it for ever, without a pause");
    }
}
