/* SPDX-License-Identifier: MIT */
/* test_fetch_options.c - numbers with units, the options, and --help. */
#include "tool_check.h"

#include "fetch/failure.h"
#include "fetch/options.h"
#include "common/units.h"

#include <asyncio/base.h>

#define near(a, b) ck_assert_double_eq_tol(a, b, 1e-9)

START_TEST(duration_is_parsed_with_unit)
{
    double s;
    static const struct {
        const char *text;
        double seconds;
    } good[] = { { "1", 1 },    { "1.5", 1.5 }, { "1.5s", 1.5 }, { "250ms", 0.25 },
                 { "2m", 120 }, { "1h", 3600 }, { "0", 0 },      { ".5s", 0.5 } };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        ck_assert_int_eq(parse_duration(good[i].text, &s), 0);
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
        ck_assert_msg(parse_duration(bad[i], &s) == -EINVAL, "%s", bad[i]);
    ck_assert_int_eq(parse_duration("-1", &s), -ERANGE);
    ck_assert_int_eq(parse_duration("999999999h", &s), -ERANGE);
}
END_TEST

START_TEST(rate_is_parsed_with_unit)
{
    double r;
    static const struct {
        const char *text;
        double rate;
    } good[] = { { "10", 10 },     { "10/s", 10 },   { "600/m", 10 },
                 { "36/h", 0.01 }, { "1/10s", 0.1 }, { "0.5/s", 0.5 } };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        ck_assert_int_eq(parse_rate(good[i].text, &r), 0);
        near(r, good[i].rate);
    }
    static const char *const bad[] = { "", "/s", "10/", "10/x", "10s", "ten/s", "10/0s" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(parse_rate(bad[i], &r) == -EINVAL, "%s", bad[i]);
    ck_assert_int_eq(parse_rate("0/s", &r), -ERANGE);
    ck_assert_int_eq(parse_rate("-1/s", &r), -ERANGE);
}
END_TEST

START_TEST(size_and_integer_are_parsed)
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
        ck_assert_msg(parse_size(good[i].text, &b) == 0, "%s", good[i].text);
        ck_assert_uint_eq(b, good[i].bytes);
    }
    ck_assert_int_eq(parse_size("1x", &b), -EINVAL);
    ck_assert_int_eq(parse_size("1kx", &b), -EINVAL);
    ck_assert_int_eq(parse_size("99999T", &b), -ERANGE);
    ck_assert_int_eq(parse_integer("12", 1, 12, &n), 0);
    ck_assert_int_eq(n, 12);
    ck_assert_int_eq(parse_integer("-3", -5, 12, &n), 0);
    ck_assert_int_eq(n, -3);
    ck_assert_int_eq(parse_integer("13", 1, 12, &n), -ERANGE);
    ck_assert_int_eq(parse_integer("1.0", 1, 12, &n), -EINVAL);
    ck_assert_int_eq(parse_integer("1x", 1, 12, &n), -EINVAL);
}
END_TEST

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

START_TEST(missing_options_have_defaults)
{
    struct outcome x = parse("http://a");
    ck_assert_int_eq(x.r, 1);
    ck_assert_int_eq(x.o.jobs, 32);
    ck_assert_int_eq(x.o.per_host, 8);
    ck_assert_int_eq(x.o.burst, 1);
    near(x.o.rate, 0);
    ck_assert_int_eq(x.o.retries, 3);
    near(x.o.retry_after_max, 300);
    near(x.o.timeout, 60);
    near(x.o.connect_timeout, 10);
    near(x.o.deadline, 0);
    ck_assert_int_eq(x.o.max_redirects, 10);
    ck_assert_uint_eq(x.o.max_body, 64 << 20);
    ck_assert_int_eq(x.o.body, BODY_AUTO);
    ck_assert_uint_eq(x.o.url_count, 1);
    ck_assert_str_eq(x.o.urls[0], "http://a");
    ck_assert_str_eq(x.err, "");
    drop(&x);
}
END_TEST

START_TEST(all_options_are_stored)
{
    struct outcome x =
            parse("-i f.txt -j4 --per-host=0 --rate 600/m --burst 5 --timeout 1.5s "
                  "--connect-timeout 500ms --deadline 2m --retries 0 --retry-unsafe "
                  "--retry-after-max 10 -X DELETE -H A:1 --header B:2 -d @body "
                  "--max-redirects 0 --keep-order --body json --headers --checksum sha256 "
                  "-o dir --overwrite --fsync --max-body 1k --fail-fast --max-failures 3 "
                  "--progress never -q http://a http://b");
    ck_assert_str_eq(x.err, "");
    ck_assert_int_eq(x.r, 1);
    struct options *o = &x.o;
    ck_assert_str_eq(o->input, "f.txt");
    ck_assert_int_eq(o->jobs, 4);
    ck_assert_int_eq(o->per_host, 0);
    near(o->rate, 10);
    ck_assert_int_eq(o->burst, 5);
    near(o->timeout, 1.5);
    near(o->connect_timeout, 0.5);
    near(o->deadline, 120);
    ck_assert_int_eq(o->retries, 0);
    ck_assert(o->retry_unsafe && o->keep_order && o->response_headers && o->overwrite && o->fsync);
    ck_assert_str_eq(o->method, "DELETE");
    ck_assert_uint_eq(o->header_count, 2);
    ck_assert_str_eq(o->headers[1], "B:2");
    ck_assert_str_eq(o->data, "@body");
    ck_assert_int_eq(o->max_redirects, 0);
    ck_assert_int_eq(o->body, BODY_JSON);
    ck_assert_int_eq(o->checksum, CHECKSUM_SHA256);
    ck_assert_str_eq(o->output_dir, "dir");
    ck_assert_uint_eq(o->max_body, 1024);
    ck_assert(o->fail_fast && o->quiet);
    ck_assert_int_eq(o->max_failures, 3);
    ck_assert_int_eq(o->progress, PROGRESS_NEVER);
    ck_assert_uint_eq(o->url_count, 2);
    drop(&x);
}
END_TEST

START_TEST(dash_is_standard_input)
{
    struct outcome x = parse("-");
    ck_assert_int_eq(x.r, 1);
    ck_assert_str_eq(x.o.input, "-");
    ck_assert_uint_eq(x.o.url_count, 0);
    drop(&x);
    x = parse("-i - http://a");
    ck_assert_int_eq(x.r, 1);
    ck_assert_str_eq(x.o.input, "-");
    drop(&x);
    /* Behind -- it is no option. That it is no URL is reported in its result. */
    x = parse("-j 2 -- -x");
    ck_assert_int_eq(x.r, 1);
    ck_assert_str_eq(x.o.urls[0], "-x");
    drop(&x);
}
END_TEST

START_TEST(usage_error_names_the_mistake)
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
        ck_assert_msg(x.r == -EINVAL, "%s: %d", bad[i][0], x.r);
        ck_assert_msg(strncmp(x.err, "asyncio fetch: ", 15) == 0, "%s", x.err);
        ck_assert_msg(strstr(x.err, bad[i][1]), "%s: %s", bad[i][0], x.err);
        ck_assert_ptr_nonnull(strstr(x.err, "; see 'asyncio fetch --help'\n"));
        ck_assert_str_eq(x.out, "");
        drop(&x);
    }
}
END_TEST

START_TEST(help_lists_every_option)
{
    struct outcome x = parse("--help --no-such-thing");
    ck_assert_int_eq(x.r, 0);
    ck_assert_str_eq(x.err, "");
    for (size_t i = 0; i < option_count; i++) {
        char name[64];
        snprintf(name, sizeof name, " --%s", option_table[i].name);
        ck_assert_msg(strstr(x.out, name), "%s", name);
    }
    for (int kind = FAILURE_NONE + 1; kind < FAILURE_KINDS; kind++)
        ck_assert_msg(strstr(x.out, failure_name((enum failure_kind)kind)), "%d", kind);
    for (char *line = strtok(x.out, "\n"); line; line = strtok(NULL, "\n"))
        ck_assert_msg(strlen(line) <= 94, "%s", line);
    drop(&x);
    x = parse("--version");
    ck_assert_int_eq(x.r, 0);
    ck_assert_str_eq(x.out, "asyncio " ASYNC_VERSION "\n");
    drop(&x);
}
END_TEST

START_TEST(option_table_is_consistent)
{
    ck_assert_uint_le(option_count, 64);
    for (size_t i = 0; i < option_count; i++) {
        const struct option_row *a = &option_table[i];
        ck_assert_msg(a->name && a->help, "row %zu", i);
        ck_assert_msg((a->arg == NULL) == (a->kind == OPTION_FLAG || a->kind == OPTION_HELP ||
                                           a->kind == OPTION_VERSION),
                      "%s", a->name);
        for (size_t k = 0; k < i; k++) {
            ck_assert_str_ne(a->name, option_table[k].name);
            ck_assert_msg(!a->letter || a->letter != option_table[k].letter, "%s", a->name);
        }
    }
}
END_TEST

SUITE("fetch options", duration_is_parsed_with_unit, rate_is_parsed_with_unit,
      size_and_integer_are_parsed, missing_options_have_defaults, all_options_are_stored,
      dash_is_standard_input, usage_error_names_the_mistake, help_lists_every_option,
      option_table_is_consistent)
