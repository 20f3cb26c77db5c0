/* SPDX-License-Identifier: MIT */
/* process_call.c - a call to another process: where its function is, how it waits in the queue, how
 * it ends. */
#include <stdio.h>

#include "base/alloc.h"
#include "base/sys.h"
#include "loop/scheduler.h"
#include "pool/process_pool.h"
#include "task/error.h"

/* --- where a function is --- */

/* Addresses may belong to other files after one was unloaded. The numbers of known files stay:
 * workers have been sent them. */
static void forget_addresses(struct async_process_pool *p)
{
    uint64_t unloads = async__elf_file_unloads();
    if (unloads == p->unloads)
        return;
    p->unloads = unloads;
    for (unsigned i = 0; i < p->known_count; i++)
        p->known[i].file.end = 0;
}

/* Returns the number of f in the pool, a new one if need be, or a negative errno. */
static int number_of_file(struct async_process_pool *p, const struct elf_file *f)
{
    char path[ELF_PATH_MAX];
    if (!async__elf_file_path(f, path, sizeof path))
        return async_fail_at(-ENOEXEC, NULL, "the path of %s is not known", f->path);
    for (unsigned i = 0; i < p->known_count; i++) {
        struct known_file *k = &p->known[i];
        if (k->file.identity == f->identity && !strcmp(k->path, path)) {
            k->file = *f;
            return (int)i;
        }
    }
    if (p->known_count == ELF_FILES_MAX)
        return async_fail_at(-ENOEXEC, NULL,
                             "a process pool takes functions of at most %d libraries",
                             ELF_FILES_MAX);
    char *copy = async__strdup(path);
    if (!copy)
        return -ENOMEM;
    p->known[p->known_count] = (struct known_file){ *f, copy };
    return (int)p->known_count++;
}

int async__process_call_locate(struct async_process_pool *p, struct process_call *c)
{
    uintptr_t address = (uintptr_t)c->fn;
    struct elf_file f;
    forget_addresses(p);
    for (unsigned i = 0; i < p->known_count; i++) {
        const struct elf_file *k = &p->known[i].file;
        if (address >= k->start && address < k->end) {
            c->elf_file = i;
            c->offset = address - k->base;
            return 0;
        }
    }
    if (!async__elf_file_of((const void *)address, &f))
        return async_fail_at(-ENOEXEC, NULL,
                             "the function lies in no file that a worker process could load");
    int n = number_of_file(p, &f);
    c->elf_file = n < 0 ? 0 : (unsigned)n;
    c->offset = address - f.base;
    return n < 0 ? n : 0;
}

/* --- the queue --- */

void async__process_call_enqueue(struct async_process_pool *p, struct process_call *c,
                                 bool in_front)
{
    c->worker = NULL;
    c->queued = true;
    c->next = in_front ? p->head : NULL;
    c->prev = in_front ? NULL : p->tail;
    *(c->next ? &c->next->prev : &p->tail) = c;
    *(c->prev ? &c->prev->next : &p->head) = c;
    p->queued++;
}

void async__process_call_dequeue(struct async_process_pool *p, struct process_call *c)
{
    *(c->next ? &c->next->prev : &p->tail) = c->prev;
    *(c->prev ? &c->prev->next : &p->head) = c->next;
    c->queued = false;
    p->queued--;
}

/* --- shared memory --- */

static size_t shared_size(const struct process_call *c)
{
    return shared_result_offset(c->in_size) + c->out_size;
}

int async__process_call_share(struct process_call *c)
{
    if ((c->in_size <= INLINE_MAX && c->out_size <= INLINE_MAX) || c->shared)
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

void async__process_call_unshare(struct process_call *c)
{
    if (!c->shared)
        return;
    async__sys.unmap(c->shared, shared_size(c));
    async__sys.close(c->shared_fd);
    c->shared = NULL;
}

/* --- the end --- */

void async__process_call_end(struct async_process_pool *p, struct process_call *c, int result,
                             const char *message)
{
    c->done = true;
    c->result = result;
    snprintf(c->message, sizeof c->message, "%s", message);
    if (c->shared && result >= 0)
        memcpy(c->out, c->shared + shared_result_offset(c->in_size), c->out_size);
    async__process_call_unshare(c);
    p->done++;
    if (c->task->node.state ==
        TASK_PARKED) { /* otherwise it does not wait yet, or was interrupted a moment ago */
        c->task->value = 0;
        async__wake(c->task, WOKEN);
    }
}
