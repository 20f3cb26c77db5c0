/* SPDX-License-Identifier: MIT */
/* sweep.c - which runs there are, which one the environment asks for, and how a failure is told. */
#include "testing/trial.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"

enum { FAILURES = 5, SEEDS = 200 };

static const char *const words[] = {
    [SWEEP_CANCEL] = "cancel",   [SWEEP_ALLOC] = "alloc", [SWEEP_ALLOC_REST] = "alloc-rest",
    [SWEEP_SYSCALL] = "syscall", [SWEEP_ORDER] = "order",
};

struct plan {
    const async_co *co;
    const struct async_sweep_opts *opts;
    const char *name;
    int failures;
};

static const char *name_of(const async_co *co, const struct async_sweep_opts *opts)
{
    return opts->name ? opts->name : co->name ? co->name : "scenario";
}

/* --- numbers: a seed, or a point and how it is hit --- */

static uint64_t number(const struct trial *x)
{
    return x->sweep == SWEEP_ORDER ? x->seed : x->point * VARIANTS + x->variant;
}

static struct trial trial_of(const struct plan *p, enum sweep sweep, uint64_t n)
{
    struct trial x = { .opts = p->opts, .co = p->co, .sweep = sweep };
    if (sweep == SWEEP_ORDER) {
        x.seed = n;
        snprintf(x.what, sizeof x.what, "in another order");
    } else {
        x.point = (size_t)(n / VARIANTS);
        x.variant = (unsigned)(n % VARIANTS);
    }
    return x;
}

void async__sweep_report(const struct trial *x)
{
    const char *name = name_of(x->co, x->opts);
    if (x->sweep == SWEEP_NONE)
        fprintf(stderr, "asyncio: %s: without any fault: %s\n", name, x->wrong);
    else
        fprintf(stderr, "asyncio: ASYNC_SWEEP=%s:%s:%ju %s: %s: %s\n", words[x->sweep], name,
                (uintmax_t)number(x), program_invocation_name, x->what, x->wrong);
}

/* --- the environment --- */

/* What it asks of this sweep: true, and *n is the one run to make; else 0: nothing, or -1: it asks for none. */
static int asked_for(const struct plan *p, enum sweep sweep, uint64_t *n)
{
    const char *asked = secure_getenv("ASYNC_SWEEP");
    size_t word = strlen(words[sweep]), name = strlen(p->name);
    if (!asked || !asked[0])
        return -1;
    if (strncmp(asked, words[sweep], word) || asked[word] != ':')
        return 0;
    asked += word + 1;
    if (strncmp(asked, p->name, name) || asked[name] != ':')
        return 0;
    *n = strtoull(asked + name + 1, NULL, 10);
    return 1;
}

static uint64_t seeds(const struct async_sweep_opts *opts)
{
    const char *text = secure_getenv("ASYNC_SWEEP_SEEDS");
    uint64_t n = text ? strtoull(text, NULL, 10) : 0;
    return n ? n : opts->seeds ? opts->seeds : SEEDS;
}

/* --- runs --- */

static void run(struct plan *p, struct trial *x)
{
    async__trial_run(x);
    if (x->wrong[0]) {
        async__sweep_report(x);
        p->failures++;
    }
}

static void replay(struct plan *p, enum sweep sweep, uint64_t n)
{
    struct trial x = trial_of(p, sweep, n);
    async__listener.hush = false;
    run(p, &x);
    if (!x.wrong[0])
        fprintf(stderr, "asyncio: ASYNC_SWEEP=%s:%s:%ju: %s: nothing is wrong\n", words[sweep],
                p->name, (uintmax_t)n, x.what[0] ? x.what : "without any fault");
}

/* One after the other, until there is no such point any more. */
static void sweep_points(struct plan *p, enum sweep sweep)
{
    for (uint64_t point = 1;; point++) {
        unsigned variants = 1;
        for (unsigned v = 0; v < VARIANTS && p->failures < FAILURES; v++) {
            if (!(variants & 1u << v))
                continue;
            struct trial x = trial_of(p, sweep, point * VARIANTS + v);
            run(p, &x);
            if (!x.variants)
                return;
            variants = x.variants;
        }
        if (p->failures >= FAILURES)
            return;
    }
}

static void sweep_seeds(struct plan *p)
{
    uint64_t last = seeds(p->opts);
    for (uint64_t n = 1; n <= last && p->failures < FAILURES; n++) {
        struct trial x = trial_of(p, SWEEP_ORDER, n);
        run(p, &x);
    }
}

/* Without a fault it must be right, and with it all that can be known of it. */
static int rehearse(struct plan *p)
{
    struct trial x = trial_of(p, SWEEP_NONE, 0);
    run(p, &x);
    return x.wrong[0] ? -EINVAL : 0;
}

static int sweep_one(struct plan *p, enum sweep sweep)
{
    uint64_t n = 0;
    int asked = asked_for(p, sweep, &n);
    if (asked == 0)
        return 0;
    if (asked > 0) {
        replay(p, sweep, n);
        return 0;
    }
    int r = rehearse(p);
    if (r < 0)
        return r;
    async__listener.hush = true;
    if (sweep == SWEEP_ORDER)
        sweep_seeds(p);
    else
        sweep_points(p, sweep);
    async__listener.hush = false;
    return 0;
}

static int sweep(const async_co *co, const struct async_sweep_opts *opts, enum sweep first,
                 enum sweep last)
{
    static const struct async_sweep_opts defaults;
    struct plan p = { .co = co, .opts = opts ? opts : &defaults };
    p.name = name_of(co, p.opts);
    if (async__alloc_held() > 0)
        return -EBUSY;
    for (enum sweep s = first; s <= last; s++) {
        int r = sweep_one(&p, s);
        if (r < 0)
            return r;
    }
    return p.failures;
}

int async_sweep_cancel_opt(async_co co, const struct async_sweep_opts *opts)
{
    return sweep(&co, opts, SWEEP_CANCEL, SWEEP_CANCEL);
}

int async_sweep_alloc_opt(async_co co, const struct async_sweep_opts *opts)
{
    return sweep(&co, opts, SWEEP_ALLOC, SWEEP_ALLOC_REST);
}

int async_sweep_syscall_opt(async_co co, const struct async_sweep_opts *opts)
{
    return sweep(&co, opts, SWEEP_SYSCALL, SWEEP_SYSCALL);
}

int async_sweep_order_opt(async_co co, const struct async_sweep_opts *opts)
{
    return sweep(&co, opts, SWEEP_ORDER, SWEEP_ORDER);
}

int async_sweep_opt(async_co co, const struct async_sweep_opts *opts)
{
    return sweep(&co, opts, SWEEP_CANCEL, SWEEP_ORDER);
}
