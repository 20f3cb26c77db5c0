/* SPDX-License-Identifier: MIT */
/* tls.h - the certificate and the key of a server that serves https. */
#ifndef WEB_TLS_H
#define WEB_TLS_H

#include <asyncio/web.h>
#include <microhttpd.h>

enum { WEB_TLS_OPTIONS = 3 };

struct web_tls {
    char *cert, *key; /* PEM; NULL: http */
};

/* Read the files of the options, if there are any. The result is only needed until MHD has started.
 * Free it with web_tls_free(), also after an error.
 *
 * Returns    0; -EINVAL if only one file is given, or one is larger than 1 MiB; -EOPNOTSUPP if
 *            libmicrohttpd was built without TLS; the errno of open() or read(). */
int web_tls_read(struct web_tls *t, const struct async_web_opts *opts);

/* Write options for MHD_OPTION_ARRAY. Returns the flag that MHD needs, 0 for http. */
unsigned web_tls_options(const struct web_tls *t, struct MHD_OptionItem *ret);

void web_tls_free(struct web_tls *t);

#endif
