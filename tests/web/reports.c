/* SPDX-License-Identifier: MIT */
/* What is written to stderr about handlers that fail. */
#include "harness.h"

#include "fake_clock.h"

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

static atomic_int running, ended;

/* Wait for the end of the connection, and then fail with ?error=. */
ASYNC_DEF(fail_when_cancelled, (async_web_request *)rq)
{
    int error = atoi(async_web_query(rq, "error"));
    running++;
    int r = await_sleep(20);
    running--;
    ended++;
    return r < 0 ? -error : 0;
}

/* Write until the client is gone. */
ASYNC_DEF(endless_stream, (async_web_request *)rq)
{
    static char piece[10000];
    int r = await_web_stream_begin(rq, 200, NULL);
    running++;
    while (r == 0)
        r = await_web_write(rq, piece, sizeof piece);
    running--;
    ended++;
    return r;
}

static const async_web_route routes[] = { { "GET", "/fails", fails },
                                          { "GET", "/fails-late", fails_late },
                                          { "GET", "/silent", silent },
                                          { "GET", "/cancels-itself", cancels_itself },
                                          { "GET", "/cancelled", fail_when_cancelled },
                                          { "GET", "/endless", endless_stream },
                                          { 0 } };

static void request_failures(int port, void *arg)
{
    (void)arg;
    expect_response(port, 500, NULL, "GET /fails HTTP/1.1");
    expect_response(port, 202, "taken", "GET /fails-late HTTP/1.1");
    expect_response(port, 500, NULL, "GET /silent HTTP/1.1");
    expect_response(port, 500, NULL, "GET /cancels-itself HTTP/1.1");
}

TEST(failed_handler_is_reported_without_control_characters)
{
    char *text =
            serve_and_capture_stderr(routes, (struct async_web_opts){ 0 }, request_failures, NULL);
    expect_text(
            text,
            "asyncio-web: GET /fails: handler failed: Input/output error: the disk?[31m is full\n"
            "asyncio-web: GET /fails-late: handler failed: Input/output error\n"
            "asyncio-web: GET /silent: handler returned 0 without a response\n"
            "asyncio-web: GET /cancels-itself: handler failed: Operation canceled\n");
    free(text);
}

/* --- disconnects --- */

static void request_and_leave(int port, const char *target, bool reset)
{
    int fd = connect_to(port), before = ended;
    send_text(fd, "GET %s HTTP/1.1\r\nHost: h\r\n\r\n", target);
    wait_until(&running, 1);
    if (reset)
        reset_connection(fd);
    else
        close(fd);
    wait_until(&ended, before + 1);
}

static void leave_in_many_ways(int port, void *arg)
{
    static const char *const begins[] = { "", "GET",
                                          "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n",
                                          "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nx",
                                          "GET /fails-late HTTP/1.1\r\nHost" };
    const int errors[] = { ECANCELED, EPIPE, ECONNRESET, ENODATA };
    char target[64];
    (void)arg;
    for (size_t i = 0; i < 2 * sizeof begins / sizeof *begins; i++) {
        int fd = connect_to(port);
        send_text(fd, "%s", begins[i / 2]);
        if (i % 2)
            reset_connection(fd);
        else
            close(fd);
    }
    for (size_t i = 0; i < 2 * sizeof errors / sizeof *errors; i++) {
        snprintf(target, sizeof target, "/cancelled?error=%d", errors[i / 2]);
        request_and_leave(port, target, i % 2);
    }
    request_and_leave(port, "/endless", true);
    request_and_leave(port, "/endless", false);
}

TEST(handler_that_fails_because_its_client_left_is_not_reported)
{
    char *text = serve_and_capture_stderr(routes, (struct async_web_opts){ 0 }, leave_in_many_ways,
                                          NULL);
    expect_text(text, "");
    free(text);
}

static void leave_with_other_failure(int port, void *arg)
{
    char target[64];
    (void)arg;
    snprintf(target, sizeof target, "/cancelled?error=%d", EIO);
    request_and_leave(port, target, false);
}

TEST(handler_that_fails_otherwise_after_its_client_left_is_reported)
{
    char *text = serve_and_capture_stderr(routes, (struct async_web_opts){ 0 },
                                          leave_with_other_failure, NULL);
    expect_text(text, "asyncio-web: GET /cancelled: handler failed: Input/output error\n");
    free(text);
}

/* --- many failures --- */

static void fail_often(int port, int times)
{
    for (int i = 0; i < times; i++)
        expect_response(port, 500, NULL, "GET /silent HTTP/1.1");
}

/* In the first second 10 of 25 are printed, in the second one 10 of 10, in the third 10 of 13. */
static void fail_for_three_seconds(int port, void *arg)
{
    (void)arg;
    fake_clock_stop();
    fail_often(port, 25);
    skip_seconds(1.1);
    fail_often(port, 10);
    skip_seconds(1.1);
    fail_often(port, 13);
}

static int count_of(const char *text, const char *part)
{
    int n = 0;
    for (; (text = strstr(text, part)); text += strlen(part))
        n++;
    return n;
}

TEST(reports_beyond_ten_a_second_are_counted_instead_of_printed)
{
    char *text = serve_and_capture_stderr(routes, (struct async_web_opts){ 0 },
                                          fail_for_three_seconds, NULL);
    expect_int(count_of(text, "GET /silent: handler returned 0 without a response\n"), 30);
    expect_int(count_of(text, "asyncio-web: 15 more reports suppressed\n"), 1);
    expect_int(count_of(text, "asyncio-web: 3 more reports suppressed\n"), 1);
    expect_int(count_of(text, "\n"), 32);
    free(text);
}

SUITE("web-reports", failed_handler_is_reported_without_control_characters,
      handler_that_fails_because_its_client_left_is_not_reported,
      handler_that_fails_otherwise_after_its_client_left_is_reported,
      reports_beyond_ten_a_second_are_counted_instead_of_printed)
