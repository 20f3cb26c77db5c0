/* SPDX-License-Identifier: MIT */
/* leaked_argument.c - the rule `leaked-argument`: memory that only the new task could free. A task
 * that is cancelled before it starts, or refused by its group, never runs, and then nothing frees
 * it. The options .owned and .drop free it in every case.
 *
 * Only memory that this function allocates and keeps no other pointer to is reported. */
#include "source.h"

static bool is_allocation(const struct source *s, uint32_t i)
{
    static const char *const functions[] = { "malloc", "calloc",  "reallocarray",
                                             "strdup", "strndup", "aligned_alloc",
                                             NULL };
    return token_is_one_of(s, i, functions) && is_call(s, i) && !is_function_of_file(s, i);
}

static uint32_t skip_casts(const struct source *s, uint32_t i)
{
    while (token_is(s, i, "(") && is_cast(s, i))
        i = token_match(s, i) + 1;
    return i;
}

/* Return the name of the function whose argument begins at i and is just this token; 0 if it is
 * not an argument. */
static uint32_t call_with_argument(const struct source *s, uint32_t i)
{
    if (!token_is(s, i + 1, ",") && !token_is(s, i + 1, ")"))
        return 0;
    uint32_t at = skip_casts_back(s, i) - 1;
    while (token_is(s, at, "&") || token_is_word(s, at) || token_is(s, at, ",") ||
           token_is(s, at, ")") || token_is(s, at, "]") || token_is(s, at, "->") ||
           token_is(s, at, ".") || token_is(s, at, "*") || token_is(s, at, "+") ||
           token_is(s, at, "-") || s->tokens[at].kind == TOKEN_STRING ||
           s->tokens[at].kind == TOKEN_NUMBER)
        at = token_is(s, at, ")") || token_is(s, at, "]") ? token_match(s, at) - 1 : at - 1;
    return token_is(s, at, "(") && token_is_word(s, at - 1) ? at - 1 : 0;
}

/* Does the use of the pointer at i keep no copy of it? */
static bool keeps_no_copy(const struct source *s, uint32_t i)
{
    static const char *const functions[] = { "free",   "memcpy",  "memset",   "memmove",
                                             "strcpy", "strcat",  "snprintf", "sprintf",
                                             "strlen", "strncpy", "if",       NULL };
    static const char *const tests[] = { "==", "!=", "&&", "||", "?", NULL };
    if (token_is(s, i + 1, "->") || token_is(s, i + 1, "[") || token_is_one_of(s, i + 1, tests) ||
        token_is_one_of(s, i - 1, tests) || token_is(s, i - 1, "!"))
        return true;
    if (token_is(s, i - 1, "*") && (!token_is_word(s, i - 2) || token_is(s, i - 2, "sizeof")))
        return true;
    uint32_t call = call_with_argument(s, i);
    return call && token_is_one_of(s, call, functions);
}

/* Is the use at i an assignment of fresh memory, or of NULL? */
static bool is_fresh(const struct source *s, uint32_t i, bool *allocated)
{
    if (token_is(s, i - 1, "&")) {
        uint32_t call = call_with_argument(s, i);
        bool print = call && (token_is(s, call, "asprintf") || token_is(s, call, "vasprintf"));
        *allocated |= print;
        return print;
    }
    uint32_t value = token_is(s, i + 1, "=") ? skip_casts(s, i + 2) : 0;
    if (!value)
        return false;
    *allocated |= is_allocation(s, value);
    return is_allocation(s, value) || token_is(s, value, "NULL");
}

/* Does the variable at i, given to a spawn, hold memory to which nothing else points? */
static bool is_only_owner(const struct source *s, const struct function *f, const struct spawn *p,
                          uint32_t i)
{
    struct variable v;
    bool allocated = false;
    if (!find_variable(s, f, i, &v) || v.is_static || v.cleaned || v.array)
        return false;
    for (uint32_t at = v.name; at <= v.scope; at++) {
        if (!is_variable_use(s, at, i) || at == i)
            continue;
        if (at > p->end)
            return false;
        bool declared = at == v.name && (token_is(s, at + 1, ";") || token_is(s, at + 1, ","));
        if (!declared && !is_fresh(s, at, &allocated) && !keeps_no_copy(s, at))
            return false;
    }
    return allocated;
}

void check_leaked_argument(struct source *s, const struct function *f)
{
    for (uint32_t i = f->open + 1; i < f->close; i++) {
        struct spawn p;
        if (!read_spawn(s, i, &p) || p.owned || !is_call(s, i))
            continue;
        for (uint32_t from = 0, to = 0; next_argument(s, &p, &from, &to);) {
            uint32_t value = skip_casts(s, from);
            if (is_allocation(s, value) && token_match(s, value + 1) + 1 == to)
                report_finding(s, value,
                               "what %.*s() returns leaks if the task never starts; keep it in a "
                               "variable p, and add the options .owned = p, .drop = free",
                               TOKEN_ARG(s, value));
            else if (value + 1 == to && is_only_owner(s, f, &p, value))
                report_finding(s, value,
                               "'%.*s' leaks if the task never starts; add the options "
                               ".owned = %.*s, .drop = free",
                               TOKEN_ARG(s, value), TOKEN_ARG(s, value));
        }
    }
}
