/* SPDX-License-Identifier: MIT */
#include "pool/elf_file.h"

#include <dlfcn.h>
#include <inttypes.h>
#include <link.h>
#include <stdio.h>
#include <string.h>

enum { MAPS_COLUMNS = 128 }; /* bytes of a line of /proc/self/maps before the path */

struct search {
    uintptr_t address; /* if path is NULL */
    const char *path;
    struct elf_file *ret;
    bool found;
};

/* FNV-1a. */
static uint64_t hash_bytes(uint64_t sum, const void *bytes, size_t size)
{
    for (const unsigned char *p = bytes; size > 0; size--)
        sum = (sum ^ *p++) * UINT64_C(0x100000001b3);
    return sum;
}

/* Does that part of the file lie in a segment that is loaded? */
static bool is_loaded(const struct dl_phdr_info *info, const ElfW(Phdr) * note)
{
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        if (p->p_type == PT_LOAD && note->p_vaddr >= p->p_vaddr &&
            note->p_vaddr + note->p_memsz <= p->p_vaddr + p->p_filesz)
            return true;
    }
    return false;
}

/* The checksum of the program headers, which have the sizes and addresses of all segments, and of
 * the notes, one of which is the linker's checksum of the whole file. */
static uint64_t elf_identity(const struct dl_phdr_info *info)
{
    uint64_t sum = UINT64_C(0xcbf29ce484222325);
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        sum = hash_bytes(sum, p, sizeof *p);
        if (p->p_type == PT_NOTE && is_loaded(info, p))
            sum = hash_bytes(sum, (const void *)(info->dlpi_addr + p->p_vaddr), p->p_memsz);
    }
    return sum;
}

/* The loaded segment in which address lies, or NULL. */
static const ElfW(Phdr) * segment_of(const struct dl_phdr_info *info, uintptr_t address)
{
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        if (p->p_type == PT_LOAD && address - (info->dlpi_addr + p->p_vaddr) < p->p_memsz)
            return p;
    }
    return NULL;
}

static int match_file(struct dl_phdr_info *info, size_t size, void *arg)
{
    struct search *s = arg;
    const char *path = info->dlpi_name ? info->dlpi_name : "";
    (void)size;
    const ElfW(Phdr) *p = s->path ? NULL : segment_of(info, s->address);
    if (s->path ? strcmp(path, s->path) != 0 : !p)
        return 0;
    *s->ret = (struct elf_file){ .base = info->dlpi_addr,
                                 .identity = elf_identity(info),
                                 .path = path };
    if (p) {
        s->ret->start = info->dlpi_addr + p->p_vaddr;
        s->ret->end = s->ret->start + p->p_memsz;
    }
    s->found = true;
    return 1;
}

bool async__elf_file_of(const void *fn, struct elf_file *ret)
{
    struct search s = { .address = (uintptr_t)fn, .ret = ret };
    dl_iterate_phdr(match_file, &s);
    return s.found;
}

/* Returns the path in a line of /proc/self/maps, or NULL if the line is not for address, or has
 * none. */
static char *path_in_line(char *line, uintptr_t address)
{
    static const char gone[] = " (deleted)";
    uintptr_t from, to;
    char *path = strchr(line, '/'), *end;
    if (!path || sscanf(line, "%" SCNxPTR "-%" SCNxPTR, &from, &to) != 2 ||
        address - from >= to - from)
        return NULL;
    path[strcspn(path, "\n")] = '\0';
    end = strstr(path, gone);
    if (end && end[sizeof gone - 1] ==
                       '\0') /* a file that has taken its place will be found to be another one */
        *end = '\0';
    return path;
}

bool async__elf_file_path(const struct elf_file *f, char *buf, size_t size)
{
    char line[ELF_PATH_MAX + MAPS_COLUMNS];
    const char *path = f->path;
    FILE *maps = path[0] && path[0] != '/' ? fopen("/proc/self/maps", "re") : NULL;
    if (maps) {
        path = NULL;
        while (!path && fgets(line, sizeof line, maps))
            path = path_in_line(line, f->start);
        fclose(maps);
    }
    if (!path || strlen(path) >= size)
        return false;
    memcpy(buf, path, strlen(path) + 1);
    return true;
}

static const char *open_library(const char *path, struct elf_file *ret)
{
    struct link_map *map;
    void *handle = dlopen(path, RTLD_NOW);
    if (!handle)
        return dlerror();
    if (dlinfo(handle, RTLD_DI_LINKMAP, &map) != 0)
        return dlerror();
    return async__elf_file_of(map->l_ld, ret) ? NULL : "it has no address";
}

const char *async__elf_file_load(const char *path, uint64_t identity, struct elf_file *ret)
{
    struct search s = { .path = path, .ret = ret };
    dl_iterate_phdr(match_file, &s);
    const char *why = s.found ? NULL : open_library(path, ret);
    if (why)
        return why;
    return ret->identity == identity ? NULL : "the file has been replaced";
}

static int read_unloads(struct dl_phdr_info *info, size_t size, void *arg)
{
    (void)size;
    *(uint64_t *)arg = info->dlpi_subs;
    return 1;
}

uint64_t async__elf_file_unloads(void)
{
    uint64_t n = 0;
    dl_iterate_phdr(read_unloads, &n);
    return n;
}

/* Which of two addresses lies in the file that was loaded first. */
struct load_order {
    uintptr_t a, b;
    bool a_first;
};

static int compare_order(struct dl_phdr_info *info, size_t size, void *arg)
{
    struct load_order *r = arg;
    (void)size;
    r->a_first = segment_of(info, r->a);
    return r->a_first || segment_of(info, r->b);
}

bool async__elf_file_is_before(const void *a, const void *b)
{
    struct load_order r = { (uintptr_t)a, (uintptr_t)b, false };
    dl_iterate_phdr(compare_order, &r);
    return r.a_first;
}
