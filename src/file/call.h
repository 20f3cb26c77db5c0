/* SPDX-License-Identifier: MIT */
/* call.h - system calls on files, as a worker makes them. Nothing here knows of a loop or allocates memory. All return
 * what the kernel does, errors as a negative errno; a call that was interrupted is made again. */
#ifndef FILE_CALL_H
#define FILE_CALL_H

#include <unistd.h>

#include "base/sys.h"
#include "file/file.h"

/* Whether a test has another answer than the kernel: errno. Or a smaller *size, which may be NULL. */
static inline bool refused(struct file_op *op, enum file_sys call, size_t *size)
{
    int err = async__sys.apply_file_fault(&op->fault, (int)call, size);
    errno = err;
    return err != 0;
}

/* Of a file's mode, what another file may be given: the owner may be another one, and setuid is not for him. */
enum { PERMISSIONS = 0777 };

#define CALL(op, call, size, expr)                                                                 \
    __extension__({                                                                                \
        int64_t n_;                                                                                \
        do                                                                                         \
            n_ = refused((op), (call), (size)) ? -1 : (int64_t)(expr);                             \
        while (n_ < 0 && errno == EINTR);                                                          \
        n_ < 0 ? -errno : n_;                                                                      \
    })

/* A descriptor of whatever it is, with O_NONBLOCK; -ESPIPE if that can be told already. */
int async__call_open_any(struct file_op *op, const char *path, int flags, mode_t mode);

/* The same, after looking at what it is: -EISDIR, -ESPIPE. */
int async__call_open(struct file_op *op, const char *path, int flags, mode_t mode);

/* The descriptor is gone, whatever it says. r if that is an error, else what closing says. */
int64_t async__call_close(struct file_op *op, int fd, int64_t r);

int64_t async__call_read(struct file_op *op, int fd, char *buf, size_t size, int64_t offset);

/* To size or the end. */
int64_t async__call_read_all(struct file_op *op, int fd, char *buf, size_t size, int64_t offset);

/* From op->done on, which moves: 0. */
int64_t async__call_write_all(struct file_op *op, int fd);

/* Those of several steps. */
int64_t async__call_slurp(struct file_op *op);
int64_t async__call_copy(struct file_op *op);
int64_t async__call_replace(struct file_op *op);
int64_t async__call_temporary(struct file_op *op);

#endif
