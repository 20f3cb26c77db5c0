/* SPDX-License-Identifier: MIT */
/* check.c - the table of rules, and the run of all rules over one file. */
#include "source.h"

#include <stdlib.h>

/* Every rule once: its name in messages and allow comments, its line in --help, and its check. To
 * add a rule, write its file and add it here. */
static const struct lint_rule {
    const char *name, *summary;
    bool tasks_only; /* examine only functions that run in tasks */
    void (*check)(struct source *s, const struct function *f);
} rules[] = {
    /* how blocks are left */
    { "return-in-block", "return or goto leaves an await_ block and discards its result", false,
      check_return_in_block },
    { "break-in-block", "break or continue leaves an await_ block, not the loop around it", false,
      check_break_in_block },
    { "unread-result", "the result of an await_ block is never read", false, check_unread_result },
    /* what tasks call */
    { "blocking", "a call blocks every task of the loop", true, check_blocking },
    { "lock-over-await", "an await_ call while a lock between threads is held", true,
      check_lock_over_await },
    { "never-awaited", "a coroutine is created but never awaited", false, check_never_awaited },
    { "swallowed-cancel", "a loop never ends once its task is cancelled", true,
      check_swallowed_cancel },
    /* what tasks are given */
    { "short-lived-argument", "a task gets the address of a variable that ends before it", false,
      check_short_lived_argument },
    { "local-in-background", "a background task gets the address of a local variable", false,
      check_local_in_background },
    { "leaked-argument", "memory leaks if the task that gets it never starts", false,
      check_leaked_argument },
    /* errors */
    { "stale-errno", "errno is read after an await_ call, which does not set it", false,
      check_stale_errno },
    { "positive-error", "async_fail() with a code that is not negative", false,
      check_positive_error },
    { "try-return-type", "ASYNC_TRY() in a function that cannot return a negative error", false,
      check_try_return_type },
    /* the last one is reported by check_allow() */
    { "unused-allow", "an allow comment that allows nothing", false, NULL },
};
enum { RULES = sizeof rules / sizeof *rules };

const char *lint_rule_name(size_t i)
{
    return i < RULES ? rules[i].name : NULL;
}

const char *lint_rule_summary(size_t i)
{
    return i < RULES ? rules[i].summary : NULL;
}

static bool is_rule(const char *name, size_t n)
{
    for (size_t i = 0; i < RULES; i++)
        if (rules[i].check && strlen(rules[i].name) == n && memcmp(rules[i].name, name, n) == 0)
            return true;
    return false;
}

/* Report each name in an allow comment that allowed nothing: it is outdated or misspelt. Only the
 * first name can be misspelt, since prose may follow the names: "allow blocking, as it is
 * short". */
static void check_allow(struct source *s, const struct allow *a)
{
    const char *list = a->names, *name;
    uint32_t bit = 1;
    size_t n = next_allowed_name(&list, a->names + a->size, &name);
    if (!is_rule(name, n))
        report_always(s, a->line, a->column,
                      "no rule is named '%.*s'; 'asyncio lint --rules' lists the rules", (int)n,
                      name);
    for (; is_rule(name, n); n = next_allowed_name(&list, a->names + a->size, &name), bit <<= 1) {
        if (!(a->used & bit))
            report_always(s, a->line, a->column,
                          "nothing to allow: '%.*s' finds nothing here; remove this comment",
                          (int)n, name);
    }
}

/* Run one rule after the other over all functions. Allow comments are checked last, when all
 * findings have marked the comments that allow them. */
static void check_source(struct source *s)
{
    find_functions(s);
    for (size_t i = 0; i < RULES && rules[i].check; i++) {
        s->rule = rules[i].name;
        for (size_t k = 0; k < s->function_count && !s->no_memory; k++)
            if (s->functions[k].task || !rules[i].tasks_only)
                rules[i].check(s, &s->functions[k]);
    }
    s->rule = rules[RULES - 1].name;
    for (size_t i = 0; i < s->allow_count; i++)
        check_allow(s, &s->allows[i]);
    sort_findings(s->report);
}

bool lint_text(const char *text, size_t size, struct lint_report *ret)
{
    *ret = (struct lint_report){ 0 };
    struct source s = { .report = ret };
    if (tokenize(&s, text, size) && !s.no_memory)
        check_source(&s);
    free(s.tokens);
    free(s.allows);
    free(s.functions);
    if (s.no_memory)
        lint_free(ret);
    return !s.no_memory;
}

void lint_free(struct lint_report *r)
{
    free(r->findings);
    *r = (struct lint_report){ 0 };
}
