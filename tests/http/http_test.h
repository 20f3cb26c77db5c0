/* SPDX-License-Identifier: MIT */
/* http_test.h - frame of the HTTP tests. Each test is a function that runs as a task, in a process
 * of its own, with a server and a session. It fails if it leaves a descriptor or a connection
 * open. */
#ifndef TESTS_HTTP_TEST_H
#define TESTS_HTTP_TEST_H

#include <asyncio/error.h>
#include <asyncio/gather.h>
#include <asyncio/group.h>
#include <asyncio/http.h>
#include <asyncio/run.h>
#include <asyncio/scope.h>
#include <asyncio/task.h>
#include <asyncio/with.h>

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "server.h"

typedef int (*http_body)(struct server *sv, async_http_session *s);
void http_run(http_body body);

/* HTTP_TEST(name) { ... } defines a test, which uses sv and s and returns 0. */
#define HTTP_TEST(name)                                                                            \
    static int name##_body(struct server *sv, async_http_session *s);                              \
    START_TEST(name)                                                                               \
    {                                                                                              \
        http_run(name##_body);                                                                     \
    }                                                                                              \
    END_TEST                                                                                       \
    static int name##_body(struct server *sv ASYNC_UNUSED, async_http_session *s ASYNC_UNUSED)

/* Returns a URL of the server. It is valid until the eighth further call. */
const char *at(const struct server *sv, const char *fmt, ...) ASYNC_FORMAT(2, 3);

/* Wait until the condition holds. Fail if it does not hold within ten seconds. */
#define EVENTUALLY(condition)                                                                      \
    do {                                                                                           \
        for (int i_ = 0; i_ < 10000 * slow() && !(condition); i_++)                                \
            ck_assert_int_eq(await_sleep(0.001), 0);                                               \
        ck_assert_msg(condition, "not within 10 s: %s", #condition);                               \
    } while (0)

/* A text contains a part; or does not, in small or capital letters. */
#define HAS(text, part)   ck_assert_msg(strstr((text), (part)), "no %s in\n%s", (part), (text))
#define LACKS(text, part) ck_assert_msg(!strcasestr((text), (part)), "%s in\n%s", (part), (text))

int open_fds(void);

/* Returns how much slower than usual this process runs; delays and timeouts are multiplied by
 * it. */
double slow(void);

/* Each program of tests defines its name and adds its tests. */
extern const char *const http_suite;
void http_cases(TCase *tc);

/* A program that needs something else may define this: NULL, or why its tests are skipped. */
const char *http_missing(void) __attribute__((weak));

#endif
