/* SPDX-License-Identifier: MIT */
/* names.c - a tree of hashes of names. */
#include "names.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

struct name {
    uint64_t hash, index;
};

static int compare_hashes(const void *a, const void *b)
{
    const struct name *x = a, *y = b;
    return (x->hash > y->hash) - (x->hash < y->hash);
}

uint64_t hash_bytes(uint64_t seed, const void *bytes, size_t n)
{
    const unsigned char *p = bytes;
    uint64_t h = seed ? seed : 0xcbf29ce484222325;
    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 0x100000001b3;
    return h;
}

int names_add(struct names *n, const char *name, uint64_t index, uint64_t *ret_other)
{
    struct name *added = malloc(sizeof *added);
    if (!added)
        return -ENOMEM;
    *added = (struct name){ hash_bytes(0, name, strlen(name)), index };
    struct name **found = tsearch(added, &n->tree, compare_hashes);
    if (found && *found == added)
        return 0;
    free(added);
    if (!found)
        return -ENOMEM;
    *ret_other = (*found)->index;
    return -EEXIST;
}

void names_free(struct names *n)
{
    tdestroy(n->tree, free);
    *n = (struct names){ 0 };
}
