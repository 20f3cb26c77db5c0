/* SPDX-License-Identifier: MIT */
/* counters.c - part of each of Check's programs in a build that measures coverage. gcov counts in memory, and writes that down
 * at exit(): what ends by _exit(), abort() or a signal would have counted for nothing. So the linker puts these in the
 * place of such calls (--wrap); they write, and do what was asked for. */
#include <signal.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

void __gcov_dump(void);
void __gcov_reset(void);

_Noreturn void __real__exit(int status);
_Noreturn void __real_abort(void);
int __real_kill(pid_t pid, int sig);
int __real_raise(int sig);
sighandler_t __real_signal(int sig, sighandler_t handler);

_Noreturn void __wrap__exit(int status);
_Noreturn void __wrap_abort(void);
int __wrap_kill(pid_t pid, int sig);
int __wrap_raise(int sig);
sighandler_t __wrap_signal(int sig, sighandler_t handler);

/* Counting goes on from zero: this may not be the end. A worker in its sandbox may open nothing. */
static void write_counters(void)
{
    if (access("/", X_OK) < 0)
        return;
    __gcov_dump();
    __gcov_reset();
}

void __wrap__exit(int status)
{
    write_counters();
    __real__exit(status);
}

void __wrap_abort(void)
{
    write_counters();
    __real_abort();
}

int __wrap_raise(int sig)
{
    write_counters();
    return __real_raise(sig);
}

int __wrap_kill(pid_t pid, int sig)
{
    if (pid == getpid())
        write_counters();
    return __real_kill(pid, sig);
}

static void last_fault(int sig, siginfo_t *info, void *context)
{
    (void)context;
    write_counters();
    __real_signal(sig, SIG_DFL);
    if (info->si_code <= 0)
        __real_raise(sig);
}

/* A fault that nobody handles gives no notice: whoever asks for that gets a handler that writes, and then ends by it. */
sighandler_t __wrap_signal(int sig, sighandler_t handler)
{
    if (handler != SIG_DFL || (sig != SIGSEGV && sig != SIGBUS))
        return __real_signal(sig, handler);
    struct sigaction was, sa = { .sa_sigaction = last_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK };
    sigaction(sig, &sa, &was);
    return was.sa_handler;
}
