/* SPDX-License-Identifier: MIT */
/* debug.c - what debug mode sees: each step goes by way of the loop then, which calls here before and after it. */
#include <dlfcn.h>
#include <stdio.h>
#if defined __has_include
#if __has_include(<execinfo.h>)
#include <execinfo.h>
#define HAVE_BACKTRACE 1
#endif
#endif

#include "task/scope.h"
#include "task/task.h"

enum { FRAMES = 32, REFUSALS_MAX = 1000 };

static const char own_address;

static void print_place(const char *how, const void *address)
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
/* How many of the frames are the library's; the last await_ function among them, which may have none. */
static int skip_ours(void *const *frames, int n, const void *base, const char **name)
{
    Dl_info in;
    int i = 0;
    for (*name = NULL; i < n && dladdr(frames[i], &in) && in.dli_fbase == base; i++)
        if (in.dli_sname && !strncmp(in.dli_sname, "await_", 6))
            *name = in.dli_sname;
    return i < n ? i : 0; /* linked into the program, it cannot be told from it */
}

/* The user's functions, up to the start of the task. An address lies behind its call. */
static void print_stack(void)
{
    void *frames[FRAMES];
    const char *name;
    Dl_info own, in;
    int n = backtrace(frames, FRAMES);
    if (!dladdr((void *)&own_address, &own))
        return;
    int i = skip_ours(frames, n, own.dli_fbase, &name);
    fprintf(stderr, "    until it called %s\n", name ? name : "an await_ function");
    for (int first = i; i < n; i++)
        if (first == 0 || (dladdr(frames[i], &in) && in.dli_fbase != own.dli_fbase))
            print_place("in", (const char *)frames[i] - 1);
}
#else
static void print_stack(void) {}
#endif

static bool was_slow(const struct loop *l, int64_t *took)
{
    *took = async__sys.clock() - l->step.began;
    return *took > l->step.slow && !l->step.reported;
}

static void report_slow(struct loop *l, int64_t took)
{
    const struct step *s = &l->step;
    char place[256] = "";
    if (s->site)
        snprintf(place, sizeof place, ", created in %s, %s:%d,", s->site->func, s->site->file,
                 s->site->line);
    if (s->is_task)
        async__warn("task \"%s\"%s blocked the loop for %.3f s", s->name, place,
                        1e-9 * (double)took);
    else
        async__warn("a callback blocked the loop for %.3f s", 1e-9 * (double)took);
    l->step.reported = true;
}

/* The wrapper of every task's function. */
static int run_fresh(void *frame)
{
    struct loop *l = async__loop;
    async_task *t = l->current;
    int r = l->step.fresh(frame);
    const async_scope *root = &t->body->root;
    if (r < 0 || !t->requests || !root->delivered)
        return r;
    const async_site *site = root->cause.site;
    async__warn("task \"%s\" swallowed its cancellation, and returned %d: cancelled by \"%s\"%s%s",
                    t->name, r, root->cause.who, root->cause.why[0] ? ": " : "", root->cause.why);
    if (site)
        fprintf(stderr, "    in %s, %s:%d; who has dealt with it says so by async_uncancel()\n",
                site->func, site->file, site->line);
    return r;
}

void async__step_begins(struct loop *l, struct async_waiter *w)
{
    struct step *s = &l->step;
    s->is_task = w->kind != NODE_CALLBACK;
    s->reported = false;
    s->refusals = 0;
    s->site = NULL;
    s->began = async__sys.clock();
    if (!s->is_task) {
        s->fn = ((async_callback *)w)->fn;
        return;
    }
    async_task *t = task_of(w);
    snprintf(s->name, sizeof s->name, "%s", t->name); /* the record may be gone when the step has ended */
    if (w->kind == NODE_NEW) {
        s->site = t->start->site;
        s->fresh = t->start->co.run;
        t->start->co.run = run_fresh;
    } else {
        s->site = t->body->site;
        t->body->since = s->began;
    }
}

void async__step_parks(struct loop *l, async_task *t)
{
    int64_t took;
    t->body->since = l->step.began;
    if (!was_slow(l, &took))
        return;
    report_slow(l, took);
    print_stack();
}

void async__step_ends(struct loop *l)
{
    int64_t took;
    if (!was_slow(l, &took))
        return;
    report_slow(l, took);
    if (l->step.is_task)
        fprintf(stderr, "    until it ended\n");
    else
        print_place("it was", (const void *)(uintptr_t)l->step.fn);
}

/* A task that asks again and again within one step keeps the loop from everybody, and does not know it. */
void async__refused_again(async_task *t)
{
    if (++t->loop->step.refusals != REFUSALS_MAX)
        return;
    async__warn("task \"%s\" is cancelled and goes on: %d await_ calls in a row have told it",
                    t->name, REFUSALS_MAX);
    print_stack();
}

void async__bare_return(const async_scope *s)
{
    static const char *const words[] = { [SCOPE_TIMEOUT] = "await_timeout",
                                         [SCOPE_SHIELD] = "await_shield",
                                         [SCOPE_GROUP] = "await_group",
                                         [SCOPE_WITH] = "await_with" };
    const async_site *site = s->cause.site;
    async__warn("task \"%s\" left an %s block by a bare return, which loses its verdict",
                    s->task->name, words[s->kind]);
    if (site)
        fprintf(stderr, "    the block in %s, %s:%d\n", site->func, site->file, site->line);
}
