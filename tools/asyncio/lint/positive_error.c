/* SPDX-License-Identifier: MIT */
/* positive_error.c - the rule `positive-error`: async_fail() with a code that is not negative.
 * Errors are negative errno values, so a positive one counts as success for every caller. */
#include "source.h"

#include <ctype.h>

/* Is the word the name of an errno value, such as EINVAL? EOF is -1. */
static bool is_errno_name(const struct source *s, uint32_t i)
{
    const struct token *t = &s->tokens[i];
    if (!token_is_word(s, i) || t->size < 3 || t->text[0] != 'E' || token_is(s, i, "EOF"))
        return false;
    for (uint32_t k = 1; k < t->size; k++)
        if (!isupper((unsigned char)t->text[k]) && !isdigit((unsigned char)t->text[k]))
            return false;
    return true;
}

void check_positive_error(struct source *s, const struct function *f)
{
    for (uint32_t i = f->open + 1; i < f->close; i++) {
        if (!token_is(s, i, "async_fail") || !is_call(s, i))
            continue;
        uint32_t code = i + 2, end = code + 1;
        while (token_is(s, code, "(") && token_match(s, code) == code + 2) {
            end = token_match(s, code) + 1; /* (EINVAL) */
            code++;
        }
        bool positive = is_errno_name(s, code) || token_is(s, code, "errno") ||
                        s->tokens[code].kind == TOKEN_NUMBER;
        if (positive && token_is(s, end, ","))
            report_finding(
                    s, code,
                    "async_fail() needs a negative errno value, and '%.*s' is not; write -%.*s",
                    TOKEN_ARG(s, code), TOKEN_ARG(s, code));
    }
}
