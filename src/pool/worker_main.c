/* SPDX-License-Identifier: MIT */
/* worker_main.c - the worker's side of a process pool: read a call, make it, reply. */
#include "pool/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pool/elf_file.h"
#include "pool/packet.h"
#include "task/error.h"

typedef int remote_fn(const void *in, void *out);

static struct {
    struct elf_file files[ELF_FILES_MAX];
    bool loaded[ELF_FILES_MAX];         /* or it was tried */
    const char *missing[ELF_FILES_MAX]; /* why a file cannot be loaded, or NULL */
    struct thread_call call;            /* the error of the call that runs */
    bool sandboxed;
    pid_t pid;
} worker;

/* The argument and the result follow a head of 64 bytes, and are aligned as it is. */
static alignas(64) union {
    struct packet head;
    unsigned char bytes[PACKET_MAX + ELF_PATH_MAX];
} in, out;

/* --- packets --- */

/* Read the next packet. Returns its size, and in *ret_fd the descriptor that came along, or -1. */
static ssize_t receive_packet(int *ret_fd)
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

/* Send the packet in `out`, whose head is followed by so many bytes. */
static void send_worker_packet(size_t body)
{
    ssize_t n;
    while ((n = send(WORKER_SOCKET, &out, sizeof out.head + body, MSG_NOSIGNAL)) < 0 &&
           errno == EINTR)
        ;
    if (n < 0)
        _exit(0); /* the pool is gone, or the call has closed our descriptors */
}

/* Reply to the call of that packet; of a negative result with the message, if the call gave it one.
 * result_size: the bytes of the result that lie in `out` already. */
static void send_reply(const struct packet *call, int result, size_t result_size)
{
    const struct thread_call *e = &worker.call;
    size_t size = result < 0 && e->code == result ? strlen(e->message) : 0;
    out.head = (struct packet){ .kind = PACKET_REPLY,
                                .seq = call->seq,
                                .result = result,
                                .out_size = result_size,
                                .message_size = (uint32_t)size };
    memcpy(out.bytes + sizeof out.head + result_size, e->message, size);
    send_worker_packet(result_size + size);
}

/* The loop's side sends nothing else, and it alone can send. */
static bool is_valid_call(const struct packet *call, size_t size)
{
    if (call->kind != PACKET_CALL || call->elf_file >= ELF_FILES_MAX ||
        (!call->shared && (call->in_size > INLINE_MAX || call->out_size > INLINE_MAX)))
        return false;
    return size == sizeof *call + (call->shared ? 0 : call->in_size) + call->path_size;
}

/* --- calls --- */

/* Load the file of a call that was just received, unless that was done for an earlier call. The
 * path follows the argument. */
static void load_elf_file(const struct packet *call)
{
    uint32_t n = call->elf_file;
    size_t offset = sizeof in.head + (call->shared ? 0 : call->in_size);
    if (call->path_size == 0 || worker.loaded[n])
        return;
    const char *why =
            async__elf_file_load((const char *)in.bytes + offset, call->identity, &worker.files[n]);
    worker.missing[n] = why ? strdup(why) : NULL;
    worker.loaded[n] = true;
}

/* Call the function. A child that it has forked ends here, if it comes back: it must not reply. */
static int call_function(const struct packet *call, const void *argument, void *result)
{
    uint32_t n = call->elf_file;
    if (worker.missing[n])
        return async_fail_at(-ENOEXEC, NULL, "the worker cannot load the function's library: %s",
                             worker.missing[n]);
    remote_fn *fn = (remote_fn *)(worker.files[n].base + call->offset);
    int r = fn(argument, result);
    fflush(stdout); /* before the reply, so that the caller can rely on what was printed */
    if (getpid() != worker.pid)
        _exit(0);
    return r;
}

static void make_inline_call(const struct packet *call)
{
    unsigned char *result = out.bytes + sizeof out.head;
    memset(result, 0, call->out_size); /* nothing of the call before */
    int r = call_function(call, in.bytes + sizeof in.head, result);
    send_reply(call, r, r >= 0 ? call->out_size : 0);
}

static void make_shared_call(const struct packet *call, int fd)
{
    size_t offset = shared_result_offset(call->in_size), size = offset + call->out_size;
    unsigned char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED) {
        send_reply(call, async_fail_at(-errno, NULL, "the worker has no room for %zu bytes", size),
                   0);
        return;
    }
    int r = call_function(call, p, p + offset);
    munmap(p, size);
    send_reply(call, r, 0);
}

/* Enter the sandbox before the first call, and not earlier, because libraries may have to be loaded
 * before. Otherwise fail the call and end: another worker would fail in the same way. */
static void enter_sandbox(const struct packet *call, int fd)
{
    worker.sandboxed = true;
    int r = async__sandbox_enter(fd);
    if (r == 0)
        return;
    send_reply(call, async_fail_at(r, NULL, "the worker cannot enter the sandbox"), 0);
    _exit(1);
}

static void answer_call(const struct worker_orders *o, int fd)
{
    struct packet call = in.head;
    worker.call.code = 0;
    load_elf_file(&call);
    if (o->sandbox && !worker.sandboxed)
        enter_sandbox(&call, fd);
    if (call.shared)
        make_shared_call(&call, fd);
    else
        make_inline_call(&call);
}

/* --- the worker --- */

/* What a call forks is no worker, not even where the call ends by returning here. */
static void close_socket(void)
{
    close(WORKER_SOCKET);
}

static void prepare_worker(const struct worker_orders *o)
{
    struct rlimit memory = { o->max_memory, o->max_memory };
    async__thread_call = &worker.call;
    worker.pid = getpid();
    fcntl(WORKER_SOCKET, F_SETFD, FD_CLOEXEC);
    if (o->max_memory && setrlimit(RLIMIT_AS, &memory) < 0)
        _exit(1);
    if (pthread_atfork(NULL, NULL, close_socket) != 0)
        _exit(1);
    out.head = (struct packet){ .kind = PACKET_READY };
    send_worker_packet(0);
}

void async__worker_main(const struct worker_orders *o)
{
    int fd;
    prepare_worker(o);
    for (ssize_t n; (n = receive_packet(&fd)) >= (ssize_t)sizeof in.head;) {
        if (!is_valid_call(&in.head, (size_t)n))
            _exit(1);
        answer_call(o, fd);
        if (fd >= 0)
            close(fd);
    }
    _exit(0);
}
