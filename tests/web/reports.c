/* SPDX-License-Identifier: MIT */
/* What is written to stderr about handlers that fail. */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

ASYNC_DEF(fails, (async_web_request *)rq)
{
    (void)rq;
    return async_fail(-EIO, "the disk\x1b[31m is full");
}

ASYNC_DEF(fails_late, (async_web_request *)rq)
{
    ASYNC_TRY(async_web_text(rq, 202, "taken"));
    return -EIO;
}

ASYNC_DEF(silent, (async_web_request *)rq)
{
    (void)rq;
    return 0;
}

ASYNC_DEF(cancels_itself, (async_web_request *)rq)
{
    (void)rq;
    async_task_cancel(async_current_task(), .reason = "no");
    return await_sleep(1);
}

static const async_web_route routes[] = { { "GET", "/fails", fails },
                                          { "GET", "/fails-late", fails_late },
                                          { "GET", "/silent", silent },
                                          { "GET", "/cancels-itself", cancels_itself },
                                          { 0 } };

static void request_failures(int port, void *arg)
{
    (void)arg;
    expect_response(port, 500, NULL, "GET /fails HTTP/1.1");
    expect_response(port, 202, "taken", "GET /fails-late HTTP/1.1");
    expect_response(port, 500, NULL, "GET /silent HTTP/1.1");
    expect_response(port, 500, NULL, "GET /cancels-itself HTTP/1.1");
}

START_TEST(failed_handler_is_reported_without_control_characters)
{
    char *text =
            serve_and_capture_stderr(routes, (struct async_web_opts){ 0 }, request_failures, NULL);
    ck_assert_str_eq(
            text,
            "asyncio-web: GET /fails: handler failed: Input/output error: the disk?[31m is full\n"
            "asyncio-web: GET /fails-late: handler failed: Input/output error\n"
            "asyncio-web: GET /silent: handler returned 0 without a response\n"
            "asyncio-web: GET /cancels-itself: handler failed: Operation canceled\n");
    free(text);
}
END_TEST

SUITE("web-reports", failed_handler_is_reported_without_control_characters)
