/* SPDX-License-Identifier: MIT */
/* Tests of processes that may not have much address space, or whose memory is locked. */
#include "../frame/loop_test.h"

#include <sys/resource.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SANITIZED = 1 }; /* a sanitizer itself reserves terabytes */
#else
enum { SANITIZED = 0 };
#endif

enum { MIB = 1024 * 1024 };

/* A value of /proc/self/status, in bytes. */
static long memory(const char *key)
{
    char line[256];
    long kib = 0;
    FILE *f = fopen("/proc/self/status", "r");
    expect_true(f != NULL);
    while (fgets(line, sizeof line, f))
        if (!strncmp(line, key, strlen(key)))
            kib = atol(line + strlen(key) + 1);
    fclose(f);
    return kib * 1024;
}

ASYNC_DEF(runs_sleepers, (int)n)
{
    int r;
    await_group (r, g) {
        for (int i = 0; i < n; i++)
            async_spawn(g, async_sleep(1));
    }
    return r;
}

/* 1,000 stacks of 64 KiB need 63 MiB of addresses. */
TEST(run_needs_little_more_address_space_than_its_stacks)
{
    if (SANITIZED || getenv("TEST_MANY"))
        return;
    struct rlimit limit = { (rlim_t)memory("VmSize:") + 160 * MIB, RLIM_INFINITY };
    expect_ok(setrlimit(RLIMIT_AS, &limit));
    expect_ok(async_run(runs_sleepers(1000), .virtual_clock = true));
}

/* Too many for the limit. The run returns an error, and the next one works. */
TEST(stacks_beyond_the_address_space_are_refused)
{
    if (SANITIZED || getenv("TEST_MANY"))
        return;
    struct rlimit limit = { (rlim_t)memory("VmSize:") + 64 * MIB, RLIM_INFINITY };
    expect_ok(setrlimit(RLIMIT_AS, &limit));
    expect_int(async_run(runs_sleepers(5000), .virtual_clock = true), -ENOMEM);
    expect_ok(async_run(runs_sleepers(10), .virtual_clock = true));
}

TEST(locked_memory_holds_few_stacks)
{
    if (SANITIZED || getenv("TEST_MANY") || mlockall(MCL_CURRENT | MCL_FUTURE) < 0)
        return;
    long before = memory("VmRSS:");
    expect_ok(async_run(runs_sleepers(1), .virtual_clock = true));
    expect_true(memory("VmHWM:") - before < 32 * MIB);
}

SUITE("core-memory_limits", run_needs_little_more_address_space_than_its_stacks,
      stacks_beyond_the_address_space_are_refused, locked_memory_holds_few_stacks)
