/* SPDX-License-Identifier: MIT */
/* unread_result.c - the rule `unread-result`: the result of an await_ block that nothing reads. A
 * timeout, an error of a child or a failure to take a lock is then lost without a trace. */
#include "source.h"

struct block {
    uint32_t at, result, end; /* the block's name, its result variable, its last token */
    struct variable variable;
};

/* Read the await_ block at i, if its result is a local variable. Of another expression, such as
 * j->result, it is unknown what reads it. */
static bool read_block(const struct source *s, const struct function *f, uint32_t i,
                       struct block *ret)
{
    if (!is_await_block(s, i) || !token_is_word(s, i + 2))
        return false;
    if (!token_is(s, i + 3, ",") && !token_is(s, i + 3, ")"))
        return false;
    *ret = (struct block){ .at = i, .result = i + 2, .end = statement_end(s, i) };
    return find_variable(s, f, i + 2, &ret->variable) && !ret->variable.is_static;
}

/* Does the mention of a result at i only store a value: r = 0, or the head of another block? */
static bool is_write(const struct source *s, uint32_t i)
{
    return token_is(s, i + 1, "=") || (i > 1 && is_await_block(s, i - 2));
}

/* Does a statement of the same braces as the block begin with the mention at i, and nothing in
 * between skip it? Then the mention replaces the block's result, whatever the values are. */
static bool is_reached(const struct source *s, const struct block *b, uint32_t i)
{
    static const char *const jumps[] = {
        "continue", "break", "goto", "case", "default", "?", NULL
    };
    uint32_t first = is_await_block(s, i - 2) ? i - 2 : i;
    if (!begins_statement(s, first) || token_is(s, first - 1, "else") ||
        braces_around(s, first) != braces_around(s, b->at))
        return false;
    for (uint32_t at = b->end + 1; at < first; at++)
        if (token_is_one_of(s, at, jumps))
            return false;
    return true;
}

/* Is the result read among the tokens from <= i < to? The head of the block itself is not. */
static bool is_read_in(const struct source *s, const struct block *b, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++)
        if (is_variable_use(s, i, b->result) && !is_write(s, i) && i != b->variable.name)
            return true;
    return false;
}

/* Is the result read behind the block, before something replaces it? */
static bool is_read_behind(const struct source *s, const struct block *b)
{
    for (uint32_t i = b->end + 1; i < b->variable.scope; i++) {
        if (!is_variable_use(s, i, b->result))
            continue;
        if (!is_write(s, i))
            return true;
        bool head = is_await_block(s, i - 2);
        uint32_t end = head ? token_match(s, i - 1) : statement_end(s, i);
        if (is_reached(s, b, i) && !is_read_in(s, b, i + 1, end))
            return false;
    }
    return false;
}

/* Around the block, code that comes before it can run after it: in a loop, or because of a goto. */
static bool is_read_around(const struct source *s, const struct function *f, const struct block *b)
{
    struct enclosing loop;
    uint32_t from = b->at, to = b->end;
    for (uint32_t i = b->at; find_enclosing(s, f->open, i, INSIDE_LOOP | INSIDE_FOR_EACH, &loop);
         i = loop.at) {
        from = loop.at;
        to = loop.end;
        while (token_is(s, loop.at, "do") && to + 1 < f->close && !token_is(s, to, ";"))
            to++;
    }
    if (range_contains(s, f->open, f->close, "goto")) {
        from = f->open + 1;
        to = f->close;
    }
    return is_read_in(s, b, from, b->at) || is_read_in(s, b, b->end + 1, to);
}

/* A pointer to the result may be read anywhere. */
static bool is_address_taken(const struct source *s, const struct function *f,
                             const struct block *b)
{
    for (uint32_t i = f->open + 1; i < f->close; i++)
        if (is_variable_use(s, i, b->result) && token_is(s, i - 1, "&"))
            return true;
    return false;
}

/* Does the block around this one have the same result? It reads what the inner one leaves. */
static bool is_passed_on(const struct source *s, const struct function *f, const struct block *b)
{
    struct enclosing outer;
    for (uint32_t i = b->at; find_enclosing(s, f->open, i, INSIDE_BLOCK | INSIDE_FOR_EACH, &outer);
         i = outer.at)
        if (tokens_equal(s, outer.at + 2, b->result))
            return true;
    return false;
}

/* Does the function return nothing but constants, so that no caller learns of an error? */
static bool returns_constants(const struct source *s, const struct function *f)
{
    uint32_t constants = 0;
    for (uint32_t i = f->open + 1; i < f->close; i++) {
        if (!token_is(s, i, "return"))
            continue;
        if (s->tokens[i + 1].kind != TOKEN_NUMBER || !token_is(s, i + 2, ";"))
            return false;
        constants++;
    }
    return constants > 0;
}

/* Can an error be lost? A shield has none of its own: its result is what the body stores. It often
 * is used in cleanup after another error, or in a function that returns nothing, where a second
 * error is dropped on purpose. So a shield counts only if its body stores the result of an await_
 * call, and the function reports success all the same. */
static bool can_lose_error(const struct source *s, const struct function *f, const struct block *b)
{
    if (!token_is(s, b->at, "await_shield"))
        return true;
    for (uint32_t i = b->result + 1; i < b->end; i++)
        if (is_variable_use(s, i, b->result) && token_is(s, i + 1, "=") && is_await_call(s, i + 2))
            return !is_read_in(s, b, b->result + 1, b->end) && returns_constants(s, f);
    return false;
}

void check_unread_result(struct source *s, const struct function *f)
{
    for (uint32_t i = f->open + 1; i < f->close; i++) {
        struct block b;
        if (!read_block(s, f, i, &b) || !can_lose_error(s, f, &b) || is_passed_on(s, f, &b))
            continue;
        if (is_read_behind(s, &b) || is_read_around(s, f, &b) || is_address_taken(s, f, &b))
            continue;
        report_finding(s, b.result,
                       "the result '%.*s' of %.*s is never read, so its errors are lost; return or "
                       "test it, or discard it with async_ignore()",
                       TOKEN_ARG(s, b.result), TOKEN_ARG(s, b.at));
    }
}
