/* SPDX-License-Identifier: MIT */
/* file_open.h - open a file below a folder, on a thread. */
#ifndef WEB_FILE_OPEN_H
#define WEB_FILE_OPEN_H

#include <asyncio/pool.h>

#include <stdbool.h>
#include <sys/stat.h>

struct web_file {
    const char *folder, *path; /* path: relative to folder */
    const char *index;         /* the file that stands for a folder; "": none */
    int fd;                    /* owned by the caller of web_file_open(); -1: none */
    bool is_index;             /* the file is the index of the folder that path names */
    struct stat st;
};

/* Open f->path below f->folder for reading. The path cannot lead out of the folder. Blocks.
 *
 * Returns    0 with f->fd, f->st and f->is_index; -ENOENT if there is no such regular file, or it
 *            lies elsewhere; -EACCES; -EMFILE and the like. */
int web_file_open(struct web_file *f);

#endif
