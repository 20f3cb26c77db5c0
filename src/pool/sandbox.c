/* SPDX-License-Identifier: MIT */
/* sandbox.c - what is left to a worker that computes: its memory, its clock, its frames. A question about files is
 * refused with EACCES, since libraries ask such things in passing and can live without an answer; whatever else would
 * reach out of the process (sockets, processes, other processes' memory) ends it by SIGSYS, which the loop's side
 * reports. The filter is the kernel's classic BPF, written out. */
#include "pool/worker.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#endif

#ifdef ARCH

/* The two answers besides death. */
#define YES SECCOMP_RET_ALLOW
#define NO  (SECCOMP_RET_ERRNO | EACCES)

struct rule {
    unsigned number, answer;
};

static const struct rule rules[] = {
    /* frames, shared memory, what is printed (nowhere) */
    { SYS_recvmsg, YES },
    { SYS_sendto, YES },
    { SYS_close, YES },
    { SYS_read, YES },
    { SYS_write, YES },
    { SYS_writev, YES },
    { SYS_lseek, YES },
    { SYS_fstat, YES },
    /* memory */
    { SYS_mmap, YES },
    { SYS_munmap, YES },
    { SYS_mremap, YES },
    { SYS_mprotect, YES },
    { SYS_madvise, YES },
    { SYS_brk, YES },
    /* time, chance, waiting */
    { SYS_clock_gettime, YES },
    { SYS_clock_getres, YES },
    { SYS_clock_nanosleep, YES },
    { SYS_nanosleep, YES },
    { SYS_gettimeofday, YES },
    { SYS_getrandom, YES },
    { SYS_futex, YES },
    { SYS_sched_yield, YES },
    /* about and to itself */
    { SYS_getpid, YES },
    { SYS_gettid, YES },
    { SYS_getppid, YES },
    { SYS_getuid, YES },
    { SYS_geteuid, YES },
    { SYS_getrusage, YES },
    { SYS_rt_sigaction, YES },
    { SYS_rt_sigprocmask, YES },
    { SYS_rt_sigreturn, YES },
    { SYS_sigaltstack, YES },
    { SYS_restart_syscall, YES },
    { SYS_exit, YES },
    { SYS_exit_group, YES },
    /* asked in passing */
    { SYS_openat, NO },
    { SYS_newfstatat, NO },
    { SYS_statx, NO },
    { SYS_faccessat, NO },
    { SYS_readlinkat, NO },
    { SYS_getcwd, NO },
    { SYS_ioctl, NO },
    { SYS_fcntl, NO },
    { SYS_sysinfo, NO },
    { SYS_uname, NO },
    { SYS_sched_getaffinity, NO },
#ifdef __x86_64__
    { SYS_open, NO },
    { SYS_stat, NO },
    { SYS_lstat, NO },
    { SYS_access, NO },
    { SYS_readlink, NO },
    { SYS_time, YES },
    { SYS_arch_prctl, YES },
#endif
};

enum {
    RULES = sizeof rules / sizeof *rules,

    HEAD = 4,
    TAIL = 10,
    LENGTH = HEAD + 2 * RULES + TAIL,
};

#define LOAD(what)          BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, what))
#define UNLESS(value, skip) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, (skip))
#define GIVE(answer)        BPF_STMT(BPF_RET | BPF_K, (answer))

/* The head ends with the number of the call loaded; each rule is two instructions. */
static unsigned write_filter(struct sock_filter *f, unsigned self)
{
    unsigned n = 0;
    f[n++] = (struct sock_filter)LOAD(arch);
    f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0);
    f[n++] = (struct sock_filter)GIVE(SECCOMP_RET_KILL_PROCESS);
    f[n++] = (struct sock_filter)LOAD(nr);
    for (unsigned i = 0; i < RULES; i++) {
        f[n++] = (struct sock_filter)UNLESS(rules[i].number, 1);
        f[n++] = (struct sock_filter)GIVE(rules[i].answer);
    }
    /* Limits of its own only, and signals to itself: abort(). */
    f[n++] = (struct sock_filter)UNLESS(SYS_prlimit64, 4);
    f[n++] = (struct sock_filter)LOAD(args[0]);
    f[n++] = (struct sock_filter)UNLESS(0, 1);
    f[n++] = (struct sock_filter)GIVE(YES);
    f[n++] = (struct sock_filter)GIVE(NO);
    f[n++] = (struct sock_filter)UNLESS(SYS_tgkill, 3);
    f[n++] = (struct sock_filter)LOAD(args[0]);
    f[n++] = (struct sock_filter)UNLESS(self, 1);
    f[n++] = (struct sock_filter)GIVE(YES);
    f[n++] = (struct sock_filter)GIVE(SECCOMP_RET_KILL_PROCESS);
    return n;
}

static int install_filter(void)
{
    struct sock_filter filter[LENGTH];
    struct sock_fprog program = { .filter = filter };
    program.len = (unsigned short)write_filter(filter, (unsigned)syscall(SYS_getpid));
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0 ? -errno : 0;
}

bool async__sandbox_known(void)
{
    return true;
}

#else

bool async__sandbox_known(void)
{
    return false;
}

static int install_filter(void)
{
    return -ENOSYS;
}

#endif

int async__sandbox_enter(void)
{
    static const struct {
        __rlimit_resource_t what;
        rlim_t most;
    } limits[] = { { RLIMIT_FSIZE, 0 }, { RLIMIT_CORE, 0 }, { RLIMIT_NOFILE, 16 } };
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        struct rlimit l = { limits[i].most, limits[i].most };
        if (setrlimit(limits[i].what, &l) < 0)
            return -errno;
    }
    if (prctl(PR_SET_DUMPABLE, 0) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -errno;
    return install_filter();
}
