/* SPDX-License-Identifier: MIT */
/* short_lived_argument.c - the rule `short-lived-argument`: a task gets the address of a variable
 * that is gone, or has the next value, before the task has used it. Most often that is the
 * variable of a loop, or one declared in its body. A task starts only when the function that
 * created it suspends, and a group waits for its tasks behind the loop. */
#include "source.h"

/* Return the end of the await_group block around i whose group has the name at `group`; 0 if there
 * is none, since then it is unknown when the group ends. */
static uint32_t group_end(const struct source *s, const struct function *f, uint32_t i,
                          uint32_t group)
{
    struct enclosing block;
    for (uint32_t at = i; find_enclosing(s, f->open, at, INSIDE_BLOCK, &block); at = block.at)
        if (token_is(s, block.at, "await_group") &&
            tokens_equal(s, token_match(s, block.at + 1) - 1, group))
            return block.end;
    return 0;
}

/* Return the end of the scope of the variable that stores what the spawn returns, or the
 * coroutine; 0 if that is unknown. */
static uint32_t holder_end(const struct source *s, const struct function *f, uint32_t i)
{
    uint32_t name = i;
    if (!token_is(s, i + 1, "[")) { /* not an array of coroutines: t = async_create_task(...) */
        if (!token_is(s, i - 1, "="))
            return 0;
        name = token_is(s, i - 2, "]") ? token_match(s, i - 2) - 1 : i - 2;
    }
    struct variable v;
    return token_is_word(s, name) && find_variable(s, f, name, &v) && !v.is_static ? v.scope : 0;
}

/* Return the last token at which the task may still run; 0 if it is unknown. */
static uint32_t task_end(const struct source *s, const struct function *f, const struct spawn *p)
{
    if (!p->group)
        return holder_end(s, f, p->at);
    bool simple = p->group_end == p->group + 1;
    return simple ? group_end(s, f, p->at, p->group) : 0;
}

/* In the braces of a group itself, the group waits after its body has ended. */
static bool ends_before(const struct spawn *p, uint32_t scope, uint32_t end)
{
    return scope < end || (p->group && scope == end);
}

/* Report the argument, with the remedy that fits what it is the address of. */
static void report_argument(struct source *s, uint32_t at, const struct variable *v)
{
    if (!v->name)
        report_finding(s, at,
                       "a task gets the address of a value that is gone before the task ends; "
                       "declare it outside of the block that waits for the task");
    else if (v->loop)
        report_finding(s, at,
                       "a task gets the address of '%.*s', which changes with each iteration and "
                       "is gone before the task ends; pass its value",
                       TOKEN_ARG(s, v->name));
    else
        report_finding(
                s, at,
                "a task gets the address of '%.*s', which is gone before the task ends; pass "
                "its value, or declare it outside of the block that waits for the task",
                TOKEN_ARG(s, v->name));
}

void check_short_lived_argument(struct source *s, const struct function *f)
{
    for (uint32_t i = f->open + 1; i < f->close; i++) {
        struct spawn p;
        struct variable v;
        uint32_t end = read_spawn(s, i, &p) ? task_end(s, f, &p) : 0;
        if (!end)
            continue;
        for (uint32_t from = 0, to = 0; next_argument(s, &p, &from, &to);)
            if (is_local_address(s, f, from, to, &v) && ends_before(&p, v.scope, end) &&
                !may_wait_for_task(s, p.end, v.scope))
                report_argument(s, from, &v);
    }
}
