/* SPDX-License-Identifier: MIT */
/* memory.c - allocation failures. Each scenario is repeated until every allocation of it has failed
 * once: first the n-th alone, then the n-th and every later one, libcurl's included. The scenario
 * may fail with an error; the next one must work, and nothing may be left allocated. */
#include "http_test.h"

#include <unistd.h>

#include "tracked_malloc.h"

const char *const http_suite = "http-memory";

const char *http_missing(void)
{
    return tracking_unavailable();
}

typedef int (*scenario)(const struct server *sv);

static int request_whole(const struct server *sv)
{
    async_http_session_auto s = NULL;
    async_http_response_auto r = NULL, f = NULL;
    char url[128];
    snprintf(url, sizeof url, "http://u:p@127.0.0.1:%d/to/307?/echo", sv->port);
    ASYNC_TRY(async_http_session_open(&s, .headers = ASYNC_HTTP_PAIRS("A", "b"),
                                      .limit_per_host = 2, .cookies = true));
    ASYNC_TRY(await_http_post(s, url, &r, .json = "{}", .query = ASYNC_HTTP_PAIRS("q", "1"),
                              .failed = &f, .headers = ASYNC_HTTP_PAIRS("C", "d")));
    async_http_response_drop(&r);
    snprintf(url, sizeof url, "%s/gzip/300000", sv->url);
    return ASYNC_TRY(await_http_get(s, url, &r));
}

static int request_stream(const struct server *sv)
{
    async_http_session_auto s = NULL;
    async_http_response_auto r = NULL;
    char url[128], buf[5000];
    snprintf(url, sizeof url, "%s/chunked/100000", sv->url);
    ASYNC_TRY(async_http_session_open(&s));
    ASYNC_TRY(await_http_open(s, "POST", url, &r, .form = ASYNC_HTTP_PAIRS("a", "b")));
    for (int i = 0; ASYNC_TRY(await_http_read(r, buf, sizeof buf)) > 0; i++)
        if (i == 5)
            ASYNC_TRY(await_sleep(0.001));
    return r->status;
}

ASYNC_DEF(get, (async_http_session *)s, (const char *)url)
{
    async_http_response_auto r = NULL;
    return await_http_get(s, url, &r);
}

static int request_six(const struct server *sv)
{
    async_http_session_auto s = NULL;
    char url[128];
    int results[6], bad;
    snprintf(url, sizeof url, "%s/bytes/10000", sv->url);
    ASYNC_TRY(async_http_session_open(&s, .limit_per_host = 3));
    bad = await_gather_all(results, get(s, url), get(s, url), get(s, url), get(s, url), get(s, url),
                           get(s, url));
    return bad == 0 ? 200 : -EREMOTEIO;
}

/* Only the scenario is tracked, because Check allocates in assertions. The first two runs allocate
 * what is allocated once in a process. */
ASYNC_DEF(sweep, (struct server *)sv, (scenario)run, (enum fault_extent)extent)
{
    long n = 0;
    expect_int(run(sv), 200);
    expect_int(run(sv), 200);
    for (bool failed = true; failed;) {
        tracking_begin(++n, extent);
        int r = run(sv);
        failed = tracking_end();
        expect_that(r == 200 || (failed && r < 0), "allocation %ld failed: %d", n, r);
        if (n % 16 == 0)
            expect_int(run(sv), 200);
    }
    expect_greater(n, 50);
    expect_eventually(atomic_load(&sv->open) == 0);
    return 0;
}

/* After the loop has closed nothing may be left. An error keeps its trace until then, in the task
 * that saw it. Threads of libcurl's resolver, which it starts if it has no memory to read a numeric
 * address, may take a moment longer to free what they were given. */
static void sweep_leaves_nothing(scenario run)
{
    static const enum fault_extent extents[] = { FAIL_ONE, FAIL_ALL_FROM };
    for (int k = 0; k < 2; k++) {
        struct server sv;
        struct tracked_block b;
        size_t n;
        server_start(&sv);
        expect_ok(async_run(sweep(&sv, run, extents[k])));
        server_stop(&sv);
        for (int i = 0; i < 500 && (n = tracked_blocks(&b)) > 0; i++)
            usleep(10000);
        expect_that(n == 0, "%zu blocks left; one of %zu bytes since allocation %ld failed", n,
                    b.size, b.attempt);
    }
}

TEST(failed_allocations_in_whole_responses_leak_nothing)
{
    sweep_leaves_nothing(request_whole);
}

TEST(failed_allocations_in_streams_leak_nothing)
{
    sweep_leaves_nothing(request_stream);
}

TEST(failed_allocations_in_parallel_requests_leak_nothing)
{
    sweep_leaves_nothing(request_six);
}

void http_cases(TCase *tc)
{
    tcase_add_test(tc, failed_allocations_in_whole_responses_leak_nothing);
    tcase_add_test(tc, failed_allocations_in_streams_leak_nothing);
    tcase_add_test(tc, failed_allocations_in_parallel_requests_leak_nothing);
}
