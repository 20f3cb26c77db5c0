/* SPDX-License-Identifier: MIT */
/* syscalls.h - system calls on files, on any thread.
 *
 * No function here uses a loop or allocates memory. Each returns what the system call does, or a
 * negative errno, and repeats a call that was interrupted by a signal. */
#ifndef FILE_SYSCALLS_H
#define FILE_SYSCALLS_H

#include <unistd.h>

#include "base/sys.h"
#include "file/file.h"

/* Does a test inject an error into this system call? Then errno is set. It may also reduce *size,
 * unless size is NULL. */
static inline bool has_injected_error(struct file_request *rq, enum file_sys call, size_t *size)
{
    int err = async__sys.apply_file_fault(&rq->fault, (int)call, size);
    errno = err;
    return err != 0;
}

/* The part of a file's mode that a copy gets. Without setuid and the like, because the copy may
 * have another owner. */
enum { PERMISSIONS = 0777 };

/* Evaluate expr, a system call, until it is not interrupted. Its value is the result, or a negative
 * errno. */
#define SYSCALL(rq, call, size, expr)                                                              \
    __extension__({                                                                                \
        int64_t n_;                                                                                \
        do                                                                                         \
            n_ = has_injected_error((rq), (call), (size)) ? -1 : (int64_t)(expr);                  \
        while (n_ < 0 && errno == EINTR);                                                          \
        n_ < 0 ? -errno : n_;                                                                      \
    })

/* Open a file of any type, with O_NONBLOCK. Returns a descriptor, or -ESPIPE if the type is known
 * to have no offsets, or another negative errno. */
int async__syscall_open_any(struct file_request *rq, const char *path, int flags, mode_t mode);

/* Open a file and check its type. Returns a descriptor; -EISDIR for a directory, unless flags has
 * O_DIRECTORY; -ESPIPE for a file without offsets; or another negative errno. */
int async__syscall_open(struct file_request *rq, const char *path, int flags, mode_t mode);

/* Close fd. It is closed in any case. Returns r if that is an error, otherwise the result of
 * close(). */
int64_t async__syscall_close(struct file_request *rq, int fd, int64_t r);

int64_t async__syscall_read(struct file_request *rq, int fd, char *buf, size_t size,
                            int64_t offset);

/* Read until size bytes or the end of the file. */
int64_t async__syscall_read_all(struct file_request *rq, int fd, char *buf, size_t size,
                                int64_t offset);

/* Write the rest of rq->data, from rq->done on, which counts the bytes. Returns 0 or a negative
 * errno. */
int64_t async__syscall_write_all(struct file_request *rq, int fd);

/* --- compound.c: requests that take several system calls --- */

int64_t async__compound_read_whole(struct file_request *rq);
int64_t async__compound_copy(struct file_request *rq);
int64_t async__compound_replace(struct file_request *rq);
int64_t async__compound_temporary(struct file_request *rq);

#endif
