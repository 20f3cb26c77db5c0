/* SPDX-License-Identifier: MIT */
/* How servers begin, and that those nobody asked anything leave nothing. */
#include "harness.h"

#include <fcntl.h>

ASYNC_DEF(hello, (async_web_request *)rq)
{
    return async_web_text(rq, 200, "hello");
}

static const async_web_route routes[] = { { "GET", "/", hello }, { 0 } };

ASYNC_DEF(starts)
{
    async_web_server *s, *other = NULL;
    ck_assert_int_eq(await_web_server_stop(NULL, 1), 0);
    ASYNC_TRY(async_web_server_start(routes, &s, .host = "localhost"));
    int port = async_web_server_port(s);
    ck_assert_int_eq(async_web_server_start(routes, &other, .port = port), -EADDRINUSE);
    ck_assert_ptr_nonnull(strstr(async_fail_text(-EADDRINUSE), "127.0.0.1"));
    ck_assert_int_eq(await_web_serve(routes, .port = port), -EADDRINUSE);
    ck_assert_int_eq(async_web_server_start(routes, &other, .port = -1), -EINVAL);
    ck_assert_int_eq(async_web_server_start(routes, &other, .port = 65536), -EINVAL);
    ck_assert_int_eq(async_web_server_start(routes, &other, .host = "example.net"), -EINVAL);
    ck_assert_int_eq(async_web_server_start(routes, &other, .host = "192.0.2.1"), -EADDRNOTAVAIL);
    ck_assert_int_eq(async_web_server_start(NULL, &other), -EINVAL);
    ck_assert_ptr_null(other);
    ASYNC_TRY(await_web_server_stop(s, 1));
    ASYNC_TRY(async_web_server_start(routes, &s, .port = port)); /* free again */
    return await_web_server_stop(s, 1);
}

START_TEST(what_cannot_start_says_why)
{
    async_web_server *s = NULL;
    ck_assert_int_eq(async_run(starts()), 0);
    ck_assert_int_eq(async_web_server_start(routes, &s), -EPERM); /* no loop */
    ck_assert_ptr_null(s);
}
END_TEST

static int open_descriptors(void)
{
    int n = 0;
    for (int fd = 0; fd < 256; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

/* Stopped by leaving the block, at each moment; and many in a row leave nothing open. */
ASYNC_DEF(comes_and_goes)
{
    int before = open_descriptors();
    for (int i = 0; i < 20; i++) {
        await_web_server_auto s = NULL;
        ASYNC_TRY(async_web_server_start(routes, &s));
        for (int turn = 0; turn < i % 5; turn++)
            ASYNC_TRY(await_sleep(0));
    }
    ck_assert_int_eq(open_descriptors(), before);
    return 0;
}

START_TEST(a_server_that_is_dropped_leaves_no_descriptor)
{
    ck_assert_int_eq(async_run(comes_and_goes()), 0);
}
END_TEST

SUITE("web-start", what_cannot_start_says_why, a_server_that_is_dropped_leaves_no_descriptor)
