/* SPDX-License-Identifier: MIT */
/* Open files: at offsets, temporary ones, shared by tasks, cancelled and dropped. Run once for each
 * engine. */
#include "files.h"

#include <signal.h>
#include <sys/resource.h>

/* --- open files --- */

FILES(bytes_are_read_and_written_at_offsets)
{
    char buf[16] = "";
    struct stat st;
    async_file_auto f = NULL;
    expect_ok(await_open("a", O_RDWR | O_CREAT, &f));
    expect_text(async_file_path(f), "a");
    expect_ok(await_pwrite(f, "world", 5, 6));
    expect_ok(await_pwrite(f, "hello ", 6, 0));
    expect_int(await_pread(f, buf, sizeof buf, 0), 11);
    expect_text(buf, "hello world");
    expect_int(await_pread(f, buf, 4, 3), 4);
    expect_int(await_pread(f, buf, 4, 11), 0);
    expect_int(await_pread(f, buf, 4, INT64_C(1) << 40), 0);
    expect_ok(await_pwrite(f, "far", 3, INT64_C(5) << 30));
    expect_ok(await_fstat(f, &st));
    expect_int(st.st_size, (INT64_C(5) << 30) + 3);
    expect_ok(await_ftruncate(f, 5));
    expect_ok(await_fdatasync(f));
    expect_ok(await_fsync(f));
    expect_text(content("a"), "hello");
    expect_int(await_pread(f, buf, 1, -1), -EINVAL);
    expect_contains(async_fail_text(-EINVAL), "cannot read a");
    expect_ok(await_close(f));
    expect_ok(await_close(f));
    expect_int(await_pread(f, buf, 1, 0), -EBADF);
    expect_text(async_fail_text(-EBADF), "cannot read a: Bad file descriptor");
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
    expect_ok(await_temporary_file(place, &f));
    expect_ok(await_temporary_file(place, &g));
    expect_ok(await_pwrite(f, "far", 3, far));
    expect_ok(await_pwrite(f, "near", 4, 3)); /* where it would be with 32 bits */
    expect_int(await_pread(f, buf, 3, far), 3);
    expect_text(buf, "far");
    expect_int(await_copy_file_range(f, far, g, end - 3, 3), 3);
    expect_ok(await_fstat(g, &st));
    expect_int(st.st_size, end);
    expect_int(await_pread(g, buf, 8, end - 3), 3);
    expect_text(buf, "far");
    expect_ok(await_ftruncate(g, end + 1));
    expect_int(await_pread(g, buf, 8, end), 1);
    return 0;
}

FILES(write_to_a_full_device_fails)
{
    async_file_auto f = NULL;
    async_stream_auto s = NULL;
    expect_ok(await_open("/dev/full", O_RDWR, &f));
    expect_int(await_pwrite(f, "x", 1, 0), -ENOSPC);
    expect_text(async_fail_text(-ENOSPC), "cannot write /dev/full: No space left on device");
    expect_ok(await_open_file("/dev/full", "r+", &s));
    expect_int(await_stream_write(s, "x", 1), -ENOSPC);
    expect_int(async_stream_tell(s), 0);
    return 0;
}

/* The kernel writes what there is room for, and refuses the rest. The limit leaves room for the
 * file in which Check keeps the result of the test. */
FILES(write_beyond_the_size_limit_fails)
{
    struct rlimit most = { 100000, RLIM_INFINITY };
    static char text[200000], back[200000];
    struct stat st;
    async_file_auto f = NULL;
    memset(text, 'x', sizeof text);
    put("a", "old");
    expect_ok(await_open("b", O_RDWR | O_CREAT, &f));
    signal(SIGXFSZ, SIG_IGN);
    expect_ok(setrlimit(RLIMIT_FSIZE, &most));
    expect_int(await_pwrite(f, text, sizeof text, 0), -EFBIG);
    expect_text(async_fail_text(-EFBIG), "cannot write b: File too large");
    expect_int(await_write_file("a", text, sizeof text), -EFBIG);
    expect_text(content("a"), "old");
    expect_int(entries_in("."), 2);
    expect_ok(await_fstat(f, &st));
    expect_int(st.st_size, 100000);
    expect_int(await_pread(f, back, sizeof back, 0), 100000);
    expect_ok(memcmp(text, back, 100000));
    return 0;
}

FILES(appending_goes_to_the_end)
{
    async_file_auto f = NULL;
    put("a", "one ");
    expect_ok(await_open("a", O_WRONLY | O_APPEND, &f));
    expect_ok(await_pwrite(f, "two ", 4, 0));
    put("b", "");
    expect_ok(await_pwrite(f, "three", 5, 0));
    expect_text(content("a"), "one two three");
    return 0;
}

FILES(file_without_offsets_is_not_opened)
{
    async_file *f = NULL;
    expect_ok(mkfifo("fifo", 0666));
    expect_int(await_open("fifo", O_RDONLY, &f), -ESPIPE);
    expect_int(await_open("fifo", O_WRONLY, &f), -ESPIPE);
    expect_text(async_fail_text(-ESPIPE), "cannot open fifo: Illegal seek");
    expect_int(await_open(".", O_RDONLY, &f), -EISDIR);
    expect_int(await_open("a", O_PATH, &f), -EINVAL);
    expect_int(await_open("none", O_RDWR, &f), -ENOENT);
    put("a", "");
    expect_int(await_open("a", O_RDWR | O_CREAT | O_EXCL, &f), -EEXIST);
    expect_true(!f);
    expect_ok(await_open(".", O_RDONLY | O_DIRECTORY, &f));
    expect_ok(await_fsync(f));
    async_file_drop(&f);
    async_file_drop(&f);
    return 0;
}

FILES(descriptor_of_an_open_file_blocks_and_is_closed_by_exec)
{
    async_file_auto f = NULL;
    expect_ok(await_open("a", O_RDWR | O_CREAT, &f));
    char link[64];
    for (int fd = 0; fd < 64; fd++) {
        char text[128] = "";
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        if (readlink(link, text, sizeof text - 1) > 2 && strstr(text, place)) {
            expect_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
            expect_false(fcntl(fd, F_GETFL) & O_NONBLOCK);
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
            expect_true(text[k] == 'a' + which);
    }
    return 0;
}

FILES(many_tasks_use_one_file)
{
    async_file_auto f = NULL;
    struct stat st;
    int r;
    expect_ok(await_temporary_file(place, &f));
    await_group (r, g)
        for (int i = 0; i < 16; i++)
            expect_true(async_group_create_task(g, writes_at(f, i)));
    expect_ok(r);
    expect_ok(await_fstat(f, &st));
    expect_int(st.st_size, 16 * 20 * 100);
    return 0;
}

FILES(a_range_is_copied)
{
    char buf[16] = "";
    async_file_auto a = NULL;
    async_file_auto b = NULL;
    expect_ok(await_temporary_file(place, &a));
    expect_ok(await_temporary_file(place, &b));
    expect_ok(await_pwrite(a, "0123456789", 10, 0));
    expect_int(await_copy_file_range(a, 2, b, 4, 5), 5);
    expect_int(await_copy_file_range(a, 8, b, 9, 100), 2);
    expect_int(await_copy_file_range(a, 10, b, 11, 100), 0);
    expect_int(await_pread(b, buf, sizeof buf, 0), 11);
    expect_ok(memcmp(buf,
                     "\0\0\0\0"
                     "2345689",
                     11));
    expect_int(await_copy_file_range(a, 0, a, 5, 8), -EINVAL);
    expect_int(await_copy_file_range(a, -1, b, 0, 8), -EINVAL);
    expect_int(await_copy_file_range(a, 0, b, -1, 8), -EINVAL);
    expect_int(await_copy_file_range(a, 0, b, 0, -8), 0);
    expect_int(await_copy_file_range(a, 0, a, 10, 10), 10);
    return 0;
}

/* It is copied in pieces, none of which overlaps what it becomes. */
FILES(a_large_range_does_not_overlap_itself)
{
    enum { MEGABYTE = 1 << 20 };
    char byte;
    async_file_auto a = NULL;
    expect_ok(await_temporary_file(place, &a));
    expect_ok(await_ftruncate(a, 8 * MEGABYTE));
    expect_ok(await_pwrite(a, "x", 1, 3 * MEGABYTE));
    expect_int(await_copy_file_range(a, 0, a, 5 * MEGABYTE, 8 * MEGABYTE), -EINVAL);
    expect_int(await_copy_file_range(a, 3 * MEGABYTE, a, 0, INT64_MAX), -EINVAL);
    expect_int(await_pread(a, &byte, 1, 8 * MEGABYTE), 0);
    expect_int(await_copy_file_range(a, 0, a, 8 * MEGABYTE, 8 * MEGABYTE), 8 * MEGABYTE);
    expect_int(await_pread(a, &byte, 1, 11 * MEGABYTE), 1);
    expect_int(byte, 'x');
    expect_int(await_copy_file_range(a, 11 * MEGABYTE, a, 0, INT64_MAX), 5 * MEGABYTE);
    expect_int(await_pread(a, &byte, 1, 0), 1);
    expect_int(byte, 'x');
    return 0;
}

/* --- temporary files --- */

FILES(a_temporary_file_has_no_name)
{
    async_file_auto f = NULL;
    struct stat st;
    char c = 0;
    expect_ok(await_temporary_file(place, &f));
    expect_int(entries_in("."), 0);
    expect_text(async_file_path(f), place);
    expect_ok(await_pwrite(f, "x", 1, 0));
    expect_int(await_pread(f, &c, 1, 0), 1);
    expect_ok(await_fstat(f, &st));
    expect_int(st.st_mode & 07777, 0600);
    expect_int(st.st_nlink, 0);
    expect_int(await_temporary_file("none", &f), -ENOENT);
    expect_contains(async_fail_text(-ENOENT), "none");
    return 0;
}

FILES(a_named_temporary_file_goes_with_its_handle)
{
    async_file *f = NULL;
    char path[200];
    setenv("TMPDIR", place, 1);
    expect_ok(await_named_temporary_file(NULL, &f));
    snprintf(path, sizeof path, "%s", async_file_path(f));
    expect_contains(path, place);
    expect_ok(await_pwrite(f, "x", 1, 0));
    expect_text(content(path), "x");
    expect_int(entries_in("."), 1);
    async_file_drop(&f);
    expect_int(entries_in("."), 0);
    expect_ok(await_named_temporary_file(NULL, &f));
    expect_true(strcmp(path, async_file_path(f)));
    expect_ok(await_close(f));
    expect_int(entries_in("."), 0);
    async_file_drop(&f);
    return 0;
}

ASYNC_DEF(reads_much, (async_file *)f, (char *)buf, (size_t)size)
{
    return (int)await_pread(f, buf, size, 0);
}

/* The reader's memory is its own again when the cancel has returned, and what it says it has read
 * is there. */
FILES(cancelled_read_uses_its_memory_no_more)
{
    enum { SIZE = 1 << 20, TIMES = 50 };
    async_file_auto f = NULL;
    char *buf = malloc(SIZE);
    expect_ok(await_temporary_file(place, &f));
    memset(buf, 'x', SIZE);
    expect_ok(await_pwrite(f, buf, SIZE, 0));
    for (int i = 0; i < TIMES; i++) {
        memset(buf, 'o', SIZE);
        await_task_auto t = async_create_task(reads_much(f, buf, SIZE));
        for (int k = 0; k <= i % 4; k++)
            expect_ok(await_sleep(0));
        async_task_cancel(t);
        int r = await_task(t);
        expect_true(r == SIZE || r == -ECANCELED);
        for (int k = 0; k < SIZE && r == SIZE; k += 4096)
            expect_true(buf[k] == 'x');
        char *copy = malloc(SIZE);
        memcpy(copy, buf, SIZE);
        expect_ok(await_sleep(0));
        expect_ok(memcmp(copy, buf, SIZE));
        free(copy);
    }
    free(buf);
    return 0;
}

FILES(file_dropped_during_a_call_stays_until_the_call_returns)
{
    enum { SIZE = 1 << 20 };
    char *buf = malloc(SIZE);
    async_file *f = NULL;
    for (int i = 0; i < 10; i++) {
        expect_ok(await_temporary_file(place, &f));
        expect_ok(await_ftruncate(f, SIZE));
        await_task_auto t = async_create_task(reads_much(f, buf, SIZE));
        expect_ok(await_sleep(0));
        if (i % 2)
            expect_ok(await_close(f));
        async_file_drop(&f);
        expect_int(await_task(t), SIZE);
    }
    free(buf);
    return 0;
}

ASYNC_DEF(copies, (async_file *)from, (async_file *)to, (int64_t *)ret)
{
    *ret = await_copy_file_range(from, 0, to, 0, INT64_MAX);
    return 0;
}

/* A copy of 12 MiB takes several requests. */
FILES(files_dropped_during_a_copy_stay_until_it_ends)
{
    enum { SIZE = 12 << 20 };
    for (int i = 0; i < 2; i++) {
        int64_t copied = 0;
        async_file *from = NULL, *to = NULL;
        expect_ok(await_temporary_file(place, &from));
        expect_ok(await_ftruncate(from, SIZE));
        expect_ok(await_temporary_file(place, &to));
        await_task_auto t = async_create_task(copies(from, to, &copied));
        expect_ok(await_sleep(0));
        if (i)
            expect_ok(await_close(from));
        async_file_drop(&from);
        async_file_drop(&to);
        expect_ok(await_task(t));
        expect_int(copied, SIZE);
    }
    return 0;
}

ASYNC_DEF(leaves_a_file_open)
{
    static async_file *f; /* known to leak checkers */
    return await_temporary_file("/tmp", &f);
}

TEST(file_left_open_is_reported_when_the_loop_closes)
{
    capture_stderr_begin();
    expect_ok(async_run(leaves_a_file_open()));
    expect_contains(captured_stderr(), "the loop closes with 1 file open");
    capture_stderr_end();
}

SUITE("open-file", bytes_are_read_and_written_at_offsets, offsets_may_be_beyond_4_GiB,
      write_to_a_full_device_fails, write_beyond_the_size_limit_fails, appending_goes_to_the_end,
      file_without_offsets_is_not_opened, descriptor_of_an_open_file_blocks_and_is_closed_by_exec,
      many_tasks_use_one_file, a_range_is_copied, a_large_range_does_not_overlap_itself,
      a_temporary_file_has_no_name, a_named_temporary_file_goes_with_its_handle,
      cancelled_read_uses_its_memory_no_more,
      file_dropped_during_a_call_stays_until_the_call_returns,
      files_dropped_during_a_copy_stay_until_it_ends,
      file_left_open_is_reported_when_the_loop_closes)
