/* SPDX-License-Identifier: MIT */
/* file_name.h - make safe file names out of names that come from the network. */
#ifndef FETCH_FILE_NAME_H
#define FETCH_FILE_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FILE_NAME_MAX = 200 };

/* Make a safe name of the n bytes at from.
 *
 * It consists of [A-Za-z0-9._-], with one '_' for each run of other bytes. It does not begin with a
 * dot or a dash, is not the name of a device on other systems, does not end like an unfinished file
 * (.part), is never empty, and has at most FILE_NAME_MAX bytes; if it must be cut, the extension
 * stays. */
void file_name_clean(char ret[FILE_NAME_MAX + 1], const char *from, size_t n);

/* Does a file of that name contain compressed data, by its extension? */
bool file_name_is_compressed(const char *name);

/* Make the name "INDEX-HOST-BASE", where BASE is the last segment of the URL's path. */
void file_name_from_url(char ret[FILE_NAME_MAX + 1], uint64_t index, const char *url);

#endif
