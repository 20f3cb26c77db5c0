/* SPDX-License-Identifier: MIT */
/* syscalls.c - single system calls on files, which are repeated if they are interrupted. */
#include "file/syscalls.h"

/* Accept only files with offsets. A FIFO or a terminal has none, and a read from it may block for
 * ever. Then make the descriptor blocking again. */
static int check_file_type(struct file_request *rq, int fd, int flags)
{
    struct stat st;
    int64_t r = SYSCALL(rq, SYS_STATUS, NULL, fstat(fd, &st));
    if (r < 0)
        return (int)r;
    if (S_ISDIR(st.st_mode))
        return flags & O_DIRECTORY ? 0 : -EISDIR;
    if (!S_ISREG(st.st_mode) && lseek(fd, 0, SEEK_CUR) < 0)
        return -errno;
    return flags & O_NONBLOCK || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) == 0 ? 0 : -errno;
}

/* O_NONBLOCK, because opening a FIFO or a terminal would wait for its other end. They are refused
 * afterwards. */
int async__syscall_open_any(struct file_request *rq, const char *path, int flags, mode_t mode)
{
    int more = O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    int64_t fd = SYSCALL(rq, SYS_OPEN, NULL, open(path, flags | more, mode));
    return fd == -ENXIO ? -ESPIPE : (int)fd; /* a FIFO without a reader, or a socket */
}

int async__syscall_open(struct file_request *rq, const char *path, int flags, mode_t mode)
{
    int fd = async__syscall_open_any(rq, path, flags, mode);
    int r = fd < 0 ? 0 : check_file_type(rq, fd, flags);
    if (r == 0)
        return fd;
    async__sys.close(fd);
    return r;
}

/* Not repeated after EINTR, because the number may belong to another file by then. */
int64_t async__syscall_close(struct file_request *rq, int fd, int64_t r)
{
    int err = has_injected_error(rq, SYS_CLOSE, NULL) ? errno : 0;
    if (async__sys.close(fd) < 0 && !err)
        err = errno;
    return r < 0 || !err || err == EINTR ? r : -err;
}

int64_t async__syscall_read(struct file_request *rq, int fd, char *buf, size_t size, int64_t offset)
{
    return SYSCALL(rq, SYS_READ, &size, pread(fd, buf, size, offset));
}

int64_t async__syscall_read_all(struct file_request *rq, int fd, char *buf, size_t size,
                                int64_t offset)
{
    size_t got = 0;
    while (got < size) {
        int64_t n = async__syscall_read(rq, fd, buf + got, size - got, offset + (int64_t)got);
        if (n < 0)
            return n;
        if (n == 0)
            break;
        got += (size_t)n;
    }
    return (int64_t)got;
}

int64_t async__syscall_write_all(struct file_request *rq, int fd)
{
    while (rq->done < rq->size) {
        size_t size = rq->size - rq->done;
        int64_t n = SYSCALL(rq, SYS_WRITE, &size,
                            pwrite(fd, rq->data + rq->done, size, rq->offset + (int64_t)rq->done));
        if (n <= 0)
            return n < 0 ? n : -EIO;
        rq->done += (size_t)n;
    }
    return 0;
}
