/* SPDX-License-Identifier: MIT */
/* test_lint_source.c - how the linter reads C, and which comments allow a finding. */
#include "lint_check.h"

TEST(comment_allows_finding_in_its_reach)
{
    expect_no_finding(BODY("sleep(1); /* asyncio: allow blocking: on purpose */"));
    expect_no_finding(BODY("// asyncio: allow blocking - in memory\nsleep(1);"));
    expect_no_finding("/* asyncio: allow-file blocking, never-awaited */\n" BODY(
            "sleep(1); async_sleep(1);\nsleep(2);"));
    expect_no_finding(BODY("/* It is short.\n * asyncio: allow blocking */\nsleep(1);"));
    expect_no_finding(BODY("sleep(1); /* asyncio: allow blocking, since it is short */"));
    expect_findings(BODY("/* asyncio: allow blocking */\nx(); sleep(1);\nsleep(2);"),
                    "4:1 blocking");
}

TEST(comment_that_allows_nothing_is_reported)
{
    expect_findings(BODY("sleep(1); /* asyncio: allow never-awaited */"),
                    "2:1 blocking; 2:11 unused-allow");
    expect_findings(BODY("x(); /* asyncio: allow blocking */"), "2:6 unused-allow");
    expect_findings(BODY("x(); /* asyncio: allow blocking, never-awaited */"),
                    "2:6 unused-allow; 2:6 unused-allow");
    expect_findings(BODY("sleep(1); /* asyncio: allow blokcing */"),
                    "2:1 blocking; 2:11 unused-allow");
    expect_findings(BODY("x(); /* asyncio: allow */"), "2:6 unused-allow");
    expect_no_finding("/* of \"asyncio: allow blocking\" */"); /* only mentioned */
}

TEST(only_one_branch_of_a_condition_is_read)
{
    expect_no_finding("#if 0\n" BODY("sleep(1); it's not C") "#endif\n");
    expect_findings("#if 0\n}}}\n#else\n" BODY("sleep(1);") "#endif\n", "5:1 blocking");
    expect_no_finding("#ifdef A\nint f(int a) {\n#else\nint f(void) {\n#endif\nreturn 0; }\n");
    expect_findings("#ifdef __cplusplus\nextern \"C\" {\n#endif\n" BODY(
                            "sleep(1);") "#ifdef __cplusplus\n}\n#endif\n",
                    "5:1 blocking");
}

TEST(tokens_are_those_of_c)
{
    expect_findings("#define X(a) \\\n  do { sleep(a); \\\n  } while (0)\n" BODY(
                            "char c = '\"'; sleep(1); c = '\\'';"),
                    "5:15 blocking");
    expect_findings(BODY("x(\"a\\\"b\\\n); sleep(1);\"); /* // */ sleep(2);"), "3:26 blocking");
    expect_findings("int f(void) __attribute__((x(1))) { ASYNC_TRY(1); sleep(1); }",
                    "1:51 blocking");
    expect_findings("static int x[] = { 1 };\nstruct s { int a; };\nint f(void) { r = await_x(); "
                    "sleep(1); }",
                    "3:30 blocking");
    expect_no_finding("");
    expect_no_finding("int");
}

TEST(unbalanced_brackets_are_an_error)
{
    expect_findings("int f(void) { (]; }", "1:16 this ']' closes nothing");
    expect_findings("int f(void) {\n  {", "2:3 this '{' is never closed");
    expect_findings("}", "1:1 this '}' closes nothing");
}

/* Wherever a file is cut off, and whichever character it has lost, reading it is safe. */
TEST(broken_file_is_read_to_its_end)
{
    static const char text[] = "#if 1\n" BODY(
            "for (;;) { if (await_x(1) < 0) continue; else do { sleep(1); } while (x); }\n"
            "int r; await_group (r, g) { async_spawn(g, f()); goto out; }"
            " /* asyncio: allow blocking */\nout:"
            "for (int i = 0;;) { await_with (r, &l) { if (x) break; async_spawn(g, f(&i)); }"
            " char *p = strdup(s); async_spawn(async_background(), f(p, (char *)&r)); }"
            "if (await_x() < 0) return async_fail(errno, \"%m\");") "#endif\n"
                                                                    "int await_g(void) { pthread_"
                                                                    "mutex_lock(&m); async_co c ="
                                                                    " f(); return await_f(); }\n";
    struct lint_report r;
    char part[sizeof text];
    for (size_t n = 0; n < sizeof text; n++) {
        expect_true(lint_text(text, n, &r));
        lint_free(&r);
        expect_true(lint_text(text + n, sizeof text - 1 - n, &r));
        lint_free(&r);
        memcpy(part, text, sizeof text); /* and without one character */
        memmove(part + n, part + n + 1, sizeof text - n - 1);
        expect_true(lint_text(part, sizeof text - 2, &r));
        lint_free(&r);
    }
}

TEST(every_rule_has_a_name_and_a_summary)
{
    size_t n = 0;
    for (; lint_rule_name(n); n++)
        expect_true(lint_rule_name(n)[0] && lint_rule_summary(n)[0]);
    expect_greater(n, 0);
    expect_null(lint_rule_summary(n));
}

SUITE("lint source", comment_allows_finding_in_its_reach, comment_that_allows_nothing_is_reported,
      only_one_branch_of_a_condition_is_read, tokens_are_those_of_c,
      unbalanced_brackets_are_an_error, broken_file_is_read_to_its_end,
      every_rule_has_a_name_and_a_summary)
