/* SPDX-License-Identifier: MIT */
/* lint.h - `asyncio lint`: mistakes of code that runs in tasks, found in its source. No compiler and no preprocessor:
 * a file is cut into tokens, functions are found among them, and the rules look at these. Of #if and its branches the
 * first is read, of #if 0 the other; macros are not expanded. What the rules cannot know they do not report. */
#ifndef LINT_H
#define LINT_H

#include <stdbool.h>
#include <stddef.h>

enum lint_rule {
    LINT_RETURN,    /* return, goto: out of an await_ block without its verdict */
    LINT_BLOCKING,  /* a call that stops the loop, in code that runs in a task */
    LINT_LOCK,      /* a lock between threads, held while the task may be suspended */
    LINT_FORGOTTEN, /* a coroutine that is made and never awaited */
    LINT_CANCEL,    /* a loop that goes on when its task is cancelled */
    LINT_ALLOW,     /* a comment that allows what is not there */
    LINT_RULES,
};
extern const char *const lint_rule_names[LINT_RULES];

/* One thing that was found; text is the rule's, words may stand in it. */
struct lint_finding {
    int line, column;
    enum lint_rule rule;
    char text[200];
};

struct lint_report {
    struct lint_finding *findings; /* by place */
    size_t count;
    char error[120]; /* "": the file could be read as C */
    int error_line, error_column;
};

/* Look at a file's text. False: no memory. The report is freed by lint_free(). */
bool lint_text(const char *text, size_t size, struct lint_report *ret);
void lint_free(struct lint_report *r);

int lint_main(int argc, char **argv);

#endif
