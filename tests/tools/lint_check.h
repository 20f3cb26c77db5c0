/* SPDX-License-Identifier: MIT */
/* lint_check.h - what the tests of the linter share: run it over a piece of text, and compare what
 * it reports. */
#ifndef LINT_CHECK_H
#define LINT_CHECK_H

#include "tool_check.h"

#include "lint/lint.h"

/* Return what is found in the text, as "line:column rule; line:column rule". */
static const char *lint_found(const char *text)
{
    static char out[500];
    struct lint_report r;
    expect_true(lint_text(text, strlen(text), &r));
    size_t n = 0;
    out[0] = '\0';
    if (r.error[0])
        snprintf(out, sizeof out, "%d:%d %s", r.error_line, r.error_column, r.error);
    for (size_t i = 0; i < r.count; i++)
        n += (size_t)snprintf(out + n, sizeof out - n, "%s%d:%d %s", i ? "; " : "",
                              r.findings[i].line, r.findings[i].column, r.findings[i].rule);
    lint_free(&r);
    return out;
}

#define expect_findings(text, findings) expect_text(lint_found(text), findings)
#define expect_no_finding(text)         expect_findings(text, "")

/* A coroutine whose body begins in line 2. */
#define BODY(text) "ASYNC_DEF(f) {\n" text "\nreturn 0; }\n"

/* The same with coroutines that can be spawned, and more lines in front: the body begins in line
 * 3. */
#define SPAWNS(text) "ASYNC_DEF(job, (void *)p) { return 0; }\n" BODY(text)

#endif
