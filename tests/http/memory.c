/* SPDX-License-Identifier: MIT */
/* memory.c - every allocation of a scenario fails once: first the n-th alone, then it and all after it, libcurl's
 * too. The scenario may fail, in an orderly way; what comes after it works, and nothing is left. */
#include "http_test.h"

#include <errno.h>
#include <malloc.h>

const char *const http_suite = "http-memory";

const char *http_missing(void)
{
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
    return "the sanitizer has a malloc() of its own";
#else
    return slow() > 1 ? "valgrind has a malloc() of its own" : NULL;
#endif
}

#if !defined __SANITIZE_ADDRESS__ && !defined __SANITIZE_THREAD__

/* glibc's, under these names for those who replace malloc(). */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);
void __libc_free(void *p);

static _Thread_local long countdown; /* 0: off */
static _Thread_local long in_use;    /* bytes */
static _Thread_local bool from_then_on, failed;

static bool fails(void)
{
    if (countdown == 0 || --countdown > 0)
        return false;
    countdown = from_then_on;
    failed = true;
    errno = ENOMEM;
    return true;
}

static void *counted(void *p)
{
    in_use += p ? (long)malloc_usable_size(p) : 0;
    return p;
}

void *malloc(size_t size)
{
    return fails() ? NULL : counted(__libc_malloc(size));
}

void *calloc(size_t n, size_t size)
{
    return fails() ? NULL : counted(__libc_calloc(n, size));
}

void free(void *p)
{
    in_use -= p ? (long)malloc_usable_size(p) : 0;
    __libc_free(p);
}

void *realloc(void *p, size_t size)
{
    if (fails())
        return NULL;
    long before = p ? (long)malloc_usable_size(p) : 0;
    void *moved = counted(__libc_realloc(p, size));
    in_use -= moved ? before : 0;
    return moved;
}

#else
static long countdown, in_use;
static bool from_then_on, failed;
#endif

typedef int (*scenario)(const struct server *sv);

static int whole(const struct server *sv)
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

static int streamed(const struct server *sv)
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

static int many_at_once(const struct server *sv)
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

ASYNC_DEF(sweep, (struct server *)sv, (scenario)run, (bool)all)
{
    ck_assert_int_eq(run(sv), 200); /* what is made once is made */
    ck_assert_int_eq(run(sv), 200);
    long left = 0, points = 0;
    for (long n = 1;; n++, points++) {
        failed = false;
        from_then_on = all;
        left -= in_use; /* around the scenario alone: Check allocates too */
        countdown = n;
        int r = run(sv);
        countdown = 0;
        left += in_use;
        ck_assert_msg(r == 200 || r < 0, "%ld: %d", n, r);
        if (!failed)
            break;
        if (n % 16 == 0)
            ck_assert_int_eq(run(sv), 200);
    }
    ck_assert_int_gt(points, 50);
    EVENTUALLY(atomic_load(&sv->open) == 0);
    ck_assert_msg(left < 500, "%ld bytes left by %ld failures", left, points);
    return 0;
}

static void run_sweep(scenario run)
{
    for (int all = 0; all < 2; all++) {
        struct server sv;
        server_start(&sv);
        ck_assert_int_eq(async_run(sweep(&sv, run, all)), 0);
        server_stop(&sv);
    }
}

START_TEST(of_whole_responses)
{
    run_sweep(whole);
}
END_TEST

START_TEST(of_streams)
{
    run_sweep(streamed);
}
END_TEST

START_TEST(of_many_at_once)
{
    run_sweep(many_at_once);
}
END_TEST

void http_cases(TCase *tc)
{
    tcase_add_test(tc, of_whole_responses);
    tcase_add_test(tc, of_streams);
    tcase_add_test(tc, of_many_at_once);
}
