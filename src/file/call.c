/* SPDX-License-Identifier: MIT */
#include "file/call.h"

#include <dirent.h>
#include <stdio.h>

/* Without offsets there is no position, no reading again, and perhaps no end of waiting. */
static int look_at(struct file_op *op, int fd, int flags)
{
    struct stat st;
    int64_t r = CALL(op, SYS_STATUS, NULL, fstat(fd, &st));
    if (r < 0)
        return (int)r;
    if (S_ISDIR(st.st_mode))
        return flags & O_DIRECTORY ? 0 : -EISDIR;
    if (!S_ISREG(st.st_mode) && lseek(fd, 0, SEEK_CUR) < 0)
        return -errno;
    return flags & O_NONBLOCK || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) == 0 ? 0 : -errno;
}

/* O_NONBLOCK: to open a FIFO, or a terminal, would wait for its other end; they are refused afterwards. */
int async__call_open_any(struct file_op *op, const char *path, int flags, mode_t mode)
{
    int more = O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    int64_t fd = CALL(op, SYS_OPEN, NULL, open(path, flags | more, mode));
    return fd == -ENXIO ? -ESPIPE : (int)fd; /* a FIFO that nobody reads, a socket */
}

int async__call_open(struct file_op *op, const char *path, int flags, mode_t mode)
{
    int fd = async__call_open_any(op, path, flags, mode);
    int r = fd < 0 ? 0 : look_at(op, fd, flags);
    if (r == 0)
        return fd;
    async__sys.close(fd);
    return r;
}

/* Not again after EINTR: the number may be somebody else's by then. */
int64_t async__call_close(struct file_op *op, int fd, int64_t r)
{
    int err = refused(op, SYS_CLOSE, NULL) ? errno : 0;
    if (async__sys.close(fd) < 0 && !err)
        err = errno;
    return r < 0 || !err || err == EINTR ? r : -err;
}

int64_t async__call_read(struct file_op *op, int fd, char *buf, size_t size, int64_t offset)
{
    return CALL(op, SYS_READ, &size, pread(fd, buf, size, offset));
}

int64_t async__call_read_all(struct file_op *op, int fd, char *buf, size_t size, int64_t offset)
{
    size_t got = 0;
    while (got < size) {
        int64_t n = async__call_read(op, fd, buf + got, size - got, offset + (int64_t)got);
        if (n < 0)
            return n;
        if (n == 0)
            break;
        got += (size_t)n;
    }
    return (int64_t)got;
}

int64_t async__call_write_all(struct file_op *op, int fd)
{
    while (op->done < op->size) {
        size_t size = op->size - op->done;
        int64_t n = CALL(op, SYS_WRITE, &size,
                         pwrite(fd, op->data + op->done, size, op->offset + (int64_t)op->done));
        if (n <= 0)
            return n < 0 ? n : -EIO;
        op->done += (size_t)n;
    }
    return 0;
}

static int64_t read_some(struct file_op *op)
{
    return op->whole ? async__call_read_all(op, op->fd, op->buf, op->size, op->offset)
                     : async__call_read(op, op->fd, op->buf, op->size, op->offset);
}

static int status_of(const struct file_op *op)
{
    return op->path ? fstatat(AT_FDCWD, op->path, op->status, op->flags) : fstat(op->fd, op->status);
}

/* Those that are one call and its result. */
static int one_call(const struct file_op *op)
{
    switch (op->call) {
    case FILE_RESIZE:
        return ftruncate(op->fd, op->offset);
    case FILE_STATUS:
        return status_of(op);
    case FILE_RENAME:
        return rename(op->path, op->to);
    case FILE_UNLINK:
        return unlinkat(AT_FDCWD, op->path, op->flags);
    case FILE_MKDIR:
        return mkdir(op->path, op->mode);
    case FILE_MODE:
        return fchmod(op->fd, op->mode);
    default:
        return (int)getdents64(op->fd, op->buf, op->size);
    }
}

static int64_t result_of(struct file_op *op)
{
    switch (op->call) {
    case FILE_OPEN:
        return async__call_open(op, op->path, op->flags, op->mode);
    case FILE_CLOSE:
        if (op->path)
            unlink(op->path);
        return async__call_close(op, op->fd, 0);
    case FILE_SLURP:
        return async__call_slurp(op);
    case FILE_READ:
        return read_some(op);
    case FILE_WRITE:
        return async__call_write_all(op, op->fd);
    case FILE_COPY:
        return async__call_copy(op);
    case FILE_SYNC:
        return CALL(op, SYS_SYNC, NULL, op->flags ? fdatasync(op->fd) : fsync(op->fd));
    case FILE_REPLACE:
        return async__call_replace(op);
    case FILE_TEMPORARY:
        return async__call_temporary(op);
    default:
        return CALL(op, SYS_OTHER, NULL, one_call(op));
    }
}

void async__file_call(struct file_op *op)
{
    op->result = result_of(op);
    op->over = true;
}
