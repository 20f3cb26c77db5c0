/* SPDX-License-Identifier: MIT */
/* Files: whole, their names and directories. Run once for each engine. */
#include "files.h"

/* --- whole files --- */

FILES(a_file_is_read_whole)
{
    async_data_auto text = NULL;
    size_t n = 0;
    put("a", "hello");
    ok(await_read_file("a", &text, &n));
    is(n, 5);
    is_text(text, "hello");
    async_data_drop(&text);
    is_true(!text);
    put("empty", "");
    ok(await_read_file("empty", &text, NULL));
    is_text(text, "");
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
        ok(await_write_file("f", data, sizes[i]));
        ok(await_read_file("f", &back, &n));
        is(n, sizes[i]);
        ok(memcmp(data, back, n));
        is(back[n], 0);
    }
    is(entries_in("."), 1);
    return 0;
}

FILES(files_that_tell_no_size_are_read_whole)
{
    async_data_auto text = NULL;
    size_t n;
    ok(await_read_file("/proc/self/status", &text, &n));
    has_text(text, "VmRSS");
    is(n, strlen(text));
    async_data_drop(&text);
    ok(await_read_file("/proc/self/maps", &text, &n));
    has_text(text, "[stack]");
    has_text(text, "[vsyscall]");
    async_data_drop(&text);
    ok(await_read_file("/dev/null", &text, &n));
    is(n, 0);
    return 0;
}

FILES(message_names_the_file_that_cannot_be_read)
{
    char *text = NULL;
    is(await_read_file("none", &text, NULL), -ENOENT);
    is_text(async_fail_text(-ENOENT), "cannot read none: No such file or directory");
    is(await_read_file("/tmp", &text, NULL), -EISDIR);
    has_text(async_fail_text(-EISDIR), "cannot read /tmp");
    is(await_read_file("/tmp/", &text, NULL), -EISDIR);
    ok(mkfifo("fifo", 0666));
    is(await_read_file("fifo", &text, NULL), -ESPIPE);
    put("a", "");
    is(await_read_file("a/b", &text, NULL), -ENOTDIR);
    is_true(!text);
    char path[5000];
    memset(path, 'x', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    is(await_read_file(path, &text, NULL), -ENAMETOOLONG);
    has_text(async_fail_text(-ENAMETOOLONG), "cannot read ...xxx");
    has_text(async_fail_text(-ENAMETOOLONG), "File name too long");
    return 0;
}

FILES(forbidden_file_is_refused)
{
    char *text = NULL;
    put("secret", "x");
    ok(chmod("secret", 0));
    bool root = geteuid() == 0; /* to which nothing is forbidden, so become another user */
    is(root ? seteuid(65534) : 0, 0);
    is(await_read_file("secret", &text, NULL), -EACCES);
    has_text(async_fail_text(-EACCES), "secret: Permission denied");
    is(await_write_file("/asyncio-test", "x", 1), -EACCES);
    is(root ? seteuid(0) : 0, 0);
    return 0;
}

FILES(a_file_is_replaced_at_once)
{
    struct stat before, after;
    put("a", "old");
    ok(chmod("a", 0751));
    ok(stat("a", &before));
    int old = open("a", O_RDONLY | O_CLOEXEC);
    ok(await_write_file("a", "newer", 5));
    is_text(content("a"), "newer");
    char text[8] = "";
    is(read(old, text, sizeof text - 1), 3);
    is_text(text, "old");
    ok(close(old));
    ok(stat("a", &after));
    is(after.st_mode, before.st_mode);
    is_true(after.st_ino != before.st_ino);
    ok(await_write_file("a", "", 0, .durable = true));
    is_text(content("a"), "");
    umask(027);
    ok(await_write_file("b", "x", 1));
    ok(await_write_file("c", "x", 1, .mode = 0604));
    ok(stat("b", &after));
    is(after.st_mode & 07777, 0640);
    ok(stat("c", &after));
    is(after.st_mode & 07777, 0600);
    is(entries_in("."), 3);
    return 0;
}

FILES(a_link_stays_and_its_file_is_replaced)
{
    char to[16] = "";
    ok(mkdir("d", 0777));
    put("d/a", "old");
    ok(symlink("d/a", "link"));
    ok(await_write_file("link", "new", 3));
    is_text(content("d/a"), "new");
    is(readlink("link", to, sizeof to - 1), 3);
    ok(symlink("nowhere", "loose"));
    is(await_write_file("loose", "x", 1), -ENOENT);
    return 0;
}

FILES(only_files_are_replaced)
{
    ok(mkdir("d", 0777));
    is(await_write_file("d", "x", 1), -EISDIR);
    is(await_write_file("/dev/null", "x", 1), -EINVAL);
    is(await_write_file("none/a", "x", 1), -ENOENT);
    is_text(async_fail_text(-ENOENT), "cannot write none/a: No such file or directory");
    is(entries_in("."), 1);
    is(entries_in("d"), 0);
    return 0;
}

FILES(a_copy_has_the_content_and_the_permissions)
{
    struct stat st;
    ok(await_write_file("a", "some text", 9));
    ok(chmod("a", 0555));
    put("b", "what was longer before");
    ok(await_copy_file("a", "b"));
    is_text(content("b"), "some text");
    ok(stat("b", &st));
    is(st.st_mode & 07777, 0555);
    ok(await_copy_file("/proc/self/comm", "comm")); /* says that it is empty */
    is_true(strlen(content("comm")) > 1);
    ok(chmod("a", 06755)); /* an owner's word, which is not for other owners */
    ok(await_copy_file("a", "b"));
    ok(stat("b", &st));
    is(st.st_mode & 07777, 0755);
    ok(await_write_file("a", "some text", 9));
    ok(stat("a", &st));
    is(st.st_mode & 07777, 0755);
    is(await_copy_file("a", "a"), -EINVAL);
    ok(link("a", "again"));
    is(await_copy_file("a", "again"), -EINVAL);
    is_text(content("a"), "some text");
    is(await_copy_file("none", "c"), -ENOENT);
    is(await_copy_file("a", "/tmp"), -EISDIR);
    is_text(content("c"), "(none)");
    return 0;
}

/* --- names --- */

FILES(names_are_made_moved_and_removed)
{
    struct stat st;
    ok(await_mkdir("d", 0750));
    is(await_mkdir("d", 0750), -EEXIST);
    is_text(async_fail_text(-EEXIST), "cannot make the directory d: File exists");
    ok(await_stat("d", &st));
    is_true(S_ISDIR(st.st_mode));
    put("d/a", "text");
    is(await_rmdir("d"), -ENOTEMPTY);
    ok(await_rename("d/a", "b"));
    is_text(content("b"), "text");
    is(await_rename("d/a", "b"), -ENOENT);
    is_text(async_fail_text(-ENOENT), "cannot rename d/a to b: No such file or directory");
    ok(symlink("none", "l"));
    is(await_stat("l", &st), -ENOENT);
    is_text(async_fail_text(-ENOENT), "cannot stat l: No such file or directory");
    ok(await_lstat("l", &st));
    is_true(S_ISLNK(st.st_mode));
    ok(await_unlink("l"));
    ok(await_unlink("b"));
    is(await_unlink("d"), -EISDIR);
    ok(await_rmdir("d"));
    is(await_rmdir("d"), -ENOENT);
    is(entries_in("."), 0);
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
        is_true(i >= 0 && i < MANY && !seen[i]);
        is_true(e.type == DT_REG || e.type == DT_UNKNOWN);
        is_true(e.inode != 0);
        seen[i] = true;
        n++;
    }
    ok(r);
    is(n, MANY);
    await_for_each (r, e, async_scandir(place)) {
        (void)e;
        break;
    }
    ok(r);
    await_for_each (r, e, async_scandir("none"))
        ck_abort_msg("%s", e.name);
    is(r, -ENOENT);
    await_for_each (r, e, async_scandir("a-name-that-is-not-short-0"))
        ck_abort_msg("%s", e.name);
    is(r, -ENOTDIR);
    return 0;
}

/* --- cancellation, and the end --- */

FILES(a_cancelled_task_begins_nothing)
{
    int r, inner = 0;
    char c;
    async_file_auto f = NULL;
    ok(await_temporary_file(place, &f));
    await_timeout (r, 0) {
        is(await_write_file("a", "x", 1), -ECANCELED);
        is(await_pread(f, &c, 1, 0), -ECANCELED);
        is(await_mkdir("d", 0777), -ECANCELED);
        inner = await_close(f);
    }
    is(r, -ETIMEDOUT);
    is(inner, -ECANCELED);
    is(entries_in("."), 0);
    is(await_pread(f, &c, 1, 0), -EBADF);
    return 0;
}

START_TEST(outside_of_tasks_they_are_refused)
{
    char *data = NULL;
    ears_open();
    is(await_read_file("a", &data, NULL), -EPERM);
    is(await_unlink("a"), -EPERM);
    has_text(heard(), "await_unlink");
    ears_close();
}
END_TEST

FILES(the_engine_has_a_name)
{
    const char *asked = getenv("ASYNCIO_FILES");
    if (asked && !strcmp(asked, "uring")) /* if it can be had */
        is_true(!strcmp(async_file_engine(), "uring") || !strcmp(async_file_engine(), "pool"));
    else
        is_text(async_file_engine(), "pool");
    return 0;
}

/* And not that of descriptor 0. */
CASE(null_path_is_refused)
{
    const char *volatile none = NULL;
    struct stat st;
    is(await_stat(none, &st), -EBADF);
    is(await_lstat(none, &st), -EBADF);
    return 0;
}

SUITE("file", the_engine_has_a_name, a_file_is_read_whole, files_of_any_size_are_read_whole,
      files_that_tell_no_size_are_read_whole, message_names_the_file_that_cannot_be_read,
      forbidden_file_is_refused, a_file_is_replaced_at_once, a_link_stays_and_its_file_is_replaced,
      only_files_are_replaced, a_copy_has_the_content_and_the_permissions,
      names_are_made_moved_and_removed, a_directory_is_listed, a_cancelled_task_begins_nothing,
      outside_of_tasks_they_are_refused, null_path_is_refused)
