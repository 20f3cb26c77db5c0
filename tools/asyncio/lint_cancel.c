/* SPDX-License-Identifier: MIT */
/* lint_cancel.c - the rule `swallowed-cancel`: a loop that goes on when its task is cancelled. Each await_ in it fails with
 * -ECANCELED from then on, at once, so such a loop spins, and the loop of the tasks stands still. */
#include "lint_source.h"

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

static bool loop_at(const struct source *s, uint32_t i, struct loop_of *l)
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
        if (is(s, i, "while") && is(s, l->body, ";")) /* that of do, or an empty one */
            return false;
    } else {
        return false;
    }
    bool one = l->to == l->from + 1;
    l->ever = l->ever || (one && (is(s, l->from, "1") || is(s, l->from, "true")));
    return true;
}

/* The variable that gets what is awaited at i: r in `r = await_x()`, and in `await_timeout (r, 1)`; or 0. */
static uint32_t verdict_of(const struct source *s, uint32_t i)
{
    if (is_block(s, i))
        return is_word(s, i + 2) ? i + 2 : 0;
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
    for (uint32_t i = l->body; i < l->end; i++)
        if (is_await(s, i))
            return true;
    return false;
}

/* Is every result thrown away, so that not even a flag can end the loop? */
static bool ignores_all(const struct source *s, const struct loop_of *l)
{
    for (uint32_t i = l->body; i < l->end; i++)
        if (is_await(s, i) && !(is(s, i - 1, "(") && is(s, i - 2, "async_ignore")) &&
            !is(s, i - 1, "!") && !is(s, i - 1, ")"))
            return false;
    return true;
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
        if (!fails || !depends(s, l, i + 2, close))
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
        if (!loop_at(s, i, &l) || l.counted || !awaits(s, &l) || knows_of_cancel(s, &l) ||
            depends(s, &l, l.from, l.to))
            continue;
        uint32_t at = failing_continue(s, &l);
        if (at)
            lint_found(s, LINT_CANCEL, at,
                       "goes on with -ECANCELED, too: a cancelled task would run this loop for ever");
        else if (!has_way_out(s, &l) && (l.ever || ignores_all(s, &l)))
            lint_found(s, LINT_CANCEL, i,
                       "no failure ends this loop: a cancelled task would run it for ever, without a pause");
    }
}
