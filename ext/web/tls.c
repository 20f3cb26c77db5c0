/* SPDX-License-Identifier: MIT */
/* tls.c - MHD has TLS by GnuTLS built in; it takes the certificate from memory. */
#include "tls.h"

#include <asyncio/error.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PEM_MAX = 1 << 20 };

/* Read a file of text. Reading it blocks, but a server is started once. */
static int read_pem(const char *path, char **ret)
{
    FILE *f = fopen(path, "re");
    if (!f)
        return async_fail(-errno, "cannot read %s", path);
    char *text = malloc(PEM_MAX + 1);
    size_t n = text ? fread(text, 1, PEM_MAX + 1, f) : 0;
    int r = !text ? -ENOMEM : ferror(f) ? -EIO : 0;
    fclose(f);
    if (r == 0 && n > PEM_MAX)
        r = async_fail(-EINVAL, "%s is too large for a certificate or a key", path);
    if (r < 0) {
        free(text);
        return r;
    }
    text[n] = '\0';
    *ret = text;
    return 0;
}

int web_tls_read(struct web_tls *t, const struct async_web_opts *opts)
{
    if (!opts->cert_file && !opts->key_file)
        return 0;
    if (!opts->cert_file || !opts->key_file)
        return async_fail(-EINVAL, ".cert_file and .key_file are needed together");
    if (MHD_is_feature_supported(MHD_FEATURE_TLS) != MHD_YES)
        return async_fail(-EOPNOTSUPP, "libmicrohttpd was built without TLS");
    int r = read_pem(opts->cert_file, &t->cert);
    return r < 0 ? r : read_pem(opts->key_file, &t->key);
}

unsigned web_tls_options(const struct web_tls *t, struct MHD_OptionItem *ret)
{
    size_t n = 0;
    if (t->cert) {
        ret[n++] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_MEM_CERT, 0, t->cert };
        ret[n++] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_MEM_KEY, 0, t->key };
    }
    ret[n] = (struct MHD_OptionItem){ MHD_OPTION_END, 0, NULL };
    return t->cert ? MHD_USE_TLS : 0;
}

/* The key is a secret, so it does not stay in memory that is used again. */
void web_tls_free(struct web_tls *t)
{
    if (t->key)
        explicit_bzero(t->key, strlen(t->key));
    free(t->key);
    free(t->cert);
    t->cert = t->key = NULL;
}
