/* SPDX-License-Identifier: MIT */
/* debug.c - the checks of debug mode: slow steps, swallowed cancellations, refused calls. In debug
 * mode tasks do not switch to each other: each step begins and ends in the loop, which calls this
 * file before and after it. */
#include <dlfcn.h>
#include <stdio.h>
#if defined __has_include
#if __has_include(<execinfo.h>)
#include <execinfo.h>
#define HAVE_BACKTRACE 1
#endif
#endif

#include "base/alloc.h"
#include "observe/observe.h"
#include "task/scope.h"
#include "task/task.h"

enum { STACK_FRAMES_MAX = 32, REFUSALS_MAX = 1000 };

/* Seconds that a step may take, if the options do not set slow_step. */
#define SLOW_STEP_DEFAULT 0.1

/* The step that runs now, and what a report of it needs even if its task has ended and was
 * freed. */
struct debug {
    struct loop_module module;     /* must be first */
    int64_t began, slow;           /* start of the step and allowed duration, real time in ns */
    int (*coroutine)(void *frame); /* if a task starts: the function that it runs */
    void (*callback)(void *arg);   /* if the step is a callback: its function */
    const async_site *site;        /* where the task was created */
    bool is_task, reported;
    struct task_label label;
};

static struct debug *debug_of(const struct loop *l)
{
    return (struct debug *)l->module[MODULE_DEBUG];
}

/* --- locations in the code --- */

static const char own_address; /* any address in the library, to find its shared object */

/* Print the function to which an address belongs, after the text `how`. */
static void print_address(const char *how, const void *address)
{
    Dl_info in;
    if (!dladdr(address, &in) || !in.dli_fname) {
        fprintf(stderr, "    %s %p\n", how, address);
        return;
    }
    size_t offset = (size_t)((const char *)address - (const char *)in.dli_fbase);
    fprintf(stderr, "    %s %s, %s+%#zx\n", how, in.dli_sname ? in.dli_sname : "?", in.dli_fname,
            offset);
}

#ifdef HAVE_BACKTRACE
/* Returns how many of the innermost stack frames belong to the library, and in *name the last
 * await_ function among them, or NULL. If the library is linked into the program, the two cannot be
 * distinguished. */
static int skip_library(void *const *addresses, int n, const void *base, const char **name)
{
    Dl_info in;
    int i = 0;
    for (*name = NULL; i < n && dladdr(addresses[i], &in) && in.dli_fbase == base; i++)
        if (in.dli_sname && !strncmp(in.dli_sname, "await_", 6))
            *name = in.dli_sname;
    return i < n ? i : 0;
}

/* Print the user's functions on this stack, down to the start of the task. A return address lies
 * behind its call. */
static void print_stack(void)
{
    void *addresses[STACK_FRAMES_MAX];
    const char *name;
    Dl_info own, in;
    int n = backtrace(addresses, STACK_FRAMES_MAX);
    if (!dladdr((void *)&own_address, &own))
        return;
    int i = skip_library(addresses, n, own.dli_fbase, &name);
    fprintf(stderr, "    until it called %s\n", name ? name : "an await_ function");
    for (int first = i; i < n; i++)
        if (first == 0 || (dladdr(addresses[i], &in) && in.dli_fbase != own.dli_fbase))
            print_address("in", (const char *)addresses[i] - 1);
}
#else
static void print_stack(void) {}
#endif

/* --- slow steps --- */

static bool is_slow(const struct debug *d, int64_t *took)
{
    *took = async__sys.clock() - d->began;
    return *took > d->slow && !d->reported;
}

/* Warn that the step blocked the loop, once for each step. */
static void report_slow(struct debug *d, int64_t took)
{
    char location[256] = "";
    if (d->site)
        snprintf(location, sizeof location, ", created in %s, %s:%d,", d->site->func, d->site->file,
                 d->site->line);
    if (d->is_task)
        async__warn("task \"%s\"%s blocked the loop for %.3f s", d->label.text, location,
                    1e-9 * (double)took);
    else
        async__warn("a callback blocked the loop for %.3f s", 1e-9 * (double)took);
    d->reported = true;
}

/* --- swallowed cancellations --- */

static void report_swallowed(const async_task *t, int result)
{
    const async_cause *cause = &t->body->root.cause;
    const async_site *site = cause->site;
    async__warn("task \"%s\" swallowed its cancellation and returned %d: cancelled by \"%s\"%s%s",
                async__task_label(t).text, result, cause->who, cause->why[0] ? ": " : "",
                cause->why);
    fputs("    ", stderr);
    if (site)
        fprintf(stderr, "in %s, %s:%d; ", site->func, site->file, site->line);
    fputs("call async_uncancel() if the task has dealt with the request\n", stderr);
}

/* Run the function of a task, and report if the task was cancelled but has returned a success.
 * observe_task() puts this function in its place. */
static int run_observed(void *frame)
{
    struct loop *l = async__loop;
    async_task *t = l->sched.current;
    struct debug *d = debug_of(l);
    int r = d->coroutine(frame);
    if (r >= 0 && t->body->requests > 0 && t->body->root.delivered)
        report_swallowed(t, r);
    return r;
}

/* --- the observer --- */

/* Record which task runs. When it starts, replace its function by run_observed(). */
static void observe_task(struct debug *d, async_task *t)
{
    d->label = async__task_label(t);
    if (t->node.kind == NODE_NEW) {
        d->site = t->start->site;
        d->coroutine = t->start->co.run;
        t->start->co.run = run_observed;
    } else {
        d->site = t->body->site;
        t->body->since = d->began;
    }
}

static void step_begin(struct loop *l, struct async_waiter *next)
{
    struct debug *d = debug_of(l);
    d->is_task = next->kind != NODE_CALLBACK;
    d->reported = false;
    d->site = NULL;
    d->began = async__sys.clock();
    if (d->is_task)
        observe_task(d, task_of(next));
    else
        d->callback = ((async_callback *)next)->fn;
}

/* The task is about to park: its step ends here, while its stack can still be printed. */
static void step_park(struct loop *l, async_task *t)
{
    struct debug *d = debug_of(l);
    int64_t took;
    t->body->since = d->began;
    if (t->node.state == TASK_PARKED)
        t->body->refusals = 0;
    async__check_circle(t);
    if (!is_slow(d, &took))
        return;
    report_slow(d, took);
    print_stack();
}

static void step_end(struct loop *l)
{
    struct debug *d = debug_of(l);
    int64_t took;
    if (!is_slow(d, &took))
        return;
    report_slow(d, took);
    if (d->is_task)
        fprintf(stderr, "    until it ended\n");
    else
        print_address("in", (const void *)(uintptr_t)d->callback);
}

/* An await_ call of a cancelled task was refused. A task that calls again and again without ever
 * waiting ignores its cancellation, and would block the loop for ever. */
static void call_refused(async_task *t)
{
    if (t->body->refusals > REFUSALS_MAX || ++t->body->refusals != REFUSALS_MAX)
        return;
    async__warn("task \"%s\" ignores its cancellation: %d await_ calls in a row have returned "
                "-ECANCELED",
                async__task_label(t).text, REFUSALS_MAX);
    print_stack();
}

/* A block was left by a return statement, so its cleanup runs although the block was not left in
 * the regular way. */
static void left_by_return(const async_scope *s)
{
    static const char *const blocks[] = { [SCOPE_TIMEOUT] = "await_timeout",
                                          [SCOPE_SHIELD] = "await_shield",
                                          [SCOPE_GROUP] = "await_group",
                                          [SCOPE_WITH] = "await_with" };
    const async_site *site = s->cause.site;
    async__warn("task \"%s\" returned from inside an %s block, which discards the block's result; "
                "use ASYNC_RETURN, ASYNC_TRY or break",
                async__task_label(s->task).text, blocks[s->kind]);
    if (site)
        fprintf(stderr, "    the block is in %s, %s:%d\n", site->func, site->file, site->line);
}

/* --- opening and closing --- */

static void debug_close(struct loop_module *m, struct loop *l)
{
    (void)l;
    async__free(m);
}

/* Reports of deadlocks are always on. Debug mode also gets a record for the step that runs. */
int async__observe(struct loop *l, const struct async_run_opts *opts)
{
    static const struct loop_observer observer = { .deadlock = async__deadlock,
                                                   .step_begin = step_begin,
                                                   .step_park = step_park,
                                                   .step_end = step_end,
                                                   .call_refused = call_refused,
                                                   .left_by_return = left_by_return };
    l->observer = &observer;
    if (!l->debug)
        return 0;
    struct debug *d = async__calloc(1, sizeof *d);
    if (!d)
        return -ENOMEM;
    d->module.close = debug_close;
    d->slow = ns_of(opts && opts->slow_step > 0 ? opts->slow_step : SLOW_STEP_DEFAULT);
    l->module[MODULE_DEBUG] = &d->module;
    return 0;
}
