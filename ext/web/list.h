/* SPDX-License-Identifier: MIT */
/* list.h - doubly linked lists whose links are members of the objects in them.
 *
 * A list is a ring that passes through its head. A link that is in no list points to itself, so an
 * object can be removed without knowing whether it is in a list, or in which. */
#ifndef WEB_LIST_H
#define WEB_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct web_link {
    struct web_link *next, *prev;
};

static inline void web_list_init(struct web_link *l)
{
    l->next = l->prev = l;
}

static inline void web_list_remove(struct web_link *l)
{
    l->prev->next = l->next;
    l->next->prev = l->prev;
    web_list_init(l);
}

static inline void web_list_append(struct web_link *head, struct web_link *l)
{
    l->prev = head->prev;
    l->next = head;
    head->prev->next = l;
    head->prev = l;
}

static inline bool web_list_is_empty(const struct web_link *head)
{
    return head->next == head;
}

/* The object of the given type that has l as its given member. */
#define web_container(l, type, member) ((type *)((char *)(l)-offsetof(type, member)))

#endif
