/* SPDX-License-Identifier: MIT */
/* test_lint_blocks.c - the rules about await_ blocks: how they are left, and what becomes of their
 * result. */
#include "lint_check.h"

/* ---- return-in-block ---- */

START_TEST(return_out_of_block_is_reported)
{
    finds(BODY("int r; await_timeout (r, 1) { return 1; } return r;"), "2:31 return-in-block");
    finds(BODY("int r; await_group (r, g) { if (x) return 1; } return r;"), "2:36 return-in-block");
    finds(BODY("int r; await_with (r, &l) await_shield (r) return 1; return r;"),
          "2:44 return-in-block");
    finds(BODY("int r; await_for_each (r, i, ints(3)) for (;;) if (i) return i; else break;"
               "return r;"),
          "2:55 return-in-block");
    finds(BODY("int r; await_shield (r) goto out;\nout:"), "2:25 return-in-block");
    finds(BODY("int r, s; await_timeout (r, 1) { await_shield (s)"
               " { if (x) { for (;;) { return 1; } } } } return r;"),
          "2:73 return-in-block");
    finds(BODY("int r; await_group (r, g) { switch (x) { case 1: return 1; default:"
               " do { if (y) return\n2; } while (z); } } return r;"),
          "2:50 return-in-block; 2:81 return-in-block");
    finds("int plain(void) { int r; await_timeout (r, 1) return r; return r; }",
          "1:47 return-in-block");
}
END_TEST

START_TEST(return_beside_block_is_not_reported)
{
    clean(BODY("int r; await_timeout (r, 1) { r = await_sleep(2); if (r < 0) break; }\nreturn r;"));
    clean(BODY("int r; await_timeout (r, 1) ASYNC_TRY(await_sleep(2)); return r;"));
    clean(BODY("int r; await_group (r, g) { goto again; again: work(); } return r;"));
    clean(BODY("int r; await_timeout (r, 1) if (a) b(); else c(); return r;"));
    clean(BODY("int r; await_timeout (r, 1) do { x(); } while (y); return r;"));
    clean(BODY("if (x) return await_group(1);")); /* a call: nothing but the end follows */
}
END_TEST

SUITE("lint blocks", return_out_of_block_is_reported, return_beside_block_is_not_reported)
