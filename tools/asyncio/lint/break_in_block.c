/* SPDX-License-Identifier: MIT */
/* break_in_block.c - the rule `break-in-block`: a break or continue that leaves only an await_
 * block where the loop or switch around it was meant.
 *
 * An await_ block is a loop that runs once, so break is also the proper way to leave it early.
 * Four signs show that the block was not meant:
 *   - the block ends after the jump anyway, so the jump has no effect
 *   - the loop around the block has no other end
 *   - the block is the last statement of a case, so the program falls into the next case
 *   - the jump is a continue, and the loop body goes on after the block */
#include "source.h"

struct jump {
    uint32_t at;
    struct enclosing block, target; /* what the jump leaves; the loop or switch around that */
};

/* Read the jump at i. Returns false unless it leaves an await_ block inside a loop or switch. */
static bool read_jump(const struct source *s, const struct function *f, uint32_t i,
                      struct jump *ret)
{
    const int all = INSIDE_LOOP | INSIDE_SWITCH | INSIDE_BLOCK | INSIDE_FOR_EACH | INSIDE_MACRO;
    bool leaves = token_is(s, i, "break");
    if (!token_is_word(s, i) || !(leaves || token_is(s, i, "continue")))
        return false;
    int kinds = leaves ? all : all & ~INSIDE_SWITCH;
    if (!find_enclosing(s, f->open, i, kinds, &ret->block) || ret->block.kind != INSIDE_BLOCK)
        return false;
    ret->at = i;
    ret->target = ret->block;
    while (ret->target.kind == INSIDE_BLOCK)
        if (!find_enclosing(s, f->open, ret->target.at, kinds, &ret->target))
            return false;
    return ret->target.kind != INSIDE_MACRO;
}

/* Does nothing run between the statement that ends at `end` and the end of the enclosing one? */
static bool is_last(const struct source *s, uint32_t end, const struct enclosing *outer)
{
    while (end < outer->end) {
        if (token_is(s, end + 1, "}"))
            end++;
        else if (token_is(s, end + 1, "else"))
            end = statement_end(s, end + 2);
        else
            return false;
    }
    return true;
}

/* Is the jump taken whenever the block is run to its end? */
static bool is_unconditional(const struct source *s, const struct jump *j)
{
    return j->at == j->block.body ||
           (begins_statement(s, j->at) && braces_around(s, j->at) == j->block.body &&
            !token_is(s, j->at - 1, "else"));
}

static bool range_uses(const struct source *s, uint32_t from, uint32_t to, uint32_t name)
{
    for (uint32_t i = from; i < to; i++)
        if (is_variable_use(s, i, name))
            return true;
    return false;
}

/* Does the jump depend on the result of the block, or has the result just been set? Then the block
 * is to be left, and the result is examined behind it. */
static bool is_about_result(const struct source *s, const struct jump *j)
{
    uint32_t result = j->block.at + 2;
    if (!token_is_word(s, result) || token_opens(s, result + 1) || token_is(s, result + 1, "->"))
        return true; /* an expression, which is not looked for */
    for (uint32_t i = j->block.body; i < j->at; i++)
        if (token_is(s, i, "if") && statement_end(s, i) >= j->at &&
            range_uses(s, i + 2, token_match(s, i + 1), result))
            return true;
    uint32_t braces = braces_around(s, j->at);
    return range_uses(s, braces > j->block.body ? braces : j->block.body, j->at, result);
}

static bool is_endless(const struct source *s, const struct function *f, const struct jump *j)
{
    struct loop l;
    return read_loop(s, f, j->target.at, &l) && l.endless && !loop_has_exit(s, &l);
}

/* Does the next case of the switch follow the block at once? */
static bool falls_through(const struct source *s, const struct jump *j)
{
    uint32_t next = j->block.end + 1;
    return j->target.kind == INSIDE_SWITCH &&
           (token_is(s, next, "case") || token_is(s, next, "default"));
}

/* Does the loop body continue behind the block, with a statement that does not use the result? */
static bool body_continues(const struct source *s, const struct jump *j)
{
    uint32_t next = j->block.end + 1;
    return !is_last(s, j->block.end, &j->target) &&
           !range_uses(s, next, statement_end(s, next), j->block.at + 2);
}

static bool is_mistaken(const struct source *s, const struct function *f, const struct jump *j)
{
    bool nothing_left = is_last(s, j->at + 1, &j->block);
    if (token_is(s, j->at, "continue"))
        return body_continues(s, j);
    if (nothing_left && is_unconditional(s, j))
        return true;
    return !is_about_result(s, j) && (nothing_left || is_endless(s, f, j) || falls_through(s, j));
}

void check_break_in_block(struct source *s, const struct function *f)
{
    for (uint32_t i = f->open + 1; i < f->close; i++) {
        struct jump j;
        if (read_jump(s, f, i, &j) && is_mistaken(s, f, &j))
            report_finding(s, i,
                           "%.*s leaves only the %.*s block of line %d, not the '%.*s' of line %d; "
                           "set a flag, and test it after the block",
                           TOKEN_ARG(s, i), TOKEN_ARG(s, j.block.at), s->tokens[j.block.at].line,
                           TOKEN_ARG(s, j.target.at), s->tokens[j.target.at].line);
    }
}
