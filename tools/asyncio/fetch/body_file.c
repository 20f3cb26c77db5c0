/* SPDX-License-Identifier: MIT */
/* body_file.c - write files under a temporary name, and rename them when they are complete. */
#include "body_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
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

/* Open a file beneath dir, or create a new one with flags O_CREAT and O_EXCL. If the kernel
 * lacks openat2(), or a sandbox forbids it, O_EXCL has the same effect for a name without
 * slashes, because it does not follow links either. */
static int open_file(int dir, const char *name, int flags)
{
    struct open_how how = {
        .flags = (unsigned)(flags | O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK),
        .mode = flags & O_CREAT ? 0666 : 0,
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

/* Is fd locked by now, and still the file of that name? It is not if another run has locked, and
 * perhaps removed, the file between open() and here. */
static bool lock_file(int dir, const char *name, int fd)
{
    struct stat st, named;
    return flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &st) == 0 &&
           fstatat(dir, name, &named, AT_SYMLINK_NOFOLLOW) == 0 && st.st_ino == named.st_ino &&
           st.st_dev == named.st_dev;
}

/* Open and lock an unfinished file that exists. One that is locked belongs to another request or to
 * another run; one with a second name, or of another user, may have been planted. Returns the
 * descriptor, or -ENOENT if it may not be used. */
static int open_stale_file(int dir, const char *name)
{
    struct stat st;
    int fd = open_file(dir, name, 0);
    if (fd < 0)
        return -ENOENT;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1 && st.st_uid == geteuid() &&
        lock_file(dir, name, fd))
        return fd;
    close(fd);
    return -ENOENT;
}

/* Create and lock a file. One that a killed run has left is removed first. Returns the descriptor;
 * -EEXIST if the name is in use; or another negative errno. */
static int create_file(int dir, const char *name)
{
    int fd = open_file(dir, name, O_CREAT | O_EXCL);
    int stale = fd == -EEXIST ? open_stale_file(dir, name) : -1;
    if (stale >= 0) {
        unlinkat(dir, name, 0);
        close(stale);
        fd = open_file(dir, name, O_CREAT | O_EXCL);
    }
    if (fd < 0 || lock_file(dir, name, fd))
        return fd;
    close(fd);
    return -EEXIST;
}

static int check_body_file(struct body_file *f, int dir, const char *name, bool overwrite)
{
    *f = (struct body_file){ .dir = dir, .overwrite = overwrite };
    if (strlen(name) > FILE_NAME_MAX || !*name || strchr(name, '/'))
        return -EINVAL;
    snprintf(f->name, sizeof f->name, "%s", name);
    snprintf(f->part, sizeof f->part, "%s.part", name);
    return !overwrite && file_exists(dir, name) ? -EEXIST : 0;
}

static int take_descriptor(struct body_file *f, int fd)
{
    if (fd < 0)
        return fd;
    f->fd = fd;
    f->open = true;
    return 0;
}

/* If NAME.part is in use, take the next free name. */
int body_file_begin(struct body_file *f, int dir, const char *name, bool overwrite)
{
    int r = check_body_file(f, dir, name, overwrite);
    if (r < 0)
        return r;
    int fd = create_file(dir, f->part);
    for (int i = 1; fd == -EEXIST && i < NAME_TRIES; i++) {
        snprintf(f->part, sizeof f->part, "%s.%d.part", name, i);
        fd = create_file(dir, f->part);
    }
    return take_descriptor(f, fd);
}

int body_file_continue(struct body_file *f, int dir, const char *name, bool overwrite)
{
    int r = check_body_file(f, dir, name, overwrite);
    if (r == 0)
        r = take_descriptor(f, open_stale_file(dir, f->part));
    if (r < 0)
        return r;
    off_t size = lseek(f->fd, 0, SEEK_END);
    f->written = size > 0 ? (uint64_t)size : 0;
    return 0;
}

int body_file_restart(struct body_file *f)
{
    f->written = 0;
    return ftruncate(f->fd, 0) < 0 || lseek(f->fd, 0, SEEK_SET) < 0 ? -errno : 0;
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

/* The file is renamed while it is still locked, so that no other run takes it for a stale one. */
int body_file_commit(struct body_file *f, bool sync)
{
    int r = sync && fsync(f->fd) < 0 ? -errno : 0;
    int lock = fcntl(f->fd, F_DUPFD_CLOEXEC, 3);
    f->open = false;
    /* Network file systems report a full disk only when the file is closed. */
    if (close(f->fd) < 0 && r == 0 && errno != EINTR)
        r = -errno;
    if (r == 0)
        r = rename_to_final_name(f);
    if (r < 0)
        unlinkat(f->dir, f->part, 0);
    if (lock >= 0)
        close(lock);
    if (r == 0 && sync && fsync(f->dir) < 0) /* so that the name is on the disk, too */
        r = errno == EINVAL ? 0 : -errno;
    return r;
}

void body_file_keep(struct body_file *f)
{
    if (f->open)
        close(f->fd);
    f->open = false;
}

void body_file_abort(struct body_file *f)
{
    if (!f->open)
        return;
    unlinkat(f->dir, f->part, 0); /* while it is still locked */
    close(f->fd);
    f->open = false;
}
