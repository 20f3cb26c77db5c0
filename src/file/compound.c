/* SPDX-License-Identifier: MIT */
/* compound.c - requests that take several system calls. They run in one go on one thread, because
 * the way to a thread and back costs more than the calls. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "file/syscalls.h"

enum { COPY_CHUNK = 64 * 1024, ATTEMPTS = 100 };

/* --- a small file --- */

/* The type of the file is not checked, because a read at an offset fails for a directory and for a
 * file without offsets. A file that the kernel generates may have nothing to read at the moment;
 * then wait for it. */
int64_t async__compound_read_whole(struct file_request *rq)
{
    int fd = async__syscall_open_any(rq, rq->path, O_RDONLY, 0);
    if (fd < 0)
        return fd;
    int64_t r = async__syscall_read_all(rq, fd, rq->buf, rq->size, 0);
    if (r == -EAGAIN && fcntl(fd, F_SETFL, 0) == 0)
        r = async__syscall_read_all(rq, fd, rq->buf, rq->size, 0);
    return async__syscall_close(rq, fd, r);
}

/* --- copying --- */

static bool is_same_open_file(int a, int b)
{
    struct stat x, y;
    return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* Would bytes be overwritten before they are read? The kernel refuses that, but it sees only one
 * piece of the copy. */
static bool copy_overlaps(const struct file_request *rq, size_t size)
{
    struct stat st;
    if (!is_same_open_file(rq->fd, rq->other) || fstat(rq->fd, &st) < 0)
        return false;
    int64_t apart = rq->offset - rq->other_offset, left = st.st_size - rq->offset;
    return left > 0 &&
           (apart < 0 ? -apart : apart) < ((uint64_t)left < size ? left : (int64_t)size);
}

/* Copy one chunk by reading and writing. */
static int64_t copy_chunk(struct file_request *rq)
{
    char chunk[COPY_CHUNK];
    size_t size = rq->size < sizeof chunk ? rq->size : sizeof chunk;
    int64_t n = async__syscall_read(rq, rq->fd, chunk, size, rq->offset);
    struct file_request out = { .data = chunk, .offset = rq->other_offset, .fault = rq->fault };
    if (n <= 0)
        return n;
    out.size = (size_t)n;
    int64_t r = async__syscall_write_all(&out, rq->other);
    return r < 0 ? r : n;
}

/* Copy by copy_file_range(). If the kernel cannot do that for these two files, or finds nothing, as
 * with files in /proc, read and write instead. */
int64_t async__compound_copy(struct file_request *rq)
{
    off_t from = rq->offset, to = rq->other_offset;
    size_t size = rq->size;
    if (rq->offset < 0 || rq->other_offset < 0 || (rq->done > size && copy_overlaps(rq, rq->done)))
        return -EINVAL;
    int64_t n =
            SYSCALL(rq, SYS_COPY, &size, copy_file_range(rq->fd, &from, rq->other, &to, size, 0));
    if (n > 0)
        return n;
    switch (-n) {
    case 0: /* the end of the file, or a file in /proc */
    case EXDEV:
    case ENOSYS:
    case EOPNOTSUPP:
        return copy_chunk(rq);
    case EINVAL:
    case EPERM:
        return is_same_open_file(rq->fd, rq->other) ? n : copy_chunk(rq);
    default:
        return n;
    }
}

/* --- temporary files --- */

/* Make a name that cannot be guessed. Returns false if there are no random numbers. */
static bool make_temporary_name(char name[FILE_NAME])
{
    static const char letters[] = "0123456789abcdefghijklmnopqrstuv";
    static const char start[] = ".tmp-";
    unsigned char bytes[FILE_NAME - sizeof start];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return false;
    strcpy(name, start);
    for (size_t i = 0; i < sizeof bytes; i++)
        name[sizeof start - 1 + i] = letters[bytes[i] % 32];
    name[FILE_NAME - 1] = '\0';
    return true;
}

/* Create a file with a new name. The first dir bytes of buf are its directory with the '/'; the
 * name is written behind them. Returns a descriptor. */
static int64_t create_unique(struct file_request *rq, char *buf, size_t dir, size_t room,
                             mode_t mode)
{
    if (room < dir + FILE_NAME)
        return -ENAMETOOLONG;
    for (int i = 0;; i++) {
        if (!make_temporary_name(buf + dir))
            return -errno;
        int64_t fd =
                SYSCALL(rq, SYS_OPEN, NULL, open(buf, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode));
        if (fd != -EEXIST || i == ATTEMPTS)
            return fd;
    }
}

/* Where O_TMPFILE is not supported, a file without a name has one for a moment. */
int64_t async__compound_temporary(struct file_request *rq)
{
    int64_t fd = -EOPNOTSUPP;
    size_t dir = strlen(rq->path);
    if (!rq->flags)
        fd = SYSCALL(rq, SYS_OPEN, NULL, open(rq->path, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    if (fd >= 0 || (fd != -EOPNOTSUPP && fd != -EISDIR && fd != -EINVAL))
        return fd;
    memcpy(rq->buf, rq->path, dir);
    rq->buf[dir++] = '/';
    fd = create_unique(rq, rq->buf, dir, rq->size, 0600);
    if (fd >= 0 && !rq->flags)
        unlink(rq->buf);
    return fd;
}

/* --- replacing a file --- */

struct replaced {
    char path[PATH_MAX]; /* the file; if the path is a symbolic link, what that leads to */
    bool exists;
    mode_t mode;
};

/* Find out what is replaced: *old. Returns 0 or a negative errno. */
static int64_t find_replaced(struct file_request *rq, struct replaced *old)
{
    struct stat st;
    size_t length = strlen(rq->path);
    if (length >= sizeof old->path)
        return -ENAMETOOLONG;
    memcpy(old->path, rq->path, length + 1);
    old->exists = false;
    int64_t r = SYSCALL(rq, SYS_STATUS, NULL, lstat(rq->path, &st));
    if (r == 0 && S_ISLNK(st.st_mode)) {
        if (!realpath(rq->path, old->path))
            return -errno;
        r = SYSCALL(rq, SYS_STATUS, NULL, lstat(old->path, &st));
    }
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    if (!S_ISREG(st.st_mode))
        return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
    old->exists = true;
    old->mode = st.st_mode & PERMISSIONS;
    return 0;
}

static size_t dir_length(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) + 1 : 0;
}

/* Write the content, set the permissions, and close fd. */
static int64_t fill_replacement(struct file_request *rq, int fd, const struct replaced *old)
{
    int64_t r = async__syscall_write_all(rq, fd);
    if (r == 0 && old->exists && fchmod(fd, old->mode) < 0)
        r = -errno;
    if (r == 0 && rq->flags)
        r = SYSCALL(rq, SYS_SYNC, NULL, fsync(fd));
    return async__syscall_close(rq, fd, r);
}

/* Wait until the new name is on the disk. path is cut to its directory. */
static int64_t sync_dir(struct file_request *rq, char *path)
{
    path[dir_length(path)] = '\0';
    const char *dir = path[0] ? path : ".";
    int64_t fd = SYSCALL(rq, SYS_OPEN, NULL, open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (fd < 0)
        return fd;
    int64_t r = SYSCALL(rq, SYS_SYNC, NULL, fsync((int)fd));
    return async__syscall_close(rq, (int)fd, r);
}

int64_t async__compound_replace(struct file_request *rq)
{
    struct replaced old;
    char path[PATH_MAX];
    int64_t r = find_replaced(rq, &old);
    if (r < 0)
        return r;
    size_t dir = dir_length(old.path);
    memcpy(path, old.path, dir);
    /* The content of a file that exists may be secret, so the new one is from its first byte on. */
    mode_t mode = old.exists ? 0600 : rq->mode;
    int64_t fd = create_unique(rq, path, dir, sizeof path, mode);
    if (fd < 0)
        return fd;
    r = fill_replacement(rq, (int)fd, &old);
    if (r == 0)
        r = SYSCALL(rq, SYS_OTHER, NULL, rename(path, old.path));
    if (r < 0) {
        unlink(path);
        return r;
    }
    return rq->flags ? sync_dir(rq, old.path) : 0;
}
