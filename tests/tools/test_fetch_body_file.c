/* SPDX-License-Identifier: MIT */
/* test_fetch_body_file.c - safe file names, and files in one directory. */
#include "tool_check.h"

#include "fetch/body_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- names ---- */

static void check_name(const char *from, const char *expected)
{
    char name[FILE_NAME_MAX + 1];
    file_name_clean(name, from, strlen(from));
    expect_that(strcmp(name, expected) == 0, "%s: %s, not %s", from, name, expected);
}

TEST(hostile_name_is_made_safe)
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
    char name[FILE_NAME_MAX + 1];
    file_name_clean(name, "a\0/b", 4);
    expect_text(name, "a_b");
}

TEST(long_name_keeps_its_extension)
{
    char from[1000], name[FILE_NAME_MAX + 1];
    memset(from, 'a', sizeof from);
    memcpy(from + 990, ".jpeg", 6);
    file_name_clean(name, from, 995);
    expect_at_most(strlen(name), FILE_NAME_MAX);
    expect_text(name + strlen(name) - 6, "a.jpeg");
    memcpy(from + 990, ".part", 6);
    file_name_clean(name, from, 995);
    expect_text(name + strlen(name) - 6, "a_part");
}

TEST(url_gives_index_host_and_base)
{
    static const char *const cases[][2] = {
        { "http://u:secret@example.com/a/b.png?x=/y", "7-example.com-b.png" },
        { "https://example.com", "7-example.com-index" },
        { "https://example.com/?q", "7-example.com-index" },
        { "http://[::1]:80/..", "7-_1_-.." },
        { "http://h/a/%2e%2e", "7-h-_2e_2e" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char name[FILE_NAME_MAX + 1];
        file_name_from_url(name, 7, cases[i][0]);
        expect_text(name, cases[i][1]);
    }
    char url[3000] = "http://h/", name[FILE_NAME_MAX + 1];
    memset(url + 9, 'x', 2000);
    memcpy(url + 2009, ".gz", 4);
    file_name_from_url(name, 1, url);
    expect_text(name + strlen(name) - 4, "x.gz");
}

/* Property: any bytes give a safe name. */
TEST(random_bytes_give_a_safe_name)
{
    unsigned seed = 6;
    for (int round = 0; round < 20000; round++) {
        char from[300], name[FILE_NAME_MAX + 1];
        size_t n = (size_t)rand_r(&seed) % sizeof from;
        for (size_t i = 0; i < n; i++)
            from[i] = rand_r(&seed) % 2 ? (char)rand_r(&seed) : "./-_con\\part"[rand_r(&seed) % 12];
        file_name_clean(name, from, n);
        size_t len = strlen(name);
        expect_true(len > 0 && len <= FILE_NAME_MAX && name[0] != '.' && name[0] != '-');
        expect_int(len, strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                     "0123456789._-"));
    }
}

/* ---- files ---- */

static char root[] = "fetch-sink-XXXXXX";
static int dir = -1;

static void enter(void)
{
    expect_not_null(mkdtemp(root));
    dir = body_dir_open(root);
    expect_at_least(dir, 0);
}

/* Remove the entries of the directory, and return how many there were. */
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
    expect_at_least(fd, 0);
    expect_at_least(read(fd, got, sizeof got - 1), 0);
    close(fd);
    expect_text(got, content);
}

static void plant(const char *name, const char *content)
{
    int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL, 0600);
    expect_int(write(fd, content, strlen(content)), (int)strlen(content));
    close(fd);
}

TEST(file_appears_when_complete)
{
    struct body_file s = { 0 };
    enter();
    expect_ok(body_file_begin(&s, dir, "a", false));
    expect_ok(body_file_write(&s, "hel", 3));
    expect_ok(body_file_write(&s, "lo", 2));
    expect_less(faccessat(dir, "a", F_OK, 0), 0);
    expect_ok(body_file_commit(&s, true));
    expect_int(s.written, 5);
    body_file_abort(&s); /* has no effect after a commit */
    check_file("a", "hello");
    expect_int(leave(), 1);
}

TEST(aborted_file_leaves_nothing)
{
    struct body_file s = { 0 };
    body_file_abort(&s);
    enter();
    expect_ok(body_file_begin(&s, dir, "a", false));
    expect_ok(body_file_write(&s, "x", 1));
    body_file_abort(&s);
    body_file_abort(&s);
    expect_ok(leave());
}

TEST(existing_file_is_not_replaced)
{
    struct body_file s = { 0 }, late = { 0 };
    enter();
    plant("a", "old");
    expect_int(body_file_begin(&s, dir, "a", false), -EEXIST);
    expect_ok(body_file_begin(&late, dir, "b", false));
    plant("b", "older");
    expect_int(body_file_commit(&late, false), -EEXIST);
    check_file("a", "old");
    check_file("b", "older");
    expect_int(leave(), 2);
}

TEST(overwrite_replaces_existing_file)
{
    struct body_file s = { 0 };
    enter();
    plant("a", "old");
    expect_ok(body_file_begin(&s, dir, "a", true));
    expect_ok(body_file_write(&s, "new", 3));
    check_file("a", "old");
    expect_ok(body_file_commit(&s, false));
    check_file("a", "new");
    expect_int(leave(), 1);
}

TEST(files_of_two_requests_with_one_name_do_not_mix)
{
    struct body_file a = { 0 }, b = { 0 };
    enter();
    expect_ok(body_file_begin(&a, dir, "x", false));
    expect_ok(body_file_begin(&b, dir, "x", false));
    expect_ok(body_file_write(&a, "a", 1));
    expect_ok(body_file_write(&b, "b", 1));
    expect_ok(body_file_commit(&b, false));
    expect_int(body_file_commit(&a, false), -EEXIST);
    check_file("x", "b");
    expect_int(leave(), 1);
}

TEST(unfinished_file_of_killed_run_is_replaced)
{
    struct body_file s = { 0 };
    enter();
    plant("x.part", "stale");
    expect_ok(body_file_begin(&s, dir, "x", false));
    expect_ok(body_file_write(&s, "new", 3));
    expect_ok(body_file_commit(&s, false));
    check_file("x", "new");
    expect_int(leave(), 1);
}

TEST(unfinished_file_of_killed_run_is_continued)
{
    struct body_file s = { 0 };
    enter();
    expect_int(body_file_continue(&s, dir, "x", false), -ENOENT);
    plant("x.part", "hel");
    expect_ok(body_file_continue(&s, dir, "x", false));
    expect_int(s.written, 3);
    body_file_keep(&s);
    expect_ok(body_file_continue(&s, dir, "x", false));
    expect_ok(body_file_write(&s, "lo", 2));
    expect_ok(body_file_commit(&s, false));
    check_file("x", "hello");
    expect_int(body_file_continue(&s, dir, "x", false), -EEXIST);
    plant("y.part", "other");
    expect_ok(body_file_continue(&s, dir, "y", false));
    expect_ok(body_file_restart(&s));
    expect_ok(body_file_write(&s, "y", 1));
    expect_ok(body_file_commit(&s, false));
    check_file("y", "y");
    expect_int(leave(), 2);
}

TEST(unfinished_file_of_running_run_stays)
{
    struct body_file s = { 0 };
    enter();
    plant("x.part", "theirs");
    int theirs = openat(dir, "x.part", O_RDONLY);
    expect_ok(flock(theirs, LOCK_EX));
    expect_int(body_file_continue(&s, dir, "x", false), -ENOENT);
    expect_ok(body_file_begin(&s, dir, "x", false));
    expect_ok(body_file_commit(&s, false));
    close(theirs);
    check_file("x.part", "theirs");
    expect_int(leave(), 2);
}

TEST(hard_link_is_not_continued)
{
    struct body_file s = { 0 };
    enter();
    plant("victim", "precious");
    expect_ok(linkat(dir, "victim", dir, "a.part", 0));
    expect_int(body_file_continue(&s, dir, "a", false), -ENOENT);
    expect_ok(body_file_begin(&s, dir, "a", false));
    expect_ok(body_file_write(&s, "x", 1));
    expect_ok(body_file_commit(&s, false));
    check_file("victim", "precious");
    expect_int(leave(), 3);
}

TEST(symbolic_link_is_not_followed)
{
    struct body_file s = { 0 };
    enter();
    plant("victim", "precious");
    expect_ok(symlinkat("victim", dir, "a.part"));
    expect_ok(symlinkat("victim", dir, "b"));
    expect_ok(symlinkat("nowhere", dir, "c"));
    expect_ok(body_file_begin(&s, dir, "a", false));
    expect_ok(body_file_write(&s, "x", 1));
    expect_ok(body_file_commit(&s, false));
    check_file("a", "x");
    expect_int(body_file_begin(&s, dir, "c", false), -EEXIST); /* a dangling link exists, too */
    expect_ok(body_file_begin(&s, dir, "b", true)); /* replaces the link, not its target */
    expect_ok(body_file_write(&s, "y", 1));
    expect_ok(body_file_commit(&s, false));
    check_file("b", "y");
    check_file("victim", "precious");
    expect_int(leave(), 5);
}

TEST(name_with_slash_is_rejected)
{
    struct body_file s = { 0 };
    char longest[FILE_NAME_MAX + 2];
    enter();
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    expect_int(body_file_begin(&s, dir, "../x", false), -EINVAL);
    expect_int(body_file_begin(&s, dir, "", false), -EINVAL);
    expect_int(body_file_begin(&s, dir, longest, false), -EINVAL);
    longest[FILE_NAME_MAX] = 0;
    expect_ok(body_file_begin(&s, dir, longest, false));
    expect_ok(body_file_commit(&s, false));
    expect_int(leave(), 1);
}

/* A limit on the file size has the effect of a full disk: a write fails in the middle. */
TEST(full_disk_is_reported_and_leaves_nothing)
{
    static char big[100000];
    struct body_file s = { 0 };
    enter();
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit = { 50000, 50000 };
    expect_ok(setrlimit(RLIMIT_FSIZE, &limit));
    expect_ok(body_file_begin(&s, dir, "a", false));
    expect_int(body_file_write(&s, big, sizeof big), -EFBIG);
    expect_int(s.written, 50000);
    body_file_abort(&s);
    expect_ok(leave());
}

TEST(unusable_directory_is_reported)
{
    enter();
    char path[64];
    snprintf(path, sizeof path, "%s/new", root);
    int made = body_dir_open(path);
    expect_at_least(made, 0);
    close(made);
    rmdir(path);
    plant("file", "");
    snprintf(path, sizeof path, "%s/file", root);
    expect_int(body_dir_open(path), -ENOTDIR);
    snprintf(path, sizeof path, "%s/no/such", root);
    expect_int(body_dir_open(path), -ENOENT);
    if (geteuid() != 0) { /* root can write everywhere */
        fchmod(dir, 0500);
        expect_int(body_dir_open(root), -EACCES);
        fchmod(dir, 0700);
    }
    expect_int(leave(), 1);
}

SUITE("fetch body file", hostile_name_is_made_safe, long_name_keeps_its_extension,
      url_gives_index_host_and_base, random_bytes_give_a_safe_name, file_appears_when_complete,
      aborted_file_leaves_nothing, existing_file_is_not_replaced, overwrite_replaces_existing_file,
      files_of_two_requests_with_one_name_do_not_mix, unfinished_file_of_killed_run_is_replaced,
      unfinished_file_of_killed_run_is_continued, unfinished_file_of_running_run_stays,
      hard_link_is_not_continued, symbolic_link_is_not_followed,
      name_with_slash_is_rejected, full_disk_is_reported_and_leaves_nothing,
      unusable_directory_is_reported)
