/* SPDX-License-Identifier: MIT */
/* request_fields.c - the headers of a request in their order, and the address of the client that a
 * proxy has put into one of them. */
#include "request.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

/* --- headers --- */

struct collector {
    async_web_request *rq;
    size_t room;
};

static char *copy_text(async_web_request *rq, const char *text)
{
    return web_arena_copy(&rq->arena, text, strlen(text));
}

/* Called by MHD for each header, in their order. */
static enum MHD_Result collect_header(void *collector, enum MHD_ValueKind kind, const char *name,
                                      const char *value)
{
    struct collector *c = collector;
    struct web_query *all = &c->rq->headers;
    (void)kind;
    if (all->count == c->room)
        return MHD_NO;
    const char *n = copy_text(c->rq, name), *v = copy_text(c->rq, value ? value : "");
    if (!n || !v) {
        all->no_memory = true;
        return MHD_NO;
    }
    all->items[all->count++] = (struct web_query_item){ n, v };
    return MHD_YES;
}

/* Copy all headers, once. They are MHD's, whose connection may be lost while the handler runs. */
static const struct web_query *headers_of(async_web_request *rq)
{
    struct web_query *all = &rq->headers;
    if (all->parsed || !rq->mhd)
        return all;
    all->parsed = true;
    int n = MHD_get_connection_values(rq->mhd, MHD_HEADER_KIND, NULL, NULL);
    if (n <= 0)
        return all;
    struct collector c = { rq, (size_t)n };
    all->items = web_arena_alloc(&rq->arena, c.room * sizeof *all->items);
    all->no_memory = !all->items;
    if (all->items)
        MHD_get_connection_values(rq->mhd, MHD_HEADER_KIND, collect_header, &c);
    if (all->no_memory)
        all->count = 0;
    return all;
}

bool async_web_header_at(async_web_request *rq, size_t index, const char **ret_name,
                         const char **ret_value)
{
    const struct web_query *all = headers_of(rq);
    if (index >= all->count)
        return false;
    *ret_name = all->items[index].name;
    *ret_value = all->items[index].value;
    return true;
}

/* --- the client behind proxies --- */

/* Remove the port from "1.2.3.4:80", "[::1]:80" or "[::1]". Returns whether an address is left. */
static bool trim_to_address(char *text)
{
    struct in6_addr any;
    char *bracket = strchr(text, ']'), *colon = strchr(text, ':');
    if (text[0] == '[' && bracket) {
        *bracket = '\0';
        memmove(text, text + 1, strlen(text));
    } else if (colon && !strchr(colon + 1, ':')) {
        *colon = '\0';
    }
    return inet_pton(AF_INET, text, &any) == 1 || inet_pton(AF_INET6, text, &any) == 1;
}

/* Find the item of X-Forwarded-For that the outermost trusted proxy has added: each proxy appends
 * the address that it was connected from, so items are counted from the end, over all headers of
 * that name. If there are fewer, the client is behind fewer proxies. Returns the size of the
 * item. */
static size_t find_forwarded(const struct web_query *headers, int proxies, const char **ret)
{
    size_t found = 0;
    for (size_t i = headers->count; i-- > 0 && proxies > 0;) {
        const char *text = headers->items[i].value, *end = text + strlen(text);
        if (strcasecmp(headers->items[i].name, "X-Forwarded-For") != 0)
            continue;
        while (end > text && proxies > 0) {
            const char *begin = end;
            while (begin > text && begin[-1] != ',')
                begin--;
            size_t skip = strspn(begin, " \t");
            if (begin + skip < end) { /* lists may have empty items, which do not count */
                *ret = begin + skip;
                found = (size_t)(end - *ret);
                proxies--;
            }
            end = begin > text ? begin - 1 : text;
        }
    }
    return found;
}

static const char *forwarded_address(async_web_request *rq)
{
    const char *text = NULL;
    size_t n = find_forwarded(headers_of(rq), rq->requests->proxies, &text);
    char *copy = n > 0 ? web_arena_copy(&rq->arena, text, n) : NULL;
    while (copy && n > 0 && (copy[n - 1] == ' ' || copy[n - 1] == '\t'))
        copy[--n] = '\0';
    return copy && trim_to_address(copy) ? copy : NULL;
}

/* The address of the peer without its port. */
static const char *peer_address(async_web_request *rq)
{
    const char *peer = async_web_peer(rq), *colon = strrchr(peer, ':');
    size_t skip = *peer == '[', n = colon ? (size_t)(colon - peer) - 2 * skip : strlen(peer);
    const char *copy = web_arena_copy(&rq->arena, peer + skip, n);
    return copy ? copy : "";
}

const char *async_web_client(async_web_request *rq)
{
    if (!rq->client && rq->requests->proxies > 0)
        rq->client = forwarded_address(rq);
    if (!rq->client)
        rq->client = peer_address(rq);
    return rq->client;
}
