/* SPDX-License-Identifier: MIT */
/* names.h - the file names that the input has given so far, so that no two requests of a run write
 * to the same file. Different wanted names can become equal when they are made safe. */
#ifndef FETCH_NAMES_H
#define FETCH_NAMES_H

#include <stddef.h>
#include <stdint.h>

/* Zeroed, there are no names. Only a hash of 64 bits is kept of each. */
struct names {
    void *tree;
};

/* Add the name of the request with this index.
 *
 * ret_other  receives the index of the request that has the name already, with -EEXIST.
 * Returns    0, -EEXIST or -ENOMEM. */
int names_add(struct names *n, const char *name, uint64_t index, uint64_t *ret_other);
void names_free(struct names *n);

/* Return a hash of n bytes (FNV-1a), to be continued with more bytes. The first seed is 0. */
uint64_t hash_bytes(uint64_t seed, const void *bytes, size_t n);

#endif
