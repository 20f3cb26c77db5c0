/* SPDX-License-Identifier: MIT */
/* body_file.h - bodies into files of one directory, and nowhere else.
 *
 * A file is written as NAME.part and renamed when it is whole, so that NAME is never half a file.
 * Whoever can choose names, or plant symbolic links in the directory, gains nothing: names are
 * reduced to harmless ones, links are not followed, and nothing that exists is replaced unless the
 * user said so. These are plain system calls, which may block for as long as a disk takes. */
#ifndef FETCH_SINK_H
#define FETCH_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SINK_NAME_MAX = 200 };

/* A harmless name made of the n bytes at from: only [A-Za-z0-9._-], every other run of bytes a
 * single '_', no dot or dash in front, no device name of other systems, not ending like our
 * unfinished files, at most 200 bytes, and if it must be cut the extension stays. Never empty. */
void sink_name(char ret[SINK_NAME_MAX + 1], const char *from, size_t n);

/* "INDEX-HOST-BASE", of the last segment of the URL's path. */
void sink_name_of_url(char ret[SINK_NAME_MAX + 1], uint64_t index, const char *url);

/* The directory, made if it is missing (its parent must exist): a descriptor, or a negative errno.
 * -EACCES also if no file can be made in it, so that a run fails before its first request. */
int sink_open_dir(const char *path);

struct sink {    /* zero: nothing is open */
    int dir, fd; /* dir is borrowed */
    bool open, overwrite;
    uint64_t written;
    char name[SINK_NAME_MAX + 1];
    char part[SINK_NAME_MAX + 16];
};

/* Begin a file of that name, which sink_name() made. -EEXIST: there is one, and overwrite is
 * false. */
int sink_begin(struct sink *s, int dir, const char *name, bool overwrite);

/* All n bytes, or -ENOSPC, -EDQUOT, -EFBIG, -EIO. After an error: sink_abort(). */
int sink_write(struct sink *s, const void *bytes, size_t n);

/* Now it is whole: give it its name. sync: not before it is on the disk. -EEXIST: somebody else
 * made a file of that name meanwhile. If it fails nothing is left, unless it was the directory
 * that could not be synced. Closed in any case. */
int sink_commit(struct sink *s, bool sync);

/* It will not become whole: remove it. Also if nothing is open. */
void sink_abort(struct sink *s);

#endif
