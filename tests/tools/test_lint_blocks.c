/* SPDX-License-Identifier: MIT */
/* test_lint_blocks.c - the rules about await_ blocks: how they are left, and what becomes of their
 * result. */
#include "lint_check.h"

/* ---- return-in-block ---- */

TEST(return_out_of_block_is_reported)
{
    expect_findings(BODY("int r; await_timeout (r, 1) { return 1; } return r;"),
                    "2:31 return-in-block");
    expect_findings(BODY("int r; await_group (r, g) { if (x) return 1; } return r;"),
                    "2:36 return-in-block");
    expect_findings(BODY("int r; await_with (r, &l) await_shield (r) return 1; return r;"),
                    "2:44 return-in-block");
    expect_findings(
            BODY("int r; await_for_each (r, i, ints(3)) for (;;) if (i) return i; else break;"
                 "return r;"),
            "2:55 return-in-block");
    expect_findings(BODY("int r; await_shield (r) goto out;\nout:"), "2:25 return-in-block");
    expect_findings(BODY("int r, s; await_timeout (r, 1) { await_shield (s)"
                         " { if (x) { for (;;) { return 1; } } } } return r;"),
                    "2:73 return-in-block");
    expect_findings(BODY("int r; await_group (r, g) { switch (x) { case 1: return 1; default:"
                         " do { if (y) return\n2; } while (z); } } return r;"),
                    "2:50 return-in-block; 2:81 return-in-block");
    expect_findings("int plain(void) { int r; await_timeout (r, 1) return r; return r; }",
                    "1:47 return-in-block");
}

TEST(return_beside_block_is_not_reported)
{
    expect_no_finding(BODY(
            "int r; await_timeout (r, 1) { r = await_sleep(2); if (r < 0) break; }\nreturn r;"));
    expect_no_finding(BODY("int r; await_timeout (r, 1) ASYNC_TRY(await_sleep(2)); return r;"));
    expect_no_finding(BODY("int r; await_group (r, g) { goto again; again: work(); } return r;"));
    expect_no_finding(BODY("int r; await_timeout (r, 1) if (a) b(); else c(); return r;"));
    expect_no_finding(BODY("int r; await_timeout (r, 1) do { x(); } while (y); return r;"));
    /* a call: nothing but the end follows */
    expect_no_finding(BODY("if (x) return await_group(1);"));
}

/* ---- unread-result ---- */

TEST(result_that_is_never_read_is_reported)
{
    expect_findings(BODY("int r; await_timeout (r, 1) work();"), "2:23 unread-result");
    expect_findings(BODY("int r = 0; await_group (r, g) { async_spawn(g, f()); }"),
                    "2:25 unread-result");
    expect_findings(BODY("int r; await_with (r, &lock) { work(); }"), "2:20 unread-result");
    expect_findings(BODY("int r; await_for_each (r, i, ints(3)) work(i);"), "2:24 unread-result");
    expect_findings(BODY("int r; await_timeout_at (r, 5) { r = await_x(); if (r < 0) log(r); }"),
                    "2:26 unread-result");
    expect_findings(BODY("int r, s; await_group (r, g) { await_timeout (s, 1) work(); } return r;"),
                    "2:47 unread-result");
    expect_findings(BODY("struct x x; int r; await_with (r, &l) work(); return x.r + y->r;"),
                    "2:32 unread-result"); /* members with the same name */
}

TEST(result_that_is_replaced_is_reported)
{
    expect_findings(BODY("int r; await_timeout (r, 1) work(); r = await_x(); return r;"),
                    "2:23 unread-result");
    expect_findings(BODY("int r; await_with (r, &a) x(); await_with (r, &b) y(); return r;"),
                    "2:20 unread-result");
    expect_findings(
            BODY("int r; await_with (r, &a) { x(); } await_with (r, &b) { y(); } return r;"),
            "2:20 unread-result");
    expect_no_finding(
            BODY("int r; await_with (r, &a) x(); await_timeout (r, r + 1) y(); return r;"));
    expect_no_finding(BODY("int r; await_with (r, &a) x(); if (y) r = 1; return r;"));
    expect_no_finding(BODY("int r; await_with (r, &a) x(); r = check(r); return r;"));
    expect_no_finding(
            BODY("int r = 0; while (n--) { await_with (r, &a) x(); if (y) continue; r = 1; }"
                 " return r;"));
    expect_no_finding(
            BODY("int r; await_with (r, &a) x(); for (;;) { if (y) break; r = 1; } return r;"));
}

TEST(result_that_is_read_is_not_reported)
{
    expect_no_finding(BODY("int r; await_timeout (r, 1) work(); return r;"));
    expect_no_finding(BODY("int r; await_timeout (r, 1) work(); ASYNC_TRY(r);"));
    expect_no_finding(BODY("int r; await_timeout (r, 1) work(); async_ignore(r);"));
    expect_no_finding(BODY("int r; await_timeout (r, 1) work(); if (r == -ETIMEDOUT) log();"));
    expect_no_finding(BODY("int r; await_timeout (r, 1) work(); x = r;"));
    expect_no_finding(BODY("int r, *p = &r; await_timeout (r, 1) work(); log(*p);"));
    expect_no_finding(
            BODY("int r; await_timeout (r, 9) { await_timeout (r, 1) work(); } return r;"));
    /* the usual cleanup */
    expect_no_finding(BODY("int r; await_shield (r) await_timeout (r, 5) work();"));
    expect_no_finding(BODY("int r = 0; while (r == 0) { await_timeout (r, 1) work(); }"));
    expect_no_finding(BODY("int r = 0; do { await_timeout (r, 1) work(); } while (r == 0);"));
    expect_no_finding(
            BODY("int r = 0; again: if (r) x(); await_timeout (r, 1) work(); goto again;"));
}

TEST(result_of_unknown_owner_is_not_reported)
{
    expect_no_finding(BODY("await_timeout (j->result, 1) work();"));
    expect_no_finding(BODY("await_timeout (*ret, 1) work();"));
    expect_no_finding(BODY("static int r; await_timeout (r, 1) work();"));
    expect_no_finding("int r;\n" BODY("await_timeout (r, 1) work();"));
}

/* A shield has no errors of its own, and is often used in cleanup, where the first error counts. */
TEST(result_of_shield_is_reported_only_where_an_error_is_lost)
{
    expect_findings(BODY("int r; await_shield (r) r = await_flush(x);"), "2:22 unread-result");
    expect_no_finding(BODY("int r; await_shield (r) work();"));
    expect_no_finding(BODY("int r, e = await_x(); await_shield (r) r = await_flush(x); return e;"));
    expect_no_finding("static void close_it(void) { int r; await_shield (r) r = await_flush(x); }");
    expect_no_finding(BODY("int r; await_shield (r) while (r == 0) r = await_more(x);"));
}

/* ---- break-in-block ---- */

TEST(break_that_does_nothing_is_reported)
{
    expect_findings(BODY("int r; for (;;) { ASYNC_TRY(await_sleep(1)); await_with (r, &l)"
                         " { if (++n == 3) break; } if (r < 0) return r; }"),
                    "2:81 break-in-block");
    expect_findings(BODY("int r; while (n--) { await_timeout (r, 1) { r = await_x(); break; }"
                         " if (r < 0) return r; }"),
                    "2:60 break-in-block");
    expect_findings(BODY("int r; await_for_each (r, i, ints(3)) await_with (s, &l)"
                         " { if (a) b(); else { break; } } return r;"),
                    "2:79 break-in-block");
    expect_findings(BODY("int r; switch (x) { case 1: await_with (r, &l) { work(); break; }\n"
                         "default: return r; }"),
                    "2:58 break-in-block");
}

TEST(break_from_endless_loop_is_reported)
{
    expect_findings(
            BODY("int r; for (;;) { await_with (r, &l) { if (empty(x)) break; take(x); } log(r); "
                 "}"),
            "2:54 break-in-block");
    expect_no_finding(BODY("int r; for (;;) { await_with (r, &l) { if (empty(x)) break; take(x); }"
                           " ASYNC_TRY(r); }"));
}

TEST(break_that_falls_into_next_case_is_reported)
{
    expect_findings(
            BODY("int r; switch (x) { case 1: await_with (r, &l) { if (y) break; work(); }\n"
                 "case 2: return r; }"),
            "2:57 break-in-block");
    expect_no_finding(
            BODY("int r; switch (x) { case 1: await_with (r, &l) { if (y) break; work(); }\n"
                 "break; case 2: x(); } return r;"));
}

TEST(continue_before_more_of_loop_body_is_reported)
{
    expect_findings(
            BODY("int r; while (n--) { await_timeout (r, 1) { if (x) continue; work(); } more(); }"
                 " return r;"),
            "2:52 break-in-block");
    expect_findings(
            BODY("int r; while (n--) { await_timeout (r, 1) { r = await_x(); if (r < 0) continue; }"
                 " more(); } return r;"),
            "2:71 break-in-block");
    expect_no_finding(BODY(
            "int r; while (n--) { await_timeout (r, 1) { if (x) continue; work(); } } return r;"));
    expect_no_finding(
            BODY("int r; while (n--) { await_timeout (r, 1) { r = await_x(); if (r < 0) continue; }"
                 " if (r < 0) log(r); more(); }"));
}

TEST(break_that_leaves_its_block_is_not_reported)
{
    /* in no loop */
    expect_no_finding(BODY("int r; await_with (r, &l) { if (x) break; } return r;"));
    expect_no_finding(
            BODY("int r; while (n--) { await_with (r, &l) { r = await_x(); if (r < 0) break; }"
                 " if (r < 0) return r; }"));
    expect_no_finding(
            BODY("int r; while (n--) { await_with (r, &l) { if (x) { r = -EIO; break; } work(); }"
                 " if (r < 0) return r; }"));
    expect_no_finding(
            BODY("int r; while (n--) { await_with (r, &l) { if (x) break; work(); } log(r); }"));
    expect_no_finding(
            BODY("int r; for (;;) { await_for_each (r, i, ints(3)) if (i) break; ASYNC_TRY(r); }"));
    expect_no_finding(BODY("int r; await_with (r, &l) { for (;;) { if (x) break; } } return r;"));
    expect_no_finding(
            BODY("int r; await_with (r, &l) { switch (x) { case 1: break; } } return r;"));
    expect_no_finding(
            BODY("int r; foreach_x (y) { await_with (r, &l) { if (x) break; } } return r;"));
    expect_no_finding("static void g(void) { for (;;) { if (x) break; } }");
}

SUITE("lint blocks", return_out_of_block_is_reported, return_beside_block_is_not_reported,
      result_that_is_never_read_is_reported, result_that_is_replaced_is_reported,
      result_that_is_read_is_not_reported, result_of_unknown_owner_is_not_reported,
      result_of_shield_is_reported_only_where_an_error_is_lost, break_that_does_nothing_is_reported,
      break_from_endless_loop_is_reported, break_that_falls_into_next_case_is_reported,
      continue_before_more_of_loop_body_is_reported, break_that_leaves_its_block_is_not_reported)
