/* SPDX-License-Identifier: MIT */
/* How servers start, or why they do not. */
#include "harness.h"

ASYNC_DEF(hello, (async_web_request *)rq)
{
    return async_web_text(rq, 200, "hello");
}

static const async_web_route routes[] = { { "GET", "/", hello }, { 0 } };

ASYNC_DEF(start_twice)
{
    async_web_server *s, *other = NULL;
    ASYNC_TRY(async_web_server_start(routes, &s, .host = "localhost"));
    int port = async_web_server_port(s);
    ck_assert_int_eq(async_web_server_start(routes, &other, .port = port), -EADDRINUSE);
    ck_assert_ptr_nonnull(strstr(async_fail_text(-EADDRINUSE), "127.0.0.1"));
    ck_assert_int_eq(await_web_serve(routes, .port = port), -EADDRINUSE);
    ck_assert_ptr_null(other);
    ASYNC_TRY(await_web_server_stop(s, 1));
    ASYNC_TRY(async_web_server_start(routes, &s, .port = port)); /* free again */
    return await_web_server_stop(s, 1);
}

START_TEST(port_in_use_is_refused_until_its_server_stops)
{
    ck_assert_int_eq(async_run(start_twice()), 0);
}
END_TEST

ASYNC_DEF(start_with_bad_options)
{
    async_web_server *s = NULL;
    ck_assert_int_eq(async_web_server_start(routes, &s, .port = -1), -EINVAL);
    ck_assert_int_eq(async_web_server_start(routes, &s, .port = 65536), -EINVAL);
    ck_assert_int_eq(async_web_server_start(routes, &s, .host = "example.net"), -EINVAL);
    ck_assert_int_eq(async_web_server_start(routes, &s, .host = "192.0.2.1"), -EADDRNOTAVAIL);
    ck_assert_int_eq(async_web_server_start(NULL, &s), -EINVAL);
    ck_assert_ptr_null(s);
    return 0;
}

START_TEST(invalid_option_is_refused)
{
    ck_assert_int_eq(async_run(start_with_bad_options()), 0);
}
END_TEST

START_TEST(start_without_a_loop_is_refused)
{
    async_web_server *s = NULL;
    ck_assert_int_eq(async_web_server_start(routes, &s), -EPERM);
    ck_assert_ptr_null(s);
}
END_TEST

/* Each server is stopped by the end of its block, after another number of loop iterations. */
ASYNC_DEF(start_and_drop)
{
    int before = count_descriptors();
    for (int i = 0; i < 20; i++) {
        await_web_server_auto s = NULL;
        ASYNC_TRY(async_web_server_start(routes, &s));
        for (int iterations = 0; iterations < i % 5; iterations++)
            ASYNC_TRY(await_sleep(0));
    }
    ck_assert_int_eq(count_descriptors(), before);
    return 0;
}

START_TEST(server_stopped_by_the_end_of_its_block_leaves_no_descriptor)
{
    ck_assert_int_eq(async_run(start_and_drop()), 0);
}
END_TEST

ASYNC_DEF(declare_two)
{
    int before = count_descriptors();
    {
        await_web_server_auto a = NULL, b = NULL;
        ASYNC_TRY(async_web_server_start(routes, &a));
        ASYNC_TRY(async_web_server_start(routes, &b));
        ck_assert_int_ne(async_web_server_port(a), async_web_server_port(b));
    }
    ck_assert_int_eq(count_descriptors(), before);
    return 0;
}

START_TEST(two_servers_in_one_declaration_are_both_stopped)
{
    ck_assert_int_eq(async_run(declare_two()), 0);
}
END_TEST

SUITE("web-start", port_in_use_is_refused_until_its_server_stops, invalid_option_is_refused,
      start_without_a_loop_is_refused, server_stopped_by_the_end_of_its_block_leaves_no_descriptor,
      two_servers_in_one_declaration_are_both_stopped)
