/* SPDX-License-Identifier: MIT */
/* ask.c - what a handler may ask its request. Headers live in MHD's connection, which may be lost while a
 * handler streams: what is given out is a copy that goes with the request. */
#include "internal.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

const char *async_web_method(const async_web_request *rq)
{
    return rq->method;
}

const char *async_web_path(const async_web_request *rq)
{
    return rq->path;
}

void *async_web_arg(const async_web_request *rq)
{
    return rq->server->opts.arg;
}

const void *async_web_body(const async_web_request *rq, size_t *size)
{
    if (size)
        *size = rq->body_size;
    return rq->body ? rq->body : "";
}

/* --- parameters of the path --- */

const char *async_web_param(const async_web_request *rq, const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0; i < rq->nparams; i++) {
        const char *end = rq->params[i].name + n;
        if (strncmp(rq->params[i].name, name, n) == 0 && (*end == '}' || strcmp(end, "...}") == 0))
            return rq->params[i].value;
    }
    return NULL;
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

/* --- the query --- */

static size_t count_parts(const char *query)
{
    size_t n = 1;
    for (; (query = strchr(query, '&')); query++)
        n++;
    return n;
}

static char *decoded(async_web_request *rq, const char *text, size_t size)
{
    char *copy = web_copy(rq, text, size);
    if (copy)
        copy[web_decode(copy, copy, size, true)] = '\0';
    return copy;
}

/* "a=1&b&c=" into names and values, when first asked for; without memory it looks empty. */
static void parse_query(async_web_request *rq)
{
    rq->parsed = true;
    if (!*rq->query)
        return;
    rq->args = web_alloc(rq, count_parts(rq->query) * sizeof *rq->args);
    if (!rq->args)
        return;
    for (const char *p = rq->query;; p++) {
        size_t n = strcspn(p, "&#"), name = strcspn(p, "=&#");
        struct web_arg *a = &rq->args[rq->nargs];
        if (n > 0) {
            a->name = decoded(rq, p, name);
            a->value = name < n ? decoded(rq, p + name + 1, n - name - 1) : "";
            if (!a->name || !a->value)
                return;
            rq->nargs++;
        }
        p += n;
        if (*p != '&')
            return;
    }
}

const char *async_web_query(async_web_request *rq, const char *name)
{
    if (!rq->parsed)
        parse_query(rq);
    for (size_t i = 0; i < rq->nargs; i++)
        if (strcmp(rq->args[i].name, name) == 0)
            return rq->args[i].value;
    return NULL;
}

bool async_web_query_at(async_web_request *rq, size_t index, const char **ret_name,
                        const char **ret_value)
{
    if (!rq->parsed)
        parse_query(rq);
    if (index >= rq->nargs)
        return false;
    *ret_name = rq->args[index].name;
    *ret_value = rq->args[index].value;
    return true;
}

/* --- headers, peer --- */

const char *async_web_header(async_web_request *rq, const char *name)
{
    const char *value = NULL;
    if (rq->mhd)
        value = MHD_lookup_connection_value(rq->mhd, MHD_HEADER_KIND, name);
    return value ? web_copy(rq, value, strlen(value)) : NULL;
}

const char *async_web_peer(async_web_request *rq)
{
    char host[INET6_ADDRSTRLEN] = "", text[INET6_ADDRSTRLEN + 16];
    if (rq->peer || !rq->mhd)
        return rq->peer ? rq->peer : "";
    const struct sockaddr *a =
            MHD_get_connection_info(rq->mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr;
    if (a->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const void *)a;
        inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof host);
        snprintf(text, sizeof text, "[%s]:%d", host, ntohs(v6->sin6_port));
    } else {
        const struct sockaddr_in *v4 = (const void *)a;
        inet_ntop(AF_INET, &v4->sin_addr, host, sizeof host);
        snprintf(text, sizeof text, "%s:%d", host, ntohs(v4->sin_port));
    }
    rq->peer = web_copy(rq, text, strlen(text));
    return rq->peer ? rq->peer : "";
}
