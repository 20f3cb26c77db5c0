/* SPDX-License-Identifier: MIT */
/* flow.c - the rules `return-in-block` and `never-awaited`. */
#include "source.h"

/* ---- blocks ---- */

static bool is_inside(uint32_t i, uint32_t from, uint32_t to)
{
    return i > from && i <= to;
}

/* goto done: does done: stand in the same block? */
static bool jumps_within(const struct source *s, uint32_t i, uint32_t from, uint32_t to)
{
    for (uint32_t at = from; at < to; at++)
        if (at != i + 1 && same(s, at, i + 1) && is(s, at + 1, ":"))
            return true;
    return false;
}

/* The innermost block around i that begins in the function: its name, or 0. */
static uint32_t block_around(const struct source *s, const struct function *f, uint32_t i, uint32_t *end)
{
    uint32_t found = 0;
    for (uint32_t at = f->open; at < i; at++) {
        if (!is_block(s, at))
            continue;
        uint32_t last = statement_end(s, at);
        if (is_inside(i, match(s, at + 1), last)) {
            found = at;
            *end = last;
        }
    }
    return found;
}

void lint_blocks(struct source *s, const struct function *f)
{
    for (uint32_t i = f->open; i < f->close; i++) {
        bool jump = is(s, i, "goto");
        if (!is_word(s, i) || (!jump && !is(s, i, "return")))
            continue;
        uint32_t end = 0, block = block_around(s, f, i, &end);
        if (block && !(jump && jumps_within(s, i, block, end)))
            lint_found(s, LINT_RETURN, i,
                       "%s leaves %.*s of line %d without its verdict: use ASYNC_TRY, or set its variable and break",
                       jump ? "goto" : "return", SAID(s, block), s->tokens[block].line);
    }
}

/* ---- coroutines that nobody awaits ---- */

/* Is the call that ends at close a statement of its own, or thrown away by (void) or async_ignore()? */
static bool is_dropped(const struct source *s, uint32_t i, uint32_t close)
{
    static const char *const before[] = { ";", "{", "}", "else", "do", ":", NULL };
    if (is(s, i - 1, "(") && i > 1 && is(s, i - 2, "async_ignore"))
        return true;
    if (!is(s, close + 1, ";"))
        return false;
    if (!is(s, i - 1, ")"))
        return is_one_of(s, i - 1, before);
    uint32_t open =
            match(s, i - 1); /* (void)fetch(); or if (x) fetch(); but not (int)fetch() of a value */
    bool cast = open + 2 == i - 1 && is(s, open + 1, "void");
    return cast || is(s, open - 1, "if") || is(s, open - 1, "while") || is(s, open - 1, "for");
}

/* async_co c = ..., of which nothing is said any more. */
static bool is_unused_object(const struct source *s, const struct function *f, uint32_t i)
{
    if (!is(s, i, "async_co") || !is_word(s, i + 1) || !is(s, i + 2, "="))
        return false;
    for (uint32_t at = i + 2; at < f->close; at++)
        if (same(s, at, i + 1))
            return false;
    return true;
}

void lint_forgotten(struct source *s, const struct function *f)
{
    for (uint32_t i = f->open + 1; i < f->close; i++) {
        if (is_unused_object(s, f, i))
            lint_found(s, LINT_FORGOTTEN, i + 1, "the coroutine '%.*s' is never awaited",
                       SAID(s, i + 1));
        else if (is_call(s, i) && is_dropped(s, i, match(s, i + 1)) && is_coroutine(s, i))
            lint_found(s, LINT_FORGOTTEN, i,
                       "the coroutine '%.*s' is made and never awaited: nothing runs", SAID(s, i));
    }
}
