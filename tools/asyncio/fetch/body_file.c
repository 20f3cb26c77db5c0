/* SPDX-License-Identifier: MIT */
/* body_file.c - write files under a temporary name, and rename them when they are complete. */
#include "body_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { NAME_TRIES = 100 };

int body_dir_open(const char *path)
{
    if (mkdir(path, 0777) < 0 && errno != EEXIST)
        return -errno;
    int dir = open(path, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
    if (dir < 0)
        return -errno;
    if (faccessat(dir, ".", W_OK | X_OK, AT_EACCESS) < 0) {
        int error = -errno;
        close(dir);
        return error;
    }
    return dir;
}

/* Create a new file beneath dir. If the kernel lacks openat2(), or a sandbox forbids it, O_EXCL
 * has the same effect for a name without slashes, because it does not follow links either. */
static int create_file(int dir, const char *name)
{
    struct open_how how = {
        .flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
        .mode = 0666,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
    };
    int fd;
    do
        fd = (int)syscall(SYS_openat2, dir, name, &how, sizeof how);
    while (fd < 0 && (errno == EINTR || errno == EAGAIN));
    if (fd < 0 && (errno == ENOSYS || errno == EPERM))
        fd = openat(dir, name, (int)how.flags, (mode_t)how.mode);
    return fd < 0 ? -errno : fd;
}

static bool file_exists(int dir, const char *name)
{
    struct stat st;
    return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* NAME.part may exist already: it belongs to another request of this run, to a run that was
 * killed, or to the user. These cannot be distinguished, so use the next free name. */
int body_file_begin(struct body_file *f, int dir, const char *name, bool overwrite)
{
    *f = (struct body_file){ .dir = dir, .overwrite = overwrite };
    if (strlen(name) > FILE_NAME_MAX || !*name || strchr(name, '/'))
        return -EINVAL;
    snprintf(f->name, sizeof f->name, "%s", name);
    if (!overwrite && file_exists(dir, name))
        return -EEXIST;
    snprintf(f->part, sizeof f->part, "%s.part", name);
    int fd = create_file(dir, f->part);
    for (int i = 1; fd == -EEXIST && i < NAME_TRIES; i++) {
        snprintf(f->part, sizeof f->part, "%s.%d.part", name, i);
        fd = create_file(dir, f->part);
    }
    if (fd < 0)
        return fd;
    f->fd = fd;
    f->open = true;
    return 0;
}

int body_file_write(struct body_file *f, const void *bytes, size_t n)
{
    const char *p = bytes;
    while (n) {
        ssize_t done = write(f->fd, p, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return -errno;
        p += done;
        n -= (size_t)done;
        f->written += (uint64_t)done;
    }
    return 0;
}

/* Rename a file, and fail rather than replace another one. If the file system cannot do that in one
 * step, link() does not replace either. If it can do neither, this fails. */
static int rename_without_replacing(int dir, const char *from, const char *to)
{
    if (renameat2(dir, from, dir, to, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -errno;
    if (linkat(dir, from, dir, to, 0) < 0)
        return -errno;
    unlinkat(dir, from, 0);
    return 0;
}

static int rename_to_final_name(struct body_file *f)
{
    if (!f->overwrite)
        return rename_without_replacing(f->dir, f->part, f->name);
    return renameat(f->dir, f->part, f->dir, f->name) < 0 ? -errno : 0;
}

int body_file_commit(struct body_file *f, bool sync)
{
    int r = sync && fsync(f->fd) < 0 ? -errno : 0;
    f->open = false;
    /* Network file systems report a full disk only when the file is closed. */
    if (close(f->fd) < 0 && r == 0 && errno != EINTR)
        r = -errno;
    if (r == 0)
        r = rename_to_final_name(f);
    if (r < 0)
        unlinkat(f->dir, f->part, 0);
    else if (sync && fsync(f->dir) < 0) /* so that the name is on the disk, too */
        r = errno == EINVAL ? 0 : -errno;
    return r;
}

void body_file_abort(struct body_file *f)
{
    if (!f->open)
        return;
    close(f->fd);
    f->open = false;
    unlinkat(f->dir, f->part, 0);
}
