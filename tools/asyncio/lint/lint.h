/* SPDX-License-Identifier: MIT */
/* lint.h - `asyncio lint`: find mistakes in C code that runs in tasks, by reading its source.
 *
 * There is no compiler and no preprocessor. A file is split into tokens, functions are found among
 * the tokens, and each rule examines one function at a time. Of the branches of an #if only the
 * first is read (of #if 0 the second), and macros are not expanded. A rule reports only what can be
 * decided from that, because a false alarm costs more trust than a missed mistake. */
#ifndef LINT_LINT_H
#define LINT_LINT_H

#include <stdbool.h>
#include <stddef.h>

/* One mistake that was found. */
struct lint_finding {
    int line, column;
    const char *rule; /* its name, such as "blocking" */
    char text[240];   /* may quote words of the source */
};

/* What was found in one file. */
struct lint_report {
    struct lint_finding *findings; /* sorted by line and column */
    size_t count;
    char error[120]; /* why the file could not be read as C, or "" */
    int error_line, error_column;
};

/* Run all rules over the text of one file.
 *
 * ret        receives the report; free it with lint_free().
 * Returns    true; false if there is no memory, and then there is nothing to free. */
bool lint_text(const char *text, size_t size, struct lint_report *ret);
void lint_free(struct lint_report *r);

/* Return the name and the one-line summary of a rule. NULL if i is not less than their number. */
const char *lint_rule_name(size_t i);
const char *lint_rule_summary(size_t i);

/* Run the command line `asyncio lint ...` and return its exit status. */
int lint_main(int argc, char **argv);

#endif
