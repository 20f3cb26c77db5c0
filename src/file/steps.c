/* SPDX-License-Identifier: MIT */
/* steps.c - calls of several steps, on one thread in one go: the way there and back costs more than they do. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "file/call.h"

enum { COPY_CHUNK = 64 * 1024, ATTEMPTS = 100 };

/* --- a small file --- */

/* Nobody looks at what was opened: to be read at an offset is refused by what has none, and by a directory. Something that
 * the kernel makes up may have nothing to read as yet, and is waited for. */
int64_t async__call_slurp(struct file_op *op)
{
    int fd = async__call_open_any(op, op->path, O_RDONLY, 0);
    if (fd < 0)
        return fd;
    int64_t r = async__call_read_all(op, fd, op->buf, op->size, 0);
    if (r == -EAGAIN && fcntl(fd, F_SETFL, 0) == 0)
        r = async__call_read_all(op, fd, op->buf, op->size, 0);
    return async__call_close(op, fd, r);
}

/* --- copying --- */

static bool is_same(int a, int b)
{
    struct stat x, y;
    return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* Whether bytes that are still to be read would be written before. The kernel refuses that, but sees no more than a piece. */
static bool overlaps(const struct file_op *op, size_t size)
{
    struct stat st;
    if (!is_same(op->fd, op->other) || fstat(op->fd, &st) < 0)
        return false;
    int64_t apart = op->offset - op->other_offset, left = st.st_size - op->offset;
    return left > 0 && (apart < 0 ? -apart : apart) < ((uint64_t)left < size ? left : (int64_t)size);
}

/* Through our hands, a chunk. */
static int64_t carry(struct file_op *op)
{
    char chunk[COPY_CHUNK];
    size_t size = op->size < sizeof chunk ? op->size : sizeof chunk;
    int64_t n = async__call_read(op, op->fd, chunk, size, op->offset);
    struct file_op out = { .data = chunk, .offset = op->other_offset, .fault = op->fault };
    if (n <= 0)
        return n;
    out.size = (size_t)n;
    int64_t r = async__call_write_all(&out, op->other);
    return r < 0 ? r : n;
}

/* The kernel cannot for these two files; nor does it see what /proc holds. */
int64_t async__call_copy(struct file_op *op)
{
    off_t from = op->offset, to = op->other_offset;
    size_t size = op->size;
    if (op->offset < 0 || op->other_offset < 0 || (op->done > size && overlaps(op, op->done)))
        return -EINVAL;
    int64_t n = CALL(op, SYS_COPY, &size, copy_file_range(op->fd, &from, op->other, &to, size, 0));
    if (n > 0)
        return n;
    switch (-n) {
    case 0: /* or its end */
    case EXDEV:
    case ENOSYS:
    case EOPNOTSUPP:
        return carry(op);
    case EINVAL:
    case EPERM:
        return is_same(op->fd, op->other) ? n : carry(op);
    default:
        return n;
    }
}

/* --- names of our own --- */

/* A name that nobody can guess. false: no random numbers. */
static bool make_name(char name[FILE_NAME])
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

/* Write the name of a new file in a directory, the first dir bytes of buf with their '/', and create it. */
static int64_t create(struct file_op *op, char *buf, size_t dir, size_t room, mode_t mode)
{
    if (room < dir + FILE_NAME)
        return -ENAMETOOLONG;
    for (int i = 0;; i++) {
        if (!make_name(buf + dir))
            return -errno;
        int64_t fd = CALL(op, SYS_OPEN, NULL, open(buf, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode));
        if (fd != -EEXIST || i == ATTEMPTS)
            return fd;
    }
}

/* Without O_TMPFILE the name is there for a moment. */
int64_t async__call_temporary(struct file_op *op)
{
    int64_t fd = -EOPNOTSUPP;
    size_t dir = strlen(op->path);
    if (!op->flags)
        fd = CALL(op, SYS_OPEN, NULL, open(op->path, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    if (fd >= 0 || (fd != -EOPNOTSUPP && fd != -EISDIR && fd != -EINVAL))
        return fd;
    memcpy(op->buf, op->path, dir);
    op->buf[dir++] = '/';
    fd = create(op, op->buf, dir, op->size, 0600);
    if (fd >= 0 && !op->flags)
        unlink(op->buf);
    return fd;
}

/* --- replacing a file --- */

struct replaced {
    char path[PATH_MAX]; /* what is replaced, without symbolic links if it is one */
    bool there;
    mode_t mode;
};

static int64_t find_old(struct file_op *op, struct replaced *old)
{
    struct stat st;
    size_t length = strlen(op->path);
    if (length >= sizeof old->path)
        return -ENAMETOOLONG;
    memcpy(old->path, op->path, length + 1);
    old->there = false;
    int64_t r = CALL(op, SYS_STATUS, NULL, lstat(op->path, &st));
    if (r == 0 && S_ISLNK(st.st_mode)) {
        if (!realpath(op->path, old->path))
            return -errno;
        r = CALL(op, SYS_STATUS, NULL, lstat(old->path, &st));
    }
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    if (!S_ISREG(st.st_mode))
        return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
    old->there = true;
    old->mode = st.st_mode & PERMISSIONS;
    return 0;
}

static size_t dir_length(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) + 1 : 0;
}

static int64_t fill(struct file_op *op, int fd, const struct replaced *old)
{
    int64_t r = async__call_write_all(op, fd);
    if (r == 0 && old->there && fchmod(fd, old->mode) < 0)
        r = -errno;
    if (r == 0 && op->flags)
        r = CALL(op, SYS_SYNC, NULL, fsync(fd));
    return async__call_close(op, fd, r);
}

/* The new name is on the disk. */
static int64_t sync_dir(struct file_op *op, char *path)
{
    path[dir_length(path)] = '\0';
    int64_t fd =
            CALL(op, SYS_OPEN, NULL, open(path[0] ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (fd < 0)
        return fd;
    int64_t r = CALL(op, SYS_SYNC, NULL, fsync((int)fd));
    return async__call_close(op, (int)fd, r);
}

int64_t async__call_replace(struct file_op *op)
{
    struct replaced old;
    char path[PATH_MAX];
    int64_t r = find_old(op, &old);
    if (r < 0)
        return r;
    size_t dir = dir_length(old.path);
    memcpy(path, old.path, dir);
    mode_t mode = old.there ? 0600 : op->mode; /* what is to be secret is so from the first byte on */
    int64_t fd = create(op, path, dir, sizeof path, mode);
    if (fd < 0)
        return fd;
    r = fill(op, (int)fd, &old);
    if (r == 0)
        r = CALL(op, SYS_OTHER, NULL, rename(path, old.path));
    if (r < 0) {
        unlink(path);
        return r;
    }
    return op->flags ? sync_dir(op, old.path) : 0;
}
