/* SPDX-License-Identifier: MIT */
/* sha256.h - the digest of a body, piece by piece. Ours, because libcurl's development package brings
 * no cryptographic library, and one function is not worth a dependency. */
#ifndef FETCH_SHA256_H
#define FETCH_SHA256_H

#include <stddef.h>
#include <stdint.h>

struct sha256 {
    uint32_t state[8];
    uint64_t bytes;
    unsigned char block[64];
};

void sha256_init(struct sha256 *h);
void sha256_add(struct sha256 *h, const void *bytes, size_t n);
void sha256_hex(struct sha256 *h, char ret[65]); /* the end: h is used up */

#endif
