/* SPDX-License-Identifier: MIT */
/* http_test.h - each test is a function that runs as a task, in a process of its own, with a server and a
 * session. What it leaves open is found out. */
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

/* HTTP_TEST(name) { uses sv and s; returns 0 } */
#define HTTP_TEST(name)                                                                            \
    static int name##_body(struct server *sv, async_http_session *s);                              \
    START_TEST(name)                                                                               \
    {                                                                                              \
        http_run(name##_body);                                                                     \
    }                                                                                              \
    END_TEST                                                                                       \
    static int name##_body(struct server *sv ASYNC_UNUSED, async_http_session *s ASYNC_UNUSED)

/* A URL of the server; good until the eighth next one. */
const char *at(const struct server *sv, const char *fmt, ...) ASYNC_FORMAT(2, 3);

/* Wait until the condition holds, for two (slow) seconds at most. */
#define EVENTUALLY(condition)                                                                      \
    do {                                                                                           \
        for (int i_ = 0; i_ < 200 * slow() && !(condition); i_++)                                  \
            ck_assert_int_eq(await_sleep(0.01), 0);                                                \
        ck_assert_msg(condition, "not within 2 s: %s", #condition);                                \
    } while (0)

int open_fds(void);

/* How much slower than usual things are here: delays and limits of time are multiplied by it. */
double slow(void);

/* Every program of tests has its cases. */
extern const char *const http_suite;
void http_cases(TCase *tc);

/* A program that needs something else says what is missing: it is skipped. */
const char *http_missing(void) __attribute__((weak));

#endif
