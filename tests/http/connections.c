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
        expect_int(await_http_get(s, at(sv, "/bytes/%d", i * 100), &r), 200);
        expect_int(r->size, (size_t)i * 100);
    }
    expect_int(atomic_load(&sv->connections), 1);
    return 0;
}

HTTP_TEST(connection_closed_while_idle_is_replaced)
{
    for (int i = 0; i < 3; i++) {
        async_http_response_auto r = NULL;
        expect_int(await_http_get(s, at(sv, "/idle"), &r), 200);
        expect_eventually(atomic_load(&sv->open) == 0);
    }
    expect_int(atomic_load(&sv->connections), 3);
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
    expect_int(await_http_get(s, at(sv, "/idle"), &r), 200);
    expect_eventually(atomic_load(&sv->open) == 0);
    double before = thread_cpu_seconds();
    expect_ok(await_sleep(0.2 * slowdown()));
    expect_less(thread_cpu_seconds() - before, 0.01 * slowdown());
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
    expect_int(code, -EMFILE);
    expect_int(f->error, ASYNC_HTTP_RESOURCES);
    expect_int(await_http_get(s, at(sv, "/echo"), &b), 200);
    return 0;
}

void http_cases(TCase *tc)
{
    tcase_add_test(tc, requests_one_after_the_other_share_a_connection);
    tcase_add_test(tc, connection_closed_while_idle_is_replaced);
    tcase_add_test(tc, connection_closed_while_idle_does_not_keep_the_loop_busy);
    tcase_add_test(tc, lack_of_descriptors_is_emfile_and_passes);
}
