/* SPDX-License-Identifier: MIT */
/* error.h - errors are negative errno values with a sentence and a traceback. */
#ifndef ASYNCIO_ERROR_H
#define ASYNCIO_ERROR_H

#include <asyncio/base.h>

ASYNC_BEGIN_DECLS

/* Yield the value of expr; if it is negative, note this place in the task's traceback and return it from the
 * enclosing function. Inside await_ blocks these are left first, innermost first, and the function returns
 * their verdict: -ETIMEDOUT from an expired timeout, a group's first error. */
#define ASYNC_TRY(expr)                                                                            \
    __extension__({                                                                                \
        ASYNC__INFER async_r_ = (expr);                                                             \
        if (__builtin_expect(async_r_ < 0, 0))                                                     \
            return await_leave(async_blocks_, (int)async_r_, ASYNC_HERE);                          \
        ASYNC__VALUE(async_r_);                                                                    \
    })

/* Return value from the enclosing function, out of any number of await_ blocks, which are left first, innermost first. If
 * leaving a block fails (a child of its group has failed, a context manager cannot be left), the function returns that error
 * instead. A bare `return` cannot do this: it loses the results of the blocks. */
#define ASYNC_RETURN(value)                                                                        \
    do {                                                                                           \
        ASYNC__INFER async_v_ = (value);                                                           \
        int async_e_ = await_return(async_blocks_, async_v_ < 0 ? (int)async_v_ : 0, ASYNC_HERE);  \
        return async_e_ < 0 ? async_e_ : async_v_;                                                 \
    } while (0)

/* Give the error a sentence (as printf() does; copied, cut to 127 bytes) and begin its traceback here; returns code:
 * return async_fail(-EPROTO, "%s: bad status", url). Outside of tasks this thread keeps the latest one. */
#define async_fail(code, ...) async_fail_at(ASYNC__NEGATIVE(code), ASYNC_HERE, __VA_ARGS__)
#ifdef __cplusplus
#define ASYNC__NEGATIVE(code) (code)
#else
/* The code, which must not be a positive constant. ASYNC__IS_CONSTANT relies on a rule of C: a constant 0
 * that is cast to void * is a null pointer, and makes the other type that of the expression. */
#define ASYNC__IS_CONSTANT(x) (sizeof(int) == sizeof(*(1 ? (void *)((long)(x) * 0L) : (int *)1)))
#define ASYNC__NEGATIVE(code)                                                                      \
    ((code) + 0 * (int)sizeof(struct {                                                             \
         int member;                                                                               \
         _Static_assert(__builtin_choose_expr(ASYNC__IS_CONSTANT(code), (code), -1) <= 0,          \
                        "async_fail: an error code is negative, for example -EIO");                \
     }))
#endif
int async_fail_at(int code, const async_site *site, const char *fmt, ...) ASYNC_CHECK
        ASYNC_FORMAT(3, 4);

/* The sentence that came with the error code which a call has just returned: of the latest async_fail() with that code in
 * this task, or in a task that it awaited or a group that has failed in it; outside of tasks that of the run, or of the
 * coroutine on another thread's loop, whose error this is. "": there is none. Ask before the task suspends again;
 * valid until the next error. */
const char *async_fail_text(int code);

/* One failed task. A tree of plain values, owned by the group that it was asked from. */
typedef struct async_error {
    int code;                   /* negative errno */
    const char *task, *text;    /* name; async_fail()'s sentence, or "" */
    const async_site *site;     /* where it was first noted, or NULL */
    const async_site *created;  /* where its task was created, or NULL */
    const async_site *const *trace; /* the places that it passed on its way out: 16 at most, site is the first */
    int trace_depth;
    struct async_error *parent; /* the error whose cause this is, or NULL */
    struct async_error *cause;  /* the errors of the group that failed inside it */
    struct async_error *next;
    bool retrieved; /* for debug mode: the program has looked at it */
} async_error;

/* Depth first: the next after e in its tree, or NULL. */
const async_error *async_error_next(const async_error *e);

/* The first with that code, from e on, or NULL. */
const async_error *async_error_find(const async_error *e, int code);

/* The whole tree on stderr, a line each, indented. */
void async_error_print(const async_error *e);

/* The same, and below each line the places that the error passed, and where its task was created. So an error that
 * nobody has read is printed, when the last handle of its task goes or the loop closes: once. */
void async_error_print_traces(const async_error *e);

ASYNC_END_DECLS

#endif
