/* SPDX-License-Identifier: MIT */
/* loops.c - read for, while and do: their condition, their body, and whether they can end. */
#include "source.h"

/* Read the condition of for (a; condition; c). */
static void read_for_condition(const struct source *s, uint32_t open, struct loop *l)
{
    uint32_t semicolons[2] = { open, open }, n = 0;
    for (uint32_t i = open + 1; i < token_match(s, open) && n < 2; i++) {
        if (token_opens(s, i))
            i = token_match(s, i);
        else if (token_is(s, i, ";"))
            semicolons[n++] = i;
    }
    if (n < 2) { /* for (x : list) of C++ */
        l->counted = true;
        return;
    }
    l->from = semicolons[0] + 1;
    l->to = semicolons[1];
    l->endless = l->from == l->to;
    l->counted = !l->endless && semicolons[1] + 1 < token_match(s, open);
}

/* Does the `while` at i end a do statement? */
static bool ends_do(const struct source *s, const struct function *f, uint32_t i)
{
    for (uint32_t at = f->open; at < i; at++)
        if (token_is(s, at, "do") && statement_end(s, at + 1) + 1 == i)
            return true;
    return false;
}

static bool read_do(const struct source *s, uint32_t i, struct loop *l)
{
    uint32_t last = statement_end(s, i + 1);
    if (!token_is(s, last + 1, "while") || !token_is(s, last + 2, "("))
        return false;
    l->body = i + 1;
    l->end = last;
    l->from = last + 3;
    l->to = token_match(s, last + 2);
    return true;
}

static bool read_for_or_while(const struct source *s, const struct function *f, uint32_t i,
                              struct loop *l)
{
    if (token_is(s, i, "for")) {
        read_for_condition(s, i + 1, l);
    } else {
        l->from = i + 2;
        l->to = token_match(s, i + 1);
    }
    l->body = token_match(s, i + 1) + 1;
    l->end = statement_end(s, l->body);
    return !(token_is(s, i, "while") && token_is(s, l->body, ";") && ends_do(s, f, i));
}

bool read_loop(const struct source *s, const struct function *f, uint32_t i, struct loop *ret)
{
    *ret = (struct loop){ .at = i };
    bool heads = (token_is(s, i, "while") || token_is(s, i, "for")) && token_is(s, i + 1, "(");
    if (!(token_is(s, i, "do") ? read_do(s, i, ret) : heads && read_for_or_while(s, f, i, ret)))
        return false;
    bool one = ret->to == ret->from + 1;
    if (one && (token_is(s, ret->from, "1") || token_is(s, ret->from, "true")))
        ret->endless = true;
    return true;
}

bool break_ends_loop(const struct source *s, const struct loop *l, uint32_t i)
{
    struct enclosing inner;
    return !find_enclosing(s, l->body, i,
                           INSIDE_LOOP | INSIDE_SWITCH | INSIDE_BLOCK | INSIDE_FOR_EACH, &inner);
}

bool loop_has_exit(const struct source *s, const struct loop *l)
{
    static const char *const ends[] = { "return", "goto",        "ASYNC_TRY", "exit",  "_exit",
                                        "abort",  "await_yield", "co_return", "throw", NULL };
    for (uint32_t i = l->body; i <= l->end; i++)
        if (token_is_one_of(s, i, ends) || (token_is(s, i, "break") && break_ends_loop(s, l, i)))
            return true;
    return false;
}
