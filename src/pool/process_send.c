/* SPDX-License-Identifier: MIT */
/* process_send.c - send packets to a worker process. */
#include <stdalign.h>

#include "base/sys.h"
#include "pool/process_pool.h"

/* Send a packet of three parts, and a descriptor with it unless fd is -1. Returns 0 or a negative
 * errno. */
static int send_parts(struct process_worker *w, struct iovec parts[3], int fd)
{
    alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = { 0 };
    struct msghdr m = { .msg_iov = parts, .msg_iovlen = 3 };
    if (fd >= 0) {
        m.msg_control = control;
        m.msg_controllen = sizeof control;
        struct cmsghdr *h = CMSG_FIRSTHDR(&m);
        *h = (struct cmsghdr){ CMSG_LEN(sizeof fd), SOL_SOCKET, SCM_RIGHTS };
        memcpy(CMSG_DATA(h), &fd, sizeof fd);
    }
    ssize_t n;
    while ((n = async__sys.sendmsg(w->wire, &m, MSG_NOSIGNAL | MSG_DONTWAIT)) < 0 && errno == EINTR)
        ;
    if (n >= 0)
        return 0;
    return errno == ECONNRESET || errno == ENOTCONN ? -EPIPE : -errno;
}

static int send_call(struct process_worker *w, const struct process_call *c)
{
    const struct known_file *k = &w->pool->known[c->elf_file];
    bool is_known = w->elf_files & UINT64_C(1) << c->elf_file;
    struct packet head = { .kind = PACKET_CALL,
                           .seq = w->next_seq,
                           .elf_file = c->elf_file,
                           .offset = c->offset,
                           .identity = k->file.identity,
                           .in_size = c->in_size,
                           .out_size = c->out_size,
                           .shared = c->shared != NULL,
                           .path_size = is_known ? 0 : (uint32_t)strlen(k->path) + 1 };
    struct iovec parts[3] = { { &head, sizeof head },
                              { (void *)(uintptr_t)c->in, c->shared ? 0 : c->in_size },
                              { k->path, head.path_size } };
    return send_parts(w, parts, c->shared ? c->shared_fd : -1);
}

int async__process_send(struct process_worker *w, struct process_call *c)
{
    int r = async__process_call_share(c);
    if (r == 0)
        r = send_call(w, c);
    if (r < 0)
        return r;
    c->worker = w;
    c->seq = w->next_seq++;
    if (w->count == 0)
        w->head_since = 0;
    w->window[w->count++] = c;
    w->pool->running++;
    return 0;
}
