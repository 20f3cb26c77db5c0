/* SPDX-License-Identifier: MIT */
/* Tests of files on a failing disk. Run once for each engine. */
#include "../frame/loop_test.h"

#include <dirent.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/sys.h"
#include "file/file.h"
/* The disk accepts this many more bytes. */
static size_t room;
static enum file_sys what;
static int answer, times;

static uint32_t some_fate(int call)
{
    (void)call;
    return 1;
}

static int meets(uint32_t *fate, int call, size_t *size)
{
    (void)fate;
    if (call == SYS_WRITE && what == SYS_WRITE) {
        *size = *size < room ? *size : room;
        room -= *size;
        return *size ? 0 : answer;
    }
    return call == (int)what && times-- > 0 ? answer : 0;
}

static void disk(enum file_sys call, int err, size_t left)
{
    what = call;
    answer = err;
    times = 1;
    room = left;
    async__sys.draw_file_fault = some_fate;
    async__sys.apply_file_fault = meets;
}

/* Restore only these two: a worker may still be using other members of the table. */
static void good_again(void)
{
    async__sys.draw_file_fault = async__sys_kernel.draw_file_fault;
    async__sys.apply_file_fault = async__sys_kernel.apply_file_fault;
}

REAL_LOOP_TEST(full_disk_is_reported_and_leaves_the_old_file)
{
    char buf[16], path[] = "/tmp/asyncio-test-XXXXXX";
    async_file_auto f = NULL;
    expect_true(mkdtemp(path) && chdir(path) == 0);
    ASYNC_TRY(await_write_file("a", "as it was", 9));
    disk(SYS_WRITE, ENOSPC, 5);
    expect_true(await_write_file("a", "something longer", 16) == -ENOSPC);
    expect_true(!strcmp(async_fail_text(-ENOSPC), "cannot write a: No space left on device"));
    expect_true(await_unlink("nothing else") == -ENOENT);
    disk(SYS_WRITE, ENOSPC, 5);
    expect_true(await_temporary_file(path, &f) == 0);
    expect_true(await_pwrite(f, "something longer", 16, 0) == -ENOSPC);
    expect_true(await_pread(f, buf, sizeof buf, 0) == 5 && !memcmp(buf, "somet", 5));
    good_again();
    async_data_auto text = NULL;
    ASYNC_TRY(await_read_file("a", &text, NULL));
    expect_true(!strcmp(text, "as it was"));
    ASYNC_TRY(await_unlink("a"));
    return await_rmdir(path); /* which is empty */
}

REAL_LOOP_TEST(write_to_a_stream_on_a_full_disk_fails)
{
    char path[] = "/tmp/asyncio-test-XXXXXX";
    expect_true(mkdtemp(path) && chdir(path) == 0);
    async_stream_auto s = NULL;
    ASYNC_TRY(await_open_file("a", "w+", &s));
    disk(SYS_WRITE, EDQUOT, 5);
    expect_true(await_stream_write(s, "something longer", 16) == -EDQUOT);
    expect_true(async_stream_tell(s) == 5);
    good_again();
    ASYNC_TRY(await_stream_write(s, "hing", 4));
    disk(SYS_CLOSE, EIO, 0);
    expect_true(await_stream_close(s) == -EIO);
    expect_true(!strcmp(async_fail_text(-EIO), "cannot close a: Input/output error"));
    good_again();
    async_data_auto text = NULL;
    ASYNC_TRY(await_read_file("a", &text, NULL));
    expect_true(!strcmp(text, "something"));
    ASYNC_TRY(await_unlink("a"));
    return await_rmdir(path);
}

REAL_LOOP_TEST(copy_reads_and_writes_where_the_kernel_cannot_copy)
{
    static const int cannot[] = { EXDEV, EOPNOTSUPP, ENOSYS, EINVAL, EPERM };
    char buf[16];
    async_file_auto a = NULL;
    async_file_auto b = NULL;
    ASYNC_TRY(await_temporary_file(NULL, &a));
    ASYNC_TRY(await_temporary_file(NULL, &b));
    ASYNC_TRY(await_pwrite(a, "0123456789", 10, 0));
    for (size_t i = 0; i < sizeof cannot / sizeof *cannot; i++) {
        disk(SYS_COPY, cannot[i], 0);
        times = 1000;
        expect_true(await_copy_file_range(a, (int)i, b, 0, 100) == 10 - (int)i);
        expect_true(await_pread(b, buf, 1, 0) == 1 && buf[0] == '0' + (char)i);
    }
    disk(SYS_COPY, EINVAL, 0);
    expect_true(await_copy_file_range(a, 0, a, 1, 5) == -EINVAL);
    disk(SYS_COPY, EIO, 0);
    expect_true(await_copy_file_range(a, 0, b, 0, 100) == -EIO);
    good_again();
    return 0;
}

REAL_LOOP_TEST(temporary_file_is_unlinked_where_nameless_files_are_not_supported)
{
    struct stat st;
    async_file_auto f = NULL;
    disk(SYS_OPEN, EOPNOTSUPP, 0);
    ASYNC_TRY(await_temporary_file(NULL, &f));
    good_again();
    ASYNC_TRY(await_fstat(f, &st));
    expect_true(st.st_nlink == 0 && (st.st_mode & 07777) == 0600);
    disk(SYS_OPEN, EEXIST, 0); /* the first name is taken */
    async_file_drop(&f);
    ASYNC_TRY(await_named_temporary_file(NULL, &f));
    good_again();
    return 0;
}

/* The largest mode of any file in the working directory when something is written. */
static atomic_uint widest;

static int look_around(uint32_t *fate, int call, size_t *size)
{
    (void)fate, (void)size;
    DIR *dir = call == SYS_WRITE ? opendir(".") : NULL;
    struct stat st;
    for (const struct dirent *d; dir && (d = readdir(dir));)
        if (stat(d->d_name, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 0777) > widest)
            widest = st.st_mode & 0777;
    if (dir)
        closedir(dir);
    return 0;
}

REAL_LOOP_TEST(replaced_file_keeps_its_mode_while_it_is_written)
{
    char path[] = "/tmp/asyncio-test-XXXXXX";
    expect_true(mkdtemp(path) && chdir(path) == 0);
    ASYNC_TRY(await_write_file("a", "old secret", 10, .mode = 0600));
    disk(SYS_WRITE, 0, 0);
    async__sys.apply_file_fault = look_around;
    ASYNC_TRY(await_write_file("a", "new secret", 10));
    good_again();
    expect_true(widest == 0600);
    ASYNC_TRY(await_unlink("a"));
    return await_rmdir(path);
}

/* Calls that are interrupted, or done in pieces, have the same result. */
REAL_LOOP_TEST(interrupted_call_is_repeated)
{
    static const enum file_sys calls[] = { SYS_OPEN, SYS_READ,  SYS_WRITE,
                                           SYS_SYNC, SYS_CLOSE, SYS_OTHER };
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        async_data_auto text = NULL;
        struct stat st;
        char path[64];
        snprintf(path, sizeof path, "/tmp/asyncio-test-%d", (int)getpid());
        disk(calls[i], EINTR, 3);
        if (calls[i] == SYS_WRITE)
            room = 1000;
        ASYNC_TRY(await_write_file(path, "text", 4, .durable = true));
        times = 1;
        ASYNC_TRY(await_read_file(path, &text, NULL));
        expect_true(!strcmp(text, "text"));
        times = 1;
        ASYNC_TRY(await_stat(path, &st));
        good_again();
        ASYNC_TRY(await_unlink(path));
    }
    return 0;
}

/* As the kernel's log says when it is opened like a FIFO. A ring hands such a file to a thread. */
REAL_LOOP_TEST(generated_file_that_has_nothing_yet_is_waited_for)
{
    async_data_auto text = NULL;
    if (strcmp(async_file_engine(), "pool") != 0)
        return 0;
    disk(SYS_READ, EAGAIN, 0);
    int r = await_read_file("/proc/self/comm", &text, NULL);
    good_again();
    expect_true(r == 0 && times < 0 && text[0]);
    return 0;
}

static int no_thread(void *(*fn)(void *arg), void *arg)
{
    (void)fn, (void)arg;
    return EAGAIN;
}

REAL_LOOP_TEST(call_fails_if_no_thread_can_be_started)
{
    struct stat st;
    async__sys.thread = no_thread;
    expect_true(await_stat("/", &st) == -EAGAIN);
    expect_true(!strcmp(async_fail_text(-EAGAIN), "cannot stat /: no thread could be started"));
    async__sys.thread = async__sys_kernel.thread;
    return await_stat("/", &st);
}

SUITE("inside-file", full_disk_is_reported_and_leaves_the_old_file,
      write_to_a_stream_on_a_full_disk_fails, copy_reads_and_writes_where_the_kernel_cannot_copy,
      temporary_file_is_unlinked_where_nameless_files_are_not_supported,
      call_fails_if_no_thread_can_be_started, replaced_file_keeps_its_mode_while_it_is_written,
      interrupted_call_is_repeated, generated_file_that_has_nothing_yet_is_waited_for)
