/* SPDX-License-Identifier: MIT */
/* floor.c - measure the costs of the machine itself for the parts of a runtime, on x86-64.
 *
 * bench-floor small|switch|ring|stacks|warm MIB */
#include "common.h"
#include <limits.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

enum { PAGE = 4096, STACK = 16 * PAGE };

/* ---- stack switches ---- */

/* Two switches that differ in their last instruction. `ret` is mispredicted each time, a jump is
 * not. */
void switch_ret(void **save, void *to);
void switch_jmp(void **save, void *to);
__asm__(".text\n"
        ".p2align 4\n"
        "switch_ret:\n"
        "push %rbp; push %rbx; push %r12; push %r13; push %r14; push %r15\n"
        "mov %rsp,(%rdi); mov %rsi,%rsp\n"
        "pop %r15; pop %r14; pop %r13; pop %r12; pop %rbx; pop %rbp; ret\n"
        ".p2align 4\n"
        "switch_jmp:\n"
        "push %rbp; push %rbx; push %r12; push %r13; push %r14; push %r15\n"
        "mov %rsp,(%rdi); mov %rsi,%rsp\n"
        "pop %r15; pop %r14; pop %r13; pop %r12; pop %rbx; pop %rbp; pop %rcx; jmp *%rcx\n");

/* A switch that is inlined, so that it leaves nothing in the return predictor; the compiler saves
 * the live registers. */
static inline __attribute__((always_inline)) void switch_inline(void **save, void *to)
{
    __asm__ volatile("lea -128(%%rsp),%%rsp\n" /* past the red zone */
                     "push %%rbp; lea 1f(%%rip),%%rcx; push %%rcx\n"
                     "mov %%rsp,(%0); mov %1,%%rsp; pop %%rcx; pop %%rbp; jmp *%%rcx\n"
                     "1: lea 128(%%rsp),%%rsp\n"
                     : "+D"(save), "+S"(to)
                     :
                     : "rax", "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14",
                       "r15", "memory", "cc");
}

static void *main_sp, *other_sp;

/* Make a stack frame from which either switch enters fn. */
static void *frame(char *top, void (*fn)(void))
{
    void **p = (void **)top;
    *--p = NULL;
    *--p = (void *)fn;
    p -= 6;
    memset(p, 0, 6 * sizeof *p);
    return p;
}

static char stack[STACK] __attribute__((aligned(64)));

static void body_ret(void)
{
    for (;;)
        switch_ret(&other_sp, main_sp);
}

static void body_jmp(void)
{
    for (;;)
        switch_jmp(&other_sp, main_sp);
}

#ifdef __clang__
#define AS_IS __attribute__((noinline))
#else
#define AS_IS __attribute__((noipa)) /* neither inlined nor cloned */
#endif

/* Switch as a library does: both sides switch in the same function, and two calls return before the
 * loop continues. These returns are mispredicted if the switch has left a call in the predictor. */
#define NESTED(how)                                                                                \
    static AS_IS void park_##how(void **save, void **to)                                           \
    {                                                                                              \
        switch_##how(save, *to);                                                                   \
        __asm__ volatile("" : : : "memory");                                                       \
    }                                                                                              \
    static AS_IS void yield_##how(void **save, void **to)                                          \
    {                                                                                              \
        park_##how(save, to);                                                                      \
        __asm__ volatile("" : : : "memory");                                                       \
    }                                                                                              \
    static AS_IS void spin_##how(void **save, void **to, long times)                               \
    {                                                                                              \
        while (times--)                                                                            \
            yield_##how(save, to);                                                                 \
    }                                                                                              \
    static void body_nested_##how(void)                                                            \
    {                                                                                              \
        spin_##how(&other_sp, &main_sp, LONG_MAX);                                                 \
    }                                                                                              \
    static void run_nested_##how(void)                                                             \
    {                                                                                              \
        enum { M = 20000000 };                                                                     \
        other_sp = frame_##how(stack + sizeof stack, body_nested_##how);                           \
        int64_t t0 = now_ns();                                                                     \
        spin_##how(&main_sp, &other_sp, M);                                                        \
        per("switch_nested_" #how, t0, 2L * M);                                                    \
    }
#define frame_ret frame
#define frame_jmp frame

static void *frame_inline(char *top, void (*fn)(void))
{
    void **p = (void **)top;
    *--p = NULL;
    *--p = NULL; /* rbp */
    *--p = (void *)fn;
    return p;
}

NESTED(ret)
NESTED(jmp)
NESTED(inline)

static void body_once(void)
{
    switch_jmp(&other_sp, main_sp);
    __builtin_trap();
}

static void run_switch(void)
{
    enum { M = 50000000 };
    other_sp = frame(stack + sizeof stack, body_ret);
    int64_t t0 = now_ns();
    for (long i = 0; i < M; i++)
        switch_ret(&main_sp, other_sp);
    per("switch_call_ret", t0, 2L * M);

    other_sp = frame(stack + sizeof stack, body_jmp);
    t0 = now_ns();
    for (long i = 0; i < M; i++)
        switch_jmp(&main_sp, other_sp);
    per("switch_call_jmp", t0, 2L * M);

    run_nested_ret();
    run_nested_jmp();
    run_nested_inline();

    /* make a stack frame on a warm stack, run its function to its end */
    t0 = now_ns();
    for (long i = 0; i < M; i++) {
        other_sp = frame(stack + sizeof stack, body_once);
        switch_jmp(&main_sp, other_sp);
    }
    per("spawn_reuse", t0, M);
}

/* ---- a ring of stacks, each of which switches to the next: the cost of cache and TLB misses
 * ---- */

static void **ring;
static long ring_at, ring_n, ring_left, ring_ahead;

static void body_ring(void)
{
    for (;;) {
        long me = ring_at;
        if (--ring_left == 0)
            switch_jmp(&ring[me], main_sp);
        if (++ring_at == ring_n)
            ring_at = 0;
        if (ring_ahead && ring_at + ring_ahead < ring_n)
            __builtin_prefetch(ring[ring_at + ring_ahead]);
        switch_jmp(&ring[me], ring[ring_at]);
    }
}

/* ahead is how many stacks ahead the saved stack frame is prefetched; 0 for not at all. */
static void run_ring(long n, long ahead, const char *name)
{
    size_t size = (size_t)n * STACK;
    char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);
    ring = calloc((size_t)n, sizeof *ring);
    if (p == MAP_FAILED || !ring)
        exit(1);
    ring_n = n;
    ring_ahead = ahead;
    for (long i = 0; i < n; i++)
        ring[i] = frame(p + (i + 1) * STACK, body_ring);
    ring_at = 0;
    ring_left = 2 * n;
    switch_jmp(&main_sp, ring[0]);
    long m = ring_left = 10000000;
    int64_t t0 = now_ns();
    switch_jmp(&main_sp, ring[ring_at]);
    per(name, t0, m);
    free(ring);
    munmap(p, size);
}

/* ---- calls ---- */

static __attribute__((noinline)) long callee(long x)
{
    __asm__ volatile("" : "+r"(x));
    return x + 1;
}

static void run_small(void)
{
    enum { M = 10000000 };
    long x = 0;
    int64_t t0 = now_ns();
    for (long i = 0; i < M; i++)
        x = callee(x);
    per("call", t0, M);

    struct timespec ts;
    t0 = now_ns();
    for (long i = 0; i < M; i++)
        clock_gettime(CLOCK_MONOTONIC, &ts);
    per("clock_gettime", t0, M);

    t0 = now_ns();
    for (long i = 0; i < M; i++)
        clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
    per("clock_gettime_coarse", t0, M);

    t0 = now_ns();
    for (long i = 0; i < M; i++)
        x += (long)__builtin_ia32_rdtsc();
    per("rdtsc", t0, M);

    t0 = now_ns();
    for (long i = 0; i < M / 5; i++)
        x += syscall(SYS_getppid);
    per("syscall_getppid", t0, M / 5);

    int ep = epoll_create1(0), ev = eventfd(0, EFD_NONBLOCK);
    struct epoll_event e = { .events = EPOLLIN }, out[8];
    epoll_ctl(ep, EPOLL_CTL_ADD, ev, &e);
    t0 = now_ns();
    for (long i = 0; i < M / 5; i++)
        x += epoll_wait(ep, out, 8, 0);
    per("epoll_wait_empty", t0, M / 5);

    t0 = now_ns();
    for (long i = 0; i < M; i++) {
        void *p = malloc(128);
        __asm__ volatile("" : : "r"(p) : "memory");
        free(p);
    }
    per("malloc_free_128", t0, M);
    __asm__ volatile("" : : "r"(x));
}

/* ---- stacks: one reservation divided into 64 KiB slots, whose lowest page is a guard ---- */

static void run_stacks(void)
{
    enum {
        N = 30000
    }; /* because older kernels allow only 32,753 guards, which are made by mprotect() */
    char *p = mmap(NULL, (size_t)N * STACK, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (p == MAP_FAILED)
        exit(1);
    long base = status_bytes("VmRSS");
    int64_t t0 = now_ns();
    for (long i = 0; i < N; i++)
        if (madvise(p + i * STACK, PAGE, MADV_GUARD_INSTALL) &&
            mprotect(p + i * STACK, PAGE, PROT_NONE))
            exit(1);
    per("stack_guard", t0, N);
    int64_t t1 = now_ns();
    for (long i = 0; i < N; i++)
        p[(i + 1) * STACK - 64] = 1;
    per("stack_touch", t1, N);
    per("stack_guard_touch", t0, N);
    report("stack_rss", (double)(status_bytes("VmRSS") - base) / N, "B");
    munmap(p, (size_t)N * STACK);
    per("stack_life", t0, N);
}

/* Touch that much memory and free it. The page faults of the next program then do not wait for the
 * host of a virtual machine. */
static void run_warm(size_t mib)
{
    size_t size = mib << 20;
    char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);
    if (p == MAP_FAILED)
        exit(1);
    for (size_t i = 0; i < size; i += PAGE)
        p[i] = 1;
}

int main(int argc, char **argv)
{
    const char *w = argc > 1 ? argv[1] : "";
    if (!strcmp(w, "small")) {
        run_small();
    } else if (!strcmp(w, "switch")) {
        run_switch();
    } else if (!strcmp(w, "ring")) {
        run_ring(1000, 0, "switch_ring_1000");
        run_ring(100000, 0, "switch_ring_100000");
        run_ring(100000, 4, "switch_ring_100000_prefetch");
    } else if (!strcmp(w, "stacks")) {
        run_stacks();
    } else if (!strcmp(w, "warm") && argc > 2) {
        run_warm((size_t)atol(argv[2]));
    } else {
        fputs("usage: bench-floor small|switch|ring|stacks|warm MIB\n", stderr);
        return 2;
    }
    return 0;
}
