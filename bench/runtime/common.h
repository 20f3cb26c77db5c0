/* SPDX-License-Identifier: MIT */
/* common.h - clock, CPU time, memory and output for the C programs of the runtime table.
 *
 * Every program prints one line a figure, "workload value unit", whatever language it is written
 * in. */
#ifndef BENCH_COMMON_H
#define BENCH_COMMON_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static inline int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* Return the value of a line "Name:  N kB" of /proc/self/status, in bytes. */
static inline long status_bytes(const char *name)
{
    char line[256];
    long kb = -1;
    size_t len = strlen(name);
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f))
        if (!strncmp(line, name, len) && line[len] == ':')
            kb = atol(line + len + 1);
    if (f)
        fclose(f);
    return kb * 1024;
}

static inline double cpu_ns(void)
{
    struct rusage r;
    getrusage(RUSAGE_SELF, &r);
    return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1e9 +
           (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) * 1e3;
}

static inline void report(const char *workload, double value, const char *unit)
{
    printf("%s %.6g %s\n", workload, value, unit);
    fflush(stdout);
}

static inline void per(const char *workload, int64_t t0, long n)
{
    report(workload, (double)(now_ns() - t0) / (double)n, "ns");
}

/* Seconds that n sleepers sleep: long enough that all are asleep together. */
static inline unsigned sleepers_nap(long n)
{
    return n <= 10000 ? 1 : n <= 100000 ? 4 : 10;
}

static inline void sleepers_report(long n, long base)
{
    char w[64];
    snprintf(w, sizeof w, "sleepers_%ld_mem", n);
    report(w, (double)(status_bytes("VmHWM") - base) / (double)n, "B/task");
    snprintf(w, sizeof w, "sleepers_%ld_cpu", n);
    report(w, cpu_ns() / (double)n, "ns/task");
}

#endif
