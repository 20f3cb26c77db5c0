/* SPDX-License-Identifier: MIT */
/* test_lint_errors.c - the rules about errors: loops that go on after one, errno, and
 * async_fail(). */
#include "lint_check.h"

/* ---- swallowed-cancel ---- */

TEST(endless_loop_that_ignores_failures_is_reported)
{
    expect_findings(BODY("for (;;) { r = await_sleep(1); work(r); }"), "2:1 swallowed-cancel");
    expect_findings(BODY("while (true) async_ignore(await_sleep(1));"), "2:1 swallowed-cancel");
    expect_findings(BODY("do { r = await_sleep(1); } while (1);"), "2:1 swallowed-cancel");
    expect_findings(BODY("while (running) { async_ignore(await_sleep(1)); work(); }"),
                    "2:1 swallowed-cancel");
    expect_findings(
            BODY("for (;;) { await_timeout (*r, 1) { *r = await_x(); if (*r) break; x(); } work(); "
                 "}"),
            "2:1 swallowed-cancel");
}

TEST(continue_after_failure_is_reported)
{
    expect_findings(BODY("for (;;) { r = await_get(q, &v); if (r < 0) continue;"
                         " ASYNC_TRY(await_put(o, v)); }"),
                    "2:45 swallowed-cancel");
    expect_findings(
            BODY("while (1) { if (await_get(q, &v) < 0) { log(); continue; } if (v) break; }"),
            "2:48 swallowed-cancel");
    expect_findings(BODY("for (;;) { if ((r = await_x())) continue; if (r == 7) break; }"),
                    "2:33 swallowed-cancel");
    expect_findings(
            BODY("for (;;) { r = await_x(); if (r) { log(r); continue; } if (done) break; }"),
            "2:44 swallowed-cancel");
}

TEST(loop_that_repeats_after_failure_is_reported)
{
    expect_findings(BODY("while ((r = await_x()) < 0);"), "2:1 swallowed-cancel");
    expect_findings(BODY("while (\n(r = await_x(a,\nb)) < 0\n) ;"), "2:1 swallowed-cancel");
    expect_findings(BODY("while (await_x() != 0) work();"), "2:1 swallowed-cancel");
    expect_findings(BODY("while (await_x()) work();"), "2:1 swallowed-cancel");
    expect_findings(BODY("while ((r = (int)await_x())) { work(); }"), "2:1 swallowed-cancel");
    expect_findings(BODY("while (0 > (r = await_x())) { work(); }"), "2:1 swallowed-cancel");
    expect_findings(BODY("while (r < 0) r = await_x();"), "2:1 swallowed-cancel");
    expect_findings(BODY("while (r != 0) { r = (int)await_x(); }"), "2:1 swallowed-cancel");
    expect_findings(BODY("do { r = await_x(); } while (r < 0);"), "2:1 swallowed-cancel");
    expect_findings(BODY("do work(); while (await_x() < 0);"), "2:1 swallowed-cancel");
    expect_findings(BODY("for (; await_x() < 0;) {}"), "2:1 swallowed-cancel");
    expect_findings(BODY("for (n = 0; (r = await_x()) < 0; n++) work(n);"), "2:1 swallowed-cancel");
    expect_findings(BODY("while (more || await_x() < 0) work();"), "2:1 swallowed-cancel");
    expect_findings(BODY("while ((r = await_x()) == -EAGAIN || r != -EPIPE) work();"),
                    "2:1 swallowed-cancel");
    expect_findings(BODY("while (await_x() < 0) async_ignore(await_sleep(1));"),
                    "2:1 swallowed-cancel");
    expect_findings(BODY("while (r < 0) await_timeout (r, 1) r = await_x();"),
                    "2:1 swallowed-cancel");
}

TEST(loop_that_ends_with_failure_is_not_reported)
{
    expect_no_finding(BODY("while ((r = await_x()) == 0);"));
    expect_no_finding(BODY("while ((r = await_x()) > 0) {}"));
    expect_no_finding(BODY("while (!(r = await_x())) work();"));
    expect_no_finding(BODY("while ((r = await_x()) == -EAGAIN) work();"));
    expect_no_finding(BODY("while ((r = await_x()) < 0 && tries-- > 0) work();"));
    expect_no_finding(BODY("while (await_x() < 0) ASYNC_TRY(await_sleep(1));"));
    expect_no_finding(BODY("while ((r = await_x()) < 0 && r != -ECANCELED) work();"));
    expect_no_finding(BODY("while ((r = await_x()) < 0) if (over) break;"));
    expect_no_finding(BODY("while (r < 0) { r = await_x(); r = check(r); }"));
    expect_no_finding(BODY("while (r < 0) { r = await_x(); fix(&r); }"));
    expect_no_finding(BODY("while (n > 0) { n = (int)await_x(); }"));
    expect_no_finding(BODY("while (n > 0) { n = (ssize_t)(int)await_x(); }"));
    expect_no_finding(BODY("do { r = (int)await_x(); } while (r == 0);"));
    expect_no_finding(BODY("while (await_x() > 0 ? more : 0) work();"));
    expect_no_finding(BODY("for (n = 0; n < 3 && await_x() < 0; n++) ;"));
    expect_no_finding(BODY("while ((d = first)) { first = d->next; await_end(d); }"));
}

TEST(loop_with_exit_is_not_reported)
{
    expect_no_finding(BODY("for (;;) { ASYNC_TRY(await_sleep(1)); }"));
    expect_no_finding(BODY("for (;;) { r = await_sleep(1); if (r < 0) break; }"));
    expect_no_finding(BODY("while ((r = await_get(q, &v)) == 0) work(v);"));
    expect_no_finding(BODY("while (r == 0) { r = await_get(q, &v); }"));
    expect_no_finding(BODY(
            "for (;;) { r = await_x(); if (r == -ECANCELED) return r; if (r < 0) continue; }"));
    expect_no_finding(BODY("for (int i = 0; i < n; i++) r[i] = await_task(t[i]);"));
    expect_no_finding(
            BODY("for (int i = 0; i < 5; i++) { r = await_get(u); if (r < 0) continue; break; }"));
    expect_no_finding(
            BODY("for (;;) { int c = next(); if (c < 0) continue; ASYNC_TRY(await_x(c)); }"));
    expect_no_finding(BODY("for (;;) work();"));
}

/* ---- stale-errno ---- */

TEST(errno_after_failed_await_is_reported)
{
    expect_findings(BODY("if (await_x() < 0) perror(\"x\");"), "2:20 stale-errno");
    expect_findings(BODY("int r = await_x(); if (r < 0) return -errno;"), "2:39 stale-errno");
    expect_findings(
            BODY("r = (int)await_x(a, b); if (r < 0) { printf(\"%s\\n\", strerror(errno)); }"),
            "2:62 stale-errno");
    expect_findings(BODY("if ((r = await_x()) != 0) fprintf(stderr, \"x: %m\\n\");"),
                    "2:43 stale-errno");
    expect_findings(BODY("while ((n = await_x()) < 0) if (errno != EINTR) break;"),
                    "2:33 stale-errno");
    expect_findings(BODY("return await_x() < 0 ? -errno : 0;"), "2:25 stale-errno");
    expect_findings(BODY("if (await_x() < 0 && errno == EAGAIN) x();"), "2:22 stale-errno");
    expect_findings(BODY("int r = await_x(); return r < 0 ? -errno : r;"), "2:36 stale-errno");
    expect_findings(
            BODY("int r; await_timeout (r, 1) { r = await_x(); } if (r < 0) perror(\"x\");"),
            "2:59 stale-errno");
}

TEST(errno_of_another_call_is_not_reported)
{
    expect_no_finding(BODY("if (await_x() < 0 && open(p, 0) < 0) perror(p);"));
    expect_no_finding(BODY("int r = await_x(); if (close(fd) < 0) return -errno; return r;"));
    expect_no_finding(BODY("if (await_x() < 0) { close(fd); return -errno; }"));
    expect_no_finding(BODY("errno = 0; n = strtol(s, &end, 10); if (errno) return -errno;"));
    expect_no_finding(BODY("int r = await_x(); errno = -r; if (r < 0) perror(\"x\");"));
    expect_no_finding(BODY("if (await_x() < 0) e = &errno;"));
    expect_no_finding(BODY("if (await_x() < 0) x->errno++;"));
}

/* A task keeps its errno while it is suspended, so this one is that of open(). */
TEST(errno_kept_across_await_is_not_reported)
{
    expect_no_finding(
            BODY("fd = open(p, 0); if (fd < 0) { ASYNC_TRY(await_sleep(1)); return -errno; }"));
    expect_no_finding(
            BODY("fd = open(p, 0); if (fd < 0) { int r = await_sleep(1); if (r < 0) return r;"
                 " return -errno; }"));
}

TEST(errno_is_not_reported_where_the_file_defines_the_function)
{
    expect_no_finding("static int await_x(void) { return open(p, 0); }\n" BODY(
            "if (await_x() < 0) perror(p);"));
    expect_no_finding(
            "ASYNC_DEF(x) { return open(p, 0); }\n" BODY("if (await_x() < 0) perror(p);"));
}

TEST(percent_m_is_reported_only_in_printed_formats)
{
    expect_no_finding(BODY("if (await_x() < 0) printf(\"100%%m\");"));
    expect_no_finding(BODY("if (await_x() < 0) sscanf(s, \"%ms\", &t);"));
    expect_findings(BODY("if (await_x() < 0) syslog(LOG_ERR, \"x: %-20m\");"), "2:36 stale-errno");
}

/* ---- positive-error ---- */

TEST(positive_code_in_async_fail_is_reported)
{
    expect_findings(BODY("return async_fail(EPROTO, \"bad status\");"), "2:19 positive-error");
    expect_findings(BODY("return async_fail((EINVAL), \"%d\", x);"), "2:20 positive-error");
    expect_findings(BODY("return async_fail(errno, \"open\");"), "2:19 positive-error");
    expect_findings(BODY("return async_fail(5, \"five\");"), "2:19 positive-error");
    expect_findings("int f(void) { return async_fail(E2BIG, \"x\"); }", "1:33 positive-error");
}

TEST(negative_or_unknown_code_in_async_fail_is_not_reported)
{
    expect_no_finding(BODY("return async_fail(-EPROTO, \"bad status\");"));
    expect_no_finding(BODY("return async_fail(-5, \"five\");"));
    expect_no_finding(BODY("return async_fail(code, \"x\");"));
    expect_no_finding(BODY("return async_fail(ERROR_CODE, \"x\");"));
    expect_no_finding(BODY("return async_fail(EOF, \"x\");"));
    expect_no_finding(BODY("return async_fail(EINVAL < 0 ? 1 : r, \"x\");"));
    expect_no_finding(BODY("return async_fail(x ? -EIO : -EINVAL, \"x\");"));
}

/* ---- try-return-type ---- */

TEST(try_in_a_function_without_negative_results_is_reported)
{
    expect_findings("bool f(void) { ASYNC_TRY(await_g()); return true; }", "1:16 try-return-type");
    expect_findings("static unsigned long f(int x) { ASYNC_TRY(await_g()); return 1; }",
                    "1:33 try-return-type");
    expect_findings("static inline size_t f(void) { return ASYNC_TRY(await_g()); }",
                    "1:39 try-return-type");
}

TEST(try_in_a_function_with_negative_results_is_not_reported)
{
    expect_no_finding("int f(bool b) { ASYNC_TRY(await_g()); return b; }");
    expect_no_finding("static ssize_t f(size_t n) { return ASYNC_TRY(await_g()); }");
    expect_no_finding("bool b; int f(void) { ASYNC_TRY(await_g()); return 0; }");
    expect_no_finding("bool f(void) { return await_g() >= 0; }");
    expect_no_finding(BODY("ASYNC_TRY(await_g());"));
}

SUITE("lint errors", endless_loop_that_ignores_failures_is_reported,
      continue_after_failure_is_reported, loop_that_repeats_after_failure_is_reported,
      loop_that_ends_with_failure_is_not_reported, loop_with_exit_is_not_reported,
      errno_after_failed_await_is_reported, errno_of_another_call_is_not_reported,
      errno_kept_across_await_is_not_reported,
      errno_is_not_reported_where_the_file_defines_the_function,
      percent_m_is_reported_only_in_printed_formats, positive_code_in_async_fail_is_reported,
      negative_or_unknown_code_in_async_fail_is_not_reported,
      try_in_a_function_without_negative_results_is_reported,
      try_in_a_function_with_negative_results_is_not_reported)
