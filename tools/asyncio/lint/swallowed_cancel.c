/* SPDX-License-Identifier: MIT */
/* swallowed_cancel.c - the rule `swallowed-cancel`: a loop that goes on when its task is
 * cancelled. From then on every await_ call in it fails at once with -ECANCELED, so the loop
 * spins, and no other task runs. */
#include "source.h"

/* Return the variable that stores the result of the await_ at i: r in `r = (int)await_x()` and in
 * `await_timeout (r, 1)`; 0 if there is none. */
static uint32_t result_variable(const struct source *s, uint32_t i)
{
    if (is_await_block(s, i))
        return token_is_word(s, i + 2) ? i + 2 : 0;
    i = skip_casts_back(s, i);
    return token_is(s, i - 1, "=") && token_is_word(s, i - 2) ? i - 2 : 0;
}

/* Does the result of an await_ call in the loop occur between from and to? */
static bool depends_on_await(const struct source *s, const struct loop *l, uint32_t from,
                             uint32_t to)
{
    for (uint32_t i = from; i < to; i++)
        if (is_await_call(s, i))
            return true;
    for (uint32_t i = l->body; i < l->end; i++) {
        uint32_t r = is_await_call(s, i) || is_await_block(s, i) ? result_variable(s, i) : 0;
        for (uint32_t at = from; r && at < to; at++)
            if (at != r && token_is_word(s, at) && tokens_equal(s, at, r))
                return true;
    }
    return false;
}

static bool handles_cancel(const struct source *s, const struct loop *l)
{
    static const char *const words[] = { "ECANCELED", "async_cancelling", "async_uncancel",
                                         "async_cancel_cause", NULL };
    for (uint32_t i = l->at; i <= l->end || i < l->to; i++)
        if (token_is_one_of(s, i, words))
            return true;
    return false;
}

static bool loop_awaits(const struct source *s, const struct loop *l)
{
    for (uint32_t i = l->at; i < l->end || i < l->to; i++)
        if (is_await_call(s, i))
            return true;
    return false;
}

/* Is the result of the await_ call at i discarded? A call that stands alone returns nothing. */
static bool is_result_ignored(const struct source *s, uint32_t i)
{
    if (token_is(s, i - 1, "(") && token_is(s, i - 2, "async_ignore"))
        return true;
    return token_is(s, i - 1, "!") || range_contains(s, skip_casts_back(s, i), i, "void");
}

/* Are all results discarded, so that a failure cannot even set a flag that ends the loop? */
static bool ignores_all_results(const struct source *s, const struct loop *l)
{
    for (uint32_t i = l->body; i < l->end; i++)
        if (is_await_call(s, i) && !is_result_ignored(s, i))
            return false;
    return true;
}

/* ---- conditions that stay true when an await_ call fails ---- */

static void strip_parentheses(const struct source *s, uint32_t *from, uint32_t *to)
{
    while (*from + 1 < *to && token_is(s, *from, "(") && token_match(s, *from) == *to - 1) {
        ++*from;
        --*to;
    }
}

/* Return the first of these operators outside of brackets; `to` if there is none. */
static uint32_t find_operator(const struct source *s, uint32_t from, uint32_t to,
                              const char *const *operators)
{
    for (uint32_t i = from; i < to; i++) {
        if (token_is_one_of(s, i, operators))
            return i;
        if (token_opens(s, i))
            i = token_match(s, i);
    }
    return to;
}

/* Does r hold the result of an await_ call, and nothing else anywhere in the loop? */
static bool holds_result_only(const struct source *s, const struct loop *l, uint32_t r)
{
    bool awaited = false;
    for (uint32_t i = l->at; i < l->end || i < l->to; i++) {
        if (token_is_word(s, i) && tokens_equal(s, i, r) &&
            (token_is(s, i - 1, "&") || token_is(s, i + 1, "="))) {
            uint32_t at = i + 2;
            while (token_is(s, at, "(") && is_cast(s, at))
                at = token_match(s, at) + 1;
            if (token_is(s, i - 1, "&") || !is_await_call(s, at))
                return false;
            awaited = true;
        }
        awaited |= is_await_block(s, i) && tokens_equal(s, i + 2, r);
    }
    return awaited;
}

/* Is the expression the result of an await_ call: the call, its assignment, a variable with it? */
static bool is_awaited_value(const struct source *s, const struct loop *l, uint32_t from,
                             uint32_t to)
{
    static const char *const assigns[] = { "=", NULL };
    strip_parentheses(s, &from, &to);
    uint32_t at = find_operator(s, from, to, assigns);
    if (at < to)
        return is_awaited_value(s, l, at + 1, to);
    while (from < to && token_is(s, from, "(") && is_cast(s, from))
        from = token_match(s, from) + 1;
    if (is_await_call(s, from))
        return token_match(s, from + 1) == to - 1;
    return to == from + 1 && token_is_word(s, from) && holds_result_only(s, l, from);
}

/* Is the expression a number such as 0, or an error such as -EAGAIN, which -ECANCELED is not? */
static bool is_error_number(const struct source *s, uint32_t from, uint32_t to, bool *negative)
{
    strip_parentheses(s, &from, &to);
    *negative = token_is(s, from, "-");
    from += *negative;
    return to == from + 1 &&
           (s->tokens[from].kind == TOKEN_NUMBER || (*negative && token_is_word(s, from)));
}

/* Is the comparison at `at` true whenever the await_ call in it fails with -ECANCELED? */
static bool comparison_holds(const struct source *s, const struct loop *l, uint32_t from,
                             uint32_t at, uint32_t to)
{
    bool negative, turned = is_error_number(s, from, at, &negative);
    if (!turned && !is_error_number(s, at + 1, to, &negative))
        return false;
    if (!is_awaited_value(s, l, turned ? at + 1 : from, turned ? to : at))
        return false;
    bool less = turned ? token_is(s, at, ">") || token_is(s, at, ">=")
                       : token_is(s, at, "<") || token_is(s, at, "<=");
    return token_is(s, at, "!=") || (less && !negative);
}

/* Is the condition true whenever the await_ calls of the loop fail with -ECANCELED? */
static bool holds_on_failure(const struct source *s, const struct loop *l, uint32_t from,
                             uint32_t to)
{
    static const char *const either[] = { "||", NULL }, *const both[] = { "&&", NULL },
                             *const compares[] = { "<", ">", "<=", ">=", "==", "!=", NULL },
                             *const others[] = { "?", ",", NULL };
    strip_parentheses(s, &from, &to);
    if (from >= to || find_operator(s, from, to, others) < to)
        return false;
    uint32_t at = find_operator(s, from, to, either);
    if (at < to)
        return holds_on_failure(s, l, from, at) || holds_on_failure(s, l, at + 1, to);
    at = find_operator(s, from, to, both);
    if (at < to)
        return holds_on_failure(s, l, from, at) && holds_on_failure(s, l, at + 1, to);
    at = find_operator(s, from, to, compares);
    return at < to ? comparison_holds(s, l, from, at, to) : is_awaited_value(s, l, from, to);
}

/* Is the condition of the `if` at i true when an await_ call has failed? */
static bool if_tests_failure(const struct source *s, const struct loop *l, uint32_t i)
{
    uint32_t close = token_match(s, i + 1);
    bool fails = false;
    for (uint32_t at = i + 2; at < close; at++)
        fails |= (token_is(s, at, "<") || token_is(s, at, "!=")) && token_is(s, at + 1, "0");
    return (fails && depends_on_await(s, l, i + 2, close)) || holds_on_failure(s, l, i + 2, close);
}

/* Return the first `continue` of the loop that is taken after a failure, as in
 * `if (await_x() < 0) continue;`; 0 if there is none. */
static uint32_t find_failing_continue(const struct source *s, const struct loop *l)
{
    for (uint32_t i = l->body; i < l->end; i++) {
        if (!token_is(s, i, "if") || !token_is(s, i + 1, "(") || !break_ends_loop(s, l, i) ||
            !if_tests_failure(s, l, i))
            continue;
        uint32_t body = token_match(s, i + 1) + 1, last = statement_end(s, body);
        if (token_is(s, body, "{")) /* the continue must be the last statement */
            last--;
        if (token_is(s, last, ";") && token_is(s, last - 1, "continue"))
            return last - 1;
    }
    return 0;
}

void check_swallowed_cancel(struct source *s, const struct function *f)
{
    for (uint32_t i = f->open; i < f->close; i++) {
        struct loop l;
        if (!read_loop(s, f, i, &l) || !loop_awaits(s, &l) || handles_cancel(s, &l))
            continue;
        bool goes_on = holds_on_failure(s, &l, l.from, l.to);
        if (!goes_on && (l.counted || depends_on_await(s, &l, l.from, l.to)))
            continue;
        uint32_t at = find_failing_continue(s, &l);
        if (at)
            report_finding(s, at,
                           "continues after -ECANCELED, too, so a cancelled task would repeat this "
                           "loop for ever; leave it on -ECANCELED");
        else if (!loop_has_exit(s, &l) && (l.endless || goes_on || ignores_all_results(s, &l)))
            report_finding(
                    s, i,
                    "no failure ends this loop, so a cancelled task would repeat it for ever; "
                    "leave it on -ECANCELED");
    }
}
