/* SPDX-License-Identifier: MIT */
#include "body_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { TRIES = 100 };

int sink_open_dir(const char *path)
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

/* A new file of that name beneath dir. openat2() where the kernel has it and lets us; elsewhere
 * O_EXCL, which refuses links too, does the same for a name without slashes. */
static int create(int dir, const char *name)
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

static bool exists(int dir, const char *name)
{
    struct stat st;
    return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* NAME.part may be there: of another request of this run, of a run that was killed, or the user's
 * own. It is not ours to judge, so take the next free one. */
int sink_begin(struct sink *s, int dir, const char *name, bool overwrite)
{
    *s = (struct sink){ .dir = dir, .overwrite = overwrite };
    if (strlen(name) > SINK_NAME_MAX || !*name || strchr(name, '/'))
        return -EINVAL;
    snprintf(s->name, sizeof s->name, "%s", name);
    if (!overwrite && exists(dir, name))
        return -EEXIST;
    snprintf(s->part, sizeof s->part, "%s.part", name);
    int fd = create(dir, s->part);
    for (int i = 1; fd == -EEXIST && i < TRIES; i++) {
        snprintf(s->part, sizeof s->part, "%s.%d.part", name, i);
        fd = create(dir, s->part);
    }
    if (fd < 0)
        return fd;
    s->fd = fd;
    s->open = true;
    return 0;
}

int sink_write(struct sink *s, const void *bytes, size_t n)
{
    const char *p = bytes;
    while (n) {
        ssize_t done = write(s->fd, p, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return -errno;
        p += done;
        n -= (size_t)done;
        s->written += (uint64_t)done;
    }
    return 0;
}

/* rename() that never replaces. A file system that cannot do it in one step can still link(),
 * which does not replace either; one that can do neither fails, rather than replace something. */
static int rename_new(int dir, const char *from, const char *to)
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

static int give_name(struct sink *s)
{
    if (!s->overwrite)
        return rename_new(s->dir, s->part, s->name);
    return renameat(s->dir, s->part, s->dir, s->name) < 0 ? -errno : 0;
}

int sink_commit(struct sink *s, bool sync)
{
    int r = sync && fsync(s->fd) < 0 ? -errno : 0;
    s->open = false;
    /* network file systems tell of a full disk only here */
    if (close(s->fd) < 0 && r == 0 && errno != EINTR)
        r = -errno;
    if (r == 0)
        r = give_name(s);
    if (r < 0)
        unlinkat(s->dir, s->part, 0);
    else if (sync && fsync(s->dir) < 0) /* the name, too */
        r = errno == EINVAL ? 0 : -errno;
    return r;
}

void sink_abort(struct sink *s)
{
    if (!s->open)
        return;
    close(s->fd);
    s->open = false;
    unlinkat(s->dir, s->part, 0);
}
