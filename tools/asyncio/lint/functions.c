/* SPDX-License-Identifier: MIT */
/* functions.c - the functions of a file, which of them run in tasks, and how statements hang together. */
#include "source.h"

static bool starts_with(const struct source *s, uint32_t i, const char *prefix)
{
    size_t n = strlen(prefix);
    return is_word(s, i) && s->tokens[i].size > n && memcmp(s->tokens[i].text, prefix, n) == 0;
}

bool is_one_of(const struct source *s, uint32_t i, const char *const *words)
{
    for (; *words; words++)
        if (is(s, i, *words))
            return true;
    return false;
}

bool is_call(const struct source *s, uint32_t i)
{
    static const char *const before[] = { "return", "else", "do", "case", "co_return", NULL };
    if (!is_word(s, i) || i + 1 >= s->count || !is(s, i + 1, "(") || i == 0)
        return false;
    if (is(s, i - 1, ".") || is(s, i - 1, "->"))
        return false;
    return !is_word(s, i - 1) || is_one_of(s, i - 1, before);
}

bool is_block(const struct source *s, uint32_t i)
{
    static const char *const blocks[] = {
        "await_group",    "await_with", "await_timeout", "await_timeout_at", "await_shield",
        "await_for_each", NULL
    };
    return is_word(s, i) && i + 1 < s->count && is(s, i + 1, "(") && is_one_of(s, i, blocks);
}

bool is_await(const struct source *s, uint32_t i)
{
    return starts_with(s, i, "await_") && is_call(s, i) && !is_block(s, i);
}

bool contains(const struct source *s, uint32_t from, uint32_t to, const char *word)
{
    for (uint32_t i = from; i < to; i++)
        if (is(s, i, word))
            return true;
    return false;
}

uint32_t statement_end(const struct source *s, uint32_t i)
{
    static const char *const heads[] = { "if", "for", "while", "switch", NULL };
    if (is(s, i, "{"))
        return match(s, i);
    if (is(s, i, "do")) {
        uint32_t end = statement_end(s, i + 1);
        while (end + 1 < s->count && !is(s, end, ";"))
            end = is(s, end + 1, "(") ? match(s, end + 1) : end + 1;
        return end;
    }
    if ((is_one_of(s, i, heads) && is(s, i + 1, "(")) || is_block(s, i)) {
        uint32_t end = statement_end(s, match(s, i + 1) + 1);
        bool other = is(s, i, "if") && end + 1 < s->count && is(s, end + 1, "else");
        return other ? statement_end(s, end + 2) : end;
    }
    while (i + 1 < s->count && !is(s, i, ";") && !is(s, i, "}"))
        i = is(s, i, "(") || is(s, i, "[") || is(s, i, "{") ? match(s, i) + 1 : i + 1;
    return i;
}

/* ---- finding them ---- */

/* A ')' before a body: the name of the function whose parameters it ends, or 0. */
static uint32_t named_before(const struct source *s, uint32_t close)
{
    uint32_t open = match(s, close);
    return open > 0 && is_word(s, open - 1) ? open - 1 : 0;
}

/* The macros that define, and which of their arguments is the name. */
static int defining(const struct source *s, uint32_t i)
{
    static const char *const first[] = { "ASYNC_DEF", "ASYNC_CO", "ASYNC_THREAD", "ASYNC_PROCESS",
                                         NULL };
    return is_one_of(s, i, first) ? 1 : is(s, i, "ASYNC_GEN") ? 2 : 0;
}

/* The name in ASYNC_DEF(name, ...), of which i is the first word; or 0. */
static uint32_t defined_name(const struct source *s, uint32_t i)
{
    int nth = is(s, i + 1, "(") ? defining(s, i) : 0;
    uint32_t close = nth ? match(s, i + 1) : 0;
    for (uint32_t at = i + 2; at < close; at++) {
        if (is(s, at, "("))
            at = match(s, at);
        else if (is(s, at, ","))
            nth--;
        else if (nth == 1 && is_word(s, at))
            return at;
    }
    return 0;
}

/* The function whose body begins at open: false if it is none. */
static bool function_at(const struct source *s, uint32_t open, struct function *ret)
{
    static const char *const after[] = { "const", "noexcept", "override", "final", NULL };
    uint32_t at = open;
    while (at > 1 && is_one_of(s, at - 1, after))
        at--;
    uint32_t name = 0;
    while (at > 2 && is(s, at - 1, ")")) {
        name = named_before(s, at - 1);
        if (!name || !is(s, name, "__attribute__"))
            break;
        at = name;
    }
    if (!name)
        return false;
    *ret = (struct function){ .name = name, .open = open, .close = match(s, open) };
    if (defining(s, name)) {
        ret->coroutine = is(s, name, "ASYNC_DEF") || is(s, name, "ASYNC_GEN");
        ret->thread = !ret->coroutine;
        ret->name = defined_name(s, name);
    }
    return ret->name != 0;
}

/* extern "C" { and namespace x {: what is in them is at the top, too. */
static bool transparent(const struct source *s, uint32_t open)
{
    if (open > 1 && s->tokens[open - 1].kind == TOKEN_STRING && is(s, open - 2, "extern"))
        return true;
    return (open > 0 && is(s, open - 1, "namespace")) || (open > 1 && is(s, open - 2, "namespace"));
}

static void find_functions(struct source *s)
{
    for (uint32_t i = 0; i < s->count; i++) {
        if (!is(s, i, "{") || transparent(s, i))
            continue;
        struct function f;
        if (function_at(s, i, &f)) {
            struct function *slot =
                    lint_grow(s, s->functions, s->function_count, &s->function_room, sizeof f);
            if (!slot)
                return;
            s->functions = slot;
            s->functions[s->function_count++] = f;
        }
        i = match(s, i);
    }
}

/* ---- which run in tasks ---- */

static bool awaits(const struct source *s, const struct function *f)
{
    for (uint32_t i = f->open; i < f->close; i++)
        if (is_await(s, i) || is_block(s, i) || is(s, i, "ASYNC_TRY"))
            return true;
    return false;
}

/* name or await_name. */
static bool mentions(const struct source *s, uint32_t i, uint32_t name)
{
    return same(s, i, name) ||
           (starts_with(s, i, "await_") && s->tokens[i].size == s->tokens[name].size + 6 &&
            memcmp(s->tokens[i].text + 6, s->tokens[name].text, s->tokens[name].size) == 0);
}

/* Is it a word of what is given to a thread or a process, as in await_to_thread(work(1))? */
static bool given_away(const struct source *s, uint32_t i)
{
    static const char *const away[] = { "await_to_thread", "await_to_process", NULL };
    for (uint32_t at = i > 12 ? i - 12 : 0; at < i; at++)
        if (is_one_of(s, at, away) && is(s, at + 1, "(") && match(s, at + 1) > i)
            return true;
    return false;
}

/* A coroutine that is only ever given away blocks nobody. */
static bool only_given_away(const struct source *s, const struct function *f)
{
    uint32_t given = 0, others = 0;
    for (uint32_t i = 0; i < s->count; i++) {
        if (i == f->name || !is_word(s, i) || !mentions(s, i, f->name))
            continue;
        given += given_away(s, i);
        others += !given_away(s, i);
    }
    return given > 0 && others == 0;
}

/* What they call runs in tasks, too. Returns whether one more was found. */
static bool spread(struct source *s, const struct function *f)
{
    bool more = false;
    for (uint32_t i = f->open; i < f->close; i++) {
        if (!is_call(s, i))
            continue;
        for (size_t k = 0; k < s->function_count; k++) {
            struct function *g = &s->functions[k];
            if (!g->task && !g->coroutine && !g->thread && same(s, g->name, i) && !given_away(s, i))
                more = g->task = true;
        }
    }
    return more;
}

void lint_functions(struct source *s)
{
    find_functions(s);
    for (size_t k = 0; k < s->function_count; k++) {
        struct function *f = &s->functions[k];
        f->task = !f->thread && (f->coroutine || awaits(s, f) || starts_with(s, f->name, "await_")) &&
                  !only_given_away(s, f);
    }
    bool more = true;
    while (more && !s->no_memory) {
        more = false;
        for (size_t k = 0; k < s->function_count; k++)
            more |= s->functions[k].task && spread(s, &s->functions[k]);
    }
}

bool is_coroutine(const struct source *s, uint32_t i)
{
    static const char *const ours[] = { "async_sleep", "async_joining", "async_call", NULL };
    if (is_one_of(s, i, ours))
        return true;
    for (uint32_t at = 0; at + 2 < s->count; at++) {
        uint32_t name = defining(s, at) ? defined_name(s, at) : 0;
        if (name && same(s, name, i))
            return true;
    }
    return false;
}
