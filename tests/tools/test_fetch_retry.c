/* SPDX-License-Identifier: MIT */
/* test_fetch_retry.c - which failures are retried and when; --rate; the pauses of origins. */
#include "tool_check.h"

#include "fetch/origins.h"
#include "fetch/rate_limit.h"
#include "fetch/retry.h"

#define near(a, b) ck_assert_double_eq_tol(a, b, 1e-9)
#define S          INT64_C(1000000000)

START_TEST(temporary_failure_is_retried)
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
        ck_assert_msg(retry_wanted(&p, &cases[i].a) == cases[i].again, "case %zu", i);
    p.unsafe = true;
    ck_assert(retry_wanted(&p, &cases[13].a));
    p.retries = 0;
    ck_assert(!retry_wanted(&p, &cases[0].a));
}
END_TEST

START_TEST(status_of_overload_is_retried)
{
    int n = 0;
    for (int status = 0; status < 1000; status++)
        n += retry_status(status);
    ck_assert_int_eq(n, 9);
    ck_assert(retry_status(425) && retry_status(524) && !retry_status(501));
}
END_TEST

static uint64_t fixed(void *ctx)
{
    return *(uint64_t *)ctx;
}

START_TEST(backoff_doubles_up_to_a_minute)
{
    uint64_t none = 0, half = UINT64_C(1) << 63, all = UINT64_MAX;
    static const double limit[] = { 0.5, 1, 2, 4, 8, 16, 32, 60, 60 };
    for (int i = 0; i < 9; i++) {
        near(retry_backoff(i + 1, fixed, &none), 0);
        near(retry_backoff(i + 1, fixed, &half), limit[i] / 2);
        double most = retry_backoff(i + 1, fixed, &all);
        ck_assert_double_lt(most, limit[i]);
        ck_assert_double_gt(most, limit[i] * 0.999);
    }
    near(retry_backoff(1000000, fixed, &half), 30);
}
END_TEST

/* ---- the rate ---- */

START_TEST(rate_without_burst_is_even)
{
    struct rate_limit r;
    rate_limit_init(&r, 10, 1);
    ck_assert_int_eq(rate_limit_take(&r, 5 * S), 0);
    for (int i = 1; i < 50; i++) /* all of them at the same time */
        ck_assert_int_eq(rate_limit_take(&r, 5 * S), i * S / 10);
    ck_assert_int_eq(rate_limit_delay(&r, 5 * S), 5 * S);
    ck_assert_int_eq(rate_limit_take(&r, 100 * S), 0); /* idle time is not accumulated */
    ck_assert_int_eq(rate_limit_take(&r, 100 * S), S / 10);
}
END_TEST

START_TEST(burst_runs_ahead_of_rate)
{
    struct rate_limit r;
    rate_limit_init(&r, 10, 5);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(rate_limit_take(&r, 0), 0);
    ck_assert_int_eq(rate_limit_take(&r, 0), S / 10);
    ck_assert_int_eq(rate_limit_take(&r, S / 5), 0);
    ck_assert_int_eq(rate_limit_delay(&r, S / 5), S / 10);
}
END_TEST

/* In any period there are at most rate * period + burst starts. */
START_TEST(rate_is_never_exceeded)
{
    struct rate_limit r;
    unsigned seed = 3;
    int64_t now = 0, used[400];
    rate_limit_init(&r, 100, 7);
    for (int i = 0; i < 400; i++) {
        now += rand_r(&seed) % 20 * (S / 1000);
        used[i] = now + rate_limit_take(&r, now);
        for (int k = 0; k <= i; k++)
            ck_assert_int_le(i - k + 1, (used[i] - used[k]) / (S / 100) + 7);
    }
}
END_TEST

START_TEST(zero_rate_means_no_limit)
{
    struct rate_limit r;
    rate_limit_init(&r, 0, 1);
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(rate_limit_take(&r, 0), 0);
    rate_limit_init(&r, 1e-6, 1000000); /* a burst that lasts 30,000 years does not overflow */
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(rate_limit_take(&r, INT64_MAX / 8), 0);
}
END_TEST

/* ---- origins ---- */

static struct origin *hold(struct origins *t, const char *name)
{
    struct origin *o = NULL;
    ck_assert_int_eq(origins_hold(t, name, &o), 0);
    ck_assert_str_eq(o->name, name);
    return o;
}

START_TEST(pause_outlives_its_holders)
{
    struct origins t;
    origins_init(&t, 10);
    struct origin *a = hold(&t, "http://a:80");
    ck_assert_ptr_eq(hold(&t, "http://a:80"), a);
    ck_assert_int_eq(origin_delay(a, 0), 0);
    origin_pause(a, 10 * S, 5 * S);
    origin_pause(a, 10 * S, 2 * S); /* the pause that ends later stays */
    ck_assert_int_eq(origin_delay(a, 11 * S), 4 * S);
    origins_release(&t, a, 11 * S);
    origins_release(&t, a, 11 * S);
    ck_assert_uint_eq(t.count, 1);
    a = hold(&t, "http://a:80");
    ck_assert_int_eq(origin_delay(a, 11 * S), 4 * S);
    ck_assert_int_eq(origin_delay(a, 15 * S), 0);
    origins_release(&t, a, 15 * S);
    ck_assert_uint_eq(t.count, 0);
    ck_assert_uint_eq(t.idle, 0);
    origin_pause(hold(&t, "b"), 1, INT64_MAX);
    origins_free(&t);
}
END_TEST

START_TEST(remembered_pauses_are_bounded)
{
    struct origins t;
    origins_init(&t, 3);
    for (int i = 0; i < 100; i++) {
        char name[32];
        snprintf(name, sizeof name, "http://%d:80", i * 37 % 100);
        struct origin *o = hold(&t, name);
        origin_pause(o, 0, (100 + i) * S);
        origins_release(&t, o, 0);
        ck_assert_uint_le(t.count, 3);
        ck_assert_uint_eq(t.count, t.idle);
    }
    struct origin *last =
            hold(&t, "http://63:80"); /* 99 * 37 % 100 is 63: the longest pause is kept */
    ck_assert_int_eq(origin_delay(last, 0), 199 * S);
    origins_release(&t, last, 0);
    struct origin *late = hold(&t, "http://z:80");
    origin_pause(late, 1000 * S, S);
    origins_release(&t, late, 1000 * S); /* the other pauses are over by now */
    ck_assert_uint_eq(t.count, 1);
    origins_free(&t);
}
END_TEST

/* Property: the table holds the same as a plain list. */
START_TEST(origins_match_a_plain_list)
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
            ck_assert(!holds[i] || held[i] == o);
            held[i] = o;
            holds[i]++;
        } else if (holds[i]) {
            origins_release(&t, held[i], 0);
            holds[i]--;
        }
        size_t count = 0;
        for (int k = 0; k < N; k++)
            count += holds[k] > 0;
        ck_assert_uint_eq(t.count, count);
    }
    for (size_t i = 1; i < t.count; i++)
        ck_assert_int_lt(strcmp(t.list[i - 1]->name, t.list[i]->name), 0);
    origins_free(&t);
}
END_TEST

SUITE("fetch retry", temporary_failure_is_retried, status_of_overload_is_retried,
      backoff_doubles_up_to_a_minute, rate_without_burst_is_even, burst_runs_ahead_of_rate,
      rate_is_never_exceeded, zero_rate_means_no_limit, pause_outlives_its_holders,
      remembered_pauses_are_bounded, origins_match_a_plain_list)
