/* SPDX-License-Identifier: MIT */
/* try_return_type.c - the rule `try-return-type`: ASYNC_TRY() in a function whose type has no
 * negative values. ASYNC_TRY() returns a negative error from the function, which a bool
 * turns into true, and an unsigned type into a large number. The compiler converts it silently. */
#include "source.h"

/* Is the type of the function, which stands before its name, without negative values? */
static const char *unsigned_type(const struct source *s, const struct function *f)
{
    static const char *const types[] = { "bool",     "_Bool",    "unsigned", "size_t",    "uint8_t",
                                         "uint16_t", "uint32_t", "uint64_t", "uintptr_t", NULL };
    for (uint32_t i = f->name - 1; i > 0; i--) {
        if (s->tokens[i].kind != TOKEN_WORD)
            return NULL; /* the end of what precedes the function; or '*': returns a pointer */
        for (size_t k = 0; types[k]; k++)
            if (token_is(s, i, types[k]))
                return types[k];
    }
    return NULL;
}

void check_try_return_type(struct source *s, const struct function *f)
{
    const char *type = f->coroutine || f->thread ? NULL : unsigned_type(s, f);
    for (uint32_t i = f->open + 1; type && i < f->close; i++)
        if (token_is(s, i, "ASYNC_TRY") && is_call(s, i))
            report_finding(s, i,
                           "ASYNC_TRY() returns negative errors, and this function returns %s, "
                           "which has none; let it return int",
                           type);
}
