/* SPDX-License-Identifier: MIT */
/* Files: whole, their names and directories. Run once for each engine. */
#include "files.h"

/* --- whole files --- */

FILES(a_file_is_read_whole)
{
    async_data_auto text = NULL;
    size_t n = 0;
    put("a", "hello");
    expect_ok(await_read_file("a", &text, &n));
    expect_int(n, 5);
    expect_text(text, "hello");
    async_data_drop(&text);
    expect_true(!text);
    put("empty", "");
    expect_ok(await_read_file("empty", &text, NULL));
    expect_text(text, "");
    return 0;
}

/* Around the sizes where the way of reading changes. */
FILES(files_of_any_size_are_read_whole)
{
    static const size_t sizes[] = { 1,         4095,   4096,          16383,     16384,  16385,
                                    (1 << 20), 100000, (4 << 20) - 1, (4 << 20), 9000001 };
    for (size_t i = 0; i < countof(sizes); i++) {
        async_data_auto data = malloc(sizes[i]);
        async_data_auto back = NULL;
        size_t n = 0;
        for (size_t k = 0; k < sizes[i]; k++)
            data[k] = (char)(k * 7 + k / 251);
        expect_ok(await_write_file("f", data, sizes[i]));
        expect_ok(await_read_file("f", &back, &n));
        expect_int(n, sizes[i]);
        expect_ok(memcmp(data, back, n));
        expect_int(back[n], 0);
    }
    expect_int(entries_in("."), 1);
    return 0;
}

FILES(files_that_tell_no_size_are_read_whole)
{
    async_data_auto text = NULL;
    size_t n;
    expect_ok(await_read_file("/proc/self/status", &text, &n));
    expect_contains(text, "VmRSS");
    expect_int(n, strlen(text));
    async_data_drop(&text);
    expect_ok(await_read_file("/proc/self/maps", &text, &n));
    expect_contains(text, "[stack]");
    expect_contains(text, "[vsyscall]");
    async_data_drop(&text);
    expect_ok(await_read_file("/dev/null", &text, &n));
    expect_int(n, 0);
    return 0;
}

FILES(message_names_the_file_that_cannot_be_read)
{
    char *text = NULL;
    expect_int(await_read_file("none", &text, NULL), -ENOENT);
    expect_text(async_fail_text(-ENOENT), "cannot read none: No such file or directory");
    expect_int(await_read_file("/tmp", &text, NULL), -EISDIR);
    expect_contains(async_fail_text(-EISDIR), "cannot read /tmp");
    expect_int(await_read_file("/tmp/", &text, NULL), -EISDIR);
    expect_ok(mkfifo("fifo", 0666));
    expect_int(await_read_file("fifo", &text, NULL), -ESPIPE);
    put("a", "");
    expect_int(await_read_file("a/b", &text, NULL), -ENOTDIR);
    expect_true(!text);
    char path[5000];
    memset(path, 'x', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    expect_int(await_read_file(path, &text, NULL), -ENAMETOOLONG);
    expect_contains(async_fail_text(-ENAMETOOLONG), "cannot read ...xxx");
    expect_contains(async_fail_text(-ENAMETOOLONG), "File name too long");
    return 0;
}

FILES(forbidden_file_is_refused)
{
    char *text = NULL;
    put("secret", "x");
    expect_ok(chmod("secret", 0));
    bool root = geteuid() == 0; /* to which nothing is forbidden, so become another user */
    expect_int(root ? seteuid(65534) : 0, 0);
    expect_int(await_read_file("secret", &text, NULL), -EACCES);
    expect_contains(async_fail_text(-EACCES), "secret: Permission denied");
    expect_int(await_write_file("/asyncio-test", "x", 1), -EACCES);
    expect_int(root ? seteuid(0) : 0, 0);
    return 0;
}

FILES(a_file_is_replaced_at_once)
{
    struct stat before, after;
    put("a", "old");
    expect_ok(chmod("a", 0751));
    expect_ok(stat("a", &before));
    int old = open("a", O_RDONLY | O_CLOEXEC);
    expect_ok(await_write_file("a", "newer", 5));
    expect_text(content("a"), "newer");
    char text[8] = "";
    expect_int(read(old, text, sizeof text - 1), 3);
    expect_text(text, "old");
    expect_ok(close(old));
    expect_ok(stat("a", &after));
    expect_int(after.st_mode, before.st_mode);
    expect_true(after.st_ino != before.st_ino);
    expect_ok(await_write_file("a", "", 0, .durable = true));
    expect_text(content("a"), "");
    umask(027);
    expect_ok(await_write_file("b", "x", 1));
    expect_ok(await_write_file("c", "x", 1, .mode = 0604));
    expect_ok(stat("b", &after));
    expect_int(after.st_mode & 07777, 0640);
    expect_ok(stat("c", &after));
    expect_int(after.st_mode & 07777, 0600);
    expect_int(entries_in("."), 3);
    return 0;
}

FILES(a_link_stays_and_its_file_is_replaced)
{
    char to[16] = "";
    expect_ok(mkdir("d", 0777));
    put("d/a", "old");
    expect_ok(symlink("d/a", "link"));
    expect_ok(await_write_file("link", "new", 3));
    expect_text(content("d/a"), "new");
    expect_int(readlink("link", to, sizeof to - 1), 3);
    expect_ok(symlink("nowhere", "loose"));
    expect_int(await_write_file("loose", "x", 1), -ENOENT);
    return 0;
}

FILES(only_files_are_replaced)
{
    expect_ok(mkdir("d", 0777));
    expect_int(await_write_file("d", "x", 1), -EISDIR);
    expect_int(await_write_file("/dev/null", "x", 1), -EINVAL);
    expect_int(await_write_file("none/a", "x", 1), -ENOENT);
    expect_text(async_fail_text(-ENOENT), "cannot write none/a: No such file or directory");
    expect_int(entries_in("."), 1);
    expect_int(entries_in("d"), 0);
    return 0;
}

FILES(a_copy_has_the_content_and_the_permissions)
{
    struct stat st;
    expect_ok(await_write_file("a", "some text", 9));
    expect_ok(chmod("a", 0555));
    put("b", "what was longer before");
    expect_ok(await_copy_file("a", "b"));
    expect_text(content("b"), "some text");
    expect_ok(stat("b", &st));
    expect_int(st.st_mode & 07777, 0555);
    expect_ok(await_copy_file("/proc/self/comm", "comm")); /* says that it is empty */
    expect_true(strlen(content("comm")) > 1);
    expect_ok(chmod("a", 06755)); /* an owner's word, which is not for other owners */
    expect_ok(await_copy_file("a", "b"));
    expect_ok(stat("b", &st));
    expect_int(st.st_mode & 07777, 0755);
    expect_ok(await_write_file("a", "some text", 9));
    expect_ok(stat("a", &st));
    expect_int(st.st_mode & 07777, 0755);
    expect_int(await_copy_file("a", "a"), -EINVAL);
    expect_ok(link("a", "again"));
    expect_int(await_copy_file("a", "again"), -EINVAL);
    expect_text(content("a"), "some text");
    expect_int(await_copy_file("none", "c"), -ENOENT);
    expect_int(await_copy_file("a", "/tmp"), -EISDIR);
    expect_text(content("c"), "(none)");
    return 0;
}

/* --- names --- */

FILES(names_are_made_moved_and_removed)
{
    struct stat st;
    expect_ok(await_mkdir("d", 0750));
    expect_int(await_mkdir("d", 0750), -EEXIST);
    expect_text(async_fail_text(-EEXIST), "cannot make the directory d: File exists");
    expect_ok(await_stat("d", &st));
    expect_true(S_ISDIR(st.st_mode));
    put("d/a", "text");
    expect_int(await_rmdir("d"), -ENOTEMPTY);
    expect_ok(await_rename("d/a", "b"));
    expect_text(content("b"), "text");
    expect_int(await_rename("d/a", "b"), -ENOENT);
    expect_text(async_fail_text(-ENOENT), "cannot rename d/a to b: No such file or directory");
    expect_ok(symlink("none", "l"));
    expect_int(await_stat("l", &st), -ENOENT);
    expect_text(async_fail_text(-ENOENT), "cannot stat l: No such file or directory");
    expect_ok(await_lstat("l", &st));
    expect_true(S_ISLNK(st.st_mode));
    expect_ok(await_unlink("l"));
    expect_ok(await_unlink("b"));
    expect_int(await_unlink("d"), -EISDIR);
    expect_ok(await_rmdir("d"));
    expect_int(await_rmdir("d"), -ENOENT);
    expect_int(entries_in("."), 0);
    return 0;
}

FILES(a_directory_is_listed)
{
    enum { MANY = 1500 };
    static bool seen[MANY];
    char name[64];
    int r, n = 0;
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "a-name-that-is-not-short-%d", i);
        put(name, "");
    }
    await_for_each (r, e, async_scandir(".")) {
        int i = atoi(e.name + strlen("a-name-that-is-not-short-"));
        expect_true(i >= 0 && i < MANY && !seen[i]);
        expect_true(e.type == DT_REG || e.type == DT_UNKNOWN);
        expect_true(e.inode != 0);
        seen[i] = true;
        n++;
    }
    expect_ok(r);
    expect_int(n, MANY);
    await_for_each (r, e, async_scandir(place)) {
        (void)e;
        break;
    }
    expect_ok(r);
    await_for_each (r, e, async_scandir("none"))
        fail_test("%s", e.name);
    expect_int(r, -ENOENT);
    await_for_each (r, e, async_scandir("a-name-that-is-not-short-0"))
        fail_test("%s", e.name);
    expect_int(r, -ENOTDIR);
    return 0;
}

/* --- cancellation, and the end --- */

FILES(a_cancelled_task_begins_nothing)
{
    int r, inner = 0;
    char c;
    async_file_auto f = NULL;
    expect_ok(await_temporary_file(place, &f));
    await_timeout (r, 0) {
        expect_int(await_write_file("a", "x", 1), -ECANCELED);
        expect_int(await_pread(f, &c, 1, 0), -ECANCELED);
        expect_int(await_mkdir("d", 0777), -ECANCELED);
        inner = await_close(f);
    }
    expect_int(r, -ETIMEDOUT);
    expect_int(inner, -ECANCELED);
    expect_int(entries_in("."), 0);
    expect_int(await_pread(f, &c, 1, 0), -EBADF);
    return 0;
}

TEST(outside_of_tasks_they_are_refused)
{
    char *data = NULL;
    capture_stderr_begin();
    expect_int(await_read_file("a", &data, NULL), -EPERM);
    expect_int(await_unlink("a"), -EPERM);
    expect_contains(captured_stderr(), "await_unlink");
    capture_stderr_end();
}

FILES(the_engine_has_a_name)
{
    const char *asked = getenv("ASYNCIO_FILES");
    if (asked && !strcmp(asked, "uring")) /* if it can be had */
        expect_true(!strcmp(async_file_engine(), "uring") || !strcmp(async_file_engine(), "pool"));
    else
        expect_text(async_file_engine(), "pool");
    return 0;
}

/* And not that of descriptor 0. */
LOOP_TEST(null_path_is_refused)
{
    const char *volatile none = NULL;
    struct stat st;
    expect_int(await_stat(none, &st), -EBADF);
    expect_int(await_lstat(none, &st), -EBADF);
    return 0;
}

SUITE("file", the_engine_has_a_name, a_file_is_read_whole, files_of_any_size_are_read_whole,
      files_that_tell_no_size_are_read_whole, message_names_the_file_that_cannot_be_read,
      forbidden_file_is_refused, a_file_is_replaced_at_once, a_link_stays_and_its_file_is_replaced,
      only_files_are_replaced, a_copy_has_the_content_and_the_permissions,
      names_are_made_moved_and_removed, a_directory_is_listed, a_cancelled_task_begins_nothing,
      outside_of_tasks_they_are_refused, null_path_is_refused)
