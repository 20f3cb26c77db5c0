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
    finds(BODY("for (;;) { await_timeout (*r, 1) { *r = await_x(); if (*r) break; x(); } work(); }"),
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

SUITE("lint errors", endless_loop_that_ignores_failures_is_reported,
      continue_after_failure_is_reported, loop_that_repeats_after_failure_is_reported,
      loop_that_ends_with_failure_is_not_reported, loop_with_exit_is_not_reported)
