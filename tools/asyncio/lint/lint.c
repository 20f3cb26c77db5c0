/* SPDX-License-Identifier: MIT */
/* lint.c - `asyncio lint FILE...`: the command line, and the messages in the form of gcc's. */
#include "lint.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CLEAN = 0, FOUND = 1, FAILED = 2 };

static const char *const meanings[LINT_RULES] = {
    [LINT_RETURN] = "return or goto out of an await_ block: its verdict is lost",
    [LINT_BLOCKING] = "a call that stops every task of the loop, in code that runs in tasks",
    [LINT_LOCK] = "an await_ between the lock and the unlock of a lock between threads",
    [LINT_FORGOTTEN] = "a coroutine that is made and thrown away",
    [LINT_CANCEL] = "a loop that goes on for ever when its task is cancelled",
    [LINT_ALLOW] = "a comment that allows what is not there",
};

static int help(void)
{
    puts("Usage: asyncio lint [--rules] FILE...\n\n"
         "Find mistakes of code that runs in tasks, in C sources; '-' is standard input.\n"
         "A comment allows what it names, in its own line, in the next one, or in the file:\n\n"
         "    /* asyncio: allow blocking: the file is in memory */\n"
         "    // asyncio: allow-file return-in-block, blocking\n\n"
         "Exit status: 0 nothing found, 1 something, 2 a file could not be read.\n\nRules:");
    for (int i = 0; i < LINT_RULES; i++)
        printf("  %-16s  %s\n", lint_rule_names[i], meanings[i]);
    return CLEAN;
}

/* All of a stream, in memory of the caller's; NULL and errno. */
static char *contents(FILE *f, size_t *ret_size)
{
    char *text = NULL;
    size_t size = 0, room = 0;
    for (;;) {
        if (size == room) {
            room = room ? 2 * room : 65536;
            char *larger = realloc(text, room);
            if (!larger)
                break;
            text = larger;
        }
        size_t n = fread(text + size, 1, room - size, f);
        size += n;
        if (n == 0 && ferror(f))
            break;
        if (n == 0) {
            *ret_size = size;
            return text;
        }
    }
    free(text);
    return NULL;
}

static int tell(const char *name, const struct lint_report *r)
{
    if (r->error[0]) { /* found before any rule has looked */
        fprintf(stderr, "%s:%d:%d: error: %s\n", name, r->error_line, r->error_column, r->error);
        return FAILED;
    }
    for (size_t i = 0; i < r->count; i++) {
        const struct lint_finding *f = &r->findings[i];
        printf("%s:%d:%d: warning: %s [%s]\n", name, f->line, f->column, f->text,
               lint_rule_names[f->rule]);
    }
    return r->count ? FOUND : CLEAN;
}

static int lint_file(const char *name)
{
    fflush(stdout); /* errors come in their place among the findings */
    bool standard = strcmp(name, "-") == 0;
    FILE *f = standard ? stdin : fopen(name, "re");
    size_t size = 0;
    char *text = f ? contents(f, &size) : NULL;
    int err = errno, status = FAILED;
    if (f && !standard)
        fclose(f);
    struct lint_report r;
    if (!text) {
        fprintf(stderr, "asyncio lint: %s: %s\n", name, strerror(err));
    } else if (!lint_text(text, size, &r)) {
        fprintf(stderr, "asyncio lint: %s: %s\n", name, strerror(ENOMEM));
    } else {
        status = tell(standard ? "<stdin>" : name, &r);
        lint_free(&r);
    }
    free(text);
    return status;
}

int lint_main(int argc, char **argv)
{
    int status = CLEAN, i = 1;
    for (; i < argc && argv[i][0] == '-' && argv[i][1]; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0 ||
            strcmp(argv[i], "--rules") == 0)
            return help();
        if (strcmp(argv[i], "--") == 0) {
            i++;
            break;
        }
        fprintf(stderr, "asyncio lint: there is no option '%s'; 'asyncio lint --help' says more\n",
                argv[i]);
        return FAILED;
    }
    if (i == argc) {
        fputs("asyncio lint: which files? 'asyncio lint --help' says more\n", stderr);
        return FAILED;
    }
    for (; i < argc; i++) {
        int r = lint_file(argv[i]);
        status = r > status ? r : status;
    }
    return status;
}
