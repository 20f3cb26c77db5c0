/* SPDX-License-Identifier: MIT */
#include "arch/overflow.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/alloc.h"

enum { SIGNAL_STACK = 64 * 1024 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int watchers;
static struct sigaction before[2]; /* of SIGSEGV, SIGBUS */

static _Thread_local void *own_stack; /* the signal stack that we gave to this thread */

static const void *faulting_code(const void *context)
{
    const ucontext_t *uc = context;
#if defined(__x86_64__)
    return (const void *)uc->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
    return (const void *)uc->uc_mcontext.pc;
#else
    (void)uc;
    return NULL;
#endif
}

/* The last words of the process: no allocation, no locks of ours. */
static void say(const struct overflow *o, const void *code)
{
    char line[512], where[256] = "";
    Dl_info info;
    if (code && dladdr(code, &info))
        snprintf(where, sizeof where, ", at %s%s(%s+0x%zx)", info.dli_sname ? info.dli_sname : "",
                 info.dli_sname ? " " : "", info.dli_fname,
                 (size_t)((const char *)code - (const char *)info.dli_fbase));
    size_t n = (size_t)snprintf(
            line, sizeof line,
            "asyncio: stack overflow in task \"%s\": its stack has %zu bytes%s\n"
            "asyncio: give it a larger one with .stack_size = %zu, in the options of the task or of async_run()\n",
            o->task, o->size, where, 4 * o->size);
    (void)!write(STDERR_FILENO, line, n < sizeof line ? n : sizeof line - 1);
}

/* Let the process end in the usual way. A fault repeats when the handler has returned; a signal that was sent does not. */
static void end_by(int sig, const siginfo_t *info)
{
    signal(sig, SIG_DFL);
    if (info->si_code <= 0)
        raise(sig);
}

static void handler(int sig, siginfo_t *info, void *context)
{
    struct overflow o;
    if (async__overflow_find(info->si_addr, &o)) {
        say(&o, faulting_code(context));
        end_by(sig, info);
        return;
    }
    const struct sigaction *old = &before[sig == SIGBUS];
    if (old->sa_flags & SA_SIGINFO)
        old->sa_sigaction(sig, info, context);
    else if (old->sa_handler != SIG_DFL && old->sa_handler != SIG_IGN)
        old->sa_handler(sig);
    else if (old->sa_handler == SIG_DFL || info->si_code > 0) /* nobody can ignore a fault */
        end_by(sig, info);
}

static int give_signal_stack(void)
{
    stack_t now;
    sigaltstack(NULL, &now);
    if (!(now.ss_flags & SS_DISABLE))
        return 0; /* the program has one */
    own_stack = async__malloc(SIGNAL_STACK);
    if (!own_stack)
        return -ENOMEM;
    stack_t ours = { .ss_sp = own_stack, .ss_size = SIGNAL_STACK };
    sigaltstack(&ours, NULL);
    return 0;
}

static void take_signal_stack(void)
{
    if (!own_stack)
        return;
    stack_t now, none = { .ss_flags = SS_DISABLE };
    sigaltstack(NULL, &now);
    if (now.ss_sp == own_stack)
        sigaltstack(&none, NULL);
    async__free(own_stack);
    own_stack = NULL;
}

int async__overflow_watch(void)
{
    int r = give_signal_stack();
    if (r < 0)
        return r;
    pthread_mutex_lock(&mutex);
    if (watchers++ == 0) {
        struct sigaction sa = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK };
        sigemptyset(&sa.sa_mask);
        sigaction(SIGSEGV, &sa, &before[0]);
        sigaction(SIGBUS, &sa, &before[1]);
    }
    pthread_mutex_unlock(&mutex);
    return 0;
}

static void restore(int sig, const struct sigaction *old)
{
    struct sigaction now;
    sigaction(sig, NULL, &now);
    if (now.sa_sigaction == handler) /* unless somebody came after us */
        sigaction(sig, old, NULL);
}

void async__overflow_forget(void)
{
    pthread_mutex_lock(&mutex);
    if (--watchers == 0) {
        restore(SIGSEGV, &before[0]);
        restore(SIGBUS, &before[1]);
    }
    pthread_mutex_unlock(&mutex);
    take_signal_stack();
}

void async__overflow_lock(bool lock)
{
    if (lock)
        pthread_mutex_lock(&mutex);
    else
        pthread_mutex_unlock(&mutex);
}
