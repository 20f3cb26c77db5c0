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
    expect_int(async_web_server_start(routes, &other, .port = port), -EADDRINUSE);
    expect_not_null(strstr(async_fail_text(-EADDRINUSE), "127.0.0.1"));
    expect_int(await_web_serve(routes, .port = port), -EADDRINUSE);
    expect_null(other);
    ASYNC_TRY(await_web_server_stop(&s, 1));
    ASYNC_TRY(async_web_server_start(routes, &s, .port = port)); /* free again */
    return await_web_server_stop(&s, 1);
}

TEST(port_in_use_is_refused_until_its_server_stops)
{
    expect_ok(async_run(start_twice()));
}

ASYNC_DEF(start_with_bad_options)
{
    async_web_server *s = NULL;
    expect_int(async_web_server_start(routes, &s, .port = -1), -EINVAL);
    expect_int(async_web_server_start(routes, &s, .port = 65536), -EINVAL);
    expect_int(async_web_server_start(routes, &s, .host = "example.net"), -EINVAL);
    expect_int(async_web_server_start(routes, &s, .host = "192.0.2.1"), -EADDRNOTAVAIL);
    expect_int(async_web_server_start(NULL, &s), -EINVAL);
    expect_null(s);
    return 0;
}

TEST(invalid_option_is_refused)
{
    expect_ok(async_run(start_with_bad_options()));
}

TEST(start_without_a_loop_is_refused)
{
    async_web_server *s = NULL;
    expect_int(async_web_server_start(routes, &s), -EPERM);
    expect_null(s);
}

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
    expect_int(count_descriptors(), before);
    return 0;
}

TEST(server_stopped_by_the_end_of_its_block_leaves_no_descriptor)
{
    expect_ok(async_run(start_and_drop()));
}

ASYNC_DEF(declare_two)
{
    int before = count_descriptors();
    {
        await_web_server_auto a = NULL, b = NULL;
        ASYNC_TRY(async_web_server_start(routes, &a));
        ASYNC_TRY(async_web_server_start(routes, &b));
        expect_int_not(async_web_server_port(a), async_web_server_port(b));
    }
    expect_int(count_descriptors(), before);
    return 0;
}

TEST(two_servers_in_one_declaration_are_both_stopped)
{
    expect_ok(async_run(declare_two()));
}

SUITE("web-start", port_in_use_is_refused_until_its_server_stops, invalid_option_is_refused,
      start_without_a_loop_is_refused, server_stopped_by_the_end_of_its_block_leaves_no_descriptor,
      two_servers_in_one_declaration_are_both_stopped)
