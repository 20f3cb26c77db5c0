/* SPDX-License-Identifier: MIT */
/* uv.c - the workloads of the runtime table on libuv: timers with callbacks, no tasks. bench-uv
 * timers|sleepers|thread [N] */
#include "common.h"
#include <uv.h>

static long fired;

static void never(uv_timer_t *t)
{
    (void)t;
    abort();
}

static void fire(uv_timer_t *t)
{
    (void)t;
    fired++;
}

static void run_timers(uv_loop_t *loop, long n)
{
    uv_timer_t one;
    uv_timer_init(loop, &one);
    int64_t t0 = now_ns();
    for (long i = 0; i < n; i++) {
        uv_timer_start(&one, never, 60000, 0);
        uv_timer_stop(&one);
    }
    per("timer_add_cancel", t0, n);

    uv_timer_t *all = malloc((size_t)n * sizeof *all);
    if (!all)
        exit(1);
    t0 = now_ns();
    for (long i = 0; i < n; i++) {
        uv_timer_init(loop, &all[i]);
        uv_timer_start(&all[i], never, 60000 + (uint64_t)(i * 7919 % n * 1000 / n), 0);
    }
    for (long i = 0; i < n; i++)
        uv_timer_stop(&all[i]);
    per("timer_live_1e6", t0, n);
}

static int run_sleepers(uv_loop_t *loop, long n)
{
    long base = status_bytes("VmHWM");
    uv_timer_t *all = malloc((size_t)n * sizeof *all);
    if (!all)
        return 1;
    for (long i = 0; i < n; i++) {
        uv_timer_init(loop, &all[i]);
        uv_timer_start(&all[i], fire, sleepers_nap(n) * 1000, 0);
    }
    uv_run(loop, UV_RUN_DEFAULT);
    if (fired != n)
        return 1;
    sleepers_report(n, base);
    return 0;
}

static long left;

static void increment(uv_work_t *w)
{
    w->data = (char *)w->data + 1;
}

static void again(uv_work_t *w, int status)
{
    if (status == 0 && --left)
        uv_queue_work(w->loop, w, increment, again);
}

static void one_less(uv_work_t *w, int status)
{
    (void)w;
    left -= status == 0;
}

static int run_thread(uv_loop_t *loop, long n)
{
    uv_work_t one, *all = calloc((size_t)n, sizeof *all);
    if (!all)
        return 1;
    one.data = NULL;
    left = 100;
    uv_queue_work(loop, &one, increment, again);
    uv_run(loop, UV_RUN_DEFAULT);
    left = n;
    int64_t t0 = now_ns();
    uv_queue_work(loop, &one, increment, again);
    uv_run(loop, UV_RUN_DEFAULT);
    per("to_thread", t0, n);

    left = n;
    t0 = now_ns();
    for (long i = 0; i < n; i++)
        uv_queue_work(loop, &all[i], increment, one_less);
    uv_run(loop, UV_RUN_DEFAULT);
    per("to_thread_batch", t0, n);
    free(all);
    return left != 0;
}

int main(int argc, char **argv)
{
    const char *w = argc > 1 ? argv[1] : "";
    uv_loop_t *loop = uv_default_loop();
    if (!strcmp(w, "timers"))
        run_timers(loop, argc > 2 ? atol(argv[2]) : 1000000);
    else if (!strcmp(w, "sleepers"))
        return run_sleepers(loop, argc > 2 ? atol(argv[2]) : 1000);
    else if (!strcmp(w, "thread"))
        return run_thread(loop, argc > 2 ? atol(argv[2]) : 100000);
    else
        return fputs("usage: bench-uv timers|sleepers|thread [N]\n", stderr), 2;
    return 0;
}
