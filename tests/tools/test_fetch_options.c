/* SPDX-License-Identifier: MIT */
/* test_fetch_options.c - numbers with units, the options, and --help. */
#include "tool_check.h"

#include "fetch/failure.h"
#include "fetch/options.h"
#include "common/units.h"

#include <asyncio/base.h>

#define near(a, b) expect_near(a, b, 1e-9)

TEST(duration_is_parsed_with_unit)
{
    double s;
    static const struct {
        const char *text;
        double seconds;
    } good[] = { { "1", 1 },    { "1.5", 1.5 }, { "1.5s", 1.5 }, { "250ms", 0.25 },
                 { "2m", 120 }, { "1h", 3600 }, { "0", 0 },      { ".5s", 0.5 } };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        expect_ok(parse_duration(good[i].text, &s));
        near(s, good[i].seconds);
    }
    static const char *const bad[] = { "",
                                       "s",
                                       "1x",
                                       "1 s",
                                       "nan",
                                       "inf",
                                       "0x10",
                                       "1e3",
                                       "1.2.3",
                                       ".",
                                       "+1",
                                       "1s ",
                                       "1234567890123456789" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        expect_that(parse_duration(bad[i], &s) == -EINVAL, "%s", bad[i]);
    expect_int(parse_duration("-1", &s), -ERANGE);
    expect_int(parse_duration("999999999h", &s), -ERANGE);
}

TEST(rate_is_parsed_with_unit)
{
    double r;
    static const struct {
        const char *text;
        double rate;
    } good[] = { { "10", 10 },     { "10/s", 10 },   { "600/m", 10 },
                 { "36/h", 0.01 }, { "1/10s", 0.1 }, { "0.5/s", 0.5 } };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        expect_ok(parse_rate(good[i].text, &r));
        near(r, good[i].rate);
    }
    static const char *const bad[] = { "", "/s", "10/", "10/x", "10s", "ten/s", "10/0s" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        expect_that(parse_rate(bad[i], &r) == -EINVAL, "%s", bad[i]);
    expect_int(parse_rate("0/s", &r), -ERANGE);
    expect_int(parse_rate("-1/s", &r), -ERANGE);
}

TEST(size_and_integer_are_parsed)
{
    uint64_t b;
    long n;
    static const struct {
        const char *text;
        uint64_t bytes;
    } good[] = { { "0", 0 },         { "1000", 1000 },    { "10B", 10 },
                 { "1k", 1024 },     { "1K", 1024 },      { "1kB", 1000 },
                 { "1.5KiB", 1536 }, { "64M", 64 << 20 }, { "2g", 2LL << 30 } };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        expect_that(parse_size(good[i].text, &b) == 0, "%s", good[i].text);
        expect_int(b, good[i].bytes);
    }
    expect_int(parse_size("1x", &b), -EINVAL);
    expect_int(parse_size("1kx", &b), -EINVAL);
    expect_int(parse_size("99999T", &b), -ERANGE);
    expect_ok(parse_integer("12", 1, 12, &n));
    expect_int(n, 12);
    expect_ok(parse_integer("-3", -5, 12, &n));
    expect_int(n, -3);
    expect_int(parse_integer("13", 1, 12, &n), -ERANGE);
    expect_int(parse_integer("1.0", 1, 12, &n), -EINVAL);
    expect_int(parse_integer("1x", 1, 12, &n), -EINVAL);
}

struct outcome {
    int r;
    char *out, *err;
    struct options o;
};

/* Parse a command line such as "-j 4 http://a", which is split at spaces. */
static struct outcome parse(const char *words)
{
    static char copy[1000];
    char *argv[64] = { (char *)"asyncio fetch" };
    int argc = 1;
    snprintf(copy, sizeof copy, "%s", words);
    for (char *w = strtok(copy, " "); w; w = strtok(NULL, " "))
        argv[argc++] = w;
    struct outcome x = { 0 };
    size_t n;
    FILE *out = open_memstream(&x.out, &n), *err = open_memstream(&x.err, &n);
    x.r = options_parse(argc, argv, out, err, &x.o);
    fclose(out);
    fclose(err);
    return x;
}

static void drop(struct outcome *x)
{
    free(x->out);
    free(x->err);
    if (x->r == 1)
        options_free(&x->o);
}

TEST(missing_options_have_defaults)
{
    struct outcome x = parse("http://a");
    expect_int(x.r, 1);
    expect_int(x.o.jobs, 32);
    expect_int(x.o.per_host, 8);
    expect_int(x.o.burst, 1);
    near(x.o.rate, 0);
    expect_int(x.o.retries, 3);
    near(x.o.retry_after_max, 300);
    near(x.o.timeout, 60);
    near(x.o.connect_timeout, 10);
    near(x.o.deadline, 0);
    expect_int(x.o.max_redirects, 10);
    expect_int(x.o.max_body, 64 << 20);
    expect_int(x.o.body, BODY_AUTO);
    expect_int(x.o.url_count, 1);
    expect_text(x.o.urls[0], "http://a");
    expect_text(x.err, "");
    drop(&x);
}

TEST(all_options_are_stored)
{
    struct outcome x =
            parse("-i f.txt -j4 --per-host=0 --rate 600/m --burst 5 --timeout 1.5s "
                  "--connect-timeout 500ms --deadline 2m --retries 0 --retry-unsafe "
                  "--retry-after-max 10 -X DELETE -H A:1 --header B:2 -d @body "
                  "--max-redirects 0 --keep-order --body json --headers --checksum sha256 "
                  "-o dir --overwrite --fsync --max-body 1k --fail-fast --max-failures 3 "
                  "--progress never -q http://a http://b");
    expect_text(x.err, "");
    expect_int(x.r, 1);
    struct options *o = &x.o;
    expect_text(o->input, "f.txt");
    expect_int(o->jobs, 4);
    expect_ok(o->per_host);
    near(o->rate, 10);
    expect_int(o->burst, 5);
    near(o->timeout, 1.5);
    near(o->connect_timeout, 0.5);
    near(o->deadline, 120);
    expect_ok(o->retries);
    expect_true(o->retry_unsafe && o->keep_order && o->response_headers && o->overwrite &&
                o->fsync);
    expect_text(o->method, "DELETE");
    expect_int(o->header_count, 2);
    expect_text(o->headers[1], "B:2");
    expect_text(o->data, "@body");
    expect_ok(o->max_redirects);
    expect_int(o->body, BODY_JSON);
    expect_int(o->checksum, CHECKSUM_SHA256);
    expect_text(o->output_dir, "dir");
    expect_int(o->max_body, 1024);
    expect_true(o->fail_fast && o->quiet);
    expect_int(o->max_failures, 3);
    expect_int(o->progress, PROGRESS_NEVER);
    expect_int(o->url_count, 2);
    drop(&x);
}

TEST(dash_is_standard_input)
{
    struct outcome x = parse("-");
    expect_int(x.r, 1);
    expect_text(x.o.input, "-");
    expect_ok(x.o.url_count);
    drop(&x);
    x = parse("-i - http://a");
    expect_int(x.r, 1);
    expect_text(x.o.input, "-");
    drop(&x);
    /* Behind -- it is no option. That it is no URL is reported in its result. */
    x = parse("-j 2 -- -x");
    expect_int(x.r, 1);
    expect_text(x.o.urls[0], "-x");
    drop(&x);
}

TEST(usage_error_names_the_mistake)
{
    static const char *const bad[][2] = {
        { "", "nothing to fetch: give URLs, --input FILE, or - for standard input" },
        { "--jbos 3 http://a", "unknown option '--jbos'" },
        { "--retr 3 http://a", "ambiguous option '--retr'" },
        { "--retr=3 http://a", "ambiguous option '--retr=3'" },
        { "--jbos=3 http://a", "unknown option '--jbos=3'" },
        { "-Z http://a", "unknown option '-Z'" },
        { "--jobs", "--jobs needs an argument (N)" },
        { "-j", "--jobs needs an argument (N)" },
        { "--fsync=3 http://a", "--fsync takes no argument" },
        { "-j 0 http://a", "--jobs needs a whole number from 1 to 100000, not '0'" },
        { "-j two http://a", "--jobs needs a whole number" },
        { "--timeout soon http://a", "--timeout needs a time such as" },
        { "--rate fast http://a", "--rate needs a rate such as" },
        { "--max-body big http://a", "--max-body needs a size such as" },
        { "--body xml http://a", "--body must be one of auto|text|base64|json|none, not 'xml'" },
        { "--body aut http://a", "--body must be one of" },
        { "-X G@T http://a", "--method 'G@T' is not an HTTP method" },
        { "-H nothing http://a", "--header is not of the form \"Name: value\"" },
        { "-H a:\nb http://a", "--header contains a control character" },
        { "-i f - http://a", "both --input FILE and - are given" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct outcome x = parse(bad[i][0]);
        expect_that(x.r == -EINVAL, "%s: %d", bad[i][0], x.r);
        expect_that(strncmp(x.err, "asyncio fetch: ", 15) == 0, "%s", x.err);
        expect_that(strstr(x.err, bad[i][1]), "%s: %s", bad[i][0], x.err);
        expect_not_null(strstr(x.err, "; see 'asyncio fetch --help'\n"));
        expect_text(x.out, "");
        drop(&x);
    }
}

TEST(help_lists_every_option)
{
    struct outcome x = parse("--help --no-such-thing");
    expect_ok(x.r);
    expect_text(x.err, "");
    for (size_t i = 0; i < option_count; i++) {
        char name[64];
        snprintf(name, sizeof name, " --%s", option_table[i].name);
        expect_that(strstr(x.out, name), "%s", name);
    }
    for (int kind = FAILURE_NONE + 1; kind < FAILURE_KINDS; kind++)
        expect_that(strstr(x.out, failure_name((enum failure_kind)kind)), "%d", kind);
    for (char *line = strtok(x.out, "\n"); line; line = strtok(NULL, "\n"))
        expect_that(strlen(line) <= 94, "%s", line);
    drop(&x);
    x = parse("--version");
    expect_ok(x.r);
    expect_text(x.out, "asyncio " ASYNC_VERSION "\n");
    drop(&x);
}

TEST(option_table_is_consistent)
{
    expect_at_most(option_count, 128);
    for (size_t i = 0; i < option_count; i++) {
        const struct option_row *a = &option_table[i];
        expect_that(a->name && a->help, "row %zu", i);
        expect_that((a->arg == NULL) == (a->kind == OPTION_FLAG || a->kind == OPTION_HELP ||
                                         a->kind == OPTION_VERSION),
                    "%s", a->name);
        for (size_t k = 0; k < i; k++) {
            expect_text_not(a->name, option_table[k].name);
            expect_that(!a->letter || a->letter != option_table[k].letter, "%s", a->name);
        }
    }
}

SUITE("fetch options", duration_is_parsed_with_unit, rate_is_parsed_with_unit,
      size_and_integer_are_parsed, missing_options_have_defaults, all_options_are_stored,
      dash_is_standard_input, usage_error_names_the_mistake, help_lists_every_option,
      option_table_is_consistent)
