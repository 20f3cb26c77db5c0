/* SPDX-License-Identifier: MIT */
/* test_fetch_memory.c - a failed allocation at every point: each scenario runs again with its
 * first, second, third... allocation failing, until none fails. It must return -ENOMEM and nothing
 * wrong, and the address sanitizer must find no leak. */
#include "tool_check.h"

#include "fetch/input.h"
#include "fetch/options.h"
#include "fetch/keep_order.h"
#include "fetch/origins.h"
#include "fetch/result.h"

#include <jansson.h>

static long left = -1; /* allocations until one fails; negative if none is to fail */
static bool failed;
static bool
        broken; /* recorded here and asserted later, because assertions of Check allocate, too */

static bool fails(void)
{
    if (left < 0 || left-- > 0)
        return false;
    failed = true;
    return true;
}

#include "../failing_malloc.h"

static int print(const struct request *s)
{
    static const struct result_header headers[] = { { "B", "1" }, { "A", "2" }, { "b", "3" } };
    static const struct result_redirect hop = { 302, "http://u:p@h/" };
    struct result r;
    struct text t = { 0 };
    result_init(&r, s);
    r.headers = headers;
    r.header_count = 3;
    r.redirects = &hop;
    r.redirect_count = 1;
    r.body = "{\"a\": [1, 2, \"\xff\"]}";
    r.body_len = strlen(r.body);
    r.mode = BODY_JSON;
    int error = result_line(&r, &t);
    broken |= error && t.len;
    text_free(&t);
    return error;
}

/* Every line must be printed once and complete, whichever allocation fails, because reading
 * resumes where it stopped. */
static int read_and_print(void)
{
    static const char file[] = "http://u:p@h/\n{\"url\":\"http://h/"
                               "\",\"id\":1.5,\"method\":\"PUT\",\"headers\":{\"A\":[\"1\",\"2\"]},"
                               "\"body\":{\"x\":[1]},\"output\":\"o\"}\nhttp://i/";
    struct input in;
    struct request s;
    input_init(&in, 0, 0);
    int r = input_feed(&in, file, sizeof file - 1);
    input_end(&in);
    while (r == 0 && (r = input_next(&in, &s)) == 1) {
        broken |= s.error[0] != 0;
        r = print(&s);
        request_free(&s);
    }
    input_free(&in);
    return r;
}

static int remember(void)
{
    struct origins t;
    struct origin *o;
    int r = 0;
    origins_init(&t, 2);
    for (int i = 0; i < 40 && r == 0; i++) {
        char name[12];
        snprintf(name, sizeof name, "%d", i);
        r = origins_hold(&t, name, &o);
        if (r == 0 && i % 2) {
            origin_pause(o, 0, 1 + i);
            origins_release(&t, o, 0);
        }
    }
    origins_free(&t);
    return r;
}

static int keep_order(void)
{
    struct order o;
    int r = order_init(&o, 4, 100);
    order_free(&o);
    return r;
}

static int command_line(void)
{
    char words[4][16] = { "fetch", "-HA:1", "-HB:2", "http://h" };
    char *argv[] = { words[0], words[1], words[2], words[3], NULL };
    struct options o;
    int r = options_parse(4, argv, stdout, stderr, &o);
    if (r == 1)
        options_free(&o);
    return r == 1 ? 0 : r;
}

static void sweep(int (*scenario)(void))
{
    long n = 0;
    for (;; n++) {
        left = n;
        failed = false;
        int r = scenario();
        left = -1;
        expect_that(!broken, "allocation %ld", n);
        if (!failed) {
            expect_ok(r);
            break;
        }
        expect_that(r == -ENOMEM, "allocation %ld: %d", n, r);
    }
    expect_greater(n, 0);
}

TEST(failed_allocation_while_printing_is_reported)
{
    json_set_alloc_funcs(__wrap_malloc, free);
    sweep(read_and_print);
}

TEST(failed_allocation_of_tables_is_reported)
{
    sweep(remember);
    sweep(keep_order);
}

TEST(failed_allocation_of_options_is_reported)
{
    sweep(command_line);
}

SUITE("fetch memory", failed_allocation_while_printing_is_reported,
      failed_allocation_of_tables_is_reported, failed_allocation_of_options_is_reported)
