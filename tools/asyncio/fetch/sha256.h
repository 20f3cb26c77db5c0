/* SPDX-License-Identifier: MIT */
/* sha256.h - the SHA-256 digest of a body that arrives in pieces. It is computed by OpenSSL, which
 * libcurl has loaded anyway. */
#ifndef FETCH_SHA256_H
#define FETCH_SHA256_H

#include <stddef.h>

enum { SHA256_HEX_SIZE = 65 }; /* 64 digits and the final 0 */

struct sha256 {
    struct evp_md_ctx_st *ctx; /* NULL before sha256_init() */
};

int sha256_init(struct sha256 *h); /* returns 0 or -ENOMEM */
void sha256_add(struct sha256 *h, const void *bytes, size_t n);

/* Store the digest as hexadecimal digits. Afterwards only sha256_drop() may be called. */
void sha256_hex(struct sha256 *h, char ret[SHA256_HEX_SIZE]);

void sha256_drop(struct sha256 *h); /* also for a zeroed struct */

#endif
