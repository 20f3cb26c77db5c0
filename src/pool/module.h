/* SPDX-License-Identifier: MIT */
/* module.h - where a function is, so that another process of the same program finds it: in which file, how far from its
 * load address. Addresses themselves differ from process to process. */
#ifndef POOL_MODULE_H
#define POOL_MODULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A file that is loaded: the program, or a shared library. */
struct module {
    uintptr_t base;       /* what its addresses are counted from */
    uintptr_t start, end; /* the part of it that was looked for */
    uint64_t identity; /* of its contents, as far as they are loaded: a file may be replaced while it runs */
    const char *path; /* "": the program itself. Valid while it is loaded */
};

/* The module in which fn lies. false: in none. */
bool async__module_of(const void *fn, struct module *ret);

/* The path of m's file from the root, also if it was loaded by a relative one. false: it is not known, or longer than size. */
bool async__module_file(const struct module *m, char *room, size_t size);

/* The module of that path in this process, loaded if need be. NULL, or why not. */
const char *async__module_load(const char *path, uint64_t identity, struct module *ret);

/* Whether a lies in a module that was loaded before that of b, or in the same. */
bool async__module_is_before(const void *a, const void *b);

/* How often a module was unloaded: what was known of them before is out of date. */
uint64_t async__module_unloads(void);

#endif
