/* SPDX-License-Identifier: MIT */
/* file.h - one call on files: what both engines are given. It lies in the frame of the task that waits for it.
 *
 * What allocates memory is not done here but by the task: a worker only calls the system. */
#ifndef FILE_FILE_H
#define FILE_FILE_H

#include <asyncio/file.h>

#include "pool/thread.h"

enum file_call {
    FILE_OPEN, /* path, flags, mode: a descriptor of something with offsets, or of a directory if that is asked for */
    FILE_CLOSE, /* fd; path: it is removed, or NULL */
    FILE_SLURP, /* path, buf, size: how much there was; size if there may be more */
    FILE_READ, /* fd, buf, size, offset: as many as there are at the moment, 0 at the end. whole: to size or the end */
    FILE_WRITE, /* fd, data, size, offset: all; done says how much, also after an error */
    FILE_COPY, /* fd, offset, other, other_offset, size: some, 0 at the end. done: in the first, of how many */
    FILE_SYNC,    /* fd; flags: data only */
    FILE_RESIZE,  /* fd, offset */
    FILE_STATUS,  /* fd or path, status; flags as for fstatat() */
    FILE_RENAME,  /* path, to */
    FILE_UNLINK,  /* path; flags as for unlinkat() */
    FILE_MKDIR,   /* path, mode */
    FILE_LIST,    /* fd, buf, size: a chunk of struct dirent64, 0 at the end */
    FILE_MODE,    /* fd, mode */
    FILE_REPLACE, /* path, data, size, mode; flags: durable */
    FILE_TEMPORARY, /* path: its directory; buf, size: room for the name. A descriptor; flags: it keeps its name */
    FILE_CALLS,
};

/* The system calls in them, by which a test may answer in the kernel's place. */
enum file_sys {
    SYS_OPEN = 1,
    SYS_STATUS,
    SYS_READ,
    SYS_WRITE,
    SYS_CLOSE,
    SYS_COPY,
    SYS_SYNC,
    SYS_OTHER, /* the one call of the others */
};

enum { FILE_NAME = 24 }; /* of a temporary file, with its '\0' */

struct file_op {
    struct job job;
    enum file_call call;
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
    uint32_t fault; /* injected by a test, see sys.h; 0: none */
    int64_t result;
    bool over; /* it was made */

    /* The ring's. */
    struct file_op *next;
    async_task *waiter;
    uint8_t state;
    uint8_t pending; /* completions to come */
    uint8_t slot;
    bool left; /* cancelled: an interrupted call was not made */
};

/* Make the call, here and now, on any thread: op->result. */
void async__file_call(struct file_op *op);

/* Let it be made, and wait: its result; or why it was not made, and then op->over is false. t is past its checkpoint, what:
 * the await_ that it is in. Without a sentence yet. */
int64_t async__file_do(async_task *t, struct file_op *op, const char *what);

/* All of an await_ but its arguments: with the checkpoint, and the sentence "cannot VERB PATH". */
int64_t async__file_try(struct file_op *op, const char *what, const char *verb, const char *path);

/* The sentence alone: r. */
int async__file_failed(int64_t r, const char *verb, const char *path);

/* --- what the layer keeps for each loop --- */

struct uring;

struct files {
    struct loop_module module; /* first */
    struct uring *uring;       /* from the first call on; NULL: none */
    bool no_uring;             /* there will be none */
    int open;                  /* files that are open */
};

/* That of l, allocated at the first call. NULL: no memory. */
struct files *async__files(struct loop *l);

/* --- open files --- */

struct async_file {
    uint64_t home; /* serial number of its loop */
    int64_t position; /* of the stream that it is part of, behind what that has read */
    unsigned uses; /* calls under way: the descriptor and this record stay until the last one has returned */
    int fd; /* -1: none any more */
    bool closed, dropped, appends;
    pid_t named; /* the process by which it is closed takes its path away; 0: nobody does */
    char path[];
};

/* A record without a descriptor yet, with room for so many bytes behind the path. NULL: no memory. */
async_file *async__file_new(const char *path, size_t room);

/* It has one now. */
void async__file_has(async_file *f, int fd);

/* All of an await_ on f but its arguments. _use: t is past its checkpoint. */
int64_t async__file_on(async_file *f, struct file_op *op, const char *what, const char *verb);
int64_t async__file_use(async_task *t, async_file *f, struct file_op *op, const char *what,
                        const char *verb);

#endif
