/* SPDX-License-Identifier: MIT */
/* fault.c - inject faults into system calls and allocations. For each call there is a list of the
 * errors with which it may fail. Results that a kernel never returns in that place are left out,
 * because a program may hang on them: EAGAIN while there is something to read, or a short read from
 * a socket that holds more. */
#include "testing/trial.h"

#include <netdb.h>
#include <stdio.h>

#include "base/ring.h"
#include "file/file.h"

enum {
    PARTIAL = -1, /* instead of an errno: the call succeeds, but does less than requested */
    FAULTS_OF_CALL_MAX = 6
};

/* A system call and its possible faults: errno values or PARTIAL. A 0 ends the list. */
struct call {
    const char *name;
    int faults[FAULTS_OF_CALL_MAX + 1];
};

static struct async_sys real; /* the system calls as they were before the run */

static void describe_fault(struct fault *f, const char *name, int fault)
{
    f->harmless = fault == EINTR || fault == PARTIAL;
    snprintf(f->what, sizeof f->what, "%s, call %zu, %s%s", name, f->point,
             fault == PARTIAL ? "succeeds in part" : "fails with ",
             fault == PARTIAL ? "" : strerrorname_np(fault));
}

/* Count a call that can fail in n ways. Returns the fault to inject into it, or NULL. */
static struct fault *inject_one_of(unsigned n)
{
    return async__trial ? async__trial_inject(async__trial, SWEEP_SYSCALL, (1u << n) - 1) : NULL;
}

/* Count a call. Returns the fault to inject into it: an errno, PARTIAL, or 0 for none. */
static int inject_fault(const struct call *c)
{
    unsigned n = 0;
    while (c->faults[n])
        n++;
    struct fault *f = inject_one_of(n);
    if (!f)
        return 0;
    describe_fault(f, c->name, c->faults[f->variant]);
    return c->faults[f->variant];
}

/* Must the call fail? If so, set errno. */
static bool fails_with(int fault)
{
    if (fault > 0)
        errno = fault;
    return fault > 0;
}

/* Define faulty_NAME(), which fails with one of the given errno values if a fault is injected, and
 * otherwise makes the system call NAME. */
#define FAULTY(name, type, params, args, ...)                                                      \
    static type faulty_##name params                                                               \
    {                                                                                              \
        static const struct call call = { #name, { __VA_ARGS__ } };                                \
        return fails_with(inject_fault(&call)) ? -1 : real.name args;                              \
    }

/* clang-format off */
FAULTY(epoll_create, int, (void), (), EMFILE, ENFILE, ENOMEM)
FAULTY(eventfd, int, (void), (), EMFILE, ENFILE, ENOMEM)
FAULTY(poll, int, (struct pollfd *fds, nfds_t n, int timeout), (fds, n, timeout), EINTR, ENOMEM)
FAULTY(read, ssize_t, (int fd, void *buf, size_t size), (fd, buf, size),
       EINTR, ECONNRESET, ETIMEDOUT)
FAULTY(socket, int, (int family, int type, int protocol), (family, type, protocol),
       EMFILE, ENFILE, ENOBUFS, EAFNOSUPPORT)
FAULTY(bind, int, (int fd, const struct sockaddr *a, socklen_t len), (fd, a, len),
       EADDRINUSE, EACCES, EADDRNOTAVAIL)
FAULTY(listen, int, (int fd, int backlog), (fd, backlog), EADDRINUSE)
FAULTY(accept4, int, (int fd, struct sockaddr *a, socklen_t *len, int flags), (fd, a, len, flags),
       EINTR, ECONNABORTED, EMFILE, ENOBUFS, EPERM)
FAULTY(connect, int, (int fd, const struct sockaddr *a, socklen_t len), (fd, a, len),
       ECONNREFUSED, ETIMEDOUT, ENETUNREACH, EADDRNOTAVAIL, EACCES)
FAULTY(getsockname, int, (int fd, struct sockaddr *a, socklen_t *len), (fd, a, len), ENOBUFS)
FAULTY(getpeername, int, (int fd, struct sockaddr *a, socklen_t *len), (fd, a, len), ENOTCONN)
FAULTY(getsockopt, int, (int fd, int level, int name, void *value, socklen_t *len),
       (fd, level, name, value, len), ENOBUFS)
FAULTY(setsockopt, int, (int fd, int level, int name, const void *value, socklen_t len),
       (fd, level, name, value, len), ENOMEM, ENOPROTOOPT)
FAULTY(shutdown, int, (int fd, int how), (fd, how), ENOTCONN)
FAULTY(madvise, int, (void *p, size_t size, int advice), (p, size, advice), EINVAL, ENOMEM)
FAULTY(mprotect, int, (void *p, size_t size, int prot), (p, size, prot), ENOMEM)
FAULTY(socketpair, int, (int fds[2]), (fds), EMFILE, ENFILE)
FAULTY(pidfd, int, (pid_t pid), (pid), EMFILE, ENFILE, ENOSYS)
FAULTY(memfd, int, (size_t size), (size), EMFILE, ENFILE, ENOMEM, ENOSPC)
FAULTY(timerfd, int, (void), (), EMFILE, ENFILE, ENOMEM)
FAULTY(recv, ssize_t, (int fd, void *buf, size_t size, int flags), (fd, buf, size, flags), EINTR)
/* clang-format on */

static ssize_t faulty_sendmsg(int fd, const struct msghdr *m, int flags)
{
    static const struct call call = { "sendmsg", { EINTR, EPIPE, ENOBUFS, EAGAIN } };
    return fails_with(inject_fault(&call)) ? -1 : real.sendmsg(fd, m, flags);
}

static int faulty_spawn(pid_t *ret, const char *path, const posix_spawn_file_actions_t *actions,
                        const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
    static const struct call call = { "posix_spawn", { EAGAIN, ENOMEM, ENOENT, EACCES } };
    int fault = inject_fault(&call);
    return fault ? fault : real.spawn(ret, path, actions, attributes, argv, envp);
}

/* With ECHILD the child is reaped all the same: a program that ignores SIGCHLD, or waits for all
 * children, has taken its status. */
static int faulty_waitpid(pid_t pid, int *status, int options)
{
    static const struct call call = { "waitpid", { EINTR, ECHILD } };
    int fault = inject_fault(&call);
    if (fault == ECHILD)
        real.waitpid(pid, status, options);
    return fails_with(fault) ? -1 : real.waitpid(pid, status, options);
}

static int faulty_epoll_ctl(int ep, int op, int fd, struct epoll_event *ev)
{
    static const struct call call = { "epoll_ctl", { ENOMEM, ENOSPC } };
    return op != EPOLL_CTL_DEL && fails_with(inject_fault(&call)) ? -1
                                                                  : real.epoll_ctl(ep, op, fd, ev);
}

static int faulty_epoll_wait(int ep, struct epoll_event *evs, int n, int64_t timeout)
{
    static const struct call call = { "epoll_wait", { EINTR, PARTIAL } };
    int fault = inject_fault(&call);
    return fails_with(fault) ? -1 : real.epoll_wait(ep, evs, fault == PARTIAL ? 1 : n, timeout);
}

/* The kernel closes the descriptor even if close() returns an error. */
static int faulty_close(int fd)
{
    static const struct call call = { "close", { EIO } };
    int fault = inject_fault(&call), r = real.close(fd);
    return fails_with(fault) ? -1 : r;
}

/* Return how many bytes the call is to request: half of them if the fault is PARTIAL. */
static size_t shorten_size(int fault, size_t size)
{
    return fault == PARTIAL && size > 1 ? size / 2 : size;
}

static ssize_t faulty_write_nosignal(int fd, const void *buf, size_t size)
{
    static const struct call call = { "write", { EINTR, EPIPE, PARTIAL } };
    int fault = inject_fault(&call);
    return fails_with(fault) ? -1 : real.write_nosignal(fd, buf, shorten_size(fault, size));
}

static ssize_t faulty_send(int fd, const void *buf, size_t size, int flags)
{
    static const struct call call = { "send", { EINTR, EPIPE, ECONNRESET, ENOBUFS, PARTIAL } };
    int fault = inject_fault(&call);
    return fails_with(fault) ? -1 : real.send(fd, buf, shorten_size(fault, size), flags);
}

static ssize_t faulty_ring_get(struct ring *r, void *buf, size_t size)
{
    static const struct call call = { "a read from memory", { EINTR, ECONNRESET, PARTIAL } };
    int fault = inject_fault(&call);
    return fails_with(fault) ? -1 : real.ring_get(r, buf, shorten_size(fault, size));
}

static ssize_t faulty_ring_put(struct ring *r, const void *buf, size_t size)
{
    static const struct call call = { "a write to memory", { EINTR, EPIPE, ECONNRESET, PARTIAL } };
    int fault = inject_fault(&call);
    return fails_with(fault) ? -1 : real.ring_put(r, buf, shorten_size(fault, size));
}

enum { FAULTS_OF_FILE_MAX = 12 };

/* The possible faults of file requests, by enum file_request_kind: a system call that the request
 * makes, and the fault of that call. A SYS_ value of 0 ends each list. */
static const struct file_fault {
    enum file_sys call;
    int fault;
} file_faults[FILE_REQUEST_KINDS][FAULTS_OF_FILE_MAX + 1] = {
    [FILE_OPEN] = { { SYS_OPEN, EINTR },
                    { SYS_OPEN, EMFILE },
                    { SYS_OPEN, EACCES },
                    { SYS_OPEN, ENOSPC },
                    { SYS_STATUS, EIO } },
    [FILE_CLOSE] = { { SYS_CLOSE, EINTR }, { SYS_CLOSE, EIO }, { SYS_CLOSE, EDQUOT } },
    [FILE_READ_WHOLE] = { { SYS_OPEN, EINTR },
                          { SYS_OPEN, ENFILE },
                          { SYS_READ, EINTR },
                          { SYS_READ, EIO },
                          { SYS_READ, PARTIAL },
                          { SYS_CLOSE, EIO } },
    [FILE_READ] = { { SYS_READ, EINTR }, { SYS_READ, EIO }, { SYS_READ, PARTIAL } },
    [FILE_WRITE] = { { SYS_WRITE, EINTR },
                     { SYS_WRITE, ENOSPC },
                     { SYS_WRITE, EFBIG },
                     { SYS_WRITE, PARTIAL } },
    [FILE_COPY] = { { SYS_COPY, EINTR },
                    { SYS_COPY, EIO },
                    { SYS_COPY, ENOSPC },
                    { SYS_COPY, EXDEV },
                    { SYS_COPY, PARTIAL } },
    [FILE_SYNC] = { { SYS_SYNC, EINTR }, { SYS_SYNC, EIO } },
    [FILE_RESIZE] = { { SYS_OTHER, EINTR }, { SYS_OTHER, EFBIG } },
    [FILE_STATUS] = { { SYS_OTHER, EACCES }, { SYS_OTHER, ENOMEM } },
    [FILE_RENAME] = { { SYS_OTHER, EXDEV }, { SYS_OTHER, ENOSPC } },
    [FILE_UNLINK] = { { SYS_OTHER, EBUSY }, { SYS_OTHER, EROFS } },
    [FILE_MKDIR] = { { SYS_OTHER, EEXIST }, { SYS_OTHER, ENOSPC } },
    [FILE_LIST] = { { SYS_OTHER, EINTR }, { SYS_OTHER, EIO } },
    [FILE_MODE] = { { SYS_OTHER, EPERM } },
    [FILE_REPLACE] = { { SYS_STATUS, EACCES },
                       { SYS_OPEN, EMFILE },
                       { SYS_OPEN, EEXIST },
                       { SYS_WRITE, EINTR },
                       { SYS_WRITE, ENOSPC },
                       { SYS_WRITE, PARTIAL },
                       { SYS_SYNC, EIO },
                       { SYS_CLOSE, EDQUOT },
                       { SYS_OTHER, EXDEV } },
    [FILE_TEMPORARY] = { { SYS_OPEN, EINTR }, { SYS_OPEN, EOPNOTSUPP }, { SYS_OPEN, ENOSPC } },
};

/* Count a file request. Returns the fault to inject into it, in 32 bits that the request carries to
 * the thread that executes it: the system call in the upper half, the fault in the lower half. */
static uint32_t faulty_draw_file_fault(int call)
{
    static const char *const names[] = {
        [SYS_OPEN] = "open",   [SYS_STATUS] = "stat", [SYS_READ] = "pread", [SYS_WRITE] = "pwrite",
        [SYS_CLOSE] = "close", [SYS_COPY] = "copy",   [SYS_SYNC] = "sync",  [SYS_OTHER] = "a call",
    };
    unsigned n = 0;
    while (file_faults[call][n].call)
        n++;
    struct fault *f = inject_one_of(n);
    if (!f)
        return 0;
    const struct file_fault *file = &file_faults[call][f->variant];
    describe_fault(f, names[file->call], file->fault);
    return (uint32_t)file->call << 16 | (uint16_t)file->fault;
}

/* Apply the fault to this system call, if it is the one that was drawn, and only once. */
static int faulty_apply_file_fault(uint32_t *drawn, int call, size_t *size)
{
    int fault = (int16_t)(*drawn & 0xffff);
    if (!*drawn || (int)(*drawn >> 16) != call)
        return 0;
    *drawn = 0;
    if (fault == PARTIAL && size && *size > 1)
        *size /= 2;
    return fault > 0 ? fault : 0;
}

/* The possible faults of a name lookup. */
enum name_answer {
    REFUSING_FIRST, /* an address that refuses connections is put before the others */
    EMPTY_LIST,     /* success, but without an address */
    EAI             /* an error code */
};

static const struct name {
    const char *text;
    enum name_answer answer;
    int eai, err;
} names[] = {
    { "fails with EAI_AGAIN", EAI, EAI_AGAIN, 0 },
    { "fails with EAI_NONAME", EAI, EAI_NONAME, 0 },
    { "fails with EAI_FAIL", EAI, EAI_FAIL, 0 },
    { "fails with EAI_MEMORY", EAI, EAI_MEMORY, 0 },
    { "fails with EAI_SYSTEM and EMFILE", EAI, EAI_SYSTEM, EMFILE },
    { "fails with EAI_SYSTEM and no errno", EAI, EAI_SYSTEM, 0 },
    { "returns no address", EMPTY_LIST, 0, 0 },
    /* The last one is not injected if the address is to listen on. */
    { "returns one more address, which refuses connections", REFUSING_FIRST, 0, 0 },
};

/* Count a name lookup. Returns the fault to inject into it: 1 plus its index in names, or 0. */
static uint32_t faulty_draw_name_fault(bool passive)
{
    unsigned n = sizeof names / sizeof names[0];
    struct fault *f = inject_one_of(passive ? n - 1 : n);
    if (!f)
        return 0;
    f->harmless = names[f->variant].answer == REFUSING_FIRST;
    snprintf(f->what, sizeof f->what, "getaddrinfo, call %zu, %s", f->point,
             names[f->variant].text);
    return f->variant + 1;
}

/* Look a name up with the fault that was drawn for it. Runs on a thread of the pool. */
static int faulty_getaddrinfo(uint32_t drawn, const char *host, const char *port,
                              const struct addrinfo *hints, struct addrinfo **ret)
{
    const struct name *n = drawn ? &names[drawn - 1] : NULL;
    *ret = NULL;
    if (n && n->answer != REFUSING_FIRST) {
        errno = n->err;
        return n->eai;
    }
    int r = real.getaddrinfo(0, host, port, hints, ret);
    struct addrinfo numeric = *hints, *others = *ret;
    numeric.ai_flags |= AI_NUMERICHOST;
    if (r || !n || real.getaddrinfo(0, "127.0.0.2", port, &numeric, ret))
        return r;
    struct addrinfo *last = *ret;
    while (last->ai_next)
        last = last->ai_next;
    last->ai_next = others;
    return 0;
}

static int faulty_uring_open(struct io_uring *ring, unsigned entries)
{
    static const struct call call = { "io_uring_setup", { EPERM, ENOSYS, ENOMEM } };
    int fault = inject_fault(&call);
    return fault ? -fault : real.uring_open(ring, entries);
}

static int faulty_uring_enter(struct io_uring *ring)
{
    static const struct call call = { "io_uring_enter", { EINTR, EAGAIN, EBUSY } };
    int fault = inject_fault(&call);
    return fault ? -fault : real.uring_enter(ring);
}

static int faulty_thread(void *(*fn)(void *arg), void *arg)
{
    static const struct call call = { "pthread_create", { EAGAIN } };
    int fault = inject_fault(&call);
    return fault ? fault : real.thread(fn, arg);
}

/* The functions above, which replace entries of async__sys. The entries are replaced one by one,
 * because threads that look up a name may use others of the table at the same time. */
#define EACH_FAULTY(m)                                                                             \
    m(epoll_create) m(eventfd) m(poll) m(read) m(socket) m(bind) m(listen) m(accept4) m(connect)   \
            m(getsockname) m(getpeername) m(getsockopt) m(setsockopt) m(shutdown) m(madvise)       \
                    m(mprotect) m(epoll_ctl) m(epoll_wait) m(close) m(write_nosignal) m(send)      \
                            m(ring_get) m(ring_put) m(thread) m(socketpair) m(pidfd) m(memfd)      \
                                    m(sendmsg) m(timerfd) m(recv) m(spawn) m(waitpid)              \
                                            m(draw_file_fault) m(apply_file_fault) m(uring_open)   \
                                                    m(uring_enter) m(draw_name_fault)              \
                                                            m(getaddrinfo)
#define REPLACE(name) async__sys.name = faulty_##name;
#define RESTORE(name) async__sys.name = real.name;

void async__faults_begin(void)
{
    real = async__sys;
    EACH_FAULTY(REPLACE)
}

void async__faults_end(void)
{
    EACH_FAULTY(RESTORE)
}

/* Has a fault been injected after which every allocation fails? */
static bool all_allocations_fail(const struct trial *x)
{
    for (int i = 0; i < FAULTS; i++)
        if (x->faults[i].injected && x->faults[i].kind == SWEEP_ALLOC_REST)
            return true;
    return false;
}

/* Count an allocation as a point of both kinds of faults, also while all allocations fail. */
bool async__fault_memory(size_t bytes)
{
    struct trial *x = async__trial;
    if (!x)
        return false;
    bool fails = all_allocations_fail(x);
    for (enum sweep kind = SWEEP_ALLOC; kind <= SWEEP_ALLOC_REST; kind++) {
        struct fault *f = async__trial_inject(x, kind, 1);
        if (!f)
            continue;
        snprintf(f->what, sizeof f->what, "allocation %zu%s, of %zu bytes, fails", f->point,
                 kind == SWEEP_ALLOC_REST ? " and all that follow" : "", bytes);
        return true;
    }
    return fails;
}

bool async_test_fails(void)
{
    return async__fault_memory(0);
}
