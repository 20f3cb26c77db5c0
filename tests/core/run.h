/* SPDX-License-Identifier: MIT */
/* run.h - what the tests of the core share: one coroutine a test, in virtual time, in its own process; what it
 * says on stderr is part of its behaviour, so a loop that closes with something left fails its test. */
#ifndef TESTS_RUN_H
#define TESTS_RUN_H

#include <asyncio.h>

#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define countof(array) (sizeof(array) / sizeof *(array))

/* How many, in a test of large numbers: n, or $TEST_MANY if that is less, for whoever runs the tests in something
 * slow. valgrind looks through all stacks at each switch. */
static inline int at_most(size_t n)
{
    const char *many = getenv("TEST_MANY");
    int most = many ? atoi(many) : 0;
    return most > 0 && (size_t)most < n ? most : (int)n;
}

/* --- results, with the names of errors --- */

static inline const char *shown(long r)
{
    static char texts[4][40];
    static unsigned n;
    char *text = texts[n++ % countof(texts)];
    const char *name = r < 0 && r > -4096 ? strerrorname_np((int)-r) : NULL;
    if (name)
        snprintf(text, sizeof *texts, "-%s", name);
    else
        snprintf(text, sizeof *texts, "%ld", r);
    return text;
}

#define is(expr, expected)                                                                         \
    do {                                                                                           \
        long got_ = (long)(expr), want_ = (long)(expected);                                        \
        ck_assert_msg(got_ == want_, "%s: %s, not %s", #expr, shown(got_), shown(want_));          \
    } while (0)
#define ok(expr)       is(expr, 0)
#define is_true(expr)  ck_assert_msg((expr), "%s", #expr)
#define is_false(expr) ck_assert_msg(!(expr), "not: %s", #expr)
#define is_text(expr, expected)                                                                    \
    do {                                                                                           \
        const char *got_ = (expr), *want_ = (expected);                                            \
        ck_assert_msg(!strcmp(got_, want_), "%s: \"%s\", not \"%s\"", #expr, got_, want_);         \
    } while (0)
#define has_text(expr, part)                                                                       \
    do {                                                                                           \
        const char *got_ = (expr), *want_ = (part);                                                \
        ck_assert_msg(strstr(got_, want_), "%s: \"%s\" lacks \"%s\"", #expr, got_, want_);         \
    } while (0)

/* The time since the loop began, in seconds of its virtual clock. */
#define is_time(seconds)                                                                           \
    do {                                                                                           \
        double now_ = async_time();                                                                \
        ck_assert_msg(now_ > (seconds)-1e-6 && now_ < (seconds) + 1e-6, "it is %g, not %g", now_,  \
                      (double)(seconds));                                                          \
    } while (0)

/* --- the order of events: words, each behind a blank --- */

static char trail[8192];

ASYNC_FORMAT(1, 2) static inline void note(const char *fmt, ...)
{
    size_t used = strlen(trail);
    va_list ap;
    va_start(ap, fmt);
    if (used > 0 && used + 1 < sizeof trail)
        trail[used++] = ' ';
    int n = vsnprintf(trail + used, sizeof trail - used, fmt, ap);
    va_end(ap);
    ck_assert(n >= 0 && used + (size_t)n < sizeof trail);
}

#define is_trail(words) is_text(trail, words)
#define forget_trail()  ((void)(trail[0] = '\0'))

/* --- what is said on stderr --- */

static struct {
    int real, memory;
    char text[8192];
} ears = { -1, -1, "" };

static inline void ears_close(void)
{
    if (ears.real < 0)
        return;
    fflush(stderr);
    dup2(ears.real, STDERR_FILENO);
    close(ears.real);
    ears.real = -1;
}

static inline void ears_open(void)
{
    fflush(stderr);
    ears.memory = memfd_create("stderr", MFD_CLOEXEC);
    ears.real = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 200);
    ck_assert(ears.memory >= 0 && ears.real >= 0);
    ck_assert(fcntl(ears.memory, F_SETFL, O_APPEND) == 0);
    dup2(ears.memory, STDERR_FILENO);
}

/* What has been said since the last time. */
static inline const char *heard(void)
{
    fflush(stderr);
    ssize_t n = pread(ears.memory, ears.text, sizeof ears.text - 1, 0);
    ears.text[n > 0 ? n : 0] = '\0';
    ck_assert(ftruncate(ears.memory, 0) == 0);
    return ears.text;
}

#if defined(__SANITIZE_ADDRESS__)
void __asan_on_error(void);
void __asan_on_error(void)
{
    ears_close(); /* its report is for whoever runs the tests */
}
#endif

/* --- tests --- */

static inline int run_heard(async_co co, const struct async_run_opts *opts)
{
    ears_open();
    int r = async_run_opt(co, opts);
    const char *said = heard();
    ears_close();
    ck_assert_msg(!said[0], "said: %s", said);
    return r;
}

/* Run co in a loop with a virtual clock, to its 0; it says nothing that nobody asked heard() for. */
#define RUN(co, ...)                                                                               \
    is(run_heard((co), &(const struct async_run_opts){ .virtual_clock = true, ##__VA_ARGS__ }), 0)

/* CASE(name) { body of a coroutine }    a test that does that. */
#define CASE(name)                                                                                 \
    ASYNC_CHECK static int await_##name##_case(void);                                              \
    ASYNC_CO(name##_case)                                                                          \
    START_TEST(name)                                                                               \
    {                                                                                              \
        RUN(name##_case());                                                                        \
    }                                                                                              \
    END_TEST                                                                                       \
    static int await_##name##_case(void)

enum { SUITE_SECONDS = 30 };
#include "../suite_frame.h"

#endif
