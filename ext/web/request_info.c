/* SPDX-License-Identifier: MIT */
/* request_info.c - what a handler can read of its request. Headers and the peer's address are in
 * MHD's connection, which may be lost while a handler streams its response. So the handler gets
 * copies, which live as long as the request. */
#include "request.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *async_web_method(const async_web_request *rq)
{
    return rq->method;
}

const char *async_web_path(const async_web_request *rq)
{
    return rq->uri.path;
}

const char *async_web_target(const async_web_request *rq)
{
    return rq->uri.raw;
}

void *async_web_arg(const async_web_request *rq)
{
    return rq->requests->arg;
}

const void *async_web_body(const async_web_request *rq, size_t *size)
{
    if (size)
        *size = rq->body.size;
    return rq->body.bytes ? rq->body.bytes : "";
}

const char *async_web_param(const async_web_request *rq, const char *name)
{
    return web_match_param(&rq->match, name);
}

int async_web_param_int(const async_web_request *rq, const char *name, int64_t *ret)
{
    const char *text = async_web_param(rq, name);
    if (!text)
        return -ENOENT;
    const char *digits = text + (*text == '-');
    if (!*digits || digits[strspn(digits, "0123456789")] != '\0')
        return -EINVAL;
    errno = 0;
    int64_t value = strtoll(text, NULL, 10);
    if (errno)
        return -errno;
    *ret = value;
    return 0;
}

const char *async_web_query(async_web_request *rq, const char *name)
{
    web_query_parse(&rq->query, &rq->arena, rq->uri.query);
    return web_query_find(&rq->query, name);
}

bool async_web_query_at(async_web_request *rq, size_t index, const char **ret_name,
                        const char **ret_value)
{
    web_query_parse(&rq->query, &rq->arena, rq->uri.query);
    if (index >= rq->query.count)
        return false;
    *ret_name = rq->query.items[index].name;
    *ret_value = rq->query.items[index].value;
    return true;
}

const char *async_web_header(async_web_request *rq, const char *name)
{
    const char *value = NULL;
    if (rq->mhd)
        value = MHD_lookup_connection_value(rq->mhd, MHD_HEADER_KIND, name);
    return value ? web_arena_copy(&rq->arena, value, strlen(value)) : NULL;
}

static void format_address(const struct sockaddr *a, char *text, size_t size)
{
    char host[INET6_ADDRSTRLEN] = "";
    if (a->sa_family == AF_UNIX) {
        snprintf(text, size, "unix");
    } else if (a->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const void *)a;
        inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof host);
        snprintf(text, size, "[%s]:%d", host, ntohs(v6->sin6_port));
    } else {
        const struct sockaddr_in *v4 = (const void *)a;
        inet_ntop(AF_INET, &v4->sin_addr, host, sizeof host);
        snprintf(text, size, "%s:%d", host, ntohs(v4->sin_port));
    }
}

const char *async_web_peer(async_web_request *rq)
{
    char text[INET6_ADDRSTRLEN + 16];
    if (!rq->peer && rq->mhd) {
        const union MHD_ConnectionInfo *info =
                MHD_get_connection_info(rq->mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
        format_address(info->client_addr, text, sizeof text);
        rq->peer = web_arena_copy(&rq->arena, text, strlen(text));
    }
    return rq->peer ? rq->peer : "";
}
