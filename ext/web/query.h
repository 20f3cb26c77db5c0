/* SPDX-License-Identifier: MIT */
/* query.h - the names and values of a query string, "a=1&b=2". */
#ifndef WEB_QUERY_H
#define WEB_QUERY_H

#include "arena.h"

#include <stdbool.h>
#include <stddef.h>

struct web_query_item {
    const char *name, *value; /* decoded; the value of a name without '=' is "" */
};

struct web_query {
    struct web_query_item *items;
    size_t count;
    bool parsed;
    bool no_memory; /* for all items */
};

/* Parse text, which can be decoded (uri.h), into the arena. Further calls do
 * nothing: a query is parsed when it is first read, because most handlers read none. Without
 * memory it ends where the memory ended. */
void web_query_parse(struct web_query *q, struct web_arena *arena, const char *text);

/* Return the value of the first item with that name, or NULL. */
const char *web_query_find(const struct web_query *q, const char *name);

#endif
