/* SPDX-License-Identifier: MIT */
/* netrc.h - user names and passwords by host, from a file as ftp and curl read it. */
#ifndef FETCH_NETRC_H
#define FETCH_NETRC_H

#include <stddef.h>

struct netrc_entry {
    char *host; /* NULL for the entry "default" */
    char *login, *password;
};

/* Zeroed, there are no entries. */
struct netrc {
    struct netrc_entry *list;
    size_t count;
};

/* Read a file: "machine HOST login USER password SECRET", with any white space between the words,
 * and "default" for all other hosts. Returns 0; -EINVAL if it is not of this form; or another
 * negative errno. */
int netrc_read(struct netrc *n, const char *path);
void netrc_free(struct netrc *n);

/* Return the entry for a host, which is n bytes long, or NULL. */
const struct netrc_entry *netrc_find(const struct netrc *rc, const char *host, size_t n);

#endif
