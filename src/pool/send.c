/* SPDX-License-Identifier: MIT */
#include "loop/scheduler.h"
#include "pool/process.h"

#include "base/alloc.h"
#include "base/sys.h"
#include "task/error.h"

#include <stdio.h>

/* --- where a function is --- */

static void forget_modules(struct async_process_pool *p)
{
    uint64_t unloads = async__module_unloads();
    if (unloads == p->unloads)
        return;
    p->unloads = unloads;
    for (unsigned i = 0; i < p->knows; i++)
        p->known[i].module.end = 0; /* the number stays: workers have been told */
}

static bool same(const struct known *k, const struct module *m, const char *path)
{
    return k->module.identity == m->identity && !strcmp(k->path, path);
}

/* The number of m, which is a new one if need be. */
static int number(struct async_process_pool *p, const struct module *m)
{
    char file[FUNCTION_SIZE];
    if (!async__module_file(m, file, sizeof file))
        return async_fail_at(-ENOEXEC, NULL, "the path of %s is not known", m->path);
    for (unsigned i = 0; i < p->knows; i++)
        if (same(&p->known[i], m, file)) {
            p->known[i].module = *m;
            return (int)i;
        }
    if (p->knows == MODULES_MAX)
        return async_fail_at(-ENOEXEC, NULL, "functions of more than %d libraries", MODULES_MAX);
    char *path = async__strdup(file);
    if (!path)
        return -ENOMEM;
    p->known[p->knows] = (struct known){ *m, path };
    return (int)p->knows++;
}

int async__call_locate(struct async_process_pool *p, struct call *c)
{
    uintptr_t address = (uintptr_t)c->fn;
    struct module m;
    forget_modules(p);
    for (unsigned i = 0; i < p->knows; i++) {
        const struct module *k = &p->known[i].module;
        if (address >= k->start && address < k->end) {
            c->module = i;
            c->offset = address - k->base;
            return 0;
        }
    }
    if (!async__module_of((const void *)address, &m))
        return async_fail_at(-ENOEXEC, NULL, "the function lies in no file that a worker could load");
    int n = number(p, &m);
    c->module = n < 0 ? 0 : (unsigned)n;
    c->offset = address - m.base;
    return n < 0 ? n : 0;
}

/* --- on its way --- */

static bool is_long(const struct call *c)
{
    return c->in_size > INLINE_MAX || c->out_size > INLINE_MAX;
}

static size_t shared_size(const struct call *c)
{
    return shared_out(c->in_size) + c->out_size;
}

static int load(struct call *c)
{
    if (!is_long(c) || c->shared)
        return 0;
    if (c->in_size > SIZE_MAX / 4 || c->out_size > SIZE_MAX / 4)
        return -ENOMEM;
    c->shared_fd = async__sys.memfd(shared_size(c));
    if (c->shared_fd < 0)
        return -errno;
    c->shared = async__sys.map_shared(c->shared_fd, shared_size(c));
    if (!c->shared) {
        async__sys.close(c->shared_fd);
        return -ENOMEM;
    }
    memcpy(c->shared, c->in, c->in_size);
    return 0;
}

void async__call_unload(struct call *c)
{
    if (!c->shared)
        return;
    async__sys.unmap(c->shared, shared_size(c));
    async__sys.close(c->shared_fd);
    c->shared = NULL;
}

static int send_packet(struct process_worker *w, struct frame *f, const void *body, size_t size, int fd)
{
    alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = { 0 };
    struct iovec v[2] = { { f, sizeof *f }, { (void *)(uintptr_t)body, size } };
    struct msghdr m = { .msg_iov = v, .msg_iovlen = 2 };
    if (fd >= 0) {
        m.msg_control = control;
        m.msg_controllen = sizeof control;
        struct cmsghdr *h = CMSG_FIRSTHDR(&m);
        *h = (struct cmsghdr){ CMSG_LEN(sizeof fd), SOL_SOCKET, SCM_RIGHTS };
        memcpy(CMSG_DATA(h), &fd, sizeof fd);
    }
    ssize_t n;
    while ((n = async__sys.sendmsg(w->process.wire, &m, MSG_NOSIGNAL | MSG_DONTWAIT)) < 0 &&
           errno == EINTR)
        ;
    if (n >= 0)
        return 0;
    return errno == ECONNRESET || errno == ENOTCONN ? -EPIPE : -errno;
}

static int introduce(struct process_worker *w, unsigned module)
{
    const struct known *k = &w->pool->known[module];
    struct frame f = { .kind = FRAME_MODULE, .module = module, .offset = k->module.identity };
    if (w->modules & UINT64_C(1) << module)
        return 0;
    int r = send_packet(w, &f, k->path, strlen(k->path) + 1, -1);
    if (r == 0)
        w->modules |= UINT64_C(1) << module;
    return r;
}

static int send_call(struct process_worker *w, struct call *c)
{
    int r = introduce(w, c->module);
    if (r == 0)
        r = load(c);
    if (r < 0)
        return r;
    struct frame f = { .kind = FRAME_CALL,
                       .seq = w->next,
                       .module = c->module,
                       .offset = c->offset,
                       .in_size = c->in_size,
                       .out_size = c->out_size,
                       .shared = c->shared != NULL };
    return send_packet(w, &f, c->shared ? NULL : c->in, c->shared ? 0 : c->in_size,
                       c->shared ? c->shared_fd : -1);
}

int async__call_send(struct process_worker *w, struct call *c)
{
    atomic_store(&w->process.board->marks[w->next % WINDOW], mark_of(w->next, MARK_SENT));
    int r = send_call(w, c);
    if (r == -EPIPE)
        async__worker_doom(w); /* it is heard of as the others in the window: with how w ended */
    else if (r < 0)
        return r;
    c->worker = w;
    c->seq = w->next++;
    w->window[c->seq % WINDOW] = c;
    w->pool->running++;
    return 0;
}

/* --- the queue --- */

void async__call_enqueue(struct async_process_pool *p, struct call *c, bool in_front)
{
    c->worker = NULL;
    c->queued = true;
    c->next = in_front ? p->head : NULL;
    c->prev = in_front ? NULL : p->tail;
    *(c->next ? &c->next->prev : &p->tail) = c;
    *(c->prev ? &c->prev->next : &p->head) = c;
    p->queued++;
}

void async__call_dequeue(struct async_process_pool *p, struct call *c)
{
    *(c->next ? &c->next->prev : &p->tail) = c->prev;
    *(c->prev ? &c->prev->next : &p->head) = c->next;
    c->queued = false;
    p->queued--;
}

void async__call_end(struct async_process_pool *p, struct call *c, int result, const char *text)
{
    c->done = true;
    c->result = result;
    snprintf(c->text, sizeof c->text, "%s", text);
    if (c->shared && result >= 0)
        memcpy(c->out, c->shared + shared_out(c->in_size), c->out_size);
    async__call_unload(c);
    p->done++;
    if (c->task->node.state == TASK_PARKED) { /* else it has not waited yet, or was interrupted a moment ago */
        c->task->value = 0;
        async__wake(c->task, WOKEN);
    }
}
