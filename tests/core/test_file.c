/* SPDX-License-Identifier: MIT */
/* Files: whole, at offsets, their names and directories. Run once for each engine. */
#include "files.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

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

FILES(what_cannot_be_read_is_named)
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

FILES(what_is_forbidden_is_refused)
{
    char *text = NULL;
    put("secret", "x");
    ok(chmod("secret", 0));
    bool root = geteuid() == 0; /* whom nothing is forbidden: nobody takes his place */
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

/* --- open files --- */

FILES(reading_and_writing_at_offsets)
{
    char buf[16] = "";
    struct stat st;
    async_file_auto f = NULL;
    ok(await_open("a", O_RDWR | O_CREAT, &f));
    is_text(async_file_path(f), "a");
    ok(await_pwrite(f, "world", 5, 6));
    ok(await_pwrite(f, "hello ", 6, 0));
    is(await_pread(f, buf, sizeof buf, 0), 11);
    is_text(buf, "hello world");
    is(await_pread(f, buf, 4, 3), 4);
    is(await_pread(f, buf, 4, 11), 0);
    is(await_pread(f, buf, 4, INT64_C(1) << 40), 0);
    ok(await_pwrite(f, "far", 3, INT64_C(5) << 30));
    ok(await_fstat(f, &st));
    is(st.st_size, (INT64_C(5) << 30) + 3);
    ok(await_ftruncate(f, 5));
    ok(await_fdatasync(f));
    ok(await_fsync(f));
    is_text(content("a"), "hello");
    is(await_pread(f, buf, 1, -1), -EINVAL);
    has_text(async_fail_text(-EINVAL), "cannot read a");
    ok(await_close(f));
    ok(await_close(f));
    is(await_pread(f, buf, 1, 0), -EBADF);
    is_text(async_fail_text(-EBADF), "cannot read a: Bad file descriptor");
    return 0;
}

/* Nothing of it needs room on the disk. */
FILES(offsets_may_be_beyond_4_GiB)
{
    const int64_t far = (INT64_C(1) << 32) + 3, end = (INT64_C(9) << 30) + 1;
    char buf[8] = "";
    struct stat st;
    async_file_auto f = NULL;
    async_file_auto g = NULL;
    ok(await_temporary_file(place, &f));
    ok(await_temporary_file(place, &g));
    ok(await_pwrite(f, "far", 3, far));
    ok(await_pwrite(f, "near", 4, 3)); /* where it would be with 32 bits */
    is(await_pread(f, buf, 3, far), 3);
    is_text(buf, "far");
    is(await_copy_file_range(f, far, g, end - 3, 3), 3);
    ok(await_fstat(g, &st));
    is(st.st_size, end);
    is(await_pread(g, buf, 8, end - 3), 3);
    is_text(buf, "far");
    ok(await_ftruncate(g, end + 1));
    is(await_pread(g, buf, 8, end), 1);
    return 0;
}

FILES(a_device_that_is_full_says_so)
{
    async_file_auto f = NULL;
    async_stream_auto s = NULL;
    ok(await_open("/dev/full", O_RDWR, &f));
    is(await_pwrite(f, "x", 1, 0), -ENOSPC);
    is_text(async_fail_text(-ENOSPC), "cannot write /dev/full: No space left on device");
    ok(await_open_file("/dev/full", "r+", &s));
    is(await_stream_write(s, "x", 1), -ENOSPC);
    is(async_stream_tell(s), 0);
    return 0;
}

/* The kernel writes what there is room for, and refuses the rest. */
FILES(a_file_that_may_grow_no_further)
{
    struct rlimit most = { 1000, RLIM_INFINITY };
    static char text[2000], back[2000];
    struct stat st;
    async_file_auto f = NULL;
    memset(text, 'x', sizeof text);
    put("a", "old");
    ok(await_open("b", O_RDWR | O_CREAT, &f));
    signal(SIGXFSZ, SIG_IGN);
    ok(setrlimit(RLIMIT_FSIZE, &most));
    is(await_pwrite(f, text, sizeof text, 0), -EFBIG);
    is_text(async_fail_text(-EFBIG), "cannot write b: File too large");
    is(await_write_file("a", text, sizeof text), -EFBIG);
    is_text(content("a"), "old");
    is(entries_in("."), 2);
    ok(await_fstat(f, &st));
    is(st.st_size, 1000);
    is(await_pread(f, back, sizeof back, 0), 1000);
    ok(memcmp(text, back, 1000));
    return 0;
}

FILES(appending_goes_to_the_end)
{
    async_file_auto f = NULL;
    put("a", "one ");
    ok(await_open("a", O_WRONLY | O_APPEND, &f));
    ok(await_pwrite(f, "two ", 4, 0));
    put("b", "");
    ok(await_pwrite(f, "three", 5, 0));
    is_text(content("a"), "one two three");
    return 0;
}

FILES(what_has_no_offsets_is_not_opened)
{
    async_file *f = NULL;
    ok(mkfifo("fifo", 0666));
    is(await_open("fifo", O_RDONLY, &f), -ESPIPE);
    is(await_open("fifo", O_WRONLY, &f), -ESPIPE);
    is_text(async_fail_text(-ESPIPE), "cannot open fifo: Illegal seek");
    is(await_open(".", O_RDONLY, &f), -EISDIR);
    is(await_open("a", O_PATH, &f), -EINVAL);
    is(await_open("none", O_RDWR, &f), -ENOENT);
    put("a", "");
    is(await_open("a", O_RDWR | O_CREAT | O_EXCL, &f), -EEXIST);
    is_true(!f);
    ok(await_open(".", O_RDONLY | O_DIRECTORY, &f));
    ok(await_fsync(f));
    async_file_drop(&f);
    async_file_drop(&f);
    return 0;
}

FILES(an_open_file_is_like_any_other)
{
    async_file_auto f = NULL;
    ok(await_open("a", O_RDWR | O_CREAT, &f));
    char link[64];
    for (int fd = 0; fd < 64; fd++) {
        char text[128] = "";
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        if (readlink(link, text, sizeof text - 1) > 2 && strstr(text, place)) {
            is_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
            is_false(fcntl(fd, F_GETFL) & O_NONBLOCK);
            return 0;
        }
    }
    return -ENOENT;
}

/* Each task its own places. */
ASYNC_DEF(writes_at, (async_file *)f, (int)which)
{
    char text[100];
    for (int i = 0; i < 20; i++) {
        memset(text, 'a' + which, sizeof text);
        ASYNC_TRY(await_pwrite(f, text, sizeof text, (i * 16 + which) * 100));
        ASYNC_TRY(await_pread(f, text, sizeof text, (i * 16 + which) * 100));
        for (size_t k = 0; k < sizeof text; k++)
            ck_assert(text[k] == 'a' + which);
    }
    return 0;
}

FILES(many_tasks_use_one_file)
{
    async_file_auto f = NULL;
    struct stat st;
    int r;
    ok(await_temporary_file(place, &f));
    await_group (r, g)
        for (int i = 0; i < 16; i++)
            is_true(async_group_create_task(g, writes_at(f, i)));
    ok(r);
    ok(await_fstat(f, &st));
    is(st.st_size, 16 * 20 * 100);
    return 0;
}

FILES(a_range_is_copied)
{
    char buf[16] = "";
    async_file_auto a = NULL;
    async_file_auto b = NULL;
    ok(await_temporary_file(place, &a));
    ok(await_temporary_file(place, &b));
    ok(await_pwrite(a, "0123456789", 10, 0));
    is(await_copy_file_range(a, 2, b, 4, 5), 5);
    is(await_copy_file_range(a, 8, b, 9, 100), 2);
    is(await_copy_file_range(a, 10, b, 11, 100), 0);
    is(await_pread(b, buf, sizeof buf, 0), 11);
    ok(memcmp(buf,
              "\0\0\0\0"
              "2345689",
              11));
    is(await_copy_file_range(a, 0, a, 5, 8), -EINVAL);
    is(await_copy_file_range(a, -1, b, 0, 8), -EINVAL);
    is(await_copy_file_range(a, 0, b, -1, 8), -EINVAL);
    is(await_copy_file_range(a, 0, b, 0, -8), 0);
    is(await_copy_file_range(a, 0, a, 10, 10), 10);
    return 0;
}

/* It is copied in pieces, none of which overlaps what it becomes. */
FILES(a_large_range_does_not_overlap_itself)
{
    enum { MEGABYTE = 1 << 20 };
    char byte;
    async_file_auto a = NULL;
    ok(await_temporary_file(place, &a));
    ok(await_ftruncate(a, 8 * MEGABYTE));
    ok(await_pwrite(a, "x", 1, 3 * MEGABYTE));
    is(await_copy_file_range(a, 0, a, 5 * MEGABYTE, 8 * MEGABYTE), -EINVAL);
    is(await_copy_file_range(a, 3 * MEGABYTE, a, 0, INT64_MAX), -EINVAL);
    is(await_pread(a, &byte, 1, 8 * MEGABYTE), 0);
    is(await_copy_file_range(a, 0, a, 8 * MEGABYTE, 8 * MEGABYTE), 8 * MEGABYTE);
    is(await_pread(a, &byte, 1, 11 * MEGABYTE), 1);
    is(byte, 'x');
    is(await_copy_file_range(a, 11 * MEGABYTE, a, 0, INT64_MAX), 5 * MEGABYTE);
    is(await_pread(a, &byte, 1, 0), 1);
    is(byte, 'x');
    return 0;
}

/* --- temporary files --- */

FILES(a_temporary_file_has_no_name)
{
    async_file_auto f = NULL;
    struct stat st;
    char c = 0;
    ok(await_temporary_file(place, &f));
    is(entries_in("."), 0);
    is_text(async_file_path(f), place);
    ok(await_pwrite(f, "x", 1, 0));
    is(await_pread(f, &c, 1, 0), 1);
    ok(await_fstat(f, &st));
    is(st.st_mode & 07777, 0600);
    is(st.st_nlink, 0);
    is(await_temporary_file("none", &f), -ENOENT);
    has_text(async_fail_text(-ENOENT), "none");
    return 0;
}

FILES(a_named_temporary_file_goes_with_its_handle)
{
    async_file *f = NULL;
    char path[200];
    setenv("TMPDIR", place, 1);
    ok(await_named_temporary_file(NULL, &f));
    snprintf(path, sizeof path, "%s", async_file_path(f));
    has_text(path, place);
    ok(await_pwrite(f, "x", 1, 0));
    is_text(content(path), "x");
    is(entries_in("."), 1);
    async_file_drop(&f);
    is(entries_in("."), 0);
    ok(await_named_temporary_file(NULL, &f));
    is_true(strcmp(path, async_file_path(f)));
    ok(await_close(f));
    is(entries_in("."), 0);
    async_file_drop(&f);
    return 0;
}

/* --- names --- */

FILES(names_are_made_moved_and_removed)
{
    struct stat st;
    ok(await_mkdir("d", 0750));
    is(await_mkdir("d", 0750), -EEXIST);
    is_text(async_fail_text(-EEXIST), "cannot make d: File exists");
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

ASYNC_DEF(reads_much, (async_file *)f, (char *)buf, (size_t)size)
{
    return (int)await_pread(f, buf, size, 0);
}

/* The reader's memory is its own again when the cancel has returned, and what it says it has read is there. */
FILES(a_cancelled_read_has_let_go_of_its_memory)
{
    enum { SIZE = 1 << 20, TIMES = 50 };
    async_file_auto f = NULL;
    char *buf = malloc(SIZE);
    ok(await_temporary_file(place, &f));
    memset(buf, 'x', SIZE);
    ok(await_pwrite(f, buf, SIZE, 0));
    for (int i = 0; i < TIMES; i++) {
        memset(buf, 'o', SIZE);
        await_task_auto t = async_create_task(reads_much(f, buf, SIZE));
        for (int k = 0; k <= i % 4; k++)
            ok(await_sleep(0));
        async_task_cancel(t);
        int r = await_task(t);
        is_true(r == SIZE || r == -ECANCELED);
        for (int k = 0; k < SIZE && r == SIZE; k += 4096)
            ck_assert(buf[k] == 'x');
        char *copy = malloc(SIZE);
        memcpy(copy, buf, SIZE);
        ok(await_sleep(0));
        ok(memcmp(copy, buf, SIZE));
        free(copy);
    }
    free(buf);
    return 0;
}

FILES(a_file_that_is_dropped_under_a_call)
{
    enum { SIZE = 1 << 20 };
    char *buf = malloc(SIZE);
    async_file *f = NULL;
    for (int i = 0; i < 10; i++) {
        ok(await_temporary_file(place, &f));
        ok(await_ftruncate(f, SIZE));
        await_task_auto t = async_create_task(reads_much(f, buf, SIZE));
        ok(await_sleep(0));
        if (i % 2)
            ok(await_close(f));
        async_file_drop(&f);
        is(await_task(t), SIZE);
    }
    free(buf);
    return 0;
}

ASYNC_DEF(leaves_a_file_open)
{
    static async_file *f; /* known to leak checkers */
    return await_temporary_file("/tmp", &f);
}

START_TEST(a_file_left_open_is_said)
{
    ears_open();
    ok(async_run(leaves_a_file_open()));
    has_text(heard(), "the loop closes with 1 files open");
    ears_close();
}
END_TEST

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
CASE(no_path_has_no_status)
{
    const char *volatile none = NULL;
    struct stat st;
    is(await_stat(none, &st), -EBADF);
    is(await_lstat(none, &st), -EBADF);
    return 0;
}

SUITE("file", the_engine_has_a_name, a_file_is_read_whole, files_of_any_size_are_read_whole,
      files_that_tell_no_size_are_read_whole, what_cannot_be_read_is_named,
      what_is_forbidden_is_refused, a_file_is_replaced_at_once,
      a_link_stays_and_its_file_is_replaced, only_files_are_replaced,
      a_copy_has_the_content_and_the_permissions, reading_and_writing_at_offsets,
      offsets_may_be_beyond_4_GiB, a_device_that_is_full_says_so, a_file_that_may_grow_no_further,
      appending_goes_to_the_end, what_has_no_offsets_is_not_opened, an_open_file_is_like_any_other,
      many_tasks_use_one_file, a_range_is_copied, a_large_range_does_not_overlap_itself,
      a_temporary_file_has_no_name, a_named_temporary_file_goes_with_its_handle,
      names_are_made_moved_and_removed, a_directory_is_listed, a_cancelled_task_begins_nothing,
      a_cancelled_read_has_let_go_of_its_memory, a_file_that_is_dropped_under_a_call,
      a_file_left_open_is_said, outside_of_tasks_they_are_refused, no_path_has_no_status)
