/* SPDX-License-Identifier: MIT */
/* spawns.c - calls that start a task, and what they pass to its coroutine. */
#include "source.h"

/* Find the end of the argument that begins at i: the comma behind it, or the closing
 * parenthesis. */
static uint32_t argument_end(const struct source *s, uint32_t i)
{
    while (!token_is(s, i, ",") && !token_is(s, i, ")") && i + 1 < s->count)
        i = token_opens(s, i) ? token_match(s, i) + 1 : i + 1;
    return i;
}

/* Read the coroutine that the argument from i to `end` creates: job(p). Any other expression
 * creates it somewhere else. */
static bool read_coroutine(const struct source *s, uint32_t i, uint32_t end, struct spawn *ret)
{
    if (!is_call(s, i) || token_match(s, i + 1) + 1 != end)
        return false;
    ret->coroutine = i;
    return true;
}

/* Read a call of a function that starts a task: the group, the coroutine, and the options behind
 * it. */
static bool read_spawn_call(const struct source *s, uint32_t i, struct spawn *ret)
{
    static const char *const grouped[] = { "async_spawn", "async_group_create_task", NULL };
    bool group = token_is_one_of(s, i, grouped);
    if (!is_call(s, i) || !(group || token_is(s, i, "async_create_task")))
        return false;
    *ret = (struct spawn){ .at = i, .end = token_match(s, i + 1) };
    uint32_t first = i + 2;
    if (group) {
        ret->group = first;
        ret->group_end = argument_end(s, first);
        first = ret->group_end + 1;
    }
    uint32_t options = argument_end(s, first);
    ret->owned = range_contains(s, options, ret->end, "owned") ||
                 range_contains(s, options, ret->end, "drop");
    return first < ret->end && read_coroutine(s, first, options, ret);
}

/* Read name[...] = job(p), where job is known to be a coroutine. */
static bool read_stored_coroutine(const struct source *s, uint32_t i, struct spawn *ret)
{
    if (!begins_statement(s, i) && !token_is(s, i - 1, ")")) /* for (...) cos[i] = job(p); */
        return false;
    if (!token_is_word(s, i) || !token_is(s, i + 1, "["))
        return false;
    uint32_t equals = token_match(s, i + 1) + 1;
    if (!token_is(s, equals, "=") || !is_call(s, equals + 1) || !is_coroutine(s, equals + 1))
        return false;
    *ret = (struct spawn){ .at = i, .end = token_match(s, equals + 2), .coroutine = equals + 1 };
    return token_is(s, ret->end + 1, ";");
}

bool read_spawn(const struct source *s, uint32_t i, struct spawn *ret)
{
    return read_spawn_call(s, i, ret) || read_stored_coroutine(s, i, ret);
}

bool next_argument(const struct source *s, const struct spawn *p, uint32_t *from, uint32_t *to)
{
    uint32_t close = token_match(s, p->coroutine + 1);
    *from = *to ? *to + 1 : p->coroutine + 2;
    if (*from >= close)
        return false;
    *to = argument_end(s, *from);
    return true;
}

/* A compound literal lives until the end of the block around it, which the body of a loop is,
 * too. */
static bool is_compound_literal(const struct source *s, const struct function *f, uint32_t i,
                                struct variable *ret)
{
    bool address = token_is(s, i, "&");
    uint32_t open = address ? i + 1 : i;
    if (!token_is(s, open, "(") || !token_is(s, token_match(s, open) + 1, "{"))
        return false;
    if (!address && !range_contains(s, open, token_match(s, open), "["))
        return false; /* a value, which is copied */
    struct enclosing inner;
    *ret = (struct variable){ .scope = token_match(s, braces_around(s, i)) };
    if (find_enclosing(s, f->open, i, INSIDE_LOOP | INSIDE_FOR_EACH | INSIDE_BLOCK, &inner) &&
        inner.end < ret->scope)
        ret->scope = inner.end;
    return true;
}

bool is_local_address(const struct source *s, const struct function *f, uint32_t from, uint32_t to,
                      struct variable *ret)
{
    while (token_is(s, from, "(") && is_cast(s, from) && token_match(s, from) + 1 < to &&
           !token_is(s, token_match(s, from) + 1, "{"))
        from = token_match(s, from) + 1;
    if (is_compound_literal(s, f, from, ret))
        return true;
    bool address = token_is(s, from, "&");
    uint32_t name = address ? from + 1 : from;
    if (!token_is_word(s, name) || !find_variable(s, f, name, ret) || ret->is_static)
        return false;
    if (!address) /* the name of an array is its address */
        return ret->array && name + 1 == to;
    /* &x, &x.member and &array[i], but neither &pointer->member nor &pointer[i] */
    return name + 1 == to || token_is(s, name + 1, ".") ||
           (token_is(s, name + 1, "[") && ret->array);
}

/* Does the await_ call at i wait for something that no task of the program ends? */
static bool waits_for_system(const struct source *s, uint32_t i)
{
    static const char *const prefixes[] = { "await_sleep",     "await_stream_",    "await_open_",
                                            "await_fd_ready",  "await_http_",      "await_sqlite_",
                                            "await_read_file", "await_write_file", NULL };
    for (const char *const *p = prefixes; *p; p++)
        if (token_is(s, i, *p) || token_starts_with(s, i, *p))
            return true;
    return false;
}

/* Timeouts and shields wait for nothing themselves; what is in them is examined like anything
 * else. */
bool may_wait_for_task(const struct source *s, uint32_t from, uint32_t to)
{
    static const char *const scopes[] = { "await_timeout", "await_timeout_at", "await_shield",
                                          NULL };
    for (uint32_t i = from; i < to; i++) {
        if (is_await_block(s, i) && !token_is_one_of(s, i, scopes))
            return true;
        if (is_await_call(s, i) && !waits_for_system(s, i))
            return true;
        for (size_t k = 0; k < s->function_count && is_call(s, i); k++)
            if (tokens_equal(s, s->functions[k].name, i) && function_awaits(s, &s->functions[k]))
                return true;
    }
    return false;
}
