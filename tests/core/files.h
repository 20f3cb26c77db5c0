/* SPDX-License-Identifier: MIT */
/* files.h - what the tests of files share: a directory of its own for each, which is the working
 * directory. */
#ifndef TESTS_FILES_H
#define TESTS_FILES_H

#include "../frame/loop_test.h"

#include <dirent.h>
#include <ftw.h>
#include <string.h>

static char place[128];

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

static inline void leave_place(void)
{
    expect_ok(chdir("/"));
    expect_ok(nftw(place, remove_one, 16, FTW_DEPTH | FTW_PHYS));
}

static inline void enter_place(void)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(place, sizeof place, "%s/asyncio-test-XXXXXX", tmp && tmp[0] ? tmp : "/tmp");
    expect_true(mkdtemp(place));
    expect_ok(chdir(place));
}

/* FILES(name) { body of a coroutine }    a test in an empty directory, by the real clock. */
#define FILES(name)                                                                                \
    ASYNC_CHECK static int await_##name##_case(void);                                              \
    ASYNC_CO(name##_case)                                                                          \
    TEST(name)                                                                                     \
    {                                                                                              \
        enter_place();                                                                             \
        expect_int(run_silently(name##_case(), &(const struct async_run_opts){ 0 }), 0);           \
        leave_place();                                                                             \
    }                                                                                              \
    static int await_##name##_case(void)

/* --- without the library --- */

static inline void put(const char *path, const char *text)
{
    FILE *f = fopen(path, "we");
    expect_true(f);
    fputs(text, f);
    expect_ok(fclose(f));
}

static inline const char *content(const char *path)
{
    static char text[4096];
    FILE *f = fopen(path, "re");
    if (!f)
        return "(none)";
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    expect_ok(fclose(f));
    return text;
}

/* How many entries the directory has. */
static inline int entries_in(const char *path)
{
    DIR *d = opendir(path);
    int n = -2;
    expect_true(d);
    while (readdir(d))
        n++;
    expect_ok(closedir(d));
    return n;
}

#endif
