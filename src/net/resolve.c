/* SPDX-License-Identifier: MIT */
/* resolve.c - look up the addresses of a host by getaddrinfo().
 *
 * getaddrinfo() reads all that the system has configured for names, but it blocks, and cannot be
 * cancelled. So each lookup is a job for the loop's thread pool for names (ASYNC_POOL_NAMES), in
 * memory of its own. If the task that waits for it is cancelled, the task returns at once, and the
 * thread goes on alone and frees the record. */
#include "net/resolve.h"

#include "base/alloc.h"
#include "pool/job.h"

struct lookup {
    struct job job;
    struct addresses *found;
    int err;     /* EAI_... */
    int sys_err; /* errno, if err is not 0 */
    uint32_t fault;
    bool passive;
    char *port;
    char host[];
};

static void lookup_free(struct job *j)
{
    struct lookup *k = (struct lookup *)j;
    async__free(k->found);
    async__free(k);
}

static void lookup_work(struct job *j);

static struct lookup *lookup_new(const char *host, const char *port, bool passive)
{
    size_t host_size = strlen(host) + 1, port_size = strlen(port) + 1;
    struct lookup *k = async__malloc(sizeof *k + host_size + port_size);
    if (!k)
        return NULL;
    *k = (struct lookup){ .passive = passive, .fault = async__sys.draw_name_fault(passive) };
    memcpy(k->host, host, host_size);
    k->port = memcpy(k->host + host_size, port, port_size);
    k->job = (struct job){ .work = lookup_work, .release = lookup_free, .name = k->host };
    return k;
}

/* Runs on a thread of the pool. */
static void lookup_work(struct job *j)
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
    if (list) /* some systems report success without any address */
        async__sys.freeaddrinfo(list);
}

/* Translate what getaddrinfo() has returned to 0 or a negative errno, with a message. */
static int lookup_result(const struct lookup *k)
{
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
    return k->found->count ? 0 : async_fail_at(-EHOSTUNREACH, NULL, "%s: no address", k->host);
}

static int look_up_host(async_task *t, const char *host, const char *port, bool passive,
                        struct addresses **ret)
{
    struct lookup *k = lookup_new(host ? host : "", port, passive);
    int r = k ? async__job_await(t, ASYNC_POOL_NAMES, &k->job) : -ENOMEM;
    if (r == -ECANCELED)
        return r; /* the pool frees the record */
    if (r < 0)
        r = async_fail_at(r, NULL, "cannot look up %s: %s", host && host[0] ? host : port,
                          r == -ENOMEM ? "no memory" : "no thread could be started");
    else
        r = lookup_result(k);
    if (r == 0) {
        *ret = k->found;
        k->found = NULL;
    }
    if (k)
        lookup_free(&k->job);
    return r;
}

int async__resolve(async_task *t, const char *host, const char *port, bool passive,
                   struct addresses **ret)
{
    int r = async__addresses_known(host, port, passive, ret);
    return r < 0 || *ret ? r : look_up_host(t, host, port, passive, ret);
}
