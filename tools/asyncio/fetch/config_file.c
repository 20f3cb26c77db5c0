/* SPDX-License-Identifier: MIT */
/* config_file.c - split lines of a file of options. */
#include "config_file.h"

#include <string.h>

static char *trim(char *s)
{
    s += strspn(s, " \t\r");
    size_t n = strlen(s);
    while (n && strchr(" \t\r", s[n - 1]))
        s[--n] = 0;
    return s;
}

char *config_line(char *line, char **ret_arg)
{
    char *name = trim(line), *equals = strchr(name, '=');
    if (!*name || *name == '#')
        return NULL;
    *ret_arg = NULL;
    if (equals) {
        *equals = 0;
        *ret_arg = trim(equals + 1);
    }
    name += strspn(name, "-");
    return trim(name);
}
