/* SPDX-License-Identifier: MIT */
/* statements.c - calls, casts and await_ blocks; where a statement ends, and what surrounds a
 * token. All of it is decided from tokens alone, so a macro that expands to a statement is taken
 * for the call that it looks like. */
#include "source.h"

bool is_call(const struct source *s, uint32_t i)
{
    static const char *const keywords[] = { "return", "else", "do", "case", "co_return", NULL };
    if (!token_is_word(s, i) || i + 1 >= s->count || !token_is(s, i + 1, "(") || i == 0)
        return false;
    if (token_is(s, i - 1, ".") || token_is(s, i - 1, "->"))
        return false;
    /* A word in front makes it a declaration, unless that word is a keyword. */
    return !token_is_word(s, i - 1) || token_is_one_of(s, i - 1, keywords);
}

bool is_keyword(const struct source *s, uint32_t i)
{
    static const char *const keywords[] = { "if",       "for",    "while",  "switch",
                                            "do",       "else",   "return", "sizeof",
                                            "_Alignof", "typeof", "case",   NULL };
    return token_is_one_of(s, i, keywords);
}

bool is_await_block(const struct source *s, uint32_t i)
{
    static const char *const blocks[] = {
        "await_group",    "await_with", "await_timeout", "await_timeout_at", "await_shield",
        "await_for_each", NULL
    };
    return token_is_word(s, i) && i + 1 < s->count && token_is(s, i + 1, "(") &&
           token_is_one_of(s, i, blocks);
}

bool is_await_call(const struct source *s, uint32_t i)
{
    return token_starts_with(s, i, "await_") && is_call(s, i) && !is_await_block(s, i);
}

/* A cast is taken to be nothing but words and stars in parentheses. */
bool is_cast(const struct source *s, uint32_t open)
{
    uint32_t close = token_match(s, open), i = open + 1;
    while (i < close && (token_is_word(s, i) || token_is(s, i, "*")))
        i++;
    return i == close && close > open + 1;
}

uint32_t skip_casts_back(const struct source *s, uint32_t i)
{
    static const char *const heads[] = { "if", "while", "for", "switch", NULL };
    while (token_is(s, i - 1, ")") && is_cast(s, token_match(s, i - 1))) {
        uint32_t open = token_match(s, i - 1);
        if (token_is_one_of(s, open - 1, heads) || is_call(s, open - 1) ||
            is_await_block(s, open - 1))
            break;
        i = open;
    }
    return i;
}

static uint32_t do_statement_end(const struct source *s, uint32_t i)
{
    uint32_t end = statement_end(s, i + 1);
    while (end + 1 < s->count && !token_is(s, end, ";"))
        end = token_is(s, end + 1, "(") ? token_match(s, end + 1) : end + 1;
    return end;
}

uint32_t statement_end(const struct source *s, uint32_t i)
{
    static const char *const heads[] = { "if", "for", "while", "switch", NULL };
    if (token_is(s, i, "{"))
        return token_match(s, i);
    if (token_is(s, i, "do"))
        return do_statement_end(s, i);
    if ((token_is_one_of(s, i, heads) && token_is(s, i + 1, "(")) || is_await_block(s, i)) {
        uint32_t end = statement_end(s, token_match(s, i + 1) + 1);
        bool other = token_is(s, i, "if") && end + 1 < s->count && token_is(s, end + 1, "else");
        return other ? statement_end(s, end + 2) : end;
    }
    while (i + 1 < s->count && !token_is(s, i, ";") && !token_is(s, i, "}"))
        i = token_opens(s, i) ? token_match(s, i) + 1 : i + 1;
    return i;
}

uint32_t braces_around(const struct source *s, uint32_t i)
{
    while (i > 0 && !token_is(s, --i, "{"))
        if (token_is(s, i, "}"))
            i = token_match(s, i);
    return i;
}

bool begins_statement(const struct source *s, uint32_t i)
{
    static const char *const before[] = { ";", "{", "}", "else", "do", ":", NULL };
    return i > 0 && token_is_one_of(s, i - 1, before);
}

/* ---- what surrounds a token ---- */

/* A word, a list in parentheses and braces: a macro that is followed by a body. */
static bool is_macro_body(const struct source *s, uint32_t i)
{
    return token_is_word(s, i) && token_is(s, i + 1, "(") && i + 1 < s->count &&
           token_is(s, token_match(s, i + 1) + 1, "{") && !token_is(s, i, "else");
}

/* Return what kind of enclosing statement begins at i; 0 for any other token. */
static int enclosing_kind(const struct source *s, uint32_t i)
{
    if (!token_is_word(s, i) || i + 1 >= s->count)
        return 0;
    if (token_is(s, i, "do"))
        return INSIDE_LOOP;
    if (!token_is(s, i + 1, "(") || token_is(s, i, "if"))
        return 0;
    if (token_is(s, i, "for") || token_is(s, i, "while"))
        return INSIDE_LOOP;
    if (token_is(s, i, "switch"))
        return INSIDE_SWITCH;
    if (is_await_block(s, i))
        return token_is(s, i, "await_for_each") ? INSIDE_FOR_EACH : INSIDE_BLOCK;
    return is_macro_body(s, i) ? INSIDE_MACRO : 0;
}

bool find_enclosing(const struct source *s, uint32_t from, uint32_t i, int kinds,
                    struct enclosing *ret)
{
    bool found = false;
    for (uint32_t at = from; at < i; at++) {
        int kind = enclosing_kind(s, at);
        if (!(kind & kinds))
            continue;
        uint32_t body =
                kind == INSIDE_LOOP && token_is(s, at, "do") ? at + 1 : token_match(s, at + 1) + 1;
        uint32_t end = statement_end(s, body);
        if (i >= body && i <= end) {
            *ret = (struct enclosing){ at, body, end, kind };
            found = true;
        }
    }
    return found;
}
