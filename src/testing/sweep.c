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

/* The kind whose word stands at *at, before one of the ends; *at goes behind it. SWEEP_NONE:
 * none. */
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

/* The one run that ASYNC_SWEEP asks for. */
struct asked {
    const char *text;         /* NULL: it asks for nothing */
    enum sweep first, second; /* second: of a pair */
    const char *name;
    size_t length; /* of the name */
    uint64_t numbers[2];
};

static bool passed_over, answered;

/* A word that is not followed would look like a sweep that has found nothing. */
__attribute__((destructor)) static void say_unanswered(void)
{
    const char *text = secure_getenv("ASYNC_SWEEP");
    if (text && text[0] && passed_over && !answered)
        async__warn("ASYNC_SWEEP=%s: this program has made no such sweep", text);
}

static bool read_number(const char **at, uint64_t *ret)
{
    char *end;
    bool digit = **at >= '0' && **at <= '9';
    errno = 0;
    *ret = strtoull(*at, &end, 10);
    *at = end;
    return digit && errno == 0 && *ret > 0;
}

/* "alloc+cancel:"; *at goes behind it. */
static bool read_kinds(const char **at, struct asked *ret)
{
    ret->first = kind_at(at, ":+");
    if (ret->first && **at == '+') {
        ++*at;
        ret->second = kind_at(at, ":");
        if (!ret->second || ret->second == SWEEP_ORDER || ret->first == SWEEP_ORDER)
            return false;
    }
    return ret->first && *(*at)++ == ':';
}

/* "name:32+17" */
static bool read_place(const char *at, struct asked *ret)
{
    const char *last = strrchr(at, ':');
    if (!last || last == at)
        return false;
    ret->name = at;
    ret->length = (size_t)(last++ - at);
    if (!read_number(&last, &ret->numbers[0]))
        return false;
    if (ret->second && (*last++ != '+' || !read_number(&last, &ret->numbers[1])))
        return false;
    return !*last;
}

/* -EINVAL, and a message: that is no kind, name and number. */
static int read_asked(struct asked *ret)
{
    const char *text = secure_getenv("ASYNC_SWEEP"), *at = text;
    *ret = (struct asked){ 0 };
    if (!text || !text[0])
        return 0;
    if (!read_kinds(&at, ret)) {
        async__warn("ASYNC_SWEEP=%s: it begins with none of cancel, alloc, alloc-rest, syscall, "
                    "order, two of the first four and '+', and ':'",
                    text);
        return -EINVAL;
    }
    if (!read_place(at, ret)) {
        async__warn("ASYNC_SWEEP=%s: it is not %.*s:name:number%s", text, (int)(at - 1 - text),
                    text, ret->second ? "+number" : "");
        return -EINVAL;
    }
    ret->text = text;
    return 0;
}

static bool is_asked(const struct asked *a, const struct plan *p, enum sweep sweep)
{
    return sweep == (a->second ? SWEEP_PAIRS : a->first) && strlen(p->name) == a->length &&
           !memcmp(p->name, a->name, a->length);
}

static int read_seeds(const struct async_sweep_opts *opts, uint64_t *ret)
{
    const char *text = secure_getenv("ASYNC_SWEEP_SEEDS"), *at = text;
    *ret = opts->seeds ? opts->seeds : SEEDS;
    if (!text || !text[0] || (read_number(&at, ret) && !*at))
        return 0;
    async__warn("ASYNC_SWEEP_SEEDS=%s: it is not a number above 0", text);
    return -EINVAL;
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

/* -EINVAL, and a message: the run has no such point any more. */
static int replay(struct plan *p, enum sweep sweep, const struct asked *a)
{
    struct trial x = trial_of(p, sweep, a->numbers[0]);
    if (a->second) {
        set_number(&x.faults[0], a->first, a->numbers[0]);
        set_number(&x.faults[1], a->second, a->numbers[1]);
    }
    answered = true;
    async__log.silent = false;
    run(p, &x);
    if (x.wrong[0])
        return 0;
    bool struck =
            sweep == SWEEP_ORDER || (x.faults[0].struck && (!a->second || x.faults[1].struck));
    fprintf(stderr, "asyncio: ASYNC_SWEEP=%s: ", a->text);
    print_what(stderr, &x);
    fputs(struck ? ": nothing is wrong\n" : ": there is no such point in the run\n", stderr);
    return struck ? 0 : -EINVAL;
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

static void sweep_orders(struct plan *p, uint64_t last)
{
    for (uint64_t n = 1; n <= last && p->failures < FAILURES; n++) {
        struct trial x = trial_of(p, SWEEP_ORDER, n);
        run(p, &x);
    }
}

/* The first fault alone shows what there is for the second. If it is wrong already, that is not for
 * this sweep to say. */
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

static void sweep_pairs(struct plan *p, uint64_t last)
{
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
    uint64_t last;
    int r = read_seeds(p->opts, &last);
    if (r == 0)
        r = rehearse(p);
    if (r < 0)
        return r;
    async__log.silent = true;
    if (sweep == SWEEP_ORDER)
        sweep_orders(p, last);
    else if (sweep == SWEEP_PAIRS)
        sweep_pairs(p, last);
    else
        sweep_points(p, sweep);
    async__log.silent = false;
    return 0;
}

static int sweep(const async_co *co, const struct async_sweep_opts *opts, enum sweep first,
                 enum sweep last)
{
    static const struct async_sweep_opts defaults;
    struct plan p = { .co = co, .opts = opts ? opts : &defaults };
    struct asked asked;
    p.name = name_of(co, p.opts);
    if (async__alloc_held() > 0)
        return -EBUSY;
    int r = read_asked(&asked);
    for (enum sweep s = first; s <= last && r == 0; s++) {
        if (!asked.text)
            r = sweep_one(&p, s);
        else if (is_asked(&asked, &p, s))
            r = replay(&p, s, &asked);
        else
            passed_over = true;
    }
    return r < 0 ? r : p.failures;
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
