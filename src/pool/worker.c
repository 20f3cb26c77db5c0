/* SPDX-License-Identifier: MIT */
#include "pool/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pool/module.h"
#include "task/error.h"

typedef int remote_fn(const void *in, void *out);

static struct {
    struct board *board;
    struct module modules[MODULES_MAX];
    const char *missing[MODULES_MAX]; /* why a module cannot be loaded */
    struct thread_call note;
    bool enclosed; /* in the sandbox */
    pid_t pid;
    unsigned cpu;
} me;

/* The argument and the result lie behind a frame of 64 bytes, and are as aligned as they. */
static alignas(64) union packet {
    struct frame head;
    unsigned char bytes[PACKET_MAX + FUNCTION_SIZE];
} in, out;

/* The size of the next packet; a descriptor that came along, or -1. 0: nobody is there any more. */
static ssize_t receive(int *ret_fd)
{
    alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    struct iovec v = { &in, sizeof in };
    struct msghdr m = { .msg_iov = &v,
                        .msg_iovlen = 1,
                        .msg_control = control,
                        .msg_controllen = sizeof control };
    ssize_t n;
    while ((n = recvmsg(WORKER_SOCKET, &m, MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR)
        ;
    struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&m) : NULL;
    *ret_fd = -1;
    if (c && c->cmsg_type == SCM_RIGHTS)
        memcpy(ret_fd, CMSG_DATA(c), sizeof *ret_fd);
    return n;
}

static void answer(size_t body)
{
    ssize_t n;
    while ((n = send(WORKER_SOCKET, &out, sizeof out.head + body, MSG_NOSIGNAL)) < 0 && errno == EINTR)
        ;
    if (n < 0)
        _exit(0);
}

/* What a call forks is no worker: not even where the call ends by coming back to us. */
static void leave_the_wire(void)
{
    close(WORKER_SOCKET);
}

static void learn_module(size_t size)
{
    uint32_t id = in.head.module;
    if (id >= MODULES_MAX || size <= sizeof in.head || in.bytes[size - 1] != '\0')
        return;
    const char *why = async__module_load((const char *)in.bytes + sizeof in.head, in.head.offset,
                                         &me.modules[id]);
    free((void *)me.missing[id]);
    me.missing[id] = why ? strdup(why) : NULL;
}

/* By the time that it has used already: a limit is for all of a process's life. */
static void limit_cpu(unsigned seconds)
{
    struct rusage used;
    struct rlimit limit;
    if (!seconds || getrusage(RUSAGE_SELF, &used) < 0 || getrlimit(RLIMIT_CPU, &limit) < 0)
        return;
    limit.rlim_cur = (rlim_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + 1 + seconds;
    if (limit.rlim_cur > limit.rlim_max)
        limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_CPU, &limit);
}

static int call(const struct frame *f, const void *argument, void *result)
{
    if (f->module >= MODULES_MAX || me.missing[f->module])
        return async_fail_at(-ENOEXEC, NULL, "the worker cannot load the function's library: %s",
                             f->module < MODULES_MAX ? me.missing[f->module] : "");
    remote_fn *fn = (remote_fn *)(me.modules[f->module].base + f->offset);
    int r = fn(argument, result);
    fflush(stdout); /* before the answer: whoever has it may rely on what was printed */
    if (getpid() != me.pid)
        _exit(0);
    return r;
}

/* The memory with argument and result, or NULL. */
static void *map_shared(const struct frame *f, int fd)
{
    void *p = mmap(NULL, shared_out(f->in_size) + f->out_size, PROT_READ | PROT_WRITE, MAP_SHARED,
                   fd, 0);
    return p == MAP_FAILED ? NULL : p;
}

static void make_call(int fd)
{
    struct frame f = in.head;
    unsigned char *argument = in.bytes + sizeof f, *result = out.bytes + sizeof f, *shared = NULL;
    bool fits = f.in_size <= INLINE_MAX && f.out_size <= INLINE_MAX;
    int r = 0;
    out.head = (struct frame){ .kind = FRAME_ANSWER, .seq = f.seq };
    if (!mark_turn(me.board, f.seq, MARK_STARTED)) {
        out.head.skipped = true;
        answer(0);
        return;
    }
    if (f.shared && !(shared = map_shared(&f, fd)))
        r = async_fail_at(-errno, NULL, "the worker has no room for %zu bytes",
                          (size_t)(f.in_size + f.out_size));
    else if (!f.shared && !fits)
        r = -EPROTO;
    if (shared) {
        argument = shared;
        result = shared + shared_out(f.in_size);
    } else if (fits) {
        memset(result, 0, f.out_size); /* nothing of the call before */
    }
    if (r == 0) {
        limit_cpu(me.cpu);
        r = call(&f, argument, result);
    }
    size_t size = r >= 0 && !shared ? f.out_size : 0;
    if (shared)
        munmap(shared, shared_out(f.in_size) + f.out_size);
    out.head.result = r;
    out.head.out_size = size;
    if (r < 0 && me.note.code == r) {
        out.head.sentence = (uint32_t)strlen(me.note.message);
        memcpy(out.bytes + sizeof f, me.note.message, out.head.sentence);
    }
    answer(size + out.head.sentence);
}

static void set_limits(const struct worker_orders *o)
{
    struct rlimit memory = { o->memory, o->memory };
    if (o->memory && setrlimit(RLIMIT_AS, &memory) < 0)
        _exit(1);
}

/* As late as can be: libraries are still to be loaded before the first call. */
static void enclose(const struct worker_orders *o)
{
    if (o->sandbox && !me.enclosed && async__sandbox_enter() < 0)
        _exit(1);
    me.enclosed = true;
}

void async__worker_serve(const struct worker_orders *o)
{
    async__thread_call = &me.note;
    me.board = mmap(NULL, sizeof *me.board, PROT_READ | PROT_WRITE, MAP_SHARED, WORKER_BOARD, 0);
    if (me.board == MAP_FAILED)
        _exit(1);
    close(WORKER_BOARD);
    fcntl(WORKER_SOCKET, F_SETFD, FD_CLOEXEC);
    set_limits(o);
    me.cpu = o->cpu;
    me.pid = getpid();
    if (pthread_atfork(NULL, NULL, leave_the_wire) != 0)
        _exit(1);
    atomic_store(&me.board->alive, 1);
    int fd;
    for (ssize_t n; (n = receive(&fd)) >= (ssize_t)sizeof in.head;) {
        me.note.code = 0;
        if (in.head.kind == FRAME_MODULE) {
            learn_module((size_t)n);
        } else {
            enclose(o);
            make_call(fd);
        }
        if (fd >= 0)
            close(fd);
    }
    _exit(0);
}
