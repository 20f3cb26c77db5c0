/* SPDX-License-Identifier: MIT */
/* return_in_block.c - the rule `return-in-block`: a return or goto that leaves an await_ block. The
 * block is cleaned up all the same, but its result (a timeout, the first error of a group) is
 * discarded, because only the end of the block stores it. */
#include "source.h"

/* Does a goto at i jump to a label inside the same block? */
static bool jumps_within(const struct source *s, uint32_t i, const struct enclosing *block)
{
    for (uint32_t at = block->at; at < block->end; at++)
        if (at != i + 1 && tokens_equal(s, at, i + 1) && token_is(s, at + 1, ":"))
            return true;
    return false;
}

void check_return_in_block(struct source *s, const struct function *f)
{
    for (uint32_t i = f->open; i < f->close; i++) {
        bool jump = token_is(s, i, "goto");
        struct enclosing block;
        if (!token_is_word(s, i) || (!jump && !token_is(s, i, "return")))
            continue;
        if (find_enclosing(s, f->open, i, INSIDE_BLOCK | INSIDE_FOR_EACH, &block) &&
            !(jump && jumps_within(s, i, &block)))
            report_finding(s, i,
                           "%s leaves %.*s of line %d and discards its result; use ASYNC_TRY, or "
                           "set the result and break",
                           jump ? "goto" : "return", TOKEN_ARG(s, block.at),
                           s->tokens[block.at].line);
    }
}
