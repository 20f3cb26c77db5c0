/* SPDX-License-Identifier: MIT */
/* A thousand tasks on one thread, or as many as the argument says: many_tasks 1000000
 * Python: await asyncio.gather(*(nap(i) for i in range(1000))) */
#include <asyncio.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Up to 0.1 s in steps of 0.01. */
static double delay(long i)
{
    return 0.01 * (double)(i % 10 + 1);
}

ASYNC_DEF(nap, (long)i)
{
    return await_sleep(delay(i));
}

/* Return the peak resident memory of the process in bytes, or 0 if it is unknown. */
static double peak_memory(void)
{
    char line[128];
    double kib = 0;
    FILE *f = fopen("/proc/self/status", "r");
    /* asyncio: allow blocking: files in /proc are in memory */
    while (f && fgets(line, sizeof line, f) && sscanf(line, "VmHWM: %lf", &kib) != 1)
        ;
    if (f)
        fclose(f);
    return 1024 * kib;
}

static double cpu_time(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

ASYNC_DEF(amain, (long)n)
{
    int r;
    double sum = 0;
    for (long i = 0; i < n; i++)
        sum += delay(i);

    double memory = peak_memory(), cpu = cpu_time(), start = async_time();
    await_group (r, g)
        for (long i = 0; i < n; i++)
            async_spawn(g, nap(i));
    ASYNC_TRY(r);
    double took = async_time() - start;

    printf("%ld tasks, one thread\n", n);
    printf("took %.1f s: %s (the longest sleeps 0.1, all together %.0f)\n", took,
           took < sum / 10 ? "the longest, not the sum" : "not much less than the sum", sum);
    printf("each task: %.0f bytes, %.1f microseconds\n", (peak_memory() - memory) / (double)n,
           1e6 * (cpu_time() - cpu) / (double)n);
    return 0;
}

int main(int argc, char *argv[])
{
    long n = argc > 1 ? atol(argv[1]) : 1000;
    if (n < 1) {
        fprintf(stderr, "usage: %s [number of tasks]\n", argv[0]);
        return EXIT_FAILURE;
    }
    return async_main(amain(n));
}
