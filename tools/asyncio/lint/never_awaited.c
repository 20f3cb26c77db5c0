/* SPDX-License-Identifier: MIT */
/* never_awaited.c - the rule `never-awaited`: a coroutine object that is created and dropped.
 * Calling a coroutine runs nothing; only await_, async_spawn() and their like do. */
#include "source.h"

/* Is the call from i to close a statement of its own, or discarded by (void) or async_ignore()? */
static bool is_discarded(const struct source *s, uint32_t i, uint32_t close)
{
    if (token_is(s, i - 1, "(") && i > 1 && token_is(s, i - 2, "async_ignore"))
        return true;
    if (!token_is(s, close + 1, ";"))
        return false;
    if (!token_is(s, i - 1, ")"))
        return begins_statement(s, i);
    /* (void)fetch(); or if (x) fetch(); but not (int)fetch(), which is a value */
    uint32_t open = token_match(s, i - 1);
    bool cast = open + 2 == i - 1 && token_is(s, open + 1, "void");
    return cast || token_is(s, open - 1, "if") || token_is(s, open - 1, "while") ||
           token_is(s, open - 1, "for");
}

/* Does `async_co c = ...` begin at i, with no mention of c behind it? */
static bool is_unused_object(const struct source *s, const struct function *f, uint32_t i)
{
    if (!token_is(s, i, "async_co") || !token_is_word(s, i + 1) || !token_is(s, i + 2, "="))
        return false;
    for (uint32_t at = i + 2; at < f->close; at++)
        if (tokens_equal(s, at, i + 1))
            return false;
    return true;
}

void check_never_awaited(struct source *s, const struct function *f)
{
    for (uint32_t i = f->open + 1; i < f->close; i++) {
        if (is_unused_object(s, f, i))
            report_finding(s, i + 1, "coroutine '%.*s' is never awaited, so it never runs",
                           TOKEN_ARG(s, i + 1));
        else if (is_call(s, i) && is_discarded(s, i, token_match(s, i + 1)) && is_coroutine(s, i))
            report_finding(s, i,
                           "coroutine '%.*s' is created but never awaited, so it never runs; "
                           "await it, or start it with async_spawn()",
                           TOKEN_ARG(s, i));
    }
}
