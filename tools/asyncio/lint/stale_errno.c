/* SPDX-License-Identifier: MIT */
/* stale_errno.c - the rule `stale-errno`: errno is read because an await_ call has failed. An
 * await_ function returns a negative errno value and does not set errno, so that what is read
 * there is the error of some earlier call. */
#include "source.h"

#include <ctype.h>

/* Does a format string contain %m, which prints errno? */
static bool prints_errno(const struct token *t)
{
    for (const char *p = t->text, *end = p + t->size; p + 1 < end; p++) {
        if (*p != '%')
            continue;
        p++;
        while (p < end && (isdigit((unsigned char)*p) || strchr("-+ #.", *p)))
            p++;
        if (p < end && *p == 'm')
            return true;
    }
    return false;
}

/* Is the string at i the format of a call that prints? A format of scanf may contain %ms. */
static bool is_printed_format(const struct source *s, uint32_t i)
{
    static const char *const printers[] = { "printf",  "fprintf",    "snprintf",
                                            "sprintf", "dprintf",    "asprintf",
                                            "syslog",  "async_fail", NULL };
    for (uint32_t at = i > 12 ? i - 12 : 0; at < i; at++)
        if (token_is_one_of(s, at, printers) && token_is(s, at + 1, "(") &&
            token_match(s, at + 1) > i)
            return prints_errno(&s->tokens[i]);
    return false;
}

static bool reads_errno(const struct source *s, uint32_t i)
{
    if (s->tokens[i].kind == TOKEN_STRING)
        return is_printed_format(s, i);
    if (token_is(s, i, "perror"))
        return is_call(s, i);
    return token_is(s, i, "errno") && !token_is(s, i + 1, "=") && !token_is(s, i - 1, "&") &&
           !token_is(s, i - 1, ".") && !token_is(s, i - 1, "->");
}

/* Return the call that ends last before i; 0 if there is none, or errno is assigned behind it. A
 * call around i has not been made yet. */
static uint32_t last_call_before(const struct source *s, const struct function *f, uint32_t i)
{
    static const char *const transparent[] = { "ASYNC_TRY", "async_ignore", "likely", "unlikely",
                                               NULL };
    uint32_t call = 0, assigned = 0;
    for (uint32_t at = f->open; at < i; at++) {
        if (token_is(s, at, "errno") && token_is(s, at + 1, "="))
            assigned = at;
        if (!is_call(s, at) || is_keyword(s, at) || token_is_one_of(s, at, transparent))
            continue;
        uint32_t close = token_match(s, at + 1);
        if (close < i && (!call || close > token_match(s, call + 1)))
            call = at;
    }
    return assigned > call ? 0 : call;
}

/* Is the function or the coroutine that is awaited at i defined in this file? Then it may set
 * errno, whatever its name promises. */
static bool is_of_file(const struct source *s, uint32_t i)
{
    for (size_t k = 0; k < s->function_count; k++) {
        const struct token *name = &s->tokens[s->functions[k].name], *t = &s->tokens[i];
        if (tokens_equal(s, s->functions[k].name, i) ||
            (name->size + 6 == t->size && memcmp(t->text + 6, name->text, name->size) == 0))
            return true;
    }
    return false;
}

/* Is the variable r used among the tokens from <= i < to? r = 0 means none. */
static bool range_uses_variable(const struct source *s, uint32_t from, uint32_t to, uint32_t r)
{
    for (uint32_t i = from; r && i < to; i++)
        if (is_variable_use(s, i, r))
            return true;
    return false;
}

/* Is errno read at i because of the result of the await_ call? That is so if a condition around i,
 * or before it in its own expression, tests that result. Otherwise errno may be that of an earlier
 * call, since a task keeps its errno while it is suspended. */
static bool depends_on_call(const struct source *s, uint32_t call, uint32_t i)
{
    uint32_t close = token_match(s, call + 1), before = skip_casts_back(s, call);
    uint32_t r = token_is(s, before - 1, "=") && token_is_word(s, before - 2) ? before - 2 : 0;
    for (uint32_t at = call > 64 ? call - 64 : 1; at < i; at++) {
        bool condition =
                (token_is(s, at, "if") || token_is(s, at, "while")) && token_is(s, at + 1, "(");
        uint32_t end = condition ? token_match(s, at + 1) : 0;
        if (!condition || end > i || statement_end(s, end + 1) < i)
            continue;
        if ((at < call && close < end) || (at > close && range_uses_variable(s, at, end, r)))
            return true;
    }
    bool tested = token_is(s, close + 1, "<") || token_is(s, close + 1, "!=");
    uint32_t from = close + 1;
    for (uint32_t at = close + 1; at < i; at++)
        if (token_is(s, at, ";") || token_is(s, at, "{")) {
            tested = false;
            from = at + 1;
        }
    return tested || (range_contains(s, from, i, "?") && range_uses_variable(s, from, i, r));
}

void check_stale_errno(struct source *s, const struct function *f)
{
    for (uint32_t i = f->open + 1; i < f->close; i++) {
        uint32_t call = reads_errno(s, i) ? last_call_before(s, f, i) : 0;
        if (!call || !is_await_call(s, call) || is_of_file(s, call) || !depends_on_call(s, call, i))
            continue;
        bool format = s->tokens[i].kind == TOKEN_STRING;
        const char *what = token_is(s, i, "errno") ? "errno is read, but"
                           : format                ? "%m prints errno, but"
                                                   : "perror() prints errno, but";
        report_finding(s, i,
                       "%s %.*s() does not set errno: it returns a negative errno value, so use "
                       "its result",
                       what, TOKEN_ARG(s, call));
    }
}
