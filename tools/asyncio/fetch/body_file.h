/* SPDX-License-Identifier: MIT */
/* body_file.h - write response bodies to files in one directory, and nowhere else.
 *
 * A file is written as NAME.part and renamed when it is complete, so that NAME is never half a
 * file. A server that chooses names, or a user who plants symbolic links in the directory, gains
 * nothing: names are cleaned (file_name.h), links are not followed, and no existing file is
 * replaced unless the user has allowed it. The unfinished file is locked (flock()) as long as it is
 * written. So one without a lock was left by a run that was killed, and is replaced or continued.
 * These are plain system calls, which may block for as long as the disk takes. */
#ifndef FETCH_BODY_FILE_H
#define FETCH_BODY_FILE_H

#include "file_name.h"

#include <stdbool.h>

/* Open a directory, or create it; its parent must exist. Returns a descriptor or a negative errno:
 * -EACCES also if no file can be created in it, so that a run fails before its first request. */
int body_dir_open(const char *path);

struct body_file { /* zeroed: no file is open */
    int dir, fd;   /* dir is borrowed */
    bool open, overwrite;
    uint64_t written; /* bytes in the file */
    char name[FILE_NAME_MAX + 1];
    char part[FILE_NAME_MAX + 16]; /* the name until the file is complete */
};

/* Begin a file with a name from file_name.h. Returns 0; -EEXIST if it exists and overwrite is
 * false; or another negative errno. */
int body_file_begin(struct body_file *f, int dir, const char *name, bool overwrite);

/* Continue the unfinished file that an earlier attempt or run has left for that name, with its
 * end. Returns 0, and its size in f->written; -ENOENT if there is none that may be continued; or
 * an error as body_file_begin(). */
int body_file_continue(struct body_file *f, int dir, const char *name, bool overwrite);

/* Make the unfinished file empty again. Returns 0 or a negative errno. */
int body_file_restart(struct body_file *f);

/* Write all n bytes. Returns 0, -ENOSPC, -EDQUOT, -EFBIG or -EIO. After an error, call
 * body_file_abort(). */
int body_file_write(struct body_file *f, const void *bytes, size_t n);

/* Close the file and give it its name.
 *
 * sync       also wait until the file is on the disk.
 * Returns    0; -EEXIST if a file of that name has appeared meanwhile; or another negative errno.
 *            After an error no file is left, unless it was the directory that could not be
 *            synced. */
int body_file_commit(struct body_file *f, bool sync);

/* Close the unfinished file, and leave it for body_file_continue(). */
void body_file_keep(struct body_file *f);

/* Remove the unfinished file. Does nothing if none is open. */
void body_file_abort(struct body_file *f);

#endif
