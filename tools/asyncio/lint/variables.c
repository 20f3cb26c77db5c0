/* SPDX-License-Identifier: MIT */
/* variables.c - find the declaration that a name refers to.
 *
 * Declarations are recognised by their shape: at the start of a statement at least one word, then
 * declarators. That is enough for the code people write, because an expression statement hardly
 * ever begins with two words. A name for which no declaration is found counts as unknown. */
#include "source.h"

/* Does an attribute-like word with a list in parentheses begin at i, as typeof(x) does? */
static bool is_attribute(const struct source *s, uint32_t i)
{
    static const char *const words[] = { "typeof",  "__typeof__", "__attribute__", "_Alignas",
                                         "alignas", "_Atomic",    "ASYNC_AUTO",    NULL };
    return token_is_one_of(s, i, words) && token_is(s, i + 1, "(");
}

/* Skip what stands before the declarators of the declaration at i: const struct job. Returns the
 * first token behind it, 0 if this is not a declaration. */
static uint32_t skip_specifiers(const struct source *s, uint32_t i)
{
    static const char *const keywords[] = { "return", "goto",     "if",      "else",   "for",
                                            "while",  "do",       "switch",  "case",   "default",
                                            "break",  "continue", "typedef", "sizeof", "co_return",
                                            "delete", "throw",    "using",   NULL };
    static const char *const tags[] = { "struct", "union", "enum", NULL };
    uint32_t at = i, words = 0;
    while (token_is_word(s, at) && !token_is_one_of(s, at, keywords)) {
        if (is_attribute(s, at)) {
            at = token_match(s, at + 1) + 1;
        } else if (token_is_one_of(s, at, tags)) {
            at += token_is_word(s, at + 1) ? 2 : 1;
            if (token_is(s, at, "{"))
                at = token_match(s, at) + 1;
        } else if (token_is_word(s, at + 1) || token_is(s, at + 1, "*") ||
                   token_is(s, at + 1, "&")) {
            at++;
        } else { /* the last word is the name that is declared */
            return words > 0 ? at : 0;
        }
        words++;
    }
    return words > 0 && (token_is(s, at, "*") || token_is(s, at, "&")) ? at : 0;
}

static bool mentions_cleanup(const struct source *s, uint32_t from, uint32_t to)
{
    static const char *const parts[] = { "auto", "AUTO", "cleanup", "free", "scoped", NULL };
    for (uint32_t i = from; i < to; i++)
        for (const char *const *part = parts; *part; part++)
            if (token_is_word(s, i) && !token_is(s, i, "auto") &&
                memmem(s->tokens[i].text, s->tokens[i].size, *part, strlen(*part)))
                return true;
    return false;
}

/* Find the declarator of the word at `use` in the declaration that begins at i, whose declarators
 * begin at `at`. A reference of C++ declares no object of its own. */
static bool find_declarator(const struct source *s, uint32_t i, uint32_t at, uint32_t use,
                            struct variable *ret)
{
    static const char *const prefixes[] = { "*", "const", "restrict", "volatile", NULL };
    static const char *const ends[] = { ";", ",", ":", ")", NULL };
    for (uint32_t first = at; at + 1 < s->count && !token_is(s, at, ";"); at++) {
        while (token_is_one_of(s, at, prefixes))
            at++;
        if (token_is_word(s, at) && tokens_equal(s, at, use)) {
            *ret = (struct variable){ .name = at, .array = token_is(s, at + 1, "[") };
            ret->is_static =
                    range_contains(s, i, first, "static") || range_contains(s, i, first, "extern");
            ret->cleaned = mentions_cleanup(s, i, first);
            return true;
        }
        while (at + 1 < s->count && !token_is_one_of(s, at, ends))
            at = token_opens(s, at) ? token_match(s, at) + 1 : at + 1;
        if (!token_is(s, at, ","))
            return false;
    }
    return false;
}

static bool find_in_declaration(const struct source *s, uint32_t i, uint32_t use,
                                struct variable *ret)
{
    uint32_t at = skip_specifiers(s, i);
    return at && find_declarator(s, i, at, use, ret);
}

/* The loop head at i declares what lives for the whole loop, or of await_for_each for each item. */
static bool find_in_loop_head(const struct source *s, uint32_t i, uint32_t use,
                              struct variable *ret)
{
    if (!token_is(s, i + 1, "("))
        return false;
    if (token_is(s, i, "await_for_each") && tokens_equal(s, i + 4, use))
        *ret = (struct variable){ .name = i + 4 };
    else if (!token_is(s, i, "for") || !find_in_declaration(s, i + 2, use, ret))
        return false;
    ret->loop = true;
    ret->scope = statement_end(s, i);
    return ret->scope >= use;
}

/* Parameters are the last words before a comma or the closing parenthesis: (int)id, char *name. */
static bool find_parameter(const struct source *s, const struct function *f, uint32_t use,
                           struct variable *ret)
{
    uint32_t close = f->open - 1;
    while (close > 0 && !token_is(s, close, ")"))
        close--;
    for (uint32_t i = token_match(s, close) + 1; i < close; i++) {
        bool last = token_is(s, i + 1, ",") || i + 1 == close;
        if (last && token_is_word(s, i) && tokens_equal(s, i, use) && i != f->name) {
            *ret = (struct variable){ .name = i, .scope = f->close };
            return true;
        }
    }
    return false;
}

bool find_variable(const struct source *s, const struct function *f, uint32_t use,
                   struct variable *ret)
{
    bool found = token_is_word(s, use) && find_parameter(s, f, use, ret);
    for (uint32_t i = f->open + 1; i < use && token_is_word(s, use); i++) {
        struct variable v;
        if (token_is(s, i, "{") && token_match(s, i) < use) { /* not visible from here */
            i = token_match(s, i);
        } else if (find_in_loop_head(s, i, use, &v)) {
            *ret = v;
            found = true;
        } else if (begins_statement(s, i) && find_in_declaration(s, i, use, &v)) {
            *ret = v;
            ret->scope = token_match(s, braces_around(s, i));
            found = true;
        }
    }
    return found;
}

bool is_variable_use(const struct source *s, uint32_t i, uint32_t name)
{
    return token_is_word(s, i) && tokens_equal(s, i, name) && !token_is(s, i - 1, ".") &&
           !token_is(s, i - 1, "->") && !token_is(s, i - 1, "goto");
}
