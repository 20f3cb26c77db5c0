/* SPDX-License-Identifier: MIT */
/* sha256.h - the digest of a body, piece by piece: OpenSSL's, which libcurl has loaded anyway. */
#ifndef FETCH_SHA256_H
#define FETCH_SHA256_H

#include <stddef.h>

struct sha256 {
    struct evp_md_ctx_st *ctx; /* NULL: none begun */
};

int sha256_init(struct sha256 *h); /* 0, -ENOMEM */
void sha256_add(struct sha256 *h, const void *bytes, size_t n);
void sha256_hex(struct sha256 *h, char ret[65]); /* the end: only to be dropped */
void sha256_drop(struct sha256 *h); /* also one that was never begun, if it is zeroed */

#endif
