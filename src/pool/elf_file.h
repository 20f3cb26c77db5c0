/* SPDX-License-Identifier: MIT */
/* elf_file.h - where a function is, so that another process of the same program can find it: in
 * which ELF file (the program or a shared library), and how far from the address where that is
 * loaded. Addresses themselves differ between processes. */
#ifndef POOL_ELF_FILE_H
#define POOL_ELF_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ELF_PATH_MAX = 4096 }; /* bytes of a path, with its '\0' */

/* An ELF file that is loaded. */
struct elf_file {
    uintptr_t base;       /* the load address, from which its functions are counted */
    uintptr_t start, end; /* the segment in which the address lies that was looked up */
    /* A checksum of what is loaded of it, since a file may be replaced while the program runs. */
    uint64_t identity;
    const char *path; /* "": the program itself. Valid while the file is loaded */
};

/* Find the ELF file in which fn lies. Returns false if there is none. */
bool async__elf_file_of(const void *fn, struct elf_file *ret);

/* Write the absolute path of f to buf, also if f was loaded by a relative path. Returns false if
 * the path is not known, or does not fit. */
bool async__elf_file_path(const struct elf_file *f, char *buf, size_t size);

/* Find the file with that path in this process, and load it if need be. Returns NULL, or a message
 * if it cannot be loaded or is another version. */
const char *async__elf_file_load(const char *path, uint64_t identity, struct elf_file *ret);

/* Was the file in which a lies loaded before that of b, or is it the same? */
bool async__elf_file_is_before(const void *a, const void *b);

/* How many files were unloaded so far: what was known of files before that is out of date. */
uint64_t async__elf_file_unloads(void);

#endif
