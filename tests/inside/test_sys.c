/* SPDX-License-Identifier: MIT */
/* Tests of the system-call layer where the kernel refuses: each call returns the error, keeps
 * nothing, and falls back to an older system call if there is one. */
#include "../frame/suite.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/ring.h"
#include "base/sys.h"

static const struct async_sys *const sys = &async__sys_kernel;

/* Make a system call of this process fail with err from now on. Returns false if the kernel does
 * not allow such a filter. */
static bool kernel_answers(int call, int err)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)call, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)err),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = { sizeof code / sizeof *code, code };
    return !UNDER_VALGRIND && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* Returns the former limit. */
static rlim_t allow_descriptors(rlim_t n)
{
    struct rlimit limit;
    expect_true(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    rlim_t before = limit.rlim_cur;
    limit.rlim_cur = n;
    expect_true(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    return before;
}

/* Returns the number that the next descriptor will have. */
static int next_descriptor(void)
{
    int fd = dup(STDOUT_FILENO);
    close(fd);
    return fd;
}

/* --- waiting --- */

static void check_waits(void)
{
    int ep = sys->epoll_create(), ready = sys->eventfd();
    struct epoll_event ev = { .events = EPOLLIN, .data.u64 = 7 };
    for (int64_t ns = 1; ns < 4000000; ns = 3 * ns + 1) {
        int64_t begin = sys->clock();
        expect_true(sys->epoll_wait(ep, &ev, 1, ns) == 0);
        expect_true(sys->clock() - begin >= ns); /* waits must not end early */
    }
    expect_true(sys->epoll_wait(ep, &ev, 1, 0) == 0);
    expect_true(sys->epoll_ctl(ep, EPOLL_CTL_ADD, ready, &ev) == 0);
    expect_true(sys->write(ready, &(uint64_t){ 1 }, 8) == 8);
    const int64_t limits[] = { -1, 0, 1, INT64_C(1) << 40, INT64_MAX / 2 };
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        ev.data.u64 = 0;
        expect_true(sys->epoll_wait(ep, &ev, 1, limits[i]) == 1);
        expect_true(ev.data.u64 == 7);
    }
    close(ready);
    expect_true(sys->epoll_wait(STDIN_FILENO, &ev, 1, 1000) ==
                -1); /* other errors are returned to the caller */
    close(ep);
}

TEST(epoll_wait_never_returns_early)
{
    check_waits();
}

TEST(epoll_wait_without_pwait2_never_returns_early)
{
    if (kernel_answers(SYS_epoll_pwait2, ENOSYS))
        check_waits();
}

TEST(epoll_wait_with_pwait2_forbidden_never_returns_early)
{
    if (kernel_answers(SYS_epoll_pwait2, EPERM))
        check_waits();
}

/* --- memory --- */

TEST(mapping_without_address_space_fails)
{
    const size_t too_much = (size_t)1 << 62;
    expect_null(sys->map(too_much));
    void *p = sys->map(4096);
    expect_not_null(p);
    expect_null(sys->remap(p, 4096, too_much));
    *(char *)p = 1; /* still there */
    expect_ok(sys->unmap(p, 4096));
    expect_null(sys->map_shared(-1, 4096));
}

TEST(array_larger_than_memory_is_refused)
{
    expect_null(async__calloc(SIZE_MAX / 2, 4));
    char *p = async__calloc(3, 4);
    for (int i = 0; i < 12; i++)
        expect_true(p[i] == 0);
    async__free(p);
}

TEST(too_large_shared_memory_leaves_no_descriptor)
{
    int next = next_descriptor();
    expect_int(sys->memfd(SIZE_MAX), -1);
    expect_int(errno, EINVAL);
    expect_int(next_descriptor(), next);
}

/* --- descriptors --- */

TEST(calls_without_free_descriptor_fail_with_emfile)
{
    int fds[2];
    if (UNDER_VALGRIND) /* valgrind needs descriptors itself */
        return;
    rlim_t before = allow_descriptors(0);
    expect_int(sys->socketpair(fds), -1);
    expect_int(errno, EMFILE);
    expect_int(sys->memfd(4096), -1);
    expect_int(errno, EMFILE);
    expect_int(sys->eventfd(), -1);
    expect_int(sys->epoll_create(), -1);
    allow_descriptors(before);
}

TEST(quiet_write_keeps_blocked_sigpipe_of_caller)
{
    int fds[2];
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    expect_ok(pipe(fds));
    close(fds[0]);
    expect_int(sys->write_nosignal(fds[1], "x", 1), -1);
    expect_int(errno, EPIPE);
    sigprocmask(SIG_BLOCK, &set, NULL);
    expect_int(sys->write_nosignal(fds[1], "x", 1), -1);
    sigpending(&set);
    expect_true(!sigismember(&set, SIGPIPE));
    raise(SIGPIPE);
    expect_int(sys->write_nosignal(fds[1], "x", 1), -1);
    expect_int(errno, EPIPE);
    sigpending(&set);
    expect_true(sigismember(&set, SIGPIPE));
    close(fds[1]);
}

TEST(processors_are_counted_without_affinity_mask)
{
    if (kernel_answers(SYS_sched_getaffinity,
                       EINVAL)) /* as on machines with more processors than the mask has bits */
        expect_at_least(sys->processors(), 1);
}

TEST(uring_refused_by_kernel_returns_error)
{
    _Alignas(16) char ring[1024]; /* its content is never read */
    if (sys->uring_open && kernel_answers(SYS_io_uring_setup, EINVAL))
        expect_int(sys->uring_open((struct io_uring *)(void *)ring, 8), -EINVAL);
}

/* --- streams in memory --- */

TEST(ring_buffer_takes_and_returns_what_fits)
{
    char bytes[4], got[8];
    struct ring r = { .bytes = bytes, .room = sizeof bytes };
    expect_int(async__ring_get(&r, got, sizeof got), -1);
    expect_int(errno, EAGAIN);
    expect_int(async__ring_put(&r, "abcdef", 6), 4);
    expect_int(async__ring_put(&r, "x", 1), -1);
    expect_int(errno, EAGAIN);
    expect_int(async__ring_get(&r, got, 3), 3);
    expect_int(async__ring_put(&r, "ef", 2), 2);
    expect_int(async__ring_get(&r, got, sizeof got), 3);
    expect_bytes(got, "def", 3);
    r.ended = true;
    expect_ok(async__ring_get(&r, got, sizeof got));
    expect_int(async__ring_put(&r, "x", 1), -1);
    expect_int(errno, EPIPE);
}

SUITE("inside-sys", epoll_wait_never_returns_early, epoll_wait_without_pwait2_never_returns_early,
      epoll_wait_with_pwait2_forbidden_never_returns_early, mapping_without_address_space_fails,
      array_larger_than_memory_is_refused, too_large_shared_memory_leaves_no_descriptor,
      calls_without_free_descriptor_fail_with_emfile, quiet_write_keeps_blocked_sigpipe_of_caller,
      processors_are_counted_without_affinity_mask, uring_refused_by_kernel_returns_error,
      ring_buffer_takes_and_returns_what_fits)
