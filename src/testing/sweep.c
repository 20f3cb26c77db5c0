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
    size_t seen[SWEEP_ORDER]; /* in a run without a fault */
};

static const char *name_of(const async_co *co, const struct async_sweep_opts *opts)
{
    return opts->name ? opts->name : co->name ? co->name : "scenario";
}

/* --- how a run is called: by kind and number, a pair by two of both --- */

/* A fault's: its point and how that is hit. */
static uint64_t number(const struct fault *f)
{
    return f->point * VARIANTS + f->variant;
}

static void set_number(struct fault *f, enum sweep kind, uint64_t n)
{
    f->kind = kind;
    f->point = (size_t)(n / VARIANTS);
    f->variant = (unsigned)(n % VARIANTS);
}

static struct trial trial_of(const struct plan *p, enum sweep sweep, uint64_t n)
{
    struct trial x = { .opts = p->opts, .co = p->co, .sweep = sweep, .seed = n };
    if (sweep < SWEEP_ORDER)
        set_number(&x.faults[0], sweep, n);
    return x;
}

/* "cancel:name:64", "alloc+cancel:name:32+17" */
static void print_call(FILE *to, const struct trial *x, const char *name)
{
    const struct fault *a = &x->faults[0], *b = &x->faults[1];
    if (x->sweep == SWEEP_PAIRS)
        fprintf(to, "ASYNC_SWEEP=%s+%s:%s:%ju+%ju", words[a->kind], words[b->kind], name,
                (uintmax_t)number(a), (uintmax_t)number(b));
    else
        fprintf(to, "ASYNC_SWEEP=%s:%s:%ju", words[x->sweep], name,
                x->sweep == SWEEP_ORDER ? (uintmax_t)x->seed : (uintmax_t)number(a));
}

static void print_what(FILE *to, const struct trial *x)
{
    const struct fault *a = &x->faults[0], *b = &x->faults[1];
    fprintf(to, "%s%s%s",
            x->sweep == SWEEP_ORDER ? "in another order"
            : a->struck             ? a->what
                                    : "without any fault",
            b->struck ? "; then " : "", b->what);
}

void async__sweep_report(const struct trial *x)
{
    const char *name = name_of(x->co, x->opts);
    fputs("asyncio: ", stderr);
    if (x->sweep == SWEEP_NONE) {
        fputs(name, stderr);
    } else {
        print_call(stderr, x, name);
        fprintf(stderr, " %s", program_invocation_name);
    }
    fputs(": ", stderr);
    print_what(stderr, x);
    fprintf(stderr, ": %s\n", x->wrong);
}

/* --- the environment --- */

/* The kind whose word stands at *at, before one of the ends; *at goes behind it. SWEEP_NONE: none. */
static enum sweep kind_at(const char **at, const char *ends)
{
    for (enum sweep k = SWEEP_CANCEL; k <= SWEEP_ORDER; k++) {
        size_t size = strlen(words[k]);
        if (strncmp(*at, words[k], size) || !(*at)[size] || !strchr(ends, (*at)[size]))
            continue;
        *at += size;
        return k;
    }
    return SWEEP_NONE;
}

/* What it asks of this sweep: 1, and *x is the one run to make; 0: nothing; or -1: it asks for none. */
static int asked_for(const struct plan *p, enum sweep sweep, struct trial *x)
{
    const char *at = secure_getenv("ASYNC_SWEEP");
    size_t name = strlen(p->name);
    enum sweep second = SWEEP_NONE;
    if (!at || !at[0])
        return -1;
    enum sweep first = kind_at(&at, ":+");
    if (*at == '+' && (at++, !(second = kind_at(&at, ":"))))
        return 0;
    if (!first || (second ? SWEEP_PAIRS : first) != sweep || *at++ != ':' ||
        strncmp(at, p->name, name) || at[name] != ':')
        return 0;
    char *end;
    *x = trial_of(p, sweep, strtoull(at + name + 1, &end, 10));
    if (!second)
        return 1;
    set_number(&x->faults[0], first, x->seed);
    set_number(&x->faults[1], second, *end == '+' ? strtoull(end + 1, NULL, 10) : 0);
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

static void replay(struct plan *p, struct trial *x)
{
    async__listener.hush = false;
    run(p, x);
    if (x->wrong[0])
        return;
    fputs("asyncio: ", stderr);
    print_call(stderr, x, p->name);
    fputs(": ", stderr);
    print_what(stderr, x);
    fputs(": nothing is wrong\n", stderr);
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
            if (!x.faults[0].variants)
                return;
            variants = x.faults[0].variants;
        }
        if (p->failures >= FAILURES)
            return;
    }
}

static void sweep_orders(struct plan *p)
{
    uint64_t last = seeds(p->opts);
    for (uint64_t n = 1; n <= last && p->failures < FAILURES; n++) {
        struct trial x = trial_of(p, SWEEP_ORDER, n);
        run(p, &x);
    }
}

/* The first fault alone shows what there is for the second. If it is wrong already, that is not for this sweep to say. */
static void sweep_pair(struct plan *p, uint64_t seed)
{
    struct fault drawn = { 0 };
    async__pair_first(&drawn, seed, p->seen);
    struct trial x = trial_of(p, drawn.kind, 0), both;
    x.faults[0] = drawn;
    async__trial_run(&x);
    both = trial_of(p, SWEEP_PAIRS, 0);
    set_number(&both.faults[0], drawn.kind, number(&x.faults[0]));
    async__pair_second(&both.faults[1], seed, &x);
    if (both.faults[1].kind && !x.wrong[0])
        run(p, &both);
}

static void sweep_pairs(struct plan *p)
{
    uint64_t last = seeds(p->opts);
    for (uint64_t n = 1; n <= last && p->failures < FAILURES; n++)
        sweep_pair(p, n);
}

/* Without a fault it must be right, and with it all that can be known of it. */
static int rehearse(struct plan *p)
{
    struct trial x = trial_of(p, SWEEP_NONE, 0);
    run(p, &x);
    memcpy(p->seen, x.seen, sizeof p->seen);
    return x.wrong[0] ? -EINVAL : 0;
}

static int sweep_one(struct plan *p, enum sweep sweep)
{
    struct trial x;
    int asked = asked_for(p, sweep, &x);
    if (asked == 0)
        return 0;
    if (asked > 0) {
        replay(p, &x);
        return 0;
    }
    int r = rehearse(p);
    if (r < 0)
        return r;
    async__listener.hush = true;
    if (sweep == SWEEP_ORDER)
        sweep_orders(p);
    else if (sweep == SWEEP_PAIRS)
        sweep_pairs(p);
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

int async_sweep_pairs_opt(async_co co, const struct async_sweep_opts *opts)
{
    return sweep(&co, opts, SWEEP_PAIRS, SWEEP_PAIRS);
}

int async_sweep_opt(async_co co, const struct async_sweep_opts *opts)
{
    return sweep(&co, opts, SWEEP_CANCEL, SWEEP_PAIRS);
}
