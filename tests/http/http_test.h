/* SPDX-License-Identifier: MIT */
/* http_test.h - frame of the HTTP tests. Each test is a function that runs as a task, in a process
 * of its own, with a server and a session. It fails if it leaves a descriptor or a connection
 * open. */
#ifndef TESTS_HTTP_TEST_H
#define TESTS_HTTP_TEST_H

#include "../frame/loop_test.h"

#include <asyncio/error.h>
#include <asyncio/gather.h>
#include <asyncio/group.h>
#include <asyncio/http.h>
#include <asyncio/run.h>
#include <asyncio/scope.h>
#include <asyncio/task.h>
#include <asyncio/with.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "server.h"

typedef int (*http_body)(struct server *sv, async_http_session *s);
void http_run(http_body body);

/* HTTP_TEST(name) { ... } defines a test, which uses sv and s and returns 0. */
#define HTTP_TEST(name)                                                                            \
    static int name##_body(struct server *sv, async_http_session *s);                              \
    TEST(name)                                                                                     \
    {                                                                                              \
        http_run(name##_body);                                                                     \
    }                                                                                              \
    static int name##_body(struct server *sv ASYNC_UNUSED, async_http_session *s ASYNC_UNUSED)

/* Returns a URL of the server. It is valid until the eighth further call. */
const char *at(const struct server *sv, const char *fmt, ...) ASYNC_FORMAT(2, 3);

int open_fds(void);

/* Each program of tests defines its name and adds its tests. */
extern const char *const http_suite;
void http_cases(TCase *tc);

/* A program that needs something else may define this: NULL, or why its tests are skipped. */
const char *http_missing(void) __attribute__((weak));

#endif
