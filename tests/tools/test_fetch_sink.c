/* SPDX-License-Identifier: MIT */
/* File names from outside, and files under one directory. */
#include "fetch_check.h"

#include "fetch/body_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- names ---- */

static void check_name(const char *from, const char *expected)
{
    char name[SINK_NAME_MAX + 1];
    sink_name(name, from, strlen(from));
    ck_assert_msg(strcmp(name, expected) == 0, "%s: %s, not %s", from, name, expected);
}

START_TEST(hostile_names)
{
    static const char *const cases[][2] = {
        { "a.txt", "a.txt" },
        { "", "file" },
        { ".", "file" },
        { "..", "file" },
        { "/", "file" },
        { "../../etc/passwd", "etc_passwd" },
        { "/etc/passwd", "etc_passwd" },
        { "..\\..\\boot.ini", "boot.ini" },
        { ".bashrc", "bashrc" },
        { "-rf", "rf" },
        { "--..--x", "x" },
        { "a b  c", "a_b_c" },
        { "a\nb\x1b[31m", "a_b_31m" },
        { "\xc3\xa9t\xc3\xa9", "t_" },
        { "con", "_con" },
        { "CON.txt", "_CON.txt" },
        { "com1.tar.gz", "_com1.tar.gz" },
        { "console", "console" },
        { "x.part", "x_part" },
        { "x.PART", "x_PART" },
        { ".part", "part" },
        { "a%2e%2e%2fb", "a_2e_2e_2fb" },
        { "$(reboot)", "reboot_" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_name(cases[i][0], cases[i][1]);
    char name[SINK_NAME_MAX + 1];
    sink_name(name, "a\0/b", 4);
    ck_assert_str_eq(name, "a_b");
}
END_TEST

START_TEST(long_names_keep_their_extension)
{
    char from[1000], name[SINK_NAME_MAX + 1];
    memset(from, 'a', sizeof from);
    memcpy(from + 990, ".jpeg", 6);
    sink_name(name, from, 995);
    ck_assert_uint_le(strlen(name), SINK_NAME_MAX);
    ck_assert_str_eq(name + strlen(name) - 6, "a.jpeg");
    memcpy(from + 990, ".part", 6);
    sink_name(name, from, 995);
    ck_assert_str_eq(name + strlen(name) - 6, "a_part");
}
END_TEST

START_TEST(names_of_urls)
{
    static const char *const cases[][2] = {
        { "http://u:secret@example.com/a/b.png?x=/y", "7-example.com-b.png" },
        { "https://example.com", "7-example.com-index" },
        { "https://example.com/?q", "7-example.com-index" },
        { "http://[::1]:80/..", "7-_1_-.." },
        { "http://h/a/%2e%2e", "7-h-_2e_2e" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char name[SINK_NAME_MAX + 1];
        sink_name_of_url(name, 7, cases[i][0]);
        ck_assert_str_eq(name, cases[i][1]);
    }
    char url[3000] = "http://h/", name[SINK_NAME_MAX + 1];
    memset(url + 9, 'x', 2000);
    memcpy(url + 2009, ".gz", 4);
    sink_name_of_url(name, 1, url);
    ck_assert_str_eq(name + strlen(name) - 4, "x.gz");
}
END_TEST

/* Property: any bytes give a name that is safe. */
START_TEST(random_names)
{
    unsigned seed = 6;
    for (int round = 0; round < 20000; round++) {
        char from[300], name[SINK_NAME_MAX + 1];
        size_t n = (size_t)rand_r(&seed) % sizeof from;
        for (size_t i = 0; i < n; i++)
            from[i] = rand_r(&seed) % 2 ? (char)rand_r(&seed) : "./-_con\\part"[rand_r(&seed) % 12];
        sink_name(name, from, n);
        size_t len = strlen(name);
        ck_assert(len > 0 && len <= SINK_NAME_MAX && name[0] != '.' && name[0] != '-');
        ck_assert_uint_eq(len, strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                            "0123456789._-"));
    }
}
END_TEST

/* ---- files ---- */

static char root[] = "fetch-sink-XXXXXX";
static int dir = -1;

static void enter(void)
{
    ck_assert_ptr_nonnull(mkdtemp(root));
    dir = sink_open_dir(root);
    ck_assert_int_ge(dir, 0);
}

/* How many entries there are, removed along the way. */
static int leave(void)
{
    int n = 0;
    DIR *d = opendir(root);
    for (struct dirent *e; (e = readdir(d));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
            n++;
            unlinkat(dir, e->d_name, 0);
        }
    closedir(d);
    close(dir);
    rmdir(root);
    return n;
}

static void check_file(const char *name, const char *content)
{
    char got[100] = "";
    int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_ge(read(fd, got, sizeof got - 1), 0);
    close(fd);
    ck_assert_str_eq(got, content);
}

static void plant(const char *name, const char *content)
{
    int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL, 0600);
    ck_assert_int_eq(write(fd, content, strlen(content)), (int)strlen(content));
    close(fd);
}

START_TEST(a_file_appears_when_it_is_whole)
{
    struct sink s = { 0 };
    enter();
    ck_assert_int_eq(sink_begin(&s, dir, "a", false), 0);
    ck_assert_int_eq(sink_write(&s, "hel", 3), 0);
    ck_assert_int_eq(sink_write(&s, "lo", 2), 0);
    ck_assert_int_lt(faccessat(dir, "a", F_OK, 0), 0);
    ck_assert_int_eq(sink_commit(&s, true), 0);
    ck_assert_uint_eq(s.written, 5);
    sink_abort(&s); /* nothing to do */
    check_file("a", "hello");
    ck_assert_int_eq(leave(), 1);
}
END_TEST

START_TEST(an_aborted_file_leaves_nothing)
{
    struct sink s = { 0 };
    sink_abort(&s);
    enter();
    ck_assert_int_eq(sink_begin(&s, dir, "a", false), 0);
    ck_assert_int_eq(sink_write(&s, "x", 1), 0);
    sink_abort(&s);
    sink_abort(&s);
    ck_assert_int_eq(leave(), 0);
}
END_TEST

START_TEST(nothing_is_overwritten)
{
    struct sink s = { 0 }, late = { 0 };
    enter();
    plant("a", "old");
    ck_assert_int_eq(sink_begin(&s, dir, "a", false), -EEXIST);
    ck_assert_int_eq(sink_begin(&late, dir, "b", false), 0);
    plant("b", "older");
    ck_assert_int_eq(sink_commit(&late, false), -EEXIST);
    check_file("a", "old");
    check_file("b", "older");
    ck_assert_int_eq(leave(), 2);
}
END_TEST

START_TEST(unless_told)
{
    struct sink s = { 0 };
    enter();
    plant("a", "old");
    ck_assert_int_eq(sink_begin(&s, dir, "a", true), 0);
    ck_assert_int_eq(sink_write(&s, "new", 3), 0);
    check_file("a", "old");
    ck_assert_int_eq(sink_commit(&s, false), 0);
    check_file("a", "new");
    ck_assert_int_eq(leave(), 1);
}
END_TEST

START_TEST(unfinished_files_of_others_stay)
{
    struct sink a = { 0 }, b = { 0 };
    enter();
    plant("x.part", "theirs");
    ck_assert_int_eq(sink_begin(&a, dir, "x", false), 0);
    ck_assert_int_eq(sink_begin(&b, dir, "x", false), 0); /* the same name twice in a run */
    ck_assert_int_eq(sink_write(&a, "a", 1), 0);
    ck_assert_int_eq(sink_write(&b, "b", 1), 0);
    ck_assert_int_eq(sink_commit(&b, false), 0);
    ck_assert_int_eq(sink_commit(&a, false), -EEXIST);
    check_file("x", "b");
    check_file("x.part", "theirs");
    ck_assert_int_eq(leave(), 2);
}
END_TEST

START_TEST(links_are_not_followed)
{
    struct sink s = { 0 };
    enter();
    plant("victim", "precious");
    ck_assert_int_eq(symlinkat("victim", dir, "a.part"), 0);
    ck_assert_int_eq(symlinkat("victim", dir, "b"), 0);
    ck_assert_int_eq(symlinkat("nowhere", dir, "c"), 0);
    ck_assert_int_eq(sink_begin(&s, dir, "a", false), 0);
    ck_assert_int_eq(sink_write(&s, "x", 1), 0);
    ck_assert_int_eq(sink_commit(&s, false), 0);
    check_file("a", "x");
    ck_assert_int_eq(sink_begin(&s, dir, "c", false), -EEXIST); /* dangling, but there */
    ck_assert_int_eq(sink_begin(&s, dir, "b", true), 0); /* replaces the link, not its target */
    ck_assert_int_eq(sink_write(&s, "y", 1), 0);
    ck_assert_int_eq(sink_commit(&s, false), 0);
    check_file("b", "y");
    check_file("victim", "precious");
    ck_assert_int_eq(leave(), 5);
}
END_TEST

START_TEST(only_plain_names)
{
    struct sink s = { 0 };
    char longest[SINK_NAME_MAX + 2];
    enter();
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    ck_assert_int_eq(sink_begin(&s, dir, "../x", false), -EINVAL);
    ck_assert_int_eq(sink_begin(&s, dir, "", false), -EINVAL);
    ck_assert_int_eq(sink_begin(&s, dir, longest, false), -EINVAL);
    longest[SINK_NAME_MAX] = 0;
    ck_assert_int_eq(sink_begin(&s, dir, longest, false), 0);
    ck_assert_int_eq(sink_commit(&s, false), 0);
    ck_assert_int_eq(leave(), 1);
}
END_TEST

/* A file size limit stands for a full disk: it fails in the middle of a write. */
START_TEST(a_full_disk)
{
    static char big[100000];
    struct sink s = { 0 };
    enter();
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit = { 50000, 50000 };
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    ck_assert_int_eq(sink_begin(&s, dir, "a", false), 0);
    ck_assert_int_eq(sink_write(&s, big, sizeof big), -EFBIG);
    ck_assert_uint_eq(s.written, 50000);
    sink_abort(&s);
    ck_assert_int_eq(leave(), 0);
}
END_TEST

START_TEST(directories)
{
    enter();
    char path[64];
    snprintf(path, sizeof path, "%s/new", root);
    int made = sink_open_dir(path);
    ck_assert_int_ge(made, 0);
    close(made);
    rmdir(path);
    plant("file", "");
    snprintf(path, sizeof path, "%s/file", root);
    ck_assert_int_eq(sink_open_dir(path), -ENOTDIR);
    snprintf(path, sizeof path, "%s/no/such", root);
    ck_assert_int_eq(sink_open_dir(path), -ENOENT);
    if (geteuid() != 0) { /* root may write anywhere */
        fchmod(dir, 0500);
        ck_assert_int_eq(sink_open_dir(root), -EACCES);
        fchmod(dir, 0700);
    }
    ck_assert_int_eq(leave(), 1);
}
END_TEST

SUITE("fetch sink", hostile_names, long_names_keep_their_extension, names_of_urls, random_names,
      a_file_appears_when_it_is_whole, an_aborted_file_leaves_nothing, nothing_is_overwritten,
      unless_told, unfinished_files_of_others_stay, links_are_not_followed, only_plain_names,
      a_full_disk, directories)
