/* SPDX-License-Identifier: MIT */
/* local_in_background.c - the rule `local-in-background`: a task in async_background() gets the
 * address of a local variable. Such a task outlives the function that starts it. */
#include "source.h"

/* Is the group async_background(), or a variable that is initialised with it? */
static bool is_background(const struct source *s, const struct function *f, const struct spawn *p)
{
    struct variable v;
    if (!p->group || token_is(s, p->group, "async_background"))
        return p->group != 0;
    return p->group_end == p->group + 1 && find_variable(s, f, p->group, &v) &&
           token_is(s, v.name + 1, "=") && token_is(s, v.name + 2, "async_background");
}

static void report_address(struct source *s, uint32_t at, const struct variable *v)
{
    if (v->name)
        report_finding(s, at,
                       "a task in async_background() gets the address of '%.*s', and outlives this "
                       "function; pass its value, or memory that the task owns",
                       TOKEN_ARG(s, v->name));
    else
        report_finding(s, at,
                       "a task in async_background() gets the address of a local value, and "
                       "outlives this function; pass memory that the task owns");
}

void check_local_in_background(struct source *s, const struct function *f)
{
    for (uint32_t i = f->open + 1; i < f->close; i++) {
        struct spawn p;
        struct variable v;
        if (!read_spawn(s, i, &p) || !is_background(s, f, &p))
            continue;
        for (uint32_t from = 0, to = 0; next_argument(s, &p, &from, &to);)
            if (is_local_address(s, f, from, to, &v) && !may_wait_for_task(s, p.end, v.scope))
                report_address(s, from, &v);
    }
}
