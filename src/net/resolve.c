/* SPDX-License-Identifier: MIT */
/* resolve.c - names are looked up by getaddrinfo(), which knows everything and can neither wait without a thread nor be
 * cancelled. So each lookup is a job for the loop's pool for names, in a record of its own: a waiter that is cancelled
 * goes, and nothing of his is touched afterwards. */
#include "net/resolve.h"

#include "base/alloc.h"
#include "pool/thread.h"

struct lookup {
    struct job job;
    struct addresses *found;
    int err, sys_err; /* EAI_..., errno */
    uint32_t fault;
    bool passive;
    char *port;
    char host[];
};

static void free_lookup(struct job *j)
{
    struct lookup *k = (struct lookup *)j;
    async__free(k->found);
    async__free(k);
}

static void ask(struct job *j);

static struct lookup *new_lookup(const char *host, const char *port, bool passive)
{
    size_t host_size = strlen(host) + 1, port_size = strlen(port) + 1;
    struct lookup *k = async__malloc(sizeof *k + host_size + port_size);
    if (!k)
        return NULL;
    *k = (struct lookup){ .passive = passive, .fault = async__sys.draw_name_fault(passive) };
    memcpy(k->host, host, host_size);
    k->port = memcpy(k->host + host_size, port, port_size);
    k->job = (struct job){ .work = ask, .release = free_lookup, .name = k->host };
    return k;
}

/* On the pool's thread. */
static void ask(struct job *j)
{
    struct lookup *k = (struct lookup *)j;
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = k->passive ? AI_PASSIVE : 0 };
    struct addrinfo *list = NULL;
    k->err = async__sys.getaddrinfo(k->fault, k->host[0] ? k->host : NULL, k->port, &hints, &list);
    if (k->err) {
        k->sys_err = errno;
        return;
    }
    k->found = async__addresses_found(list);
    if (list) /* without addresses is no failure to some */
        async__sys.freeaddrinfo(list);
}

static int verdict(const struct lookup *k)
{
    static const char unknown[] = "no address";
    const char *why = gai_strerror(k->err);
    switch (k->err) {
    case 0:
        break;
    case EAI_AGAIN:
        return async_fail_at(-EAGAIN, NULL, "%s: %s", k->host, why);
    case EAI_MEMORY:
        return -ENOMEM;
    case EAI_SERVICE:
        return async_fail_at(-EINVAL, NULL, "%s: %s", k->port, why);
    case EAI_SYSTEM:
        return async_fail_at(k->sys_err > 0 ? -k->sys_err : -EIO, NULL, "%s", k->host);
    default:
        return async_fail_at(-EHOSTUNREACH, NULL, "%s: %s", k->host, why);
    }
    if (!k->found)
        return -ENOMEM;
    return k->found->count ? 0 : async_fail_at(-EHOSTUNREACH, NULL, "%s: %s", k->host, unknown);
}

static int look_up(async_task *t, const char *host, const char *port, bool passive,
                   struct addresses **ret)
{
    struct lookup *k = new_lookup(host ? host : "", port, passive);
    int r = k ? async__job_await(t, ASYNC_POOL_NAMES, &k->job) : -ENOMEM;
    if (r == -ECANCELED)
        return r; /* and the record is not ours any more */
    if (r < 0)
        r = async_fail_at(r, NULL, "no thread to look %s up", host ? host : port);
    else
        r = verdict(k);
    if (r == 0) {
        *ret = k->found;
        k->found = NULL;
    }
    if (k)
        free_lookup(&k->job);
    return r;
}

int async__resolve(async_task *t, const char *host, const char *port, bool passive,
                   struct addresses **ret)
{
    int r = async__addresses_known(host, port, passive, ret);
    return r < 0 || *ret ? r : look_up(t, host, port, passive, ret);
}
