/* SPDX-License-Identifier: MIT */
/* test_fetch_stats.c - counts and quantiles, the summary, and the progress bar. */
#include "tool_check.h"

#include "fetch/progress_bar.h"
#include "fetch/stats.h"
#include "common/units.h"

static int ascending(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* Compared with the sorted list, a quantile is never too low and at most 1/64 too high. */
TEST(quantile_is_at_most_1_64_too_high)
{
    enum { N = 5000 };
    static uint64_t v[N];
    static struct histogram h;
    unsigned seed = 11;
    for (int i = 0; i < N; i++) {
        v[i] = (uint64_t)rand_r(&seed) >> (rand_r(&seed) % 31);
        histogram_add(&h, v[i]);
    }
    qsort(v, N, sizeof *v, ascending);
    for (int percent = 1; percent <= 100; percent++) {
        uint64_t truth = v[N * percent / 100 - 1], got = histogram_quantile(&h, percent / 100.0);
        expect_that(got >= truth && got <= truth + truth / 64, "p%d: %llu for %llu", percent,
                    (unsigned long long)got, (unsigned long long)truth);
    }
}

TEST(quantile_of_extremes_is_exact)
{
    static struct histogram h;
    expect_ok(histogram_quantile(&h, 0.5));
    histogram_add(&h, 0);
    expect_ok(histogram_quantile(&h, 0));
    histogram_add(&h, UINT64_MAX);
    expect_int(histogram_quantile(&h, 1), UINT64_MAX);
    expect_ok(histogram_quantile(&h, 0.5));
    static struct histogram one;
    histogram_add(&one, 12345);
    expect_int(histogram_quantile(&one, 0.5), 12345);
    for (int bit = 0; bit < 64; bit++) { /* no number is outside of the table */
        histogram_add(&h, (UINT64_C(1) << bit) - 1);
        histogram_add(&h, UINT64_C(1) << bit);
    }
}

TEST(sizes_and_durations_are_readable)
{
    char b[32];
    expect_text(format_bytes(b, 0), "0 B");
    expect_text(format_bytes(b, 1023), "1023 B");
    expect_text(format_bytes(b, 1024), "1.0 KiB");
    expect_text(format_bytes(b, 1024 * 1024 - 1), "1.0 MiB");
    expect_text(format_bytes(b, 200.0 * 1024 * 1024), "200 MiB");
    expect_text(format_seconds(b, 0.0012), "1.2 ms");
    expect_text(format_seconds(b, 0.083), "83 ms");
    expect_text(format_seconds(b, 1.25), "1.25 s");
    expect_text(format_seconds(b, 59.999), "1m 00s");
    expect_text(format_seconds(b, 3725), "1h 02m");
}

TEST(summary_without_requests)
{
    static struct stats s;
    struct text t = { 0 };
    stats_summary(&s, 0, &t);
    expect_built_text(&t, "0 requests in 0.0 ms: 0 ok, 0 failed; 0.0 requests/s, 0 B\n");
}

TEST(summary_lists_failures_by_frequency)
{
    static struct stats s;
    struct text t = { 0 };
    for (int i = 0; i < 97; i++)
        stats_add(&s, FAILURE_NONE, 1, 0.01, 1000, 500);
    stats_add(&s, FAILURE_TIMEOUT, 4, 60, 0, 0);
    stats_add(&s, FAILURE_DNS, 1, -1, 0, 0);
    stats_add(&s, FAILURE_TIMEOUT, 4, 60, 0, 0);
    stats_summary(&s, 2, &t);
    expect_built_text(
            &t, "100 requests in 2.00 s: 97 ok, 3 failed (2 timeout, 1 dns), 6 retries; p50 10 ms, "
                "p95 10 ms, p99 10 ms; 50.0 requests/s, 94.7 KiB (47.4 KiB on the wire)\n");
}

static void check_line(const struct progress *p, int width, const char *expected)
{
    struct text t = { 0 };
    progress_line(p, width, false, &t);
    expect_built_text(&t, expected);
}

TEST(bar_with_known_total_shows_percent)
{
    struct progress p = { .done = 50,
                          .total = 200,
                          .failed = 2,
                          .active = 8,
                          .seconds = 10,
                          .bytes = 10 << 20,
                          .retrying = 1 };
    check_line(&p, 120,
               "[=======>                      ] 50/200  25%  2 failed  5/s  eta 0:30  1.0 MiB/s  "
               "8 active  1 retrying");
    check_line(&p, 60, "[=====>              ] 50/200  25%  2 failed  5/s  eta 0:30");
    check_line(&p, 30, "50/200  25%  2 failed  5/s");
    check_line(&p, 12, "50/200  25%");
    check_line(&p, 11, "");
    check_line(&p, 0, "");
}

TEST(bar_with_unknown_total_counts)
{
    struct progress p = { .done = 50, .active = 8, .seconds = 10, .bytes = 0 };
    check_line(&p, 80, "50 done  5/s  0 B/s  8 active");
    p.seconds = 0;
    check_line(&p, 80, "50 done  8 active");
}

TEST(bar_never_exceeds_the_width)
{
    unsigned seed = 2;
    for (int i = 0; i < 5000; i++) {
        struct progress p = { .done = (uint64_t)rand_r(&seed),
                              .total = (uint64_t)(rand_r(&seed) % 3000),
                              .failed = UINT64_MAX,
                              .bytes = UINT64_MAX,
                              .active = UINT64_MAX,
                              .retrying = UINT64_MAX,
                              .seconds = (double)rand_r(&seed) * 1e-9 };
        int width = rand_r(&seed) % 200;
        struct text t = { 0 };
        progress_line(&p, width, false, &t);
        expect_that(t.len < (size_t)width || t.len == 0, "%d: %s", width, t.data);
        text_free(&t);
    }
}

TEST(bar_is_coloured_and_redrawn)
{
    struct progress p = { .done = 3, .failed = 1 };
    struct text t = { 0 };
    progress_draw(&p, 80, true, &t);
    expect_built_text(&t, "\r3 done  \x1b[31m1 failed\x1b[0m  0 active\x1b[K");
    progress_clear(&t);
    expect_built_text(&t, "\r\x1b[K");
    expect_true(progress_colour(NULL) && progress_colour("") && !progress_colour("1"));
}

TEST(bar_is_drawn_only_where_wanted)
{
    expect_true(progress_wanted(PROGRESS_AUTO, true, "xterm"));
    expect_true(!progress_wanted(PROGRESS_AUTO, false, "xterm"));
    expect_true(!progress_wanted(PROGRESS_AUTO, true, "dumb"));
    expect_true(!progress_wanted(PROGRESS_AUTO, true, NULL));
    expect_true(progress_wanted(PROGRESS_ALWAYS, false, NULL));
    expect_true(!progress_wanted(PROGRESS_NEVER, true, "xterm"));
}

SUITE("fetch stats", quantile_is_at_most_1_64_too_high, quantile_of_extremes_is_exact,
      sizes_and_durations_are_readable, summary_without_requests,
      summary_lists_failures_by_frequency, bar_with_known_total_shows_percent,
      bar_with_unknown_total_counts, bar_never_exceeds_the_width, bar_is_coloured_and_redrawn,
      bar_is_drawn_only_where_wanted)
