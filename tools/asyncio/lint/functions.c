/* SPDX-License-Identifier: MIT */
/* functions.c - find the functions of a file, and which of them run in tasks. */
#include "source.h"

/* ---- finding functions ---- */

/* Return the name of the function whose parameter list ends at close; 0 if there is none. */
static uint32_t name_before(const struct source *s, uint32_t close)
{
    uint32_t open = token_match(s, close);
    return open > 0 && token_is_word(s, open - 1) ? open - 1 : 0;
}

/* For a macro that defines a function, return which of its arguments is the name; otherwise 0. */
static int name_argument(const struct source *s, uint32_t i)
{
    static const char *const first[] = { "ASYNC_DEF", "ASYNC_CO", "ASYNC_THREAD", "ASYNC_PROCESS",
                                         NULL };
    return token_is_one_of(s, i, first) ? 1 : token_is(s, i, "ASYNC_GEN") ? 2 : 0;
}

/* Return the name in ASYNC_DEF(name, ...), whose first token is i; 0 if that is something else. */
static uint32_t defined_name(const struct source *s, uint32_t i)
{
    int nth = token_is(s, i + 1, "(") ? name_argument(s, i) : 0;
    uint32_t close = nth ? token_match(s, i + 1) : 0;
    for (uint32_t at = i + 2; at < close; at++) {
        if (token_is(s, at, "("))
            at = token_match(s, at);
        else if (token_is(s, at, ","))
            nth--;
        else if (nth == 1 && token_is_word(s, at))
            return at;
    }
    return 0;
}

/* Read the function whose body begins at open. Returns false if these are other braces. */
static bool read_function(const struct source *s, uint32_t open, struct function *ret)
{
    static const char *const after[] = { "const", "noexcept", "override", "final", NULL };
    uint32_t at = open;
    while (at > 1 && token_is_one_of(s, at - 1, after))
        at--;
    uint32_t name = 0;
    while (at > 2 && token_is(s, at - 1, ")")) {
        name = name_before(s, at - 1);
        if (!name || !token_is(s, name, "__attribute__"))
            break;
        at = name;
    }
    if (!name)
        return false;
    *ret = (struct function){ .name = name, .open = open, .close = token_match(s, open) };
    if (name_argument(s, name)) {
        ret->coroutine = token_is(s, name, "ASYNC_DEF") || token_is(s, name, "ASYNC_GEN");
        ret->thread = !ret->coroutine;
        ret->name = defined_name(s, name);
    }
    return ret->name != 0;
}

/* Do the braces belong to extern "C" or a namespace, so that there are functions inside them? */
static bool holds_functions(const struct source *s, uint32_t open)
{
    if (open > 1 && s->tokens[open - 1].kind == TOKEN_STRING && token_is(s, open - 2, "extern"))
        return true;
    return (open > 0 && token_is(s, open - 1, "namespace")) ||
           (open > 1 && token_is(s, open - 2, "namespace"));
}

/* List the functions of the file. Braces inside a function, or of a type, are skipped as a
 * whole. */
static void list_functions(struct source *s)
{
    for (uint32_t i = 0; i < s->count; i++) {
        if (!token_is(s, i, "{") || holds_functions(s, i))
            continue;
        struct function f;
        if (read_function(s, i, &f)) {
            struct function *grown =
                    grow_array(s, s->functions, s->function_count, &s->function_room, sizeof f);
            if (!grown)
                return;
            s->functions = grown;
            s->functions[s->function_count++] = f;
        }
        i = token_match(s, i);
    }
}

bool is_function_of_file(const struct source *s, uint32_t i)
{
    for (size_t k = 0; k < s->function_count; k++)
        if (tokens_equal(s, s->functions[k].name, i))
            return true;
    return false;
}

bool is_coroutine(const struct source *s, uint32_t i)
{
    static const char *const ours[] = { "async_sleep", "async_joining", "async_call", NULL };
    if (token_is_one_of(s, i, ours))
        return true;
    for (uint32_t at = 0; at + 2 < s->count; at++) {
        uint32_t name = name_argument(s, at) ? defined_name(s, at) : 0;
        if (name && tokens_equal(s, name, i))
            return true;
    }
    return false;
}

/* ---- which functions run in tasks ---- */

bool function_awaits(const struct source *s, const struct function *f)
{
    for (uint32_t i = f->open; i < f->close; i++)
        if (is_await_call(s, i) || is_await_block(s, i) || token_is(s, i, "ASYNC_TRY"))
            return true;
    return false;
}

/* Is the token the name itself, or await_name? */
static bool mentions_coroutine(const struct source *s, uint32_t i, uint32_t name)
{
    return tokens_equal(s, i, name) ||
           (token_starts_with(s, i, "await_") && s->tokens[i].size == s->tokens[name].size + 6 &&
            memcmp(s->tokens[i].text + 6, s->tokens[name].text, s->tokens[name].size) == 0);
}

/* Is the token inside a call that runs its argument elsewhere: await_to_thread(work(1))? */
static bool is_given_to_thread(const struct source *s, uint32_t i)
{
    static const char *const away[] = { "await_to_thread", "await_to_process", NULL };
    for (uint32_t at = i > 12 ? i - 12 : 0; at < i; at++)
        if (token_is_one_of(s, at, away) && token_is(s, at + 1, "(") && token_match(s, at + 1) > i)
            return true;
    return false;
}

/* A coroutine that only ever runs in threads blocks no task. */
static bool runs_in_threads_only(const struct source *s, const struct function *f)
{
    uint32_t given = 0, others = 0;
    for (uint32_t i = 0; i < s->count; i++) {
        if (i == f->name || !token_is_word(s, i) || !mentions_coroutine(s, i, f->name))
            continue;
        given += is_given_to_thread(s, i);
        others += !is_given_to_thread(s, i);
    }
    return given > 0 && others == 0;
}

/* Mark the functions that f calls as running in tasks. Returns whether that marked another one. */
static bool mark_callees(struct source *s, const struct function *f)
{
    bool more = false;
    for (uint32_t i = f->open; i < f->close; i++) {
        if (!is_call(s, i))
            continue;
        for (size_t k = 0; k < s->function_count; k++) {
            struct function *g = &s->functions[k];
            if (!g->task && !g->coroutine && !g->thread && tokens_equal(s, g->name, i) &&
                !is_given_to_thread(s, i))
                more = g->task = true;
        }
    }
    return more;
}

/* Coroutines and functions that await run in tasks, and so does what these call, directly or
 * not. */
void find_functions(struct source *s)
{
    list_functions(s);
    for (size_t k = 0; k < s->function_count; k++) {
        struct function *f = &s->functions[k];
        bool awaits =
                f->coroutine || function_awaits(s, f) || token_starts_with(s, f->name, "await_");
        f->task = !f->thread && awaits && !runs_in_threads_only(s, f);
    }
    bool more = true;
    while (more && !s->no_memory) {
        more = false;
        for (size_t k = 0; k < s->function_count; k++)
            more |= s->functions[k].task && mark_callees(s, &s->functions[k]);
    }
}
