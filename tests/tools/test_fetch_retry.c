/* SPDX-License-Identifier: MIT */
/* test_fetch_retry.c - which failures are retried and when; --rate; the pauses of origins. */
#include "tool_check.h"

#include "fetch/origins.h"
#include "fetch/rate_limit.h"
#include "fetch/retry.h"

#define near(a, b) expect_near(a, b, 1e-9)
#define S          INT64_C(1000000000)

TEST(temporary_failure_is_retried)
{
    static const struct {
        struct attempt_outcome a;
        bool again;
    } cases[] = {
        { { .method = "GET", .failure = FAILURE_CONNECT, .number = 1 }, true },
        { { .method = "GET", .failure = FAILURE_TIMEOUT, .number = 3 }, true },
        { { .method = "GET", .failure = FAILURE_TIMEOUT, .number = 4 }, false },
        { { .method = "GET", .failure = FAILURE_RESET, .number = 1 }, true },
        { { .method = "GET", .failure = FAILURE_DNS, .number = 1 }, true },
        { { .method = "GET", .failure = FAILURE_DNS, .number = 4 }, false },
        { { .method = "GET", .failure = FAILURE_TLS, .number = 1 }, false },
        { { .method = "GET", .failure = FAILURE_TLS, .temporary = true, .number = 1 }, true },
        { { .method = "GET", .failure = FAILURE_NONE, .status = 200, .number = 1 }, false },
        { { .method = "GET", .failure = FAILURE_HTTP, .status = 503, .number = 1 }, true },
        { { .method = "GET", .failure = FAILURE_HTTP, .status = 404, .number = 1 }, false },
        { { .method = "GET", .failure = FAILURE_TOO_LARGE, .status = 503, .number = 1 }, false },
        { { .method = "GET", .failure = FAILURE_CANCELLED, .number = 1 }, false },
        { { .method = "POST", .failure = FAILURE_CONNECT, .number = 1 }, false },
        { { .method = "get", .failure = FAILURE_CONNECT, .number = 1 }, false },
        { { .method = "POST", .failure = FAILURE_CONNECT, .number = 1, .idempotency_key = true },
          true },
        { { .method = "DELETE", .failure = FAILURE_HTTP, .status = 429, .number = 1 }, true },
    };
    struct retry_policy p = { .retries = 3 };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_that(retry_wanted(&p, &cases[i].a) == cases[i].again, "case %zu", i);
    p.unsafe = true;
    expect_true(retry_wanted(&p, &cases[13].a));
    p.retries = 0;
    expect_true(!retry_wanted(&p, &cases[0].a));
}

TEST(status_of_overload_is_retried)
{
    int n = 0;
    for (int status = 0; status < 1000; status++)
        n += retry_status(status);
    expect_int(n, 9);
    expect_true(retry_status(425) && retry_status(524) && !retry_status(501));
}

static uint64_t fixed(void *ctx)
{
    return *(uint64_t *)ctx;
}

TEST(backoff_doubles_up_to_a_minute)
{
    uint64_t none = 0, half = UINT64_C(1) << 63, all = UINT64_MAX;
    static const double limit[] = { 0.5, 1, 2, 4, 8, 16, 32, 60, 60 };
    for (int i = 0; i < 9; i++) {
        near(retry_backoff(i + 1, fixed, &none), 0);
        near(retry_backoff(i + 1, fixed, &half), limit[i] / 2);
        double most = retry_backoff(i + 1, fixed, &all);
        expect_less(most, limit[i]);
        expect_greater(most, limit[i] * 0.999);
    }
    near(retry_backoff(1000000, fixed, &half), 30);
}

/* ---- the rate ---- */

TEST(rate_without_burst_is_even)
{
    struct rate_limit r;
    rate_limit_init(&r, 10, 1);
    expect_ok(rate_limit_take(&r, 5 * S));
    for (int i = 1; i < 50; i++) /* all of them at the same time */
        expect_int(rate_limit_take(&r, 5 * S), i * S / 10);
    expect_int(rate_limit_delay(&r, 5 * S), 5 * S);
    expect_ok(rate_limit_take(&r, 100 * S)); /* idle time is not accumulated */
    expect_int(rate_limit_take(&r, 100 * S), S / 10);
}

TEST(burst_runs_ahead_of_rate)
{
    struct rate_limit r;
    rate_limit_init(&r, 10, 5);
    for (int i = 0; i < 5; i++)
        expect_ok(rate_limit_take(&r, 0));
    expect_int(rate_limit_take(&r, 0), S / 10);
    expect_ok(rate_limit_take(&r, S / 5));
    expect_int(rate_limit_delay(&r, S / 5), S / 10);
}

/* In any period there are at most rate * period + burst starts. */
TEST(rate_is_never_exceeded)
{
    struct rate_limit r;
    unsigned seed = 3;
    int64_t now = 0, used[400];
    rate_limit_init(&r, 100, 7);
    for (int i = 0; i < 400; i++) {
        now += rand_r(&seed) % 20 * (S / 1000);
        used[i] = now + rate_limit_take(&r, now);
        for (int k = 0; k <= i; k++)
            expect_at_most(i - k + 1, (used[i] - used[k]) / (S / 100) + 7);
    }
}

TEST(zero_rate_means_no_limit)
{
    struct rate_limit r;
    rate_limit_init(&r, 0, 1);
    for (int i = 0; i < 100; i++)
        expect_ok(rate_limit_take(&r, 0));
    rate_limit_init(&r, 1e-6, 1000000); /* a burst that lasts 30,000 years does not overflow */
    for (int i = 0; i < 100; i++)
        expect_ok(rate_limit_take(&r, INT64_MAX / 8));
}

/* ---- origins ---- */

static struct origin *hold(struct origins *t, const char *name)
{
    struct origin *o = NULL;
    expect_ok(origins_hold(t, name, &o));
    expect_text(o->name, name);
    return o;
}

TEST(pause_outlives_its_holders)
{
    struct origins t;
    origins_init(&t, 10);
    struct origin *a = hold(&t, "http://a:80");
    expect_ptr(hold(&t, "http://a:80"), a);
    expect_ok(origin_delay(a, 0));
    origin_pause(a, 10 * S, 5 * S);
    origin_pause(a, 10 * S, 2 * S); /* the pause that ends later stays */
    expect_int(origin_delay(a, 11 * S), 4 * S);
    origins_release(&t, a, 11 * S);
    origins_release(&t, a, 11 * S);
    expect_int(t.count, 1);
    a = hold(&t, "http://a:80");
    expect_int(origin_delay(a, 11 * S), 4 * S);
    expect_ok(origin_delay(a, 15 * S));
    origins_release(&t, a, 15 * S);
    expect_ok(t.count);
    expect_ok(t.idle);
    origin_pause(hold(&t, "b"), 1, INT64_MAX);
    origins_free(&t);
}

TEST(remembered_pauses_are_bounded)
{
    struct origins t;
    origins_init(&t, 3);
    for (int i = 0; i < 100; i++) {
        char name[32];
        snprintf(name, sizeof name, "http://%d:80", i * 37 % 100);
        struct origin *o = hold(&t, name);
        origin_pause(o, 0, (100 + i) * S);
        origins_release(&t, o, 0);
        expect_at_most(t.count, 3);
        expect_int(t.count, t.idle);
    }
    struct origin *last =
            hold(&t, "http://63:80"); /* 99 * 37 % 100 is 63: the longest pause is kept */
    expect_int(origin_delay(last, 0), 199 * S);
    origins_release(&t, last, 0);
    struct origin *late = hold(&t, "http://z:80");
    origin_pause(late, 1000 * S, S);
    origins_release(&t, late, 1000 * S); /* the other pauses are over by now */
    expect_int(t.count, 1);
    origins_free(&t);
}

/* Property: the table holds the same as a plain list. */
TEST(origins_match_a_plain_list)
{
    enum { N = 200 };
    struct origins t;
    struct origin *held[N] = { 0 };
    unsigned holds[N] = { 0 }, seed = 1;
    origins_init(&t, 1000);
    for (int step = 0; step < 20000; step++) {
        int i = rand_r(&seed) % N;
        char name[16];
        snprintf(name, sizeof name, "%d", i);
        if (rand_r(&seed) % 2) {
            struct origin *o = hold(&t, name);
            expect_true(!holds[i] || held[i] == o);
            held[i] = o;
            holds[i]++;
        } else if (holds[i]) {
            origins_release(&t, held[i], 0);
            holds[i]--;
        }
        size_t count = 0;
        for (int k = 0; k < N; k++)
            count += holds[k] > 0;
        expect_int(t.count, count);
    }
    origins_free(&t);
}

SUITE("fetch retry", temporary_failure_is_retried, status_of_overload_is_retried,
      backoff_doubles_up_to_a_minute, rate_without_burst_is_even, burst_runs_ahead_of_rate,
      rate_is_never_exceeded, zero_rate_means_no_limit, pause_outlives_its_holders,
      remembered_pauses_are_bounded, origins_match_a_plain_list)
