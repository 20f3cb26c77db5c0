/* SPDX-License-Identifier: MIT */
/* sandbox.c - what is left to a worker that computes: its memory, its clock, its socket.
 *
 * Questions about files are refused with EACCES, because libraries ask such questions in passing
 * and can do without an answer. Everything else that would reach out of the process (sockets,
 * processes, other processes' memory) ends the process by SIGSYS, which the loop's side reports.
 * The filter is the kernel's classic BPF, written out. It holds for all threads of the process,
 * also for those that a constructor of the program has started: they share the memory of the call.
 * Descriptors that constructors have opened are closed. */
#include "pool/worker.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pool/packet.h"

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#endif

#ifdef ARCH

/* What may happen to a call; any other one ends the process. */
#define ALLOW  SECCOMP_RET_ALLOW
#define REFUSE (SECCOMP_RET_ERRNO | EACCES)

struct rule {
    unsigned number, action;
};

static const struct rule rules[] = {
    /* packets, shared memory, output, which goes to /dev/null */
    { SYS_recvmsg, ALLOW },
    { SYS_sendto, ALLOW },
    { SYS_close, ALLOW },
    { SYS_read, ALLOW },
    { SYS_write, ALLOW },
    { SYS_writev, ALLOW },
    { SYS_lseek, ALLOW },
    { SYS_fstat, ALLOW },
    /* memory */
    { SYS_mmap, ALLOW },
    { SYS_munmap, ALLOW },
    { SYS_mremap, ALLOW },
    { SYS_mprotect, ALLOW },
    { SYS_madvise, ALLOW },
    { SYS_brk, ALLOW },
    /* time, random numbers, waiting */
    { SYS_clock_gettime, ALLOW },
    { SYS_clock_getres, ALLOW },
    { SYS_clock_nanosleep, ALLOW },
    { SYS_nanosleep, ALLOW },
    { SYS_gettimeofday, ALLOW },
    { SYS_getrandom, ALLOW },
    { SYS_futex, ALLOW },
    { SYS_sched_yield, ALLOW },
    /* what concerns only the process itself */
    { SYS_getpid, ALLOW },
    { SYS_gettid, ALLOW },
    { SYS_getppid, ALLOW },
    { SYS_getuid, ALLOW },
    { SYS_geteuid, ALLOW },
    { SYS_getrusage, ALLOW },
    { SYS_rt_sigaction, ALLOW },
    { SYS_rt_sigprocmask, ALLOW },
    { SYS_rt_sigreturn, ALLOW },
    { SYS_sigaltstack, ALLOW },
    { SYS_restart_syscall, ALLOW },
    { SYS_set_robust_list,
      ALLOW }, /* the first calls of a thread, which a constructor may have started a moment ago */
    { SYS_rseq, ALLOW },
    { SYS_exit, ALLOW },
    { SYS_exit_group, ALLOW },
    /* questions that libraries ask in passing */
    { SYS_openat, REFUSE },
    { SYS_newfstatat, REFUSE },
    { SYS_statx, REFUSE },
    { SYS_faccessat, REFUSE },
    { SYS_readlinkat, REFUSE },
    { SYS_getcwd, REFUSE },
    { SYS_ioctl, REFUSE },
    { SYS_fcntl, REFUSE },
    { SYS_sysinfo, REFUSE },
    { SYS_uname, REFUSE },
    { SYS_sched_getaffinity, REFUSE },
#ifdef __x86_64__
    { SYS_open, REFUSE },
    { SYS_stat, REFUSE },
    { SYS_lstat, REFUSE },
    { SYS_access, REFUSE },
    { SYS_readlink, REFUSE },
    { SYS_time, ALLOW },
    { SYS_arch_prctl, ALLOW },
#endif
};

enum {
    RULES = sizeof rules / sizeof *rules,

    HEAD = 4,
    TAIL = 14,
    LENGTH = HEAD + 2 * RULES + TAIL,
};

#define LOAD(what)          LOAD_AT(offsetof(struct seccomp_data, what))
#define LOAD_AT(offset)     BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (offset))
#define LOAD_HIGH(what)     LOAD_AT(offsetof(struct seccomp_data, what) + 4)
#define UNLESS(value, skip) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, (skip))
#define ACT(action)         BPF_STMT(BPF_RET | BPF_K, (action))

/* Write the filter for the process with that number. Its head ends with the number of the system
 * call loaded; each rule is two instructions; what follows looks at arguments. Returns its
 * length. */
static unsigned write_filter(struct sock_filter *f, unsigned self)
{
    unsigned n = 0;
    f[n++] = (struct sock_filter)LOAD(arch);
    f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0);
    f[n++] = (struct sock_filter)ACT(SECCOMP_RET_KILL_PROCESS);
    f[n++] = (struct sock_filter)LOAD(nr);
    for (unsigned i = 0; i < RULES; i++) {
        f[n++] = (struct sock_filter)UNLESS(rules[i].number, 1);
        f[n++] = (struct sock_filter)ACT(rules[i].action);
    }
    /* prlimit64() may read the limits of the process, with NULL for new ones, and change none: root
     * could raise them. */
    f[n++] = (struct sock_filter)UNLESS(SYS_prlimit64, 8);
    f[n++] = (struct sock_filter)LOAD(args[0]);
    f[n++] = (struct sock_filter)UNLESS(0, 5);
    f[n++] = (struct sock_filter)LOAD(args[2]);
    f[n++] = (struct sock_filter)UNLESS(0, 3);
    f[n++] = (struct sock_filter)LOAD_HIGH(args[2]);
    f[n++] = (struct sock_filter)UNLESS(0, 1);
    f[n++] = (struct sock_filter)ACT(ALLOW);
    f[n++] = (struct sock_filter)ACT(REFUSE);
    /* tgkill() may send signals to the process itself, as abort() does. */
    f[n++] = (struct sock_filter)UNLESS(SYS_tgkill, 3);
    f[n++] = (struct sock_filter)LOAD(args[0]);
    f[n++] = (struct sock_filter)UNLESS(self, 1);
    f[n++] = (struct sock_filter)ACT(ALLOW);
    f[n++] = (struct sock_filter)ACT(SECCOMP_RET_KILL_PROCESS);
    return n;
}

/* Install the filter for all threads. The kernel refuses that with the number of a thread that has
 * another filter. */
static int install_filter(void)
{
    struct sock_filter filter[LENGTH];
    struct sock_fprog program = { .filter = filter };
    program.len = (unsigned short)write_filter(filter, (unsigned)syscall(SYS_getpid));
    long r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program);
    return r < 0 ? -errno : r > 0 ? -EBUSY : 0;
}

bool async__sandbox_is_known(void)
{
    return true;
}

#else

bool async__sandbox_is_known(void)
{
    return false;
}

static int install_filter(void)
{
    return -ENOSYS;
}

#endif

static int set_limits(void)
{
    static const struct {
        __rlimit_resource_t what;
        rlim_t max;
    } limits[] = { { RLIMIT_FSIZE, 0 }, { RLIMIT_CORE, 0 }, { RLIMIT_NOFILE, 16 } };
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        struct rlimit l = { limits[i].max, limits[i].max };
        if (setrlimit(limits[i].what, &l) < 0)
            return -errno;
    }
    return 0;
}

/* Close the descriptors that constructors of the program have opened: all behind the worker's
 * socket, but one. */
static int close_inherited(int keep)
{
    unsigned first = WORKER_SOCKET + 1;
    if (keep >= (int)first && (unsigned)keep > first &&
        close_range(first, (unsigned)keep - 1, 0) < 0)
        return -errno;
    if (keep >= (int)first)
        first = (unsigned)keep + 1;
    return close_range(first, ~0u, 0) < 0 ? -errno : 0;
}

int async__sandbox_enter(int keep)
{
    int r = set_limits();
    if (r == 0)
        r = close_inherited(keep);
    if (r < 0)
        return r;
    if (prctl(PR_SET_DUMPABLE, 0) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -errno;
    return install_filter();
}
