/* SPDX-License-Identifier: MIT */
/* path.c - paths and directories: status, renaming, removing, listing. */
#include <dirent.h>
#include <stdio.h>

#include "base/alloc.h"
#include "file/file.h"

enum { LIST_CHUNK = 16 * 1024, SHOWN = 100 };

int await_stat(const char *path, struct stat *ret)
{
    struct file_request rq = { .kind = FILE_STATUS, .path = path, .fd = -1, .status = ret };
    return (int)async__file_try(&rq, "await_stat", "stat", path);
}

int await_lstat(const char *path, struct stat *ret)
{
    struct file_request rq = { .kind = FILE_STATUS,
                               .path = path,
                               .fd = -1,
                               .status = ret,
                               .flags = AT_SYMLINK_NOFOLLOW };
    return (int)async__file_try(&rq, "await_lstat", "stat", path);
}

int await_rename(const char *from, const char *to)
{
    char both[SHOWN];
    struct file_request rq = { .kind = FILE_RENAME, .path = from, .to = to };
    snprintf(both, sizeof both, "%.30s to %.30s", from, to);
    return (int)async__file_try(&rq, "await_rename", "rename", both);
}

int await_unlink(const char *path)
{
    struct file_request rq = { .kind = FILE_UNLINK, .path = path };
    return (int)async__file_try(&rq, "await_unlink", "remove", path);
}

int await_rmdir(const char *path)
{
    struct file_request rq = { .kind = FILE_UNLINK, .path = path, .flags = AT_REMOVEDIR };
    return (int)async__file_try(&rq, "await_rmdir", "remove", path);
}

int await_mkdir(const char *path, mode_t mode)
{
    struct file_request rq = { .kind = FILE_MKDIR, .path = path, .mode = mode };
    return (int)async__file_try(&rq, "await_mkdir", "make the directory", path);
}

/* --- directories --- */

static bool is_dots(const char *name)
{
    return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

/* Yield the entries of a chunk, without "." and "..". */
static int yield_entries(char *chunk, int64_t size)
{
    async_dir_entry *async_item_ = NULL; /* await_yield() takes the type of an item from it */
    for (int64_t at = 0; at < size;) {
        const struct dirent64 *d = (const struct dirent64 *)(void *)(chunk + at);
        at += d->d_reclen;
        if (!is_dots(d->d_name))
            ASYNC_TRY(await_yield(((async_dir_entry){ d->d_name, d->d_ino, d->d_type })));
    }
    return 0;
}

/* The body of the generator. */
static int list_directory(const char *path)
{
    async_file_auto f = NULL;
    async_data_auto chunk = NULL;
    ASYNC_TRY(await_open(path, O_RDONLY | O_DIRECTORY, &f));
    chunk = async__malloc(LIST_CHUNK);
    if (!chunk)
        return -ENOMEM;
    for (;;) {
        struct file_request rq = { .kind = FILE_LIST, .buf = chunk, .size = LIST_CHUNK };
        int64_t n = async__file_on(f, &rq, "async_scandir", "list");
        if (n <= 0)
            return (int)n;
        ASYNC_TRY(yield_entries(chunk, n));
    }
}

ASYNC__MAKE(entries, "async_scandir", list_directory, (const char *)path)

struct async_dir_entries async_scandir(const char *path)
{
    return (struct async_dir_entries){ .gen.co = entries(path) };
}
