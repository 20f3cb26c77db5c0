/* SPDX-License-Identifier: MIT */
/* fault.c - what the outside world may answer on a bad day. Left out is what a kernel never answers
 * where we ask, and would be right to hang on: EAGAIN where there is something, a short read from a
 * socket that holds more. */
#include "testing/trial.h"

#include <netdb.h>
#include <stdio.h>

#include "base/ring.h"
#include "file/file.h"

/* Instead of an errno: */
enum { LESS = -1 }; /* not all that was asked for */

enum { ANSWERS = 6 };

struct call {
    const char *name;
    int faults[ANSWERS + 1]; /* up to the first 0 */
};

static struct async_sys real;

static void describe(struct fault *f, const char *name, int fault)
{
    f->harmless = fault == EINTR || fault == LESS;
    snprintf(f->what, sizeof f->what, "%s, call %zu, %s%s", name, f->point,
             fault == LESS ? "does less than it was asked for" : "answers ",
             fault == LESS ? "" : strerrorname_np(fault));
}

/* The fault of this call, if it suffers one of so many. */
static struct fault *strikes_one_of(unsigned n)
{
    return async__trial ? async__trial_hits(async__trial, SWEEP_SYSCALL, (1u << n) - 1) : NULL;
}

/* 0, or the fault that this call suffers. */
static int strikes(const struct call *c)
{
    unsigned n = 0;
    while (c->faults[n])
        n++;
    struct fault *f = strikes_one_of(n);
    if (!f)
        return 0;
    describe(f, c->name, c->faults[f->variant]);
    return c->faults[f->variant];
}

static bool refuses(int fault)
{
    if (fault > 0)
        errno = fault;
    return fault > 0;
}

#define FAULTY(name, type, params, args, ...)                                                      \
    static type faulty_##name params                                                               \
    {                                                                                              \
        static const struct call call = { #name, { __VA_ARGS__ } };                                \
        return refuses(strikes(&call)) ? -1 : real.name args;                                      \
    }

/* clang-format off */
FAULTY(epoll_create, int, (void), (), EMFILE, ENFILE, ENOMEM)
FAULTY(eventfd, int, (void), (), EMFILE, ENFILE, ENOMEM)
FAULTY(poll, int, (struct pollfd *fds, nfds_t n, int timeout), (fds, n, timeout), EINTR, ENOMEM)
FAULTY(read, ssize_t, (int fd, void *buf, size_t size), (fd, buf, size), EINTR, ECONNRESET, ETIMEDOUT)
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
/* clang-format on */

static ssize_t faulty_sendmsg(int fd, const struct msghdr *m, int flags)
{
    static const struct call call = { "sendmsg", { EINTR, EPIPE, ENOBUFS, EAGAIN } };
    return refuses(strikes(&call)) ? -1 : real.sendmsg(fd, m, flags);
}

static int faulty_spawn(pid_t *ret, const char *path, const posix_spawn_file_actions_t *actions,
                        const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
    static const struct call call = { "posix_spawn", { EAGAIN, ENOMEM, ENOENT, EACCES } };
    int fault = strikes(&call);
    return fault ? fault : real.spawn(ret, path, actions, attributes, argv, envp);
}

/* Nobody's child any more: who ignores SIGCHLD, or waits for all children, has its end. */
static int faulty_waitpid(pid_t pid, int *status, int options)
{
    static const struct call call = { "waitpid", { EINTR, ECHILD } };
    int fault = strikes(&call);
    if (fault == ECHILD)
        real.waitpid(pid, status, options);
    return refuses(fault) ? -1 : real.waitpid(pid, status, options);
}

static int faulty_epoll_ctl(int ep, int op, int fd, struct epoll_event *ev)
{
    static const struct call call = { "epoll_ctl", { ENOMEM, ENOSPC } };
    return op != EPOLL_CTL_DEL && refuses(strikes(&call)) ? -1 : real.epoll_ctl(ep, op, fd, ev);
}

static int faulty_epoll_wait(int ep, struct epoll_event *evs, int n, int64_t timeout)
{
    static const struct call call = { "epoll_wait", { EINTR, LESS } };
    int fault = strikes(&call);
    return refuses(fault) ? -1 : real.epoll_wait(ep, evs, fault == LESS ? 1 : n, timeout);
}

/* The descriptor is gone, whatever it says. */
static int faulty_close(int fd)
{
    static const struct call call = { "close", { EIO } };
    int fault = strikes(&call), r = real.close(fd);
    return refuses(fault) ? -1 : r;
}

static size_t some(int fault, size_t size)
{
    return fault == LESS && size > 1 ? size / 2 : size;
}

static ssize_t faulty_write_quiet(int fd, const void *buf, size_t size)
{
    static const struct call call = { "write", { EINTR, EPIPE, LESS } };
    int fault = strikes(&call);
    return refuses(fault) ? -1 : real.write_quiet(fd, buf, some(fault, size));
}

static ssize_t faulty_send(int fd, const void *buf, size_t size, int flags)
{
    static const struct call call = { "send", { EINTR, EPIPE, ECONNRESET, ENOBUFS, LESS } };
    int fault = strikes(&call);
    return refuses(fault) ? -1 : real.send(fd, buf, some(fault, size), flags);
}

static ssize_t faulty_ring_get(struct ring *r, void *buf, size_t size)
{
    static const struct call call = { "a read from memory", { EINTR, ECONNRESET, LESS } };
    int fault = strikes(&call);
    return refuses(fault) ? -1 : real.ring_get(r, buf, some(fault, size));
}

static ssize_t faulty_ring_put(struct ring *r, const void *buf, size_t size)
{
    static const struct call call = { "a write to memory", { EINTR, EPIPE, ECONNRESET, LESS } };
    int fault = strikes(&call);
    return refuses(fault) ? -1 : real.ring_put(r, buf, some(fault, size));
}

/* What a call on files may meet, by enum file_call. The fate names the system call and its
 * fault. */
enum { FATES = 12 };

static const struct fate {
    enum file_sys call;
    int fault;
} fates[FILE_CALLS][FATES + 1] = {
    [FILE_OPEN] = { { SYS_OPEN, EINTR },
                    { SYS_OPEN, EMFILE },
                    { SYS_OPEN, EACCES },
                    { SYS_OPEN, ENOSPC },
                    { SYS_STATUS, EIO } },
    [FILE_CLOSE] = { { SYS_CLOSE, EINTR }, { SYS_CLOSE, EIO }, { SYS_CLOSE, EDQUOT } },
    [FILE_SLURP] = { { SYS_OPEN, EINTR },
                     { SYS_OPEN, ENFILE },
                     { SYS_READ, EINTR },
                     { SYS_READ, EIO },
                     { SYS_READ, LESS },
                     { SYS_CLOSE, EIO } },
    [FILE_READ] = { { SYS_READ, EINTR }, { SYS_READ, EIO }, { SYS_READ, LESS } },
    [FILE_WRITE] = { { SYS_WRITE, EINTR },
                     { SYS_WRITE, ENOSPC },
                     { SYS_WRITE, EFBIG },
                     { SYS_WRITE, LESS } },
    [FILE_COPY] = { { SYS_COPY, EINTR },
                    { SYS_COPY, EIO },
                    { SYS_COPY, ENOSPC },
                    { SYS_COPY, EXDEV },
                    { SYS_COPY, LESS } },
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
                       { SYS_WRITE, LESS },
                       { SYS_SYNC, EIO },
                       { SYS_CLOSE, EDQUOT },
                       { SYS_OTHER, EXDEV } },
    [FILE_TEMPORARY] = { { SYS_OPEN, EINTR }, { SYS_OPEN, EOPNOTSUPP }, { SYS_OPEN, ENOSPC } },
};

static uint32_t faulty_file_fate(int call)
{
    static const char *const names[] = {
        [SYS_OPEN] = "open",   [SYS_STATUS] = "stat", [SYS_READ] = "pread", [SYS_WRITE] = "pwrite",
        [SYS_CLOSE] = "close", [SYS_COPY] = "copy",   [SYS_SYNC] = "sync",  [SYS_OTHER] = "a call",
    };
    unsigned n = 0;
    while (fates[call][n].call)
        n++;
    struct fault *f = strikes_one_of(n);
    if (!f)
        return 0;
    const struct fate *fate = &fates[call][f->variant];
    describe(f, names[fate->call], fate->fault);
    return (uint32_t)fate->call << 16 | (uint16_t)fate->fault;
}

static int faulty_file_meets(uint32_t *fate, int call, size_t *size)
{
    int fault = (int16_t)(*fate & 0xffff);
    if (!*fate || (int)(*fate >> 16) != call)
        return 0;
    *fate = 0;
    if (fault == LESS && size && *size > 1)
        *size /= 2;
    return fault > 0 ? fault : 0;
}

/* What a resolver may say. */
enum name_answer { REFUSING_FIRST, EMPTY_LIST, EAI };

static const struct name {
    const char *text;
    enum name_answer answer;
    int eai, err;
} names[] = {
    { "answers EAI_AGAIN", EAI, EAI_AGAIN, 0 },
    { "answers EAI_NONAME", EAI, EAI_NONAME, 0 },
    { "answers EAI_FAIL", EAI, EAI_FAIL, 0 },
    { "answers EAI_MEMORY", EAI, EAI_MEMORY, 0 },
    { "answers EAI_SYSTEM, EMFILE", EAI, EAI_SYSTEM, EMFILE },
    { "answers EAI_SYSTEM, and no errno", EAI, EAI_SYSTEM, 0 },
    { "finds no address", EMPTY_LIST, 0, 0 },
    { "finds one more, first, where nobody listens", REFUSING_FIRST, 0,
      0 }, /* not for who listens */
};

static uint32_t faulty_name_fate(bool passive)
{
    unsigned n = sizeof names / sizeof names[0];
    struct fault *f = strikes_one_of(passive ? n - 1 : n);
    if (!f)
        return 0;
    f->harmless = names[f->variant].answer == REFUSING_FIRST;
    snprintf(f->what, sizeof f->what, "getaddrinfo, call %zu, %s", f->point,
             names[f->variant].text);
    return f->variant + 1;
}

/* On a thread of the pool. */
static int faulty_getaddrinfo(uint32_t fate, const char *host, const char *port,
                              const struct addrinfo *hints, struct addrinfo **ret)
{
    const struct name *n = fate ? &names[fate - 1] : NULL;
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
    int fault = strikes(&call);
    return fault ? -fault : real.uring_open(ring, entries);
}

static int faulty_uring_enter(struct io_uring *ring)
{
    static const struct call call = { "io_uring_enter", { EINTR, EAGAIN, EBUSY } };
    int fault = strikes(&call);
    return fault ? -fault : real.uring_enter(ring);
}

static int faulty_thread(void *(*fn)(void *arg), void *arg)
{
    static const struct call call = { "pthread_create", { EAGAIN } };
    int fault = strikes(&call);
    return fault ? fault : real.thread(fn, arg);
}

/* Not all at once: threads that look a name up may be using others of the table at the moment. */
#define EACH(m)                                                                                    \
    m(epoll_create) m(eventfd) m(poll) m(read) m(socket) m(bind) m(listen) m(accept4) m(connect)   \
            m(getsockname) m(getsockopt) m(setsockopt) m(shutdown) m(madvise) m(mprotect)          \
                    m(epoll_ctl) m(epoll_wait) m(close) m(write_quiet) m(send) m(ring_get)         \
                            m(ring_put) m(thread) m(socketpair) m(pidfd) m(memfd) m(sendmsg)       \
                                    m(spawn) m(waitpid) m(file_fate) m(file_meets) m(uring_open)   \
                                            m(uring_enter) m(name_fate) m(getaddrinfo)
#define REPLACE(name) async__sys.name = faulty_##name;
#define RESTORE(name) async__sys.name = real.name;

void async__faults_begin(void)
{
    real = async__sys;
    EACH(REPLACE)
}

void async__faults_end(void)
{
    EACH(RESTORE)
}

/* One that fails with all that follow. */
static bool memory_is_over(const struct trial *x)
{
    for (int i = 0; i < FAULTS; i++)
        if (x->faults[i].struck && x->faults[i].kind == SWEEP_ALLOC_REST)
            return true;
    return false;
}

bool async__fault_memory(size_t bytes)
{
    struct trial *x = async__trial;
    if (!x)
        return false;
    bool over = memory_is_over(x);
    for (enum sweep kind = SWEEP_ALLOC; kind <= SWEEP_ALLOC_REST; kind++) {
        struct fault *f = async__trial_hits(x, kind, 1);
        if (!f)
            continue;
        snprintf(f->what, sizeof f->what, "allocation %zu%s, of %zu bytes, fails", f->point,
                 kind == SWEEP_ALLOC_REST ? " and all that follow" : "", bytes);
        return true;
    }
    return over;
}

bool async_test_fails(void)
{
    return async__fault_memory(0);
}
