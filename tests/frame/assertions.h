/* SPDX-License-Identifier: MIT */
/* assertions.h - compare what a test got with what it expects.
 *
 *   expect_int, expect_int_not              integers; a negative errno value is shown by its name
 *   expect_ok                               the result is 0
 *   expect_true, expect_false               a condition
 *   expect_less, expect_at_most             numbers of any type; the second argument is the bound
 *   expect_greater, expect_at_least
 *   expect_double, expect_near              floating point, exactly or within a tolerance
 *   expect_text, expect_text_not            whole texts; NULL equals only NULL
 *   expect_contains, expect_lacks           a part of a text; expect_lacks ignores case
 *   expect_bytes                            blocks of memory
 *   expect_ptr, expect_null, expect_not_null
 *   expect_that(condition, format, ...)     a condition with a message of its own
 *   fail_test(format, ...)                  fail without a condition
 *
 * The first argument is what the test got, the second is what it expects. Each argument is
 * evaluated once. The first assertion that does not hold ends the test. Its message names the file
 * and the line, the expression, the expected value and the value that the test got.
 *
 * An assertion that holds costs two comparisons, so assertions may stand in loops. */
#ifndef TESTS_FRAME_ASSERTIONS_H
#define TESTS_FRAME_ASSERTIONS_H

#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Pass the current location to Check, for the report of a crash or of a timeout. This takes a
 * system call, so each location does it only the first time. */
#define assertion_reached()                                                                        \
    do {                                                                                           \
        static char reached_;                                                                      \
        if (!__atomic_load_n(&reached_, __ATOMIC_RELAXED)) {                                       \
            __atomic_store_n(&reached_, 1, __ATOMIC_RELAXED);                                      \
            mark_point();                                                                          \
        }                                                                                          \
    } while (0)

#define fail_test(...) ck_abort_msg(__VA_ARGS__)

/* The same for the frame itself, which does not report its own locations. */
#define frame_expects(condition, ...)                                                              \
    do {                                                                                           \
        if (!(condition))                                                                          \
            fail_test(__VA_ARGS__);                                                                \
    } while (0)

#define expect_that(condition, ...)                                                                \
    do {                                                                                           \
        assertion_reached();                                                                       \
        if (!(condition))                                                                          \
            fail_test(__VA_ARGS__);                                                                \
    } while (0)

#define expect_true(expr)  expect_that((expr), "%s: expected true, got false", #expr)
#define expect_false(expr) expect_that(!(expr), "%s: expected false, got true", #expr)

/* Return a result as text: "-EIO" for a negative errno value, else the number. The text is valid
 * until the fourth further call. */
static inline const char *result_text(long long r)
{
    static char texts[4][40];
    static unsigned next;
    char *text = texts[next++ % 4];
    const char *name = r < 0 && r > -4096 ? strerrorname_np((int)-r) : NULL;
    if (name)
        snprintf(text, sizeof *texts, "-%s", name);
    else
        snprintf(text, sizeof *texts, "%lld", r);
    return text;
}

#define expect_int(expr, expected)                                                                 \
    do {                                                                                           \
        long long got_ = (long long)(expr), want_ = (long long)(expected);                         \
        expect_that(got_ == want_, "%s: expected %s, got %s", #expr, result_text(want_),           \
                    result_text(got_));                                                            \
    } while (0)
#define expect_int_not(expr, other)                                                                \
    do {                                                                                           \
        long long got_ = (long long)(expr);                                                        \
        expect_that(got_ != (long long)(other), "%s: expected another value than %s", #expr,       \
                    result_text(got_));                                                            \
    } while (0)
#define expect_ok(expr) expect_int(expr, 0)

/* A long double holds each value of the integer types and of double. */
#define expect_order_(expr, operator, bound)                                                       \
    do {                                                                                           \
        long double got_ = (long double)(expr), bound_ = (long double)(bound);                     \
        expect_that(got_ operator bound_, "%s: expected a value " #operator" %.17Lg, got %.17Lg",  \
                    #expr, bound_, got_);                                                          \
    } while (0)
#define expect_less(expr, bound)     expect_order_(expr, <, bound)
#define expect_at_most(expr, bound)  expect_order_(expr, <=, bound)
#define expect_greater(expr, bound)  expect_order_(expr, >, bound)
#define expect_at_least(expr, bound) expect_order_(expr, >=, bound)

#define expect_near(expr, expected, tolerance)                                                     \
    do {                                                                                           \
        double got_ = (expr), want_ = (expected),                                                  \
               off_ = got_ < want_ ? want_ - got_ : got_ - want_;                                  \
        expect_that(got_ == want_ || off_ <= (tolerance), "%s: expected %.17g, got %.17g", #expr,  \
                    want_, got_);                                                                  \
    } while (0)
#define expect_double(expr, expected) expect_near(expr, expected, 0)

static inline const char *text_or_null(const char *text)
{
    return text ? text : "(null)";
}

static inline bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

#define expect_text(expr, expected)                                                                \
    do {                                                                                           \
        const char *got_ = (expr), *want_ = (expected);                                            \
        expect_that(same_text(got_, want_), "%s: expected \"%s\", got \"%s\"", #expr,              \
                    text_or_null(want_), text_or_null(got_));                                      \
    } while (0)
#define expect_text_not(expr, other)                                                               \
    do {                                                                                           \
        const char *got_ = (expr);                                                                 \
        expect_that(!same_text(got_, (other)), "%s: expected another text than \"%s\"", #expr,     \
                    text_or_null(got_));                                                           \
    } while (0)
#define expect_contains(expr, part)                                                                \
    do {                                                                                           \
        const char *got_ = (expr), *part_ = (part);                                                \
        expect_that(got_ &&strstr(got_, part_), "%s: expected a text with \"%s\", got \"%s\"",     \
                    #expr, part_, text_or_null(got_));                                             \
    } while (0)
#define expect_lacks(expr, part)                                                                   \
    do {                                                                                           \
        const char *got_ = (expr), *part_ = (part);                                                \
        expect_that(got_ && !strcasestr(got_, part_),                                              \
                    "%s: expected a text without \"%s\", got \"%s\"", #expr, part_,                \
                    text_or_null(got_));                                                           \
    } while (0)

#define expect_bytes(expr, expected, size)                                                         \
    do {                                                                                           \
        const unsigned char *got_ = (const void *)(expr), *want_ = (const void *)(expected);       \
        size_t size_ = (size), i_ = 0;                                                             \
        while (i_ < size_ && got_[i_] == want_[i_])                                                \
            i_++;                                                                                  \
        expect_that(i_ == size_, "%s: byte %zu of %zu: expected 0x%02x, got 0x%02x", #expr, i_,    \
                    size_, want_[i_], got_[i_]);                                                   \
    } while (0)

#define expect_ptr(expr, expected)                                                                 \
    do {                                                                                           \
        const volatile void *got_ = (expr), *want_ = (expected);                                   \
        expect_that(got_ == want_, "%s: expected %p, got %p", #expr, (void *)want_, (void *)got_); \
    } while (0)
#define expect_null(expr)     expect_ptr(expr, NULL)
#define expect_not_null(expr) expect_that((expr) != NULL, "%s: expected a pointer, got NULL", #expr)

#endif
