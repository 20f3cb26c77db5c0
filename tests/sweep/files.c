/* SPDX-License-Identifier: MIT */
/* Scenarios of files, with the real clock, once for each engine. Whatever fails, a file is closed,
 * and one that is replaced has the old content or the new one. */
#include "scenario.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

static char place[] = "/tmp/asyncio-sweep-XXXXXX";

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type;
    return ftw->level > 0 ? remove(path) : 0;
}

static void leave(void)
{
    if (chdir("/") == 0)
        nftw(place, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    rmdir(place);
}

__attribute__((constructor)) static void enter(void)
{
    if (!mkdtemp(place) || chdir(place) < 0)
        abort();
    atexit(leave);
}

/* The directory is empty again. */
static void clear(void)
{
    nftw(".", remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void put(const char *path, const char *text)
{
    FILE *f = fopen(path, "we");
    if (!f || fputs(text, f) < 0 || fclose(f) != 0)
        abort();
}

static const char *content(const char *path)
{
    static char text[64];
    FILE *f = fopen(path, "re");
    if (!f)
        return "";
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    fclose(f);
    return text;
}

REAL_SCENARIO(file_read_whole)
{
    async_data_auto text = NULL;
    size_t n = 0;
    put("a", "some text");
    int r = await_read_file("a", &text, &n);
    scenario_expect(r < 0 ? !text : n == 9 && !strcmp(text, "some text"));
    return r;
}

REAL_SCENARIO(large_file_read_whole)
{
    async_data_auto text = NULL;
    size_t n = 0;
    int fd = open("large", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0 || ftruncate(fd, 50000) < 0 || pwrite(fd, "x", 1, 49999) != 1 || close(fd) < 0)
        abort();
    int r = await_read_file("large", &text, &n);
    scenario_expect(r < 0 ? !text : n == 50000 && text[49999] == 'x');
    return r;
}

REAL_SCENARIO(file_replaced)
{
    clear();
    put("a", "the old one");
    int r = await_write_file("a", "a new one", 9, .durable = true);
    scenario_expect(!strcmp(content("a"), r == 0 ? "a new one" : "the old one") ||
                    (r < 0 && r != -ECANCELED &&
                     !strcmp(content("a"), "a new one"))); /* only syncing failed */
    scenario_expect(rmdir(place) < 0);                     /* which is not empty */
    scenario_expect(unlink("a") == 0);
    return r;
}

REAL_SCENARIO(file_copied)
{
    clear();
    put("a", "some text");
    int r = await_copy_file("a", "b");
    scenario_expect(!strcmp(content("a"), "some text"));
    scenario_expect(r < 0 || !strcmp(content("b"), "some text"));
    return r;
}

static int send(async_file *f)
{
    async_stream_auto s = NULL;
    ASYNC_TRY(await_open_file("sent", "w", &s));
    int64_t n = await_stream_sendfile(s, f, 5, 100);
    scenario_expect(n < 0 || (n == 3 && !strcmp(content("sent"), "012")));
    return n < 0 ? (int)n : await_stream_close(s);
}

static int use(async_file *f, async_file *other)
{
    char buf[16];
    struct stat st;
    ASYNC_TRY(await_pwrite(f, "0123456789", 10, 5));
    ssize_t n = ASYNC_TRY(await_pread(f, buf, sizeof buf, 5));
    scenario_expect(n == 10 && !memcmp(buf, "0123456789", 10));
    ASYNC_TRY(await_ftruncate(f, 8));
    ASYNC_TRY(await_fdatasync(f));
    ASYNC_TRY(await_fsync(f));
    ASYNC_TRY(await_fstat(f, &st));
    scenario_expect(st.st_size == 8);
    ASYNC_TRY(send(f));
    int64_t copied = await_copy_file_range(f, 5, other, 0, 100);
    scenario_expect(copied < 0 || copied == 3);
    return copied < 0 ? (int)copied : await_close(f);
}

REAL_SCENARIO(open_files)
{
    async_file_auto f = NULL;
    async_file_auto other = NULL;
    clear();
    ASYNC_TRY(await_open("a", O_RDWR | O_CREAT, &f));
    ASYNC_TRY(await_temporary_file(".", &other));
    return use(f, other);
}

REAL_SCENARIO(named_temporary_file)
{
    async_file_auto f = NULL;
    clear();
    int r = await_named_temporary_file(".", &f);
    if (r == 0)
        r = await_close(f);
    async_file_drop(&f);
    scenario_expect(rmdir(place) == 0 && mkdir(place, 0700) == 0 && chdir(place) == 0);
    return r;
}

static int rename_and_remove(void)
{
    struct stat st;
    ASYNC_TRY(await_mkdir("d", 0777));
    ASYNC_TRY(await_rename("a", "d/b"));
    ASYNC_TRY(await_stat("d/b", &st));
    ASYNC_TRY(await_lstat("d/b", &st));
    scenario_expect(st.st_size == 1);
    ASYNC_TRY(await_unlink("d/b"));
    return await_rmdir("d");
}

REAL_SCENARIO(files_renamed_and_removed)
{
    clear();
    put("a", "x");
    return rename_and_remove();
}

REAL_SCENARIO(directory_scanned)
{
    int r, n = 0;
    clear();
    put("a", "");
    put("b", "");
    await_for_each (r, e, async_scandir("."))
        n += e.name[0] == 'a' || e.name[0] == 'b';
    scenario_expect(r < 0 || n == 2);
    return r;
}

static int converse(async_stream *s)
{
    char buf[16];
    size_t got;
    ASYNC_TRY(await_stream_write(s, "one\ntwo\nthree", 13));
    ASYNC_TRY(await_stream_printf(s, "%s\n", "!"));
    ASYNC_TRY(async_stream_seek(s, 0));
    ssize_t n = await_stream_readline(s, buf, sizeof buf);
    scenario_expect(n < 0 ? async_stream_tell(s) == 0 : n == 4 && async_stream_tell(s) == 4);
    ASYNC_TRY(n);
    n = await_stream_readexactly(s, buf, 8, &got);
    scenario_expect(n != -ECANCELED || async_stream_tell(s) == 4);
    ASYNC_TRY(n);
    scenario_expect(!memcmp(buf, "two\nthre", 8));
    return await_stream_close(s);
}

REAL_SCENARIO(stream_of_a_file)
{
    async_stream_auto s = NULL;
    clear();
    ASYNC_TRY(await_open_file("a", "w+", &s));
    return converse(s);
}

REAL_SCENARIO(lines_of_a_file)
{
    async_stream_auto s = NULL;
    int r, n = 0;
    put("a", "one\ntwo\nthree\n");
    ASYNC_TRY(await_open_file("a", "r", &s));
    await_for_each (r, line, async_lines(s))
        n += (int)strlen(line);
    scenario_expect(r < 0 || n == 11);
    return r;
}

ASYNC_DEF(reads, (const char *)path, (size_t *)n)
{
    async_data_auto text = NULL;
    return await_read_file(path, &text, n);
}

REAL_SCENARIO(several_files_read_at_a_time)
{
    size_t n[3] = { 0, 0, 0 };
    put("a", "1");
    put("b", "22");
    put("c", "333");
    int r = await_gather(NULL, reads("a", &n[0]), reads("b", &n[1]), reads("c", &n[2]));
    scenario_expect(r < 0 || n[0] + n[1] + n[2] == 6);
    return r;
}

static int all(async_stream **s, async_file **f, async_file **other)
{
    async_data_auto text = NULL;
    ASYNC_TRY(await_write_file("a", "x", 1));
    ASYNC_TRY(await_copy_file("a", "b"));
    ASYNC_TRY(await_read_file("b", &text, NULL));
    ASYNC_TRY(rename_and_remove());
    ASYNC_TRY(await_open_file("c", "w+x", s));
    ASYNC_TRY(converse(*s));
    ASYNC_TRY(await_named_temporary_file(".", f));
    ASYNC_TRY(await_temporary_file(".", other));
    ASYNC_TRY(use(*f, *other));
    async_file_drop(f);
    return await_open("c", O_RDONLY, f);
}

REAL_SCENARIO(all_file_calls_inside_a_timeout)
{
    async_stream_auto s = NULL;
    async_file_auto f = NULL;
    async_file_auto other = NULL;
    int r;
    clear();
    await_timeout (r, 20)
        r = all(&s, &f, &other);
    return r;
}
