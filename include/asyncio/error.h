/* SPDX-License-Identifier: MIT */
/* error.h - errors: negative errno values, with a message and a traceback.
 *
 *   ASYNC_TRY                  return from the function if an expression is negative
 *   ASYNC_RETURN               return a value from inside of await_ blocks
 *   async_fail                 give an error a message
 *   async_fail_text            the message of the error that a call has returned
 *   async_error_next           walk over a tree of errors
 *   async_error_find           find an error in a tree
 *   async_error_print          print a tree of errors
 *   async_error_print_traces   print a tree of errors with tracebacks
 *
 * A call that fails returns a negative errno value, and its caller returns it on: usually by
 * ASYNC_TRY, which also adds its line to the traceback of the task. When a task fails, message and
 * traceback become an async_error, which is never dropped:
 *
 *   - If the task is a child of a group, the group keeps the error: async_group_errors() (group.h).
 *   - Otherwise, if a task awaits the failed one, that task receives the error.
 *   - Otherwise the handle of the failed task keeps it. If it is never retrieved, it is printed to
 *     stderr. */
#ifndef ASYNCIO_ERROR_H
#define ASYNCIO_ERROR_H

#include <asyncio/base.h>

ASYNC_BEGIN_DECLS

/* Evaluate an expression, and return from the enclosing function if it is negative.
 *
 *   int size = ASYNC_TRY(await_fetch(url));
 *
 * expr       evaluated once.
 * Value      that of expr, if it is 0 or more.
 * Returns    otherwise from the function, with the value of expr. Inside of await_ blocks these are
 *            left first, innermost first, and the function returns their result: -ETIMEDOUT for a
 *            timeout that has expired, the first error of a group.
 * Suspends   to leave blocks, as they do. */
#define ASYNC_TRY(expr)                                                                            \
    __extension__({                                                                                \
        ASYNC__INFER async_r_ = (expr);                                                            \
        if (__builtin_expect(async_r_ < 0, 0))                                                     \
            return await_leave(async_blocks_, (int)async_r_, ASYNC_HERE);                          \
        ASYNC__VALUE(async_r_);                                                                    \
    })

/* Return a value from the enclosing function, out of any number of await_ blocks.
 *
 *   await_timeout (r, 5)
 *       await_with (r, &lock)
 *           ASYNC_RETURN(count);
 *
 * value      evaluated once, in the innermost block.
 * Returns    from the function, when all blocks have been left, innermost first: with value, or
 *            with the error of a block that could not be left (a child of its group has failed, its
 *            timeout has interrupted an await_ call, its context manager fails).
 * Suspends   to leave the blocks, as they do.
 *
 * A bare `return` leaves the blocks, too, but discards their results. */
#define ASYNC_RETURN(value)                                                                        \
    do {                                                                                           \
        ASYNC__INFER async_v_ = (value);                                                           \
        int async_e_ = await_return(async_blocks_, async_v_ < 0 ? (int)async_v_ : 0, ASYNC_HERE);  \
        return async_e_ < 0 ? async_e_ : async_v_;                                                 \
    } while (0)

/* Give an error a message, and begin its traceback at this line.
 *
 *   if (status != 200)
 *       return async_fail(-EPROTO, "%s: status %d", url, status);
 *
 * code       a negative errno value. A positive constant does not compile; a positive variable is
 *            made negative, with a message on stderr.
 * ...        a format and values as for printf(); the message is copied, and cut to 127 bytes.
 * Returns    code.
 * Suspends   no. Outside of a task, the thread keeps its latest error. */
#define async_fail(code, ...) async_fail_at(ASYNC__NEGATIVE(code), ASYNC_HERE, __VA_ARGS__)
int async_fail_at(int code, const async_site *site, const char *fmt, ...) ASYNC_CHECK
        ASYNC_FORMAT(3, 4);

/* Return the message of the error that a call has just returned.
 *
 *   int r = await_fetch(url);
 *   if (r < 0)
 *       printf("%s: %s\n", strerror(-r), async_fail_text(r));
 *
 * code       the error.
 * Returns    the message of the latest async_fail() with that code in this task, in a task that it
 *            awaited, or in a group that has failed in it; outside of tasks, the message of the run
 *            or of the coroutine on another thread's loop that has failed. "" if there is none.
 *            Valid until the task suspends or the next error occurs.
 * Suspends   no. */
const char *async_fail_text(int code);

/* The failure of one task. Its causes are the errors of the group that failed inside it, so errors
 * are a tree. Everything in it belongs to the group from which it was obtained. */
typedef struct async_error {
    int code;                  /* a negative errno value */
    const char *task;          /* the name of the task */
    const char *text;          /* the message, or "" */
    const async_site *site;    /* where it occurred, or NULL */
    const async_site *created; /* where the task was created, or NULL */
    const async_site *const *trace; /* the traceback, which begins with site */
    int trace_depth;                /* the length of the traceback, at most 16 */
    struct async_error *parent;     /* the error whose cause this is, or NULL */
    struct async_error *cause;      /* its first cause, or NULL */
    struct async_error *next;       /* the next cause of the same parent, or NULL */
    bool retrieved;                 /* private */
} async_error;

/* Return the error after e in its tree: first its causes, then what follows it. NULL at the end. */
const async_error *async_error_next(const async_error *e);

/* Return the first error with that code, from e on in its tree; NULL if there is none. */
const async_error *async_error_find(const async_error *e, int code);

/* Print the tree of e to stderr, one line for each error, indented. At most 200 lines are printed,
 * and then how many are left out. Suspends: no. */
void async_error_print(const async_error *e);

/* The same, and below each error its traceback and where its task was created. The library prints
 * errors that were never retrieved in this way. */
void async_error_print_traces(const async_error *e);

/* --- private: how the macros work --- */

#ifdef __cplusplus
#define ASYNC__NEGATIVE(code) (code)
#else
/* Is x a constant expression? A constant 0 that is cast to void * is a null pointer, and then the
 * other type is that of the conditional expression. */
#define ASYNC__IS_CONSTANT(x)                                                                      \
    (sizeof(int) == sizeof(*(1 ? (void *)((long)(x) * 0L) : (int *)1)))
/* The code, which must not be a positive constant. */
#define ASYNC__NEGATIVE(code)                                                                      \
    ((code) + 0 * (int)sizeof(struct {                                                             \
         int member;                                                                               \
         _Static_assert(__builtin_choose_expr(ASYNC__IS_CONSTANT(code), (code), -1) <= 0,          \
                        "async_fail: an error code is negative, for example -EIO");                \
     }))
#endif

ASYNC_END_DECLS

#endif
