/* SPDX-License-Identifier: MIT */
/* test_lint_errors.c - the rules about errors: loops that go on after one, errno, and
 * async_fail(). */
#include "lint_check.h"

/* ---- swallowed-cancel ---- */

START_TEST(endless_loop_that_ignores_failures_is_reported)
{
    finds(BODY("for (;;) { r = await_sleep(1); work(r); }"), "2:1 swallowed-cancel");
    finds(BODY("while (true) async_ignore(await_sleep(1));"), "2:1 swallowed-cancel");
    finds(BODY("do { r = await_sleep(1); } while (1);"), "2:1 swallowed-cancel");
    finds(BODY("while (running) { async_ignore(await_sleep(1)); work(); }"),
          "2:1 swallowed-cancel");
    finds(BODY("for (;;) { await_timeout (*r, 1) { *r = await_x(); if (*r) break; x(); } work(); "
               "}"),
          "2:1 swallowed-cancel");
}
END_TEST

START_TEST(continue_after_failure_is_reported)
{
    finds(BODY("for (;;) { r = await_get(q, &v); if (r < 0) continue;"
               " ASYNC_TRY(await_put(o, v)); }"),
          "2:45 swallowed-cancel");
    finds(BODY("while (1) { if (await_get(q, &v) < 0) { log(); continue; } if (v) break; }"),
          "2:48 swallowed-cancel");
    finds(BODY("for (;;) { if ((r = await_x())) continue; if (r == 7) break; }"),
          "2:33 swallowed-cancel");
    finds(BODY("for (;;) { r = await_x(); if (r) { log(r); continue; } if (done) break; }"),
          "2:44 swallowed-cancel");
}
END_TEST

START_TEST(loop_that_repeats_after_failure_is_reported)
{
    finds(BODY("while ((r = await_x()) < 0);"), "2:1 swallowed-cancel");
    finds(BODY("while (\n(r = await_x(a,\nb)) < 0\n) ;"), "2:1 swallowed-cancel");
    finds(BODY("while (await_x() != 0) work();"), "2:1 swallowed-cancel");
    finds(BODY("while (await_x()) work();"), "2:1 swallowed-cancel");
    finds(BODY("while ((r = (int)await_x())) { work(); }"), "2:1 swallowed-cancel");
    finds(BODY("while (0 > (r = await_x())) { work(); }"), "2:1 swallowed-cancel");
    finds(BODY("while (r < 0) r = await_x();"), "2:1 swallowed-cancel");
    finds(BODY("while (r != 0) { r = (int)await_x(); }"), "2:1 swallowed-cancel");
    finds(BODY("do { r = await_x(); } while (r < 0);"), "2:1 swallowed-cancel");
    finds(BODY("do work(); while (await_x() < 0);"), "2:1 swallowed-cancel");
    finds(BODY("for (; await_x() < 0;) {}"), "2:1 swallowed-cancel");
    finds(BODY("for (n = 0; (r = await_x()) < 0; n++) work(n);"), "2:1 swallowed-cancel");
    finds(BODY("while (more || await_x() < 0) work();"), "2:1 swallowed-cancel");
    finds(BODY("while ((r = await_x()) == -EAGAIN || r != -EPIPE) work();"),
          "2:1 swallowed-cancel");
    finds(BODY("while (await_x() < 0) async_ignore(await_sleep(1));"), "2:1 swallowed-cancel");
    finds(BODY("while (r < 0) await_timeout (r, 1) r = await_x();"), "2:1 swallowed-cancel");
}
END_TEST

START_TEST(loop_that_ends_with_failure_is_not_reported)
{
    clean(BODY("while ((r = await_x()) == 0);"));
    clean(BODY("while ((r = await_x()) > 0) {}"));
    clean(BODY("while (!(r = await_x())) work();"));
    clean(BODY("while ((r = await_x()) == -EAGAIN) work();"));
    clean(BODY("while ((r = await_x()) < 0 && tries-- > 0) work();"));
    clean(BODY("while (await_x() < 0) ASYNC_TRY(await_sleep(1));"));
    clean(BODY("while ((r = await_x()) < 0 && r != -ECANCELED) work();"));
    clean(BODY("while ((r = await_x()) < 0) if (over) break;"));
    clean(BODY("while (r < 0) { r = await_x(); r = check(r); }"));
    clean(BODY("while (r < 0) { r = await_x(); fix(&r); }"));
    clean(BODY("while (n > 0) { n = (int)await_x(); }"));
    clean(BODY("while (n > 0) { n = (ssize_t)(int)await_x(); }"));
    clean(BODY("do { r = (int)await_x(); } while (r == 0);"));
    clean(BODY("while (await_x() > 0 ? more : 0) work();"));
    clean(BODY("for (n = 0; n < 3 && await_x() < 0; n++) ;"));
    clean(BODY("while ((d = first)) { first = d->next; await_end(d); }"));
}
END_TEST

START_TEST(loop_with_exit_is_not_reported)
{
    clean(BODY("for (;;) { ASYNC_TRY(await_sleep(1)); }"));
    clean(BODY("for (;;) { r = await_sleep(1); if (r < 0) break; }"));
    clean(BODY("while ((r = await_get(q, &v)) == 0) work(v);"));
    clean(BODY("while (r == 0) { r = await_get(q, &v); }"));
    clean(BODY("for (;;) { r = await_x(); if (r == -ECANCELED) return r; if (r < 0) continue; }"));
    clean(BODY("for (int i = 0; i < n; i++) r[i] = await_task(t[i]);"));
    clean(BODY("for (int i = 0; i < 5; i++) { r = await_get(u); if (r < 0) continue; break; }"));
    clean(BODY("for (;;) { int c = next(); if (c < 0) continue; ASYNC_TRY(await_x(c)); }"));
    clean(BODY("for (;;) work();"));
}
END_TEST

/* ---- stale-errno ---- */

START_TEST(errno_after_failed_await_is_reported)
{
    finds(BODY("if (await_x() < 0) perror(\"x\");"), "2:20 stale-errno");
    finds(BODY("int r = await_x(); if (r < 0) return -errno;"), "2:39 stale-errno");
    finds(BODY("r = (int)await_x(a, b); if (r < 0) { printf(\"%s\\n\", strerror(errno)); }"),
          "2:62 stale-errno");
    finds(BODY("if ((r = await_x()) != 0) fprintf(stderr, \"x: %m\\n\");"), "2:43 stale-errno");
    finds(BODY("while ((n = await_x()) < 0) if (errno != EINTR) break;"), "2:33 stale-errno");
    finds(BODY("return await_x() < 0 ? -errno : 0;"), "2:25 stale-errno");
    finds(BODY("if (await_x() < 0 && errno == EAGAIN) x();"), "2:22 stale-errno");
    finds(BODY("int r = await_x(); return r < 0 ? -errno : r;"), "2:36 stale-errno");
    finds(BODY("int r; await_timeout (r, 1) { r = await_x(); } if (r < 0) perror(\"x\");"),
          "2:59 stale-errno");
}
END_TEST

START_TEST(errno_of_another_call_is_not_reported)
{
    clean(BODY("if (await_x() < 0 && open(p, 0) < 0) perror(p);"));
    clean(BODY("int r = await_x(); if (close(fd) < 0) return -errno; return r;"));
    clean(BODY("if (await_x() < 0) { close(fd); return -errno; }"));
    clean(BODY("errno = 0; n = strtol(s, &end, 10); if (errno) return -errno;"));
    clean(BODY("int r = await_x(); errno = -r; if (r < 0) perror(\"x\");"));
    clean(BODY("if (await_x() < 0) e = &errno;"));
    clean(BODY("if (await_x() < 0) x->errno++;"));
}
END_TEST

/* A task keeps its errno while it is suspended, so this one is that of open(). */
START_TEST(errno_kept_across_await_is_not_reported)
{
    clean(BODY("fd = open(p, 0); if (fd < 0) { ASYNC_TRY(await_sleep(1)); return -errno; }"));
    clean(BODY("fd = open(p, 0); if (fd < 0) { int r = await_sleep(1); if (r < 0) return r;"
               " return -errno; }"));
}
END_TEST

START_TEST(errno_is_not_reported_where_the_file_defines_the_function)
{
    clean("static int await_x(void) { return open(p, 0); }\n" BODY(
            "if (await_x() < 0) perror(p);"));
    clean("ASYNC_DEF(x) { return open(p, 0); }\n" BODY("if (await_x() < 0) perror(p);"));
}
END_TEST

START_TEST(percent_m_is_reported_only_in_printed_formats)
{
    clean(BODY("if (await_x() < 0) printf(\"100%%m\");"));
    clean(BODY("if (await_x() < 0) sscanf(s, \"%ms\", &t);"));
    finds(BODY("if (await_x() < 0) syslog(LOG_ERR, \"x: %-20m\");"), "2:36 stale-errno");
}
END_TEST

/* ---- positive-error ---- */

START_TEST(positive_code_in_async_fail_is_reported)
{
    finds(BODY("return async_fail(EPROTO, \"bad status\");"), "2:19 positive-error");
    finds(BODY("return async_fail((EINVAL), \"%d\", x);"), "2:20 positive-error");
    finds(BODY("return async_fail(errno, \"open\");"), "2:19 positive-error");
    finds(BODY("return async_fail(5, \"five\");"), "2:19 positive-error");
    finds("int f(void) { return async_fail(E2BIG, \"x\"); }", "1:33 positive-error");
}
END_TEST

START_TEST(negative_or_unknown_code_in_async_fail_is_not_reported)
{
    clean(BODY("return async_fail(-EPROTO, \"bad status\");"));
    clean(BODY("return async_fail(-5, \"five\");"));
    clean(BODY("return async_fail(code, \"x\");"));
    clean(BODY("return async_fail(ERROR_CODE, \"x\");"));
    clean(BODY("return async_fail(EOF, \"x\");"));
    clean(BODY("return async_fail(EINVAL < 0 ? 1 : r, \"x\");"));
    clean(BODY("return async_fail(x ? -EIO : -EINVAL, \"x\");"));
}
END_TEST

SUITE("lint errors", endless_loop_that_ignores_failures_is_reported,
      continue_after_failure_is_reported, loop_that_repeats_after_failure_is_reported,
      loop_that_ends_with_failure_is_not_reported, loop_with_exit_is_not_reported,
      errno_after_failed_await_is_reported, errno_of_another_call_is_not_reported,
      errno_kept_across_await_is_not_reported,
      errno_is_not_reported_where_the_file_defines_the_function,
      percent_m_is_reported_only_in_printed_formats, positive_code_in_async_fail_is_reported,
      negative_or_unknown_code_in_async_fail_is_not_reported)
