/* SPDX-License-Identifier: MIT */
/* stats.c - count requests, and summarize a run in one line. */
#include "stats.h"

#include "common/units.h"
#include "json_writer.h"

#include <math.h>
#include <stdio.h>

/* Return the bucket of a duration. Below 64 every number has its own; above, the six bits behind
 * the leading one choose the step. */
static size_t bucket_index(uint64_t us)
{
    if (us < HISTOGRAM_STEPS)
        return (size_t)us;
    int doubling = 63 - __builtin_clzll(us) - 5; /* 1 for 64 to 127 */
    if (doubling >= HISTOGRAM_DOUBLINGS)
        return HISTOGRAM_STEPS * HISTOGRAM_DOUBLINGS - 1;
    return (size_t)doubling * HISTOGRAM_STEPS + (size_t)((us >> (doubling - 1)) - HISTOGRAM_STEPS);
}

static uint64_t bucket_end(size_t bucket)
{
    size_t doubling = bucket / HISTOGRAM_STEPS, step = bucket % HISTOGRAM_STEPS;
    if (!doubling)
        return bucket;
    return ((uint64_t)(HISTOGRAM_STEPS + step + 1) << (doubling - 1)) - 1;
}

void histogram_add(struct histogram *h, uint64_t us)
{
    h->bucket[bucket_index(us)]++;
    h->count++;
    if (us > h->max)
        h->max = us;
}

uint64_t histogram_quantile(const struct histogram *h, double q)
{
    /* Without the correction 0.68 * 5000, which is a little more than 3400, would round to 3401. */
    uint64_t wanted = (uint64_t)ceil(q * (double)h->count * (1 - 1e-12)), seen = 0;
    wanted = wanted ? wanted : 1;
    if (!h->count || wanted >= h->count)
        return h->max;
    size_t i = 0;
    while ((seen += h->bucket[i]) < wanted)
        i++;
    return bucket_end(i) < h->max ? bucket_end(i) : h->max;
}

void stats_add(struct stats *s, enum failure_kind kind, long attempts, double seconds,
               uint64_t bytes, uint64_t wire_bytes)
{
    s->by_kind[kind]++;
    s->retries += attempts > 1 ? (uint64_t)attempts - 1 : 0;
    s->bytes += bytes;
    s->wire_bytes += wire_bytes;
    if (kind != FAILURE_NONE) {
        s->failed++;
        return;
    }
    s->ok++;
    if (seconds >= 0 && seconds < 1e12)
        histogram_add(&s->total, (uint64_t)(seconds * 1e6));
}

/* Append the kinds of failures, the most frequent first. There are a dozen, so selection is fast
 * enough. */
static void put_failures(const struct stats *s, struct text *ret)
{
    uint64_t left[FAILURE_KINDS];
    for (int i = 0; i < FAILURE_KINDS; i++)
        left[i] = i == FAILURE_NONE ? 0 : s->by_kind[i];
    for (int n = 0;; n++) {
        int most = 0;
        for (int i = 1; i < FAILURE_KINDS; i++)
            most = left[i] > left[most] ? i : most;
        if (!left[most])
            return text_puts(ret, n ? ")" : "");
        text_printf(ret, "%s%llu %s", n ? ", " : " (", (unsigned long long)left[most],
                    failure_name((enum failure_kind)most));
        left[most] = 0;
    }
}

static char *format_quantile(char *buf, const struct stats *s, double q)
{
    return format_seconds(buf, (double)histogram_quantile(&s->total, q) / 1e6);
}

void stats_summary(const struct stats *s, double wall, struct text *ret)
{
    char a[32], b[32], c[32];
    unsigned long long all = s->ok + s->failed;
    text_printf(ret, "%llu request%s in %s: %llu ok, %llu failed", all, all == 1 ? "" : "s",
                format_seconds(a, wall), (unsigned long long)s->ok, (unsigned long long)s->failed);
    put_failures(s, ret);
    if (s->skipped)
        text_printf(ret, ", %llu skipped", (unsigned long long)s->skipped);
    if (s->retries)
        text_printf(ret, ", %llu retr%s", (unsigned long long)s->retries,
                    s->retries == 1 ? "y" : "ies");
    if (s->total.count)
        text_printf(ret, "; p50 %s, p95 %s, p99 %s", format_quantile(a, s, 0.5),
                    format_quantile(b, s, 0.95), format_quantile(c, s, 0.99));
    text_printf(ret, "; %.1f requests/s, %s", wall > 0 ? (double)all / wall : 0,
                format_bytes(a, (double)s->bytes));
    if (s->wire_bytes != s->bytes)
        text_printf(ret, " (%s on the wire)", format_bytes(b, (double)s->wire_bytes));
    text_puts(ret, "\n");
}

static void put_count(struct json_writer *j, const char *name, uint64_t n)
{
    json_put_key(j, name);
    json_put_uint(j, n);
}

static void put_quantile(struct json_writer *j, const char *name, const struct stats *s, double q)
{
    json_put_key(j, name);
    json_put_ms(j, s->total.count ? (double)histogram_quantile(&s->total, q) / 1e6 : -1);
}

void stats_json(const struct stats *s, double wall, int exit_status, struct text *ret)
{
    struct json_writer j = { .text = ret };
    json_put_open(&j, '{');
    put_count(&j, "requests", s->ok + s->failed);
    put_count(&j, "ok", s->ok);
    put_count(&j, "failed", s->failed);
    put_count(&j, "skipped", s->skipped);
    put_count(&j, "retries", s->retries);
    json_put_key(&j, "errors");
    json_put_open(&j, '{');
    for (int i = 0; i < FAILURE_KINDS; i++)
        if (i != FAILURE_NONE && s->by_kind[i])
            put_count(&j, failure_name((enum failure_kind)i), s->by_kind[i]);
    json_put_close(&j, '}');
    json_put_key(&j, "ms");
    json_put_ms(&j, wall);
    json_put_key(&j, "latency_ms");
    json_put_open(&j, '{');
    put_quantile(&j, "p50", s, 0.5);
    put_quantile(&j, "p95", s, 0.95);
    put_quantile(&j, "p99", s, 0.99);
    put_quantile(&j, "max", s, 1);
    json_put_close(&j, '}');
    put_count(&j, "bytes", s->bytes);
    put_count(&j, "wire_bytes", s->wire_bytes);
    put_count(&j, "exit_status", (uint64_t)exit_status);
    json_put_close(&j, '}');
    text_put(ret, "\n", 1);
}
