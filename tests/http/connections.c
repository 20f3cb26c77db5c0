/* SPDX-License-Identifier: MIT */
/* connections.c - connections are kept and used again, until their server closes them. */
#include "http_test.h"

#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

const char *const http_suite = "http-connections";

HTTP_TEST(requests_one_after_the_other_share_a_connection)
{
    for (int i = 0; i < 50; i++) {
        async_http_response_auto r = NULL;
        ck_assert_int_eq(await_http_get(s, at(sv, "/bytes/%d", i * 100), &r), 200);
        ck_assert_uint_eq(r->size, (size_t)i * 100);
    }
    ck_assert_int_eq(atomic_load(&sv->connections), 1);
    return 0;
}

HTTP_TEST(connection_closed_while_idle_is_replaced)
{
    for (int i = 0; i < 3; i++) {
        async_http_response_auto r = NULL;
        ck_assert_int_eq(await_http_get(s, at(sv, "/idle"), &r), 200);
        EVENTUALLY(atomic_load(&sv->open) == 0);
    }
    ck_assert_int_eq(atomic_load(&sv->connections), 3);
    return 0;
}

static double thread_cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The socket of a connection that the server has closed stays readable. If it stayed watched, each
 * poll of the loop would return at once, and the loop would never sleep. */
HTTP_TEST(connection_closed_while_idle_does_not_keep_the_loop_busy)
{
    async_http_response_auto r = NULL;
    ck_assert_int_eq(await_http_get(s, at(sv, "/idle"), &r), 200);
    EVENTUALLY(atomic_load(&sv->open) == 0);
    double before = thread_cpu_seconds();
    ck_assert_int_eq(await_sleep(0.2 * slow()), 0);
    ck_assert_double_lt(thread_cpu_seconds() - before, 0.01 * slow());
    return 0;
}

HTTP_TEST(lack_of_descriptors_is_emfile_and_passes)
{
    struct rlimit limit, none;
    async_http_response_auto a = NULL, f = NULL, b = NULL;
    getrlimit(RLIMIT_NOFILE, &limit);
    none = limit;
    int next = dup(0); /* the number that a socket would get */
    close(next);
    none.rlim_cur = (rlim_t)next;
    setrlimit(RLIMIT_NOFILE, &none);
    int code = await_http_get(s, at(sv, "/echo"), &a, .failed = &f);
    setrlimit(RLIMIT_NOFILE, &limit);
    ck_assert_int_eq(code, -EMFILE);
    ck_assert_int_eq(f->error, ASYNC_HTTP_RESOURCES);
    ck_assert_int_eq(await_http_get(s, at(sv, "/echo"), &b), 200);
    return 0;
}

void http_cases(TCase *tc)
{
    tcase_add_test(tc, requests_one_after_the_other_share_a_connection);
    tcase_add_test(tc, connection_closed_while_idle_is_replaced);
    tcase_add_test(tc, connection_closed_while_idle_does_not_keep_the_loop_busy);
    tcase_add_test(tc, lack_of_descriptors_is_emfile_and_passes);
}
