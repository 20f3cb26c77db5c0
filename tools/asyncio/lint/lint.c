/* SPDX-License-Identifier: MIT */
/* lint.c - the command line `asyncio lint FILE...`. Findings have the form of gcc's warnings, so
 * that editors can jump to them. */
#include "lint.h"

#include "common/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { CLEAN = 0, FOUND = 1, FAILED = 2 };

static int print_rules(void)
{
    for (size_t i = 0; lint_rule_name(i); i++)
        printf("  %-20s  %s\n", lint_rule_name(i), lint_rule_summary(i));
    return CLEAN;
}

/* Print the help, which ends with the list of rules. Returns the exit status. */
static int print_lint_help(void)
{
    puts("Usage: asyncio lint [OPTION] FILE...\n"
         "\n"
         "Find mistakes in C code that runs in tasks. A FILE of - is standard input.\n"
         "\n"
         "Options:\n"
         "  --rules     list the rules\n"
         "  -h, --help  show this help\n"
         "\n"
         "A comment suppresses the findings of the rules that it names: in the same line of code;\n"
         "if it stands alone in a line, in the next line of code; with allow-file, in the whole\n"
         "file.\n"
         "\n"
         "  read(fd, buf, size); /* asyncio: allow blocking: the file is in memory */\n"
         "  // asyncio: allow-file return-in-block, blocking\n"
         "\n"
         "Exit status: 0 nothing found, 1 something found, 2 a file could not be read.\n"
         "\n"
         "Rules:");
    return print_rules();
}

static int print_lint_report(const char *name, const struct lint_report *r)
{
    if (r->error[0]) { /* then no rule has run */
        fprintf(stderr, "%s:%d:%d: error: %s\n", name, r->error_line, r->error_column, r->error);
        return FAILED;
    }
    for (size_t i = 0; i < r->count; i++) {
        const struct lint_finding *f = &r->findings[i];
        printf("%s:%d:%d: warning: %s [%s]\n", name, f->line, f->column, f->text, f->rule);
    }
    return r->count ? FOUND : CLEAN;
}

/* Read all of a file. Returns 0 or a negative errno; free the text in either case. */
static int read_source(const char *name, struct text *ret)
{
    bool standard = strcmp(name, "-") == 0;
    FILE *f = standard ? stdin : fopen(name, "re");
    if (!f)
        return -errno;
    int r = text_read_file(ret, f);
    if (!standard)
        fclose(f);
    return r;
}

/* Run the rules over one file, and print what they find. Returns the exit status for it. */
static int lint_file(const char *name)
{
    fflush(stdout); /* so that errors on stderr appear between the findings where they belong */
    struct text text = { 0 };
    struct lint_report report;
    int r = read_source(name, &text), status = FAILED;
    if (r == 0 && !lint_text(text.data ? text.data : "", text.len, &report))
        r = -ENOMEM;
    if (r < 0) {
        fprintf(stderr, "asyncio lint: cannot read %s: %s\n", name, strerror(-r));
    } else {
        status = print_lint_report(strcmp(name, "-") == 0 ? "<stdin>" : name, &report);
        lint_free(&report);
    }
    text_free(&text);
    return status;
}

static int refuse_lint_usage(const char *what, const char *argument)
{
    fprintf(stderr, "asyncio lint: %s%s%s%s; see 'asyncio lint --help'\n", what,
            *argument ? " '" : "", argument, *argument ? "'" : "");
    return FAILED;
}

int lint_main(int argc, char **argv)
{
    int status = CLEAN, i = 1;
    for (; i < argc && argv[i][0] == '-' && argv[i][1]; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return print_lint_help();
        if (strcmp(argv[i], "--rules") == 0)
            return print_rules();
        if (strcmp(argv[i], "--") == 0) {
            i++;
            break;
        }
        return refuse_lint_usage("unknown option", argv[i]);
    }
    if (i == argc)
        return refuse_lint_usage("no input files", "");
    for (; i < argc; i++) {
        int r = lint_file(argv[i]);
        status = r > status ? r : status;
    }
    return status;
}
