/* SPDX-License-Identifier: MIT */
#include "query.h"

#include "uri.h"

#include <string.h>

static size_t count_items(const char *text)
{
    size_t n = 1;
    for (; (text = strchr(text, '&')); text++)
        n++;
    return n;
}

static char *copy_decoded(struct web_arena *arena, const char *text, size_t size)
{
    char *copy = web_arena_copy(arena, text, size);
    if (copy)
        copy[web_uri_decode(copy, copy, size, true)] = '\0';
    return copy;
}

/* Append the item of size bytes at text, if it is not empty. false: no memory. */
static bool add_item(struct web_query *q, struct web_arena *arena, const char *text, size_t size)
{
    struct web_query_item *item = &q->items[q->count];
    size_t name = strcspn(text, "=&");
    if (size == 0)
        return true;
    item->name = copy_decoded(arena, text, name);
    item->value = name < size ? copy_decoded(arena, text + name + 1, size - name - 1) : "";
    if (!item->name || !item->value)
        return false;
    q->count++;
    return true;
}

void web_query_parse(struct web_query *q, struct web_arena *arena, const char *text)
{
    if (q->parsed)
        return;
    q->parsed = true;
    q->items = *text ? web_arena_alloc(arena, count_items(text) * sizeof *q->items) : NULL;
    q->no_memory = *text && !q->items;
    while (q->items) {
        size_t n = strcspn(text, "&");
        q->no_memory = !add_item(q, arena, text, n);
        if (q->no_memory || text[n] == '\0')
            return;
        text += n + 1;
    }
}

const char *web_query_find(const struct web_query *q, const char *name)
{
    for (size_t i = 0; i < q->count; i++)
        if (strcmp(q->items[i].name, name) == 0)
            return q->items[i].value;
    return NULL;
}
