/* SPDX-License-Identifier: MIT */
/* file_open.c - the kernel follows a path without leaving a folder if openat2() is told so. Where
 * that is missing, each folder on the way is opened by itself, and no symbolic link is followed. */
#include "file_open.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* O_NONBLOCK: a FIFO would wait for a writer. */
#define READ_FLAGS (O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)

static int open_resolved(int folder, const char *path)
{
    struct open_how how = { .flags = READ_FLAGS,
                            .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS };
    int fd = (int)syscall(SYS_openat2, folder, path, &how, sizeof how);
    return fd < 0 ? -errno : fd;
}

/* Open the next part of a path, of n bytes. */
static int open_step(int folder, const char *name, size_t n, bool last)
{
    char step[256];
    if (n >= sizeof step)
        return -ENAMETOOLONG;
    memcpy(step, name, n);
    step[n] = '\0';
    if (strcmp(step, "..") == 0)
        return -EXDEV;
    int fd = openat(folder, step,
                    last ? READ_FLAGS | O_NOFOLLOW : O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    return fd < 0 ? -errno : fd;
}

static int open_stepwise(int folder, const char *path)
{
    int at = folder;
    if (*path == '/')
        return -EXDEV;
    for (;;) {
        size_t n = strcspn(path, "/");
        const char *rest = path + n + strspn(path + n, "/");
        int fd = open_step(at, path, n, *rest == '\0');
        if (at != folder)
            close(at);
        if (fd < 0 || *rest == '\0')
            return fd;
        at = fd;
        path = rest;
    }
}

static int open_below(int folder, const char *path)
{
    static bool missing; /* set once by any thread, and never reset */
    int fd = __atomic_load_n(&missing, __ATOMIC_RELAXED) ? -ENOSYS : open_resolved(folder, path);
    if (fd != -ENOSYS && fd != -EPERM)
        return fd;
    if (fd == -ENOSYS)
        __atomic_store_n(&missing, true, __ATOMIC_RELAXED);
    return open_stepwise(folder, path);
}

/* Open a path below folder, and read its status. */
static int open_path(struct web_file *f, int folder, const char *path)
{
    f->fd = open_below(folder, path);
    if (f->fd < 0)
        return f->fd;
    return fstat(f->fd, &f->st) < 0 ? -errno : 0;
}

/* The path is a folder: open its index. */
static int open_index(struct web_file *f)
{
    int folder = f->fd;
    int r = *f->index ? open_path(f, folder, f->index) : -ENOENT;
    close(folder);
    f->is_index = true;
    if (!*f->index)
        f->fd = -1;
    return r;
}

/* Many errors mean that there is no such file: a part of the path is no folder, a link leads out of
 * it or in circles, a name is too long, a socket cannot be opened. */
static int file_error(int r)
{
    switch (r) {
    case -ENOTDIR:
    case -EXDEV:
    case -ELOOP:
    case -ENAMETOOLONG:
    case -ENXIO:
    case -ENODEV:
    case -EISDIR:
    case -EAGAIN: /* something was renamed on the way, again and again */
        return -ENOENT;
    case -EPERM:
        return -EACCES;
    default:
        return r;
    }
}

int web_file_open(struct web_file *f)
{
    f->fd = -1;
    f->is_index = false;
    int folder = open(f->folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return file_error(-errno);
    int r = open_path(f, folder, *f->path ? f->path : ".");
    close(folder);
    if (r == 0 && S_ISDIR(f->st.st_mode))
        r = open_index(f);
    if (r == 0 && !S_ISREG(f->st.st_mode))
        r = -ENOENT;
    if (r < 0 && f->fd >= 0)
        close(f->fd);
    if (r < 0)
        f->fd = -1;
    return file_error(r);
}
