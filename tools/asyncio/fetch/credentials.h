/* SPDX-License-Identifier: MIT */
/* credentials.h - the authorization of requests: --user, --bearer-file and --netrc. */
#ifndef FETCH_CREDENTIALS_H
#define FETCH_CREDENTIALS_H

#include "netrc.h"
#include "options.h"

struct async_http_opts;

struct credentials {
    char *user, *password; /* of --user, or NULL */
    char *bearer;          /* the token, or NULL */
    struct netrc netrc;
};

/* Read what the options name. Prints a message if that fails. Returns 0 or a negative errno. */
int credentials_init(struct credentials *c, const struct options *o);
void credentials_free(struct credentials *c);

/* Set the credentials of a request for url. Those in the URL itself come first, and the HTTP client
 * reads them. */
void credentials_apply(const struct credentials *c, const char *url, struct async_http_opts *opts);

#endif
