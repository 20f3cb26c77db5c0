/* SPDX-License-Identifier: MIT */
#include "pool/module.h"

#include <dlfcn.h>
#include <inttypes.h>
#include <link.h>
#include <stdio.h>
#include <string.h>

#include "pool/frame.h"

enum { LINE_START = 128 }; /* of a line of /proc/self/maps, before the path */

struct search {
    uintptr_t address;
    const char *path;
    struct module *ret;
    bool found;
};

static uint64_t mix(uint64_t sum, const void *bytes, size_t size)
{
    for (const unsigned char *p = bytes; size > 0; size--)
        sum = (sum ^ *p++) * UINT64_C(0x100000001b3);
    return sum;
}

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

/* The sizes and places of all segments, and the notes, among which is the linker's sum of the whole file. */
static uint64_t identity(const struct dl_phdr_info *info)
{
    uint64_t sum = UINT64_C(0xcbf29ce484222325);
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        sum = mix(sum, p, sizeof *p);
        if (p->p_type == PT_NOTE && is_loaded(info, p))
            sum = mix(sum, (const void *)(info->dlpi_addr + p->p_vaddr), p->p_memsz);
    }
    return sum;
}

/* The segment around address, or NULL. */
static const ElfW(Phdr) * segment(const struct dl_phdr_info *info, uintptr_t address)
{
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        if (p->p_type == PT_LOAD && address - (info->dlpi_addr + p->p_vaddr) < p->p_memsz)
            return p;
    }
    return NULL;
}

static int look(struct dl_phdr_info *info, size_t size, void *arg)
{
    struct search *s = arg;
    const char *path = info->dlpi_name ? info->dlpi_name : "";
    (void)size;
    const ElfW(Phdr) *p = s->path ? NULL : segment(info, s->address);
    if (s->path ? strcmp(path, s->path) != 0 : !p)
        return 0;
    *s->ret = (struct module){ .base = info->dlpi_addr, .identity = identity(info), .path = path };
    if (p) {
        s->ret->start = info->dlpi_addr + p->p_vaddr;
        s->ret->end = s->ret->start + p->p_memsz;
    }
    s->found = true;
    return 1;
}

bool async__module_of(const void *fn, struct module *ret)
{
    struct search s = { .address = (uintptr_t)fn, .ret = ret };
    dl_iterate_phdr(look, &s);
    return s.found;
}

/* A line of /proc/self/maps: the path, or NULL if it is not that of address, or has none. */
static char *path_in(char *line, uintptr_t address)
{
    static const char gone[] = " (deleted)";
    uintptr_t from, to;
    char *path = strchr(line, '/'), *end;
    if (!path || sscanf(line, "%" SCNxPTR "-%" SCNxPTR, &from, &to) != 2 || address - from >= to - from)
        return NULL;
    path[strcspn(path, "\n")] = '\0';
    end = strstr(path, gone);
    if (end && end[sizeof gone - 1] == '\0') /* what is there now will be found to be another one */
        *end = '\0';
    return path;
}

bool async__module_file(const struct module *m, char *room, size_t size)
{
    char line[FUNCTION_SIZE + LINE_START];
    const char *path = m->path;
    FILE *maps = path[0] && path[0] != '/' ? fopen("/proc/self/maps", "re") : NULL;
    if (maps) {
        path = NULL;
        while (!path && fgets(line, sizeof line, maps))
            path = path_in(line, m->start);
        fclose(maps);
    }
    if (!path || strlen(path) >= size)
        return false;
    memcpy(room, path, strlen(path) + 1);
    return true;
}

static const char *load(const char *path, struct module *ret)
{
    struct link_map *map;
    void *handle = dlopen(path, RTLD_NOW);
    if (!handle)
        return dlerror();
    if (dlinfo(handle, RTLD_DI_LINKMAP, &map) != 0)
        return dlerror();
    return async__module_of(map->l_ld, ret) ? NULL : "it has no place";
}

const char *async__module_load(const char *path, uint64_t identity, struct module *ret)
{
    struct search s = { .path = path, .ret = ret };
    dl_iterate_phdr(look, &s);
    const char *why = s.found ? NULL : load(path, ret);
    if (why)
        return why;
    return ret->identity == identity ? NULL : "the file has been replaced";
}

static int count(struct dl_phdr_info *info, size_t size, void *arg)
{
    (void)size;
    *(uint64_t *)arg = info->dlpi_subs;
    return 1;
}

uint64_t async__module_unloads(void)
{
    uint64_t n = 0;
    dl_iterate_phdr(count, &n);
    return n;
}

struct race {
    uintptr_t a, b;
    bool a_first;
};

static int compare(struct dl_phdr_info *info, size_t size, void *arg)
{
    struct race *r = arg;
    (void)size;
    r->a_first = segment(info, r->a);
    return r->a_first || segment(info, r->b);
}

bool async__module_is_before(const void *a, const void *b)
{
    struct race r = { (uintptr_t)a, (uintptr_t)b, false };
    dl_iterate_phdr(compare, &r);
    return r.a_first;
}
