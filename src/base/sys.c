/* SPDX-License-Identifier: MIT */
#include "base/sys.h"

#include "base/ring.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <netdb.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifdef HAVE_URING
#include <liburing.h>
#endif
#ifdef HAVE_VALGRIND
#include <valgrind/valgrind.h>
#else
#define RUNNING_ON_VALGRIND 0
#endif

static int sys_epoll_create(void)
{
    return epoll_create1(EPOLL_CLOEXEC);
}

/* Use epoll_pwait2(), which takes nanoseconds, unless it is missing: in kernels before 5.11, and in
 * some sandboxes. Under valgrind it is not tried, because versions that do not support it print a
 * warning. Milliseconds are rounded up, so that no timer fires early. */
static int sys_epoll_wait(int ep, struct epoll_event *evs, int n, int64_t timeout)
{
    static atomic_bool is_missing;
    if (timeout > 0 && !atomic_load_explicit(&is_missing, memory_order_relaxed) &&
        !RUNNING_ON_VALGRIND) {
        struct timespec ts = { .tv_sec = timeout / 1000000000, .tv_nsec = timeout % 1000000000 };
        int r = (int)syscall(SYS_epoll_pwait2, ep, evs, n, &ts, NULL, 0);
        if (r >= 0 || (errno != ENOSYS && errno != EPERM))
            return r;
        atomic_store(&is_missing, true);
    }
    int64_t ms = timeout <= 0 ? timeout : (timeout + 999999) / 1000000;
    return epoll_wait(ep, evs, n, ms < 0 ? -1 : ms > INT32_MAX ? INT32_MAX : (int)ms);
}

static int sys_eventfd(void)
{
    return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

static void *sys_map(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

static void *sys_remap(void *p, size_t old, size_t size)
{
    p = mremap(p, old, size, MREMAP_MAYMOVE);
    return p == MAP_FAILED ? NULL : p;
}

static int64_t sys_clock(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

/* Write without raising SIGPIPE. Pipes have no flag for that, so the signal is blocked during the
 * call, and removed if the call has raised it. */
static ssize_t sys_write_nosignal(int fd, const void *buf, size_t size)
{
    static const struct timespec now;
    sigset_t pipe, before, pending;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    sigpending(&pending);
    pthread_sigmask(SIG_BLOCK, &pipe, &before);
    ssize_t n = write(fd, buf, size);
    int err = errno;
    if (n < 0 && err == EPIPE && !sigismember(&pending, SIGPIPE))
        sigtimedwait(&pipe, NULL, &now);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = err;
    return n;
}

/* These four only have the exact type that the table needs: glibc declares their address parameter
 * as a union. */
static int sys_bind(int fd, const struct sockaddr *addr, socklen_t len)
{
    return bind(fd, addr, len);
}

static int sys_accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
    return accept4(fd, addr, len, flags);
}

static int sys_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
    return connect(fd, addr, len);
}

static int sys_getsockname(int fd, struct sockaddr *addr, socklen_t *len)
{
    return getsockname(fd, addr, len);
}

static int sys_getpeername(int fd, struct sockaddr *addr, socklen_t *len)
{
    return getpeername(fd, addr, len);
}

static int sys_getaddrinfo(uint32_t fault, const char *host, const char *port,
                           const struct addrinfo *hints, struct addrinfo **ret)
{
    (void)fault;
    return getaddrinfo(host, port, hints, ret);
}

/* Start a detached thread in which all signals are blocked, so that the program's threads get
 * them. */
static int sys_thread(void *(*fn)(void *arg), void *arg)
{
    pthread_attr_t attr;
    pthread_t thread;
    sigset_t all, before;
    int err = pthread_attr_init(&attr);
    if (err)
        return err;
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, (size_t)2 << 20);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    err = pthread_create(&thread, &attr, fn, arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    return err;
}

static int sys_processors(void)
{
    cpu_set_t ours;
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    /* The call fails on a machine with more than 1024 processors. */
    if (sched_getaffinity(0, sizeof ours, &ours) == 0)
        n = CPU_COUNT(&ours);
    return n < 1 ? 1 : (int)n;
}

static int sys_futex_wait(atomic_uint *word, unsigned expected, int64_t timeout)
{
    struct timespec ts = { .tv_sec = timeout / 1000000000, .tv_nsec = timeout % 1000000000 };
    return (int)syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, &ts, NULL, 0);
}

static int sys_futex_wake(atomic_uint *word, int n)
{
    return (int)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, n, NULL, NULL, 0);
}

static int sys_socketpair(int fds[2])
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
        return -1;
    fcntl(fds[0], F_SETFL, O_NONBLOCK);
    return 0;
}

static int sys_pidfd(pid_t pid)
{
    return (int)syscall(SYS_pidfd_open, pid, 0); /* the descriptor is close-on-exec */
}

/* Make memory that can be shared with another process. It is sealed, so that the other process can
 * change its contents but not its size: an access beyond a shortened end would be a SIGBUS. */
static int sys_memfd(size_t size)
{
    int fd = memfd_create("asyncio", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd >= 0 && (ftruncate(fd, (off_t)size) < 0 ||
                    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)) {
        int err = errno;
        close(fd);
        errno = err;
        return -1;
    }
    return fd;
}

static void *sys_map_shared(int fd, size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return p == MAP_FAILED ? NULL : p;
}

static int sys_timerfd(void)
{
    return timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
}

static int sys_timerfd_set(int fd, int64_t when)
{
    struct itimerspec ts = { .it_value = { .tv_sec = when / 1000000000,
                                           .tv_nsec = when % 1000000000 } };
    return timerfd_settime(fd, TFD_TIMER_ABSTIME, &ts, NULL);
}

static uint32_t sys_draw_file_fault(int call)
{
    (void)call;
    return 0;
}

static int sys_apply_file_fault(uint32_t *fault, int call, size_t *size)
{
    (void)fault, (void)call, (void)size;
    return 0;
}

static uint32_t sys_draw_name_fault(bool passive)
{
    (void)passive;
    return 0;
}

#ifdef HAVE_URING
/* With these flags, kernels since 6.1 complete requests on the loop's own thread when it calls for
 * completions. Under valgrind io_uring is not used, because valgrind does not see what the kernel
 * writes. */
static int sys_uring_open(struct io_uring *ring, unsigned entries)
{
    unsigned best = IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN;
    if (RUNNING_ON_VALGRIND)
        return -ENOSYS;
    int r = io_uring_queue_init(entries, ring, best);
    return r == -EINVAL ? io_uring_queue_init(entries, ring, 0) : r;
}

static int sys_uring_enter(struct io_uring *ring)
{
    return io_uring_submit_and_get_events(ring);
}
#else
static int sys_uring_open(struct io_uring *ring, unsigned entries)
{
    (void)ring, (void)entries;
    return -ENOSYS;
}

static int sys_uring_enter(struct io_uring *ring)
{
    (void)ring;
    return -ENOSYS;
}
#endif

/* clang-format off */
#define KERNEL                                                                                     \
    {                                                                                              \
        .epoll_create = sys_epoll_create, .epoll_ctl = epoll_ctl, .epoll_wait = sys_epoll_wait,    \
        .eventfd = sys_eventfd, .read = read, .write = write, .close = close, .poll = poll,        \
        .write_nosignal = sys_write_nosignal, .socket = socket, .bind = sys_bind,                  \
        .listen = listen, .accept4 = sys_accept4, .connect = sys_connect,                          \
        .getpeername = sys_getpeername,                                                            \
        .getsockname = sys_getsockname,                                                            \
        .getsockopt = getsockopt, .setsockopt = setsockopt, .send = send, .shutdown = shutdown,    \
        .getaddrinfo = sys_getaddrinfo, .freeaddrinfo = freeaddrinfo, .thread = sys_thread,        \
        .processors = sys_processors, .futex_wait = sys_futex_wait, .futex_wake = sys_futex_wake,  \
        .socketpair = sys_socketpair, .spawn = posix_spawn, .pidfd = sys_pidfd,                    \
        .waitpid = waitpid, .kill = kill, .sendmsg = sendmsg, .recv = recv, .memfd = sys_memfd,    \
        .map_shared = sys_map_shared, .timerfd = sys_timerfd, .timerfd_set = sys_timerfd_set,      \
        .ring_get = async__ring_get, .ring_put = async__ring_put,                                  \
        .draw_file_fault = sys_draw_file_fault, .apply_file_fault = sys_apply_file_fault,          \
        .draw_name_fault = sys_draw_name_fault,                                                    \
        .uring_open = sys_uring_open, .uring_enter = sys_uring_enter,                              \
        .map = sys_map, .remap = sys_remap, .unmap = munmap, .madvise = madvise,                   \
        .mprotect = mprotect, .clock = sys_clock,                                                  \
    }
/* clang-format on */

const struct async_sys async__sys_kernel = KERNEL;
struct async_sys async__sys = KERNEL;
