/* SPDX-License-Identifier: MIT */
/* file.h - requests for system calls on files, and the record of an open file.
 *
 * A request describes a system call, or several in a row, that are made outside of the loop: by a
 * thread of the pool, or by io_uring. It lies in the stack frame of the task that waits for it. The
 * task allocates all memory beforehand, so a thread makes system calls only. */
#ifndef FILE_FILE_H
#define FILE_FILE_H

#include <asyncio/file.h>

#include "pool/job.h"

/* The kinds of requests. Each comment lists the members that a kind uses, and its result if that is
 * not 0. Every result can be a negative errno. */
enum file_request_kind {
    /* path, flags, mode. Result: a descriptor, of a file with offsets or a directory
     * (O_DIRECTORY) */
    FILE_OPEN,
    /* fd; path is removed unless it is NULL */
    FILE_CLOSE,
    /* path, buf, size. Result: the number of bytes; if it is size, there may be more */
    FILE_READ_WHOLE,
    /* fd, buf, size, offset; whole: read until size bytes or the end. Result: the number of
     * bytes */
    FILE_READ,
    /* fd, data, size, offset. done receives the number of bytes, also after an error */
    FILE_WRITE,
    /* fd, offset, other, other_offset, size. In the first request of a copy, done is the number of
     * bytes of the whole copy. Result: the number of bytes, 0 at the end */
    FILE_COPY,
    FILE_SYNC,    /* fd; flags: data only */
    FILE_RESIZE,  /* fd, offset */
    FILE_STATUS,  /* fd or path, status; flags as for fstatat() */
    FILE_RENAME,  /* path, to */
    FILE_UNLINK,  /* path; flags as for unlinkat() */
    FILE_MKDIR,   /* path, mode */
    FILE_LIST,    /* fd, buf, size. Result: bytes of struct dirent64 in buf, 0 at the end */
    FILE_MODE,    /* fd, mode */
    FILE_REPLACE, /* path, data, size, mode; flags: durable */
    /* path: the directory; buf, size: room for the name; flags: it keeps its name. Result: a
     * descriptor */
    FILE_TEMPORARY,
    FILE_REQUEST_KINDS,
};

/* The system calls in a request. A test can inject an error into each. */
enum file_sys {
    SYS_OPEN = 1,
    SYS_STATUS,
    SYS_READ,
    SYS_WRITE,
    SYS_CLOSE,
    SYS_COPY,
    SYS_SYNC,
    SYS_OTHER, /* the system call of a kind that makes only one */
};

/* Bytes of the name of a temporary file, with its '\0'. */
enum { FILE_NAME = 24 };

struct file_request {
    struct job job;
    enum file_request_kind kind;
    int fd, other;
    int flags;
    mode_t mode;
    bool whole;
    const char *path, *to;
    char *buf;
    const char *data;
    size_t size;
    int64_t offset, other_offset;
    struct stat *status;
    size_t done;
    /* The injected fault that it may meet, chosen by async__sys.draw_file_fault(). */
    uint32_t fault;
    int64_t result;
    bool made; /* the system calls were made, and result is set */

    /* Used by io_uring only. */
    struct file_request *next; /* in the queue */
    async_task *waiter;
    uint8_t state;
    uint8_t pending; /* completions that are still to come */
    uint8_t slot;    /* in the ring's table of open files */
    bool cancelled;  /* the task was cancelled, so an interrupted call is not repeated */
};

/* Make the system calls of a request on the calling thread, and set its result. */
void async__file_execute(struct file_request *rq);

/* Pass a request to io_uring or to a thread, and wait. The checkpoint of t has been passed; `what`
 * is the public function that waits. Returns the result, without a message; or the reason why the
 * system calls were not made, and then rq->made is false. */
int64_t async__file_request(async_task *t, struct file_request *rq, const char *what);

/* Pass the checkpoint, make a request, and attach the message "cannot VERB PATH" to an error. */
int64_t async__file_try(struct file_request *rq, const char *what, const char *verb,
                        const char *path);

/* Attach that message to the error r. Returns r. */
int async__file_failed(int64_t r, const char *verb, const char *path);

/* --- what the layer keeps for each loop --- */

struct uring;

struct files {
    struct loop_module module; /* first */
    struct uring *uring;       /* opened at the first request; NULL: none */
    bool no_uring;             /* io_uring is not wanted or cannot be had */
    int open;                  /* how many files are open */
};

/* Return the state of l, which is allocated at the first call. NULL if there is no memory. */
struct files *async__files(struct loop *l);

/* --- open files --- */

struct async_file {
    uint64_t home;    /* serial number of its loop */
    int64_t position; /* of a stream, behind the bytes that were read ahead */
    unsigned uses; /* calls under way; the descriptor and the record stay until the last returns */
    int fd;        /* -1 if it is closed */
    bool closed, dropped, appends;
    pid_t named; /* the process that removes the path when it closes the file; 0: none does */
    char path[];
};

/* Allocate a record that has no descriptor yet, with `room` more bytes behind the path. Returns
 * NULL if there is no memory. */
async_file *async__file_new(const char *path, size_t room);

/* Give f its descriptor. */
void async__file_set_fd(async_file *f, int fd);

/* Begin a call on f: its descriptor and its record stay until async__file_leave(), also if f is
 * closed or dropped meanwhile. Returns 0; -EPERM if f belongs to another loop; or -EBADF, with the
 * message "cannot VERB PATH", if it is closed. */
int async__file_enter(async_file *f, const char *what, const char *verb);

/* A call on f has returned. If it was the last one, and f is closed, close the descriptor. */
void async__file_leave(async_file *f);

/* Make a request on f, with a message if it fails. async__file_on() passes the checkpoint first;
 * for the others the checkpoint of t has been passed. async__file_make() is for a call that has
 * entered f. */
int64_t async__file_make(async_task *t, async_file *f, struct file_request *rq, const char *what,
                         const char *verb);
int64_t async__file_on(async_file *f, struct file_request *rq, const char *what, const char *verb);
int64_t async__file_use(async_task *t, async_file *f, struct file_request *rq, const char *what,
                        const char *verb);

#endif
