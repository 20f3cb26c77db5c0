/* SPDX-License-Identifier: MIT */
/* file_name.c - make safe file names. */
#include "file_name.h"

#include "url.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { EXTENSION_MAX = 16 };

static bool is_safe(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

/* Is it a name such as CON or com1.txt? On Windows, to which the directory may be copied, these are
 * devices. */
static bool is_device_name(const char *s)
{
    static const char *const names[] = { "con", "prn", "aux", "nul" };
    size_t n = strcspn(s, ".");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (n == 3 && strncasecmp(s, names[i], 3) == 0)
            return true;
    return n == 4 && s[3] >= '0' && s[3] <= '9' &&
           (strncasecmp(s, "com", 3) == 0 || strncasecmp(s, "lpt", 3) == 0);
}

static bool ends_in_part(const char *s, size_t n)
{
    return n >= 5 && strcasecmp(s + n - 5, ".part") == 0;
}

/* Copy the extension with its dot if it is safe and not too long. Returns its length, or 0. */
static size_t copy_extension(const char *from, size_t n, char ret[EXTENSION_MAX])
{
    const char *dot = memrchr(from, '.', n);
    size_t len = dot ? (size_t)(from + n - dot) : 0;
    if (len < 2 || len > EXTENSION_MAX)
        return 0;
    for (size_t i = 0; i < len; i++) {
        if (!is_safe(dot[i]))
            return 0;
        ret[i] = dot[i];
    }
    return len;
}

void file_name_clean(char ret[FILE_NAME_MAX + 1], const char *from, size_t n)
{
    char ext[EXTENSION_MAX];
    size_t len = 0, ext_len = copy_extension(from, n, ext), i = 0;
    for (; i < n && len < FILE_NAME_MAX - 1; i++) { /* leave one byte for a '_' in front */
        if (is_safe(from[i]) && (len || (from[i] != '.' && from[i] != '-')))
            ret[len++] = from[i];
        else if (!is_safe(from[i]) && len && ret[len - 1] != '_')
            ret[len++] = '_';
    }
    if (i < n && ext_len) {
        len = FILE_NAME_MAX - 1;
        memcpy(ret + len - ext_len, ext, ext_len);
    }
    if (!len) {
        memcpy(ret, "file", 4);
        len = 4;
    }
    ret[len] = 0;
    if (is_device_name(ret)) {
        memmove(ret + 1, ret, ++len);
        ret[0] = '_';
    }
    if (ends_in_part(ret, len))
        ret[len - 5] = '_';
}

void file_name_from_url(char ret[FILE_NAME_MAX + 1], uint64_t index, const char *url)
{
    char all[600];
    struct url_parts p = url_split(url);
    const char *base = p.base_len ? p.base : "index";
    size_t base_len = p.base_len ? p.base_len : 5;
    const char *tail =
            base_len > 300 ? base + base_len - 300 : base; /* the end has the extension */
    int n = snprintf(all, sizeof all, "%llu-%.*s-%.*s", (unsigned long long)index,
                     (int)(p.host_len > 60 ? 60 : p.host_len), p.host,
                     (int)(base_len > 300 ? 300 : base_len), tail);
    file_name_clean(ret, all, (size_t)n);
}

bool file_name_is_compressed(const char *name)
{
    static const char *const extensions[] = { ".gz",   ".tgz", ".z",   ".bz2", ".tbz",
                                              ".tbz2", ".xz",  ".txz", ".zst", ".br",
                                              ".lzma", ".lz4", ".7z",  ".zip", ".svgz" };
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof extensions / sizeof *extensions; i++)
        if (strcasecmp(dot, extensions[i]) == 0)
            return true;
    return false;
}
