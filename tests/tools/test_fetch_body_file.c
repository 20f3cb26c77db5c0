/* SPDX-License-Identifier: MIT */
/* test_fetch_body_file.c - safe file names, and files in one directory. */
#include "tool_check.h"

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
    char name[FILE_NAME_MAX + 1];
    file_name_clean(name, from, strlen(from));
    ck_assert_msg(strcmp(name, expected) == 0, "%s: %s, not %s", from, name, expected);
}

START_TEST(hostile_name_is_made_safe)
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
    ck_assert_str_eq(name, "a_b");
}
END_TEST

START_TEST(long_name_keeps_its_extension)
{
    char from[1000], name[FILE_NAME_MAX + 1];
    memset(from, 'a', sizeof from);
    memcpy(from + 990, ".jpeg", 6);
    file_name_clean(name, from, 995);
    ck_assert_uint_le(strlen(name), FILE_NAME_MAX);
    ck_assert_str_eq(name + strlen(name) - 6, "a.jpeg");
    memcpy(from + 990, ".part", 6);
    file_name_clean(name, from, 995);
    ck_assert_str_eq(name + strlen(name) - 6, "a_part");
}
END_TEST

START_TEST(url_gives_index_host_and_base)
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
        ck_assert_str_eq(name, cases[i][1]);
    }
    char url[3000] = "http://h/", name[FILE_NAME_MAX + 1];
    memset(url + 9, 'x', 2000);
    memcpy(url + 2009, ".gz", 4);
    file_name_from_url(name, 1, url);
    ck_assert_str_eq(name + strlen(name) - 4, "x.gz");
}
END_TEST

/* Property: any bytes give a safe name. */
START_TEST(random_bytes_give_a_safe_name)
{
    unsigned seed = 6;
    for (int round = 0; round < 20000; round++) {
        char from[300], name[FILE_NAME_MAX + 1];
        size_t n = (size_t)rand_r(&seed) % sizeof from;
        for (size_t i = 0; i < n; i++)
            from[i] = rand_r(&seed) % 2 ? (char)rand_r(&seed) : "./-_con\\part"[rand_r(&seed) % 12];
        file_name_clean(name, from, n);
        size_t len = strlen(name);
        ck_assert(len > 0 && len <= FILE_NAME_MAX && name[0] != '.' && name[0] != '-');
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
    dir = body_dir_open(root);
    ck_assert_int_ge(dir, 0);
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

START_TEST(file_appears_when_complete)
{
    struct body_file s = { 0 };
    enter();
    ck_assert_int_eq(body_file_begin(&s, dir, "a", false), 0);
    ck_assert_int_eq(body_file_write(&s, "hel", 3), 0);
    ck_assert_int_eq(body_file_write(&s, "lo", 2), 0);
    ck_assert_int_lt(faccessat(dir, "a", F_OK, 0), 0);
    ck_assert_int_eq(body_file_commit(&s, true), 0);
    ck_assert_uint_eq(s.written, 5);
    body_file_abort(&s); /* has no effect after a commit */
    check_file("a", "hello");
    ck_assert_int_eq(leave(), 1);
}
END_TEST

START_TEST(aborted_file_leaves_nothing)
{
    struct body_file s = { 0 };
    body_file_abort(&s);
    enter();
    ck_assert_int_eq(body_file_begin(&s, dir, "a", false), 0);
    ck_assert_int_eq(body_file_write(&s, "x", 1), 0);
    body_file_abort(&s);
    body_file_abort(&s);
    ck_assert_int_eq(leave(), 0);
}
END_TEST

START_TEST(existing_file_is_not_replaced)
{
    struct body_file s = { 0 }, late = { 0 };
    enter();
    plant("a", "old");
    ck_assert_int_eq(body_file_begin(&s, dir, "a", false), -EEXIST);
    ck_assert_int_eq(body_file_begin(&late, dir, "b", false), 0);
    plant("b", "older");
    ck_assert_int_eq(body_file_commit(&late, false), -EEXIST);
    check_file("a", "old");
    check_file("b", "older");
    ck_assert_int_eq(leave(), 2);
}
END_TEST

START_TEST(overwrite_replaces_existing_file)
{
    struct body_file s = { 0 };
    enter();
    plant("a", "old");
    ck_assert_int_eq(body_file_begin(&s, dir, "a", true), 0);
    ck_assert_int_eq(body_file_write(&s, "new", 3), 0);
    check_file("a", "old");
    ck_assert_int_eq(body_file_commit(&s, false), 0);
    check_file("a", "new");
    ck_assert_int_eq(leave(), 1);
}
END_TEST

START_TEST(unfinished_file_of_another_run_stays)
{
    struct body_file a = { 0 }, b = { 0 };
    enter();
    plant("x.part", "theirs");
    ck_assert_int_eq(body_file_begin(&a, dir, "x", false), 0);
    ck_assert_int_eq(body_file_begin(&b, dir, "x", false),
                     0); /* two requests of a run have the same name */
    ck_assert_int_eq(body_file_write(&a, "a", 1), 0);
    ck_assert_int_eq(body_file_write(&b, "b", 1), 0);
    ck_assert_int_eq(body_file_commit(&b, false), 0);
    ck_assert_int_eq(body_file_commit(&a, false), -EEXIST);
    check_file("x", "b");
    check_file("x.part", "theirs");
    ck_assert_int_eq(leave(), 2);
}
END_TEST

START_TEST(symbolic_link_is_not_followed)
{
    struct body_file s = { 0 };
    enter();
    plant("victim", "precious");
    ck_assert_int_eq(symlinkat("victim", dir, "a.part"), 0);
    ck_assert_int_eq(symlinkat("victim", dir, "b"), 0);
    ck_assert_int_eq(symlinkat("nowhere", dir, "c"), 0);
    ck_assert_int_eq(body_file_begin(&s, dir, "a", false), 0);
    ck_assert_int_eq(body_file_write(&s, "x", 1), 0);
    ck_assert_int_eq(body_file_commit(&s, false), 0);
    check_file("a", "x");
    ck_assert_int_eq(body_file_begin(&s, dir, "c", false),
                     -EEXIST); /* a dangling link exists, too */
    ck_assert_int_eq(body_file_begin(&s, dir, "b", true),
                     0); /* replaces the link, not its target */
    ck_assert_int_eq(body_file_write(&s, "y", 1), 0);
    ck_assert_int_eq(body_file_commit(&s, false), 0);
    check_file("b", "y");
    check_file("victim", "precious");
    ck_assert_int_eq(leave(), 5);
}
END_TEST

START_TEST(name_with_slash_is_rejected)
{
    struct body_file s = { 0 };
    char longest[FILE_NAME_MAX + 2];
    enter();
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    ck_assert_int_eq(body_file_begin(&s, dir, "../x", false), -EINVAL);
    ck_assert_int_eq(body_file_begin(&s, dir, "", false), -EINVAL);
    ck_assert_int_eq(body_file_begin(&s, dir, longest, false), -EINVAL);
    longest[FILE_NAME_MAX] = 0;
    ck_assert_int_eq(body_file_begin(&s, dir, longest, false), 0);
    ck_assert_int_eq(body_file_commit(&s, false), 0);
    ck_assert_int_eq(leave(), 1);
}
END_TEST

/* A limit on the file size has the effect of a full disk: a write fails in the middle. */
START_TEST(full_disk_is_reported_and_leaves_nothing)
{
    static char big[100000];
    struct body_file s = { 0 };
    enter();
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit = { 50000, 50000 };
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    ck_assert_int_eq(body_file_begin(&s, dir, "a", false), 0);
    ck_assert_int_eq(body_file_write(&s, big, sizeof big), -EFBIG);
    ck_assert_uint_eq(s.written, 50000);
    body_file_abort(&s);
    ck_assert_int_eq(leave(), 0);
}
END_TEST

START_TEST(unusable_directory_is_reported)
{
    enter();
    char path[64];
    snprintf(path, sizeof path, "%s/new", root);
    int made = body_dir_open(path);
    ck_assert_int_ge(made, 0);
    close(made);
    rmdir(path);
    plant("file", "");
    snprintf(path, sizeof path, "%s/file", root);
    ck_assert_int_eq(body_dir_open(path), -ENOTDIR);
    snprintf(path, sizeof path, "%s/no/such", root);
    ck_assert_int_eq(body_dir_open(path), -ENOENT);
    if (geteuid() != 0) { /* root can write everywhere */
        fchmod(dir, 0500);
        ck_assert_int_eq(body_dir_open(root), -EACCES);
        fchmod(dir, 0700);
    }
    ck_assert_int_eq(leave(), 1);
}
END_TEST

SUITE("fetch body file", hostile_name_is_made_safe, long_name_keeps_its_extension,
      url_gives_index_host_and_base, random_bytes_give_a_safe_name, file_appears_when_complete,
      aborted_file_leaves_nothing, existing_file_is_not_replaced, overwrite_replaces_existing_file,
      unfinished_file_of_another_run_stays, symbolic_link_is_not_followed,
      name_with_slash_is_rejected, full_disk_is_reported_and_leaves_nothing,
      unusable_directory_is_reported)
