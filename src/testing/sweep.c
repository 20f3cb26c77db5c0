/* SPDX-License-Identifier: MIT */
/* sweep.c - make the runs of a sweep, or the single run that the environment variable ASYNC_SWEEP
 * names, and report failures. */
#include "testing/trial.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"

enum {
    FAILURES = 5, /* a sweep ends after as many failed runs */
    SEEDS = 200   /* default of opts.seeds */
};

/* Names of the kinds, as in ASYNC_SWEEP. */
static const char *const kind_names[] = {
    [SWEEP_CANCEL] = "cancel",   [SWEEP_ALLOC] = "alloc", [SWEEP_ALLOC_REST] = "alloc-rest",
    [SWEEP_SYSCALL] = "syscall", [SWEEP_ORDER] = "order",
};

/* A sweep while it runs. */
struct plan {
    const async_co *co;
    const struct async_sweep_opts *opts;
    const char *name;
    int failures;
    size_t seen[SWEEP_ORDER]; /* points of each kind in a run without a fault */
};

static const char *scenario_name(const async_co *co, const struct async_sweep_opts *opts)
{
    return opts->name ? opts->name : co->name ? co->name : "scenario";
}

/* --- names of runs: a kind and a number, or two of each for a pair --- */

/* Return the number of a fault, which combines its point and its variant. */
static uint64_t fault_number(const struct fault *f)
{
    return f->point * VARIANTS + f->variant;
}

static void set_fault_number(struct fault *f, enum sweep kind, uint64_t n)
{
    f->kind = kind;
    f->point = (size_t)(n / VARIANTS);
    f->variant = (unsigned)(n % VARIANTS);
}

static struct trial plan_trial(const struct plan *p, enum sweep sweep, uint64_t n)
{
    struct trial x = { .opts = p->opts, .co = p->co, .sweep = sweep, .seed = n };
    if (sweep < SWEEP_ORDER)
        set_fault_number(&x.faults[0], sweep, n);
    return x;
}

/* Print the assignment that repeats the run, like ASYNC_SWEEP=cancel:name:64, or
 * ASYNC_SWEEP=alloc+cancel:name:32+17 for a pair. */
static void print_assignment(FILE *to, const struct trial *x, const char *name)
{
    const struct fault *a = &x->faults[0], *b = &x->faults[1];
    if (x->sweep == SWEEP_PAIRS)
        fprintf(to, "ASYNC_SWEEP=%s+%s:%s:%ju+%ju", kind_names[a->kind], kind_names[b->kind], name,
                (uintmax_t)fault_number(a), (uintmax_t)fault_number(b));
    else
        fprintf(to, "ASYNC_SWEEP=%s:%s:%ju", kind_names[x->sweep], name,
                x->sweep == SWEEP_ORDER ? (uintmax_t)x->seed : (uintmax_t)fault_number(a));
}

static void print_faults(FILE *to, const struct trial *x)
{
    const struct fault *a = &x->faults[0], *b = &x->faults[1];
    fprintf(to, "%s%s%s",
            x->sweep == SWEEP_ORDER ? "in another order"
            : a->injected           ? a->what
                                    : "without any fault",
            b->injected ? "; then " : "", b->what);
}

/* Print one line: how to repeat the run, which faults it had, and what was wrong. */
void async__sweep_report(const struct trial *x)
{
    const char *name = scenario_name(x->co, x->opts);
    fputs("asyncio: ", stderr);
    if (x->sweep == SWEEP_NONE) {
        fputs(name, stderr);
    } else {
        print_assignment(stderr, x, name);
        fprintf(stderr, " %s", program_invocation_name);
    }
    fputs(": ", stderr);
    print_faults(stderr, x);
    fprintf(stderr, ": %s\n", x->wrong);
}

/* --- the environment --- */

/* Read the name of a kind at *at, which must be followed by one of the characters in ends, and move
 * *at behind it. Returns SWEEP_NONE if there is none. */
static enum sweep read_kind(const char **at, const char *ends)
{
    for (enum sweep k = SWEEP_CANCEL; k <= SWEEP_ORDER; k++) {
        size_t size = strlen(kind_names[k]);
        if (strncmp(*at, kind_names[k], size) || !(*at)[size] || !strchr(ends, (*at)[size]))
            continue;
        *at += size;
        return k;
    }
    return SWEEP_NONE;
}

/* The single run that ASYNC_SWEEP names. */
struct request {
    const char *text;         /* the value of the variable; NULL if it is not set */
    enum sweep first, second; /* kinds of the faults; the second only for a pair */
    const char *name;
    size_t name_length;
    uint64_t numbers[2];
};

/* Whether the program has made sweeps that ASYNC_SWEEP does not name, and the one that it names. */
static bool has_skipped, has_replayed;

/* Warn at the end of the program if ASYNC_SWEEP names no sweep of it: otherwise the program would
 * seem to have found nothing wrong. */
__attribute__((destructor)) static void warn_not_replayed(void)
{
    const char *text = secure_getenv("ASYNC_SWEEP");
    if (text && text[0] && has_skipped && !has_replayed)
        async__warn("ASYNC_SWEEP=%s: this program makes no sweep of this kind and name", text);
}

/* Read a number above 0 at *at, and move *at behind it. */
static bool read_number(const char **at, uint64_t *ret)
{
    char *end;
    bool digit = **at >= '0' && **at <= '9';
    errno = 0;
    *ret = strtoull(*at, &end, 10);
    *at = end;
    return digit && errno == 0 && *ret > 0;
}

/* Read "alloc:" or "alloc+cancel:", and move *at behind it. */
static bool read_kinds(const char **at, struct request *ret)
{
    ret->first = read_kind(at, ":+");
    if (ret->first && **at == '+') {
        ++*at;
        ret->second = read_kind(at, ":");
        if (!ret->second || ret->second == SWEEP_ORDER || ret->first == SWEEP_ORDER)
            return false;
    }
    return ret->first && *(*at)++ == ':';
}

/* Read "name:32", or "name:32+17" for a pair, up to the end of the text. */
static bool read_name_and_numbers(const char *at, struct request *ret)
{
    const char *last = strrchr(at, ':');
    if (!last || last == at)
        return false;
    ret->name = at;
    ret->name_length = (size_t)(last++ - at);
    if (!read_number(&last, &ret->numbers[0]))
        return false;
    if (ret->second && (*last++ != '+' || !read_number(&last, &ret->numbers[1])))
        return false;
    return !*last;
}

/* Read ASYNC_SWEEP. Returns 0 if it is empty or valid; otherwise prints a message and returns
 * -EINVAL. */
static int read_request(struct request *ret)
{
    const char *text = secure_getenv("ASYNC_SWEEP"), *at = text;
    *ret = (struct request){ 0 };
    if (!text || !text[0])
        return 0;
    if (!read_kinds(&at, ret)) {
        async__warn(
                "ASYNC_SWEEP=%s: must begin with cancel:, alloc:, alloc-rest:, syscall: or order:, "
                "or with two of the first four, as in cancel+alloc:",
                text);
        return -EINVAL;
    }
    if (!read_name_and_numbers(at, ret)) {
        async__warn("ASYNC_SWEEP=%s: must have the form %.*s:name:number%s, with numbers above 0",
                    text, (int)(at - 1 - text), text, ret->second ? "+number" : "");
        return -EINVAL;
    }
    ret->text = text;
    return 0;
}

/* Is this the sweep that ASYNC_SWEEP names? */
static bool is_requested(const struct request *a, const struct plan *p, enum sweep sweep)
{
    return sweep == (a->second ? SWEEP_PAIRS : a->first) && strlen(p->name) == a->name_length &&
           !memcmp(p->name, a->name, a->name_length);
}

/* Read ASYNC_SWEEP_SEEDS. Returns 0 if it is empty or valid; otherwise prints a message and returns
 * -EINVAL. */
static int read_seeds(const struct async_sweep_opts *opts, uint64_t *ret)
{
    const char *text = secure_getenv("ASYNC_SWEEP_SEEDS"), *at = text;
    *ret = opts->seeds ? opts->seeds : SEEDS;
    if (!text || !text[0] || (read_number(&at, ret) && !*at))
        return 0;
    async__warn("ASYNC_SWEEP_SEEDS=%s: must be a number above 0", text);
    return -EINVAL;
}

/* --- runs --- */

static void run_trial(struct plan *p, struct trial *x)
{
    async__trial_run(x);
    if (x->wrong[0]) {
        async__sweep_report(x);
        p->failures++;
    }
}

/* Make the run that ASYNC_SWEEP names, and report it. Returns -EINVAL if it has no such point. */
static int replay_run(struct plan *p, enum sweep sweep, const struct request *a)
{
    struct trial x = plan_trial(p, sweep, a->numbers[0]);
    if (a->second) {
        set_fault_number(&x.faults[0], a->first, a->numbers[0]);
        set_fault_number(&x.faults[1], a->second, a->numbers[1]);
    }
    has_replayed = true;
    async__log.silent = false;
    run_trial(p, &x);
    if (x.wrong[0])
        return 0;
    bool injected =
            sweep == SWEEP_ORDER || (x.faults[0].injected && (!a->second || x.faults[1].injected));
    fprintf(stderr, "asyncio: ASYNC_SWEEP=%s: ", a->text);
    print_faults(stderr, &x);
    fputs(injected ? ": the run is correct\n" : ": the run has no such point\n", stderr);
    return injected ? 0 : -EINVAL;
}

/* Inject each variant of each point, one in each run, until a run has no such point. Only the first
 * run of a point finds out which other variants it has. */
static void sweep_points(struct plan *p, enum sweep sweep)
{
    for (uint64_t point = 1;; point++) {
        unsigned variants = 1;
        for (unsigned v = 0; v < VARIANTS && p->failures < FAILURES; v++) {
            if (!(variants & 1u << v))
                continue;
            struct trial x = plan_trial(p, sweep, point * VARIANTS + v);
            run_trial(p, &x);
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
        struct trial x = plan_trial(p, SWEEP_ORDER, n);
        run_trial(p, &x);
    }
}

/* Make a run with the pair of faults that belongs to the seed. A run with the first fault alone
 * comes before it, to find the points that follow. If that run fails already, leave it to the sweep
 * of that kind to report it. */
static void sweep_pair(struct plan *p, uint64_t seed)
{
    struct fault drawn = { 0 };
    async__pair_first(&drawn, seed, p->seen);
    struct trial x = plan_trial(p, drawn.kind, 0), both;
    x.faults[0] = drawn;
    async__trial_run(&x);
    both = plan_trial(p, SWEEP_PAIRS, 0);
    set_fault_number(&both.faults[0], drawn.kind, fault_number(&x.faults[0]));
    async__pair_second(&both.faults[1], seed, &x);
    if (both.faults[1].kind && !x.wrong[0])
        run_trial(p, &both);
}

static void sweep_pairs(struct plan *p, uint64_t last)
{
    for (uint64_t n = 1; n <= last && p->failures < FAILURES; n++)
        sweep_pair(p, n);
}

/* Make a run without a fault, and count its points. Returns -EINVAL if the run fails. */
static int rehearse_run(struct plan *p)
{
    struct trial x = plan_trial(p, SWEEP_NONE, 0);
    run_trial(p, &x);
    memcpy(p->seen, x.seen, sizeof p->seen);
    return x.wrong[0] ? -EINVAL : 0;
}

/* Make all runs of one kind of sweep. Nothing is printed meanwhile, except failures of runs. */
static int sweep_kind(struct plan *p, enum sweep sweep)
{
    uint64_t last;
    int r = read_seeds(p->opts, &last);
    if (r == 0)
        r = rehearse_run(p);
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

/* Make the sweeps of the kinds first to last; or, if ASYNC_SWEEP is set, only the run that it
 * names. Returns the number of failed runs, or a negative errno. */
static int sweep_kinds(const async_co *co, const struct async_sweep_opts *opts, enum sweep first,
                       enum sweep last)
{
    static const struct async_sweep_opts defaults;
    struct plan p = { .co = co, .opts = opts ? opts : &defaults };
    struct request request;
    p.name = scenario_name(co, p.opts);
    if (async__alloc_held() > 0)
        return -EBUSY;
    int r = read_request(&request);
    for (enum sweep s = first; s <= last && r == 0; s++) {
        if (!request.text)
            r = sweep_kind(&p, s);
        else if (is_requested(&request, &p, s))
            r = replay_run(&p, s, &request);
        else
            has_skipped = true;
    }
    return r < 0 ? r : p.failures;
}

int async_sweep_cancel_opt(async_co co, const struct async_sweep_opts *opts)
{
    return sweep_kinds(&co, opts, SWEEP_CANCEL, SWEEP_CANCEL);
}

int async_sweep_alloc_opt(async_co co, const struct async_sweep_opts *opts)
{
    return sweep_kinds(&co, opts, SWEEP_ALLOC, SWEEP_ALLOC_REST);
}

int async_sweep_syscall_opt(async_co co, const struct async_sweep_opts *opts)
{
    return sweep_kinds(&co, opts, SWEEP_SYSCALL, SWEEP_SYSCALL);
}

int async_sweep_order_opt(async_co co, const struct async_sweep_opts *opts)
{
    return sweep_kinds(&co, opts, SWEEP_ORDER, SWEEP_ORDER);
}

int async_sweep_pairs_opt(async_co co, const struct async_sweep_opts *opts)
{
    return sweep_kinds(&co, opts, SWEEP_PAIRS, SWEEP_PAIRS);
}

int async_sweep_opt(async_co co, const struct async_sweep_opts *opts)
{
    return sweep_kinds(&co, opts, SWEEP_CANCEL, SWEEP_PAIRS);
}
