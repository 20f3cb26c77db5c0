/* SPDX-License-Identifier: MIT */
#include "testing/trial.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "task/scope.h"
#include "task/task.h"

enum {
    STEPS = 100000,  /* a run with more awaits hangs; the default of opts.steps */
    HANGS_MAX = 1000 /* how often all waits are failed before the program is aborted */
};

_Thread_local struct trial *async__trial;

/* Take the next variant that the point has. */
static void choose_variant(struct fault *f)
{
    while (!(f->variants & 1u << f->variant))
        f->variant = (f->variant + 1) % VARIANTS;
}

/* The elements of x->faults are injected one after the other; the counting of points starts again
 * with each. */
struct fault *async__trial_inject(struct trial *x, enum sweep kind, unsigned variants)
{
    struct fault *f = &x->faults[x->next_fault];
    x->seen[kind]++;
    x->after[kind] += x->next_fault > 0;
    if (x->next_fault == FAULTS || f->kind != kind || ++f->points != f->point)
        return NULL;
    f->variants = variants;
    if (f->any_variant)
        choose_variant(f);
    if (!(variants & 1u << f->variant))
        return NULL;
    f->injected = true;
    x->next_fault++;
    return f;
}

void async__trial_wrong(struct trial *x, const char *fmt, ...)
{
    va_list ap;
    if (x->wrong[0])
        return;
    va_start(ap, fmt);
    vsnprintf(x->wrong, sizeof x->wrong, fmt, ap);
    va_end(ap);
}

/* --- a run that does not end --- */

/* Cancel every scope of a task, also those behind a shield, and interrupt its wait. */
static void fail_wait(void *record, void *arg)
{
    async_task *t = record;
    (void)arg;
    if (!t->node.kind || t->node.state == TASK_DONE)
        return;
    if (t->node.kind == NODE_NEW) {
        t->node.flags |= TASK_CANCELLED_EARLY;
        return;
    }
    for (async_scope *s = t->scope; s; s = s->outer)
        s->effectively_cancelled = true;
    update_needs_check(t);
    if (t->node.state != TASK_PARKED)
        return;
    disarm(t);
    async__wake(t, INTERRUPTED);
}

static void append_parked_name(void *record, void *arg)
{
    const async_task *t = record;
    char *names = arg;
    size_t used = strlen(names);
    if (t->node.kind == NODE_TASK && t->node.state == TASK_PARKED && used < 100)
        snprintf(names + used, 128 - used, "%s\"%.24s\"", used ? ", " : "", t->name);
}

/* Report that the run hangs, and end it by failing all waits. If the tasks begin new waits again
 * and again, abort the program. */
static void end_hang(struct trial *x, struct loop *l, const char *why)
{
    char names[128] = "";
    async__slab_each(&l->tasks, append_parked_name, names);
    async__trial_wrong(x, "the run hangs: %s%s%s", why, names[0] ? "; waiting tasks: " : "", names);
    if (++x->hangs > HANGS_MAX) {
        async__sweep_report(x);
        fputs("asyncio: the run cannot be ended, because its tasks ignore every error\n", stderr);
        abort();
    }
    async__slab_each(&l->tasks, fail_wait, NULL);
}

/* --- cancelling --- */

struct search {
    uint64_t id;
    async_task *found;
};

static void find_task(void *record, void *arg)
{
    async_task *t = record;
    struct search *s = arg;
    if (t->node.kind && t->node.state != TASK_DONE && task_id(t) == s->id)
        s->found = t;
}

/* Do what an injected cancellation does: cancel the scenario or the task, or let the timeout around
 * the scenario expire. */
static void apply_cancel(void *arg)
{
    static const char why[] = "a sweep";
    struct fault *f = arg;
    struct trial *x = async__trial;
    struct loop *l = async__loop;
    unsigned what = 1u << f->variant % CANCEL_LATER;
    struct search s = { .id = f->task_id };
    if (what == CANCEL_TIMEOUT && x->timeout) {
        x->timeout->deadline = loop_now(l);
        async__scope_expire(x->timeout);
    } else if (what == CANCEL_SCENARIO) {
        async__task_request_cancel(l->root_task, ASYNC_CANCEL_TASK, why, NULL);
    } else if (what == CANCEL_TASK) {
        async__slab_each(&l->tasks, find_task, &s);
        async__task_request_cancel(s.found, ASYNC_CANCEL_TASK, why, NULL);
    }
}

static void describe_cancel(struct fault *f, const async_task *t, bool waits)
{
    static const char *const by[] = { "a request to the scenario", "a timeout around the scenario",
                                      "a request to the task" };
    const char *when = !waits                      ? ""
                       : f->variant < CANCEL_LATER ? ", at once"
                                                   : ", after all that was ready has run";
    snprintf(f->what, sizeof f->what, "cancelled by %s when task \"%.40s\" %s await %zu%s",
             by[f->variant % CANCEL_LATER], t->name, waits ? "waits in" : "passes", f->point, when);
}

/* Inject a cancellation at this await of t, if it is the point to do so. A task that runs is
 * cancelled at once. One that is about to park is cancelled by a callback when it waits; in the
 * first variants this callback is the next thing to run, in the later ones all that is ready runs
 * before it. */
static void inject_cancel(struct trial *x, struct loop *l, async_task *t, bool waits)
{
    unsigned ways = t == l->root_task ? CANCEL_SCENARIO | CANCEL_TIMEOUT : CANCEL_ANY;
    struct fault *f =
            async__trial_inject(x, SWEEP_CANCEL, waits ? ways | ways << CANCEL_LATER : ways);
    if (!f)
        return;
    f->task_id = (uint32_t)task_id(t);
    describe_cancel(f, t, waits);
    if (!waits) {
        apply_cancel(f);
        return;
    }
    async_call_soon(&f->later, apply_cancel, f);
    if (f->variant < CANCEL_LATER && l->sched.ready.head != l->sched.ready.tail) {
        struct async_waiter *w = l->sched.ready.tail;
        waitq_remove(&l->sched.ready, w);
        w->prev = NULL;
        w->next = l->sched.ready.head;
        l->sched.ready.head = l->sched.ready.head->prev = w;
    }
}

/* Called at each await of the run, and when it can make no progress. */
static void probe_await(struct probe *p, struct loop *l, async_task *t, enum probe_point point)
{
    struct trial *x = (struct trial *)p;
    size_t steps_max = x->opts->steps ? x->opts->steps : STEPS;
    if (point == AT_STANDSTILL)
        end_hang(x, l, "all tasks wait, and nothing can wake them");
    else if (++x->steps % steps_max == 0)
        end_hang(x, l, "too many awaits");
    else if (point != AT_REFUSAL)
        inject_cancel(x, l, t, point == AT_WAIT);
}

/* --- the run --- */

/* Run the scenario inside a timeout, with a probe in the loop. The coarse clock is stopped, so that
 * every checkpoint takes the slow path, which calls the probe. Each slab chunk holds one record, so
 * that each task needs memory of its own, and an access to the record of a task that has ended
 * faults. */
static int run_scenario(void *frame)
{
    struct trial *x = *(struct trial **)frame;
    struct loop *l = async__loop;
    async_scope timeout = async_scope_timeout(ASYNC_FOREVER, NULL, ASYNC_HERE);
    async_co co = *x->co;
    x->probe.at = probe_await;
    l->probe = &x->probe;
    l->no_deadline = -1;
    l->coarse.usable = false;
    l->coarse.per_tick = 0;
    l->tasks.per_chunk = l->starts.per_chunk = 1;
    async__scope_enter(&timeout, l->sched.current);
    x->timeout = &timeout;
    int r = co.run(co.frame);
    x->timeout = NULL;
    return async__scope_leave(&timeout, r, false);
}

/* Is r a result that the fault f can account for? */
static bool fault_explains(const struct fault *f, int r)
{
    switch (f->injected ? f->kind : SWEEP_NONE) {
    case SWEEP_CANCEL:
        switch (1 << f->variant % CANCEL_LATER) {
        case CANCEL_TIMEOUT:
            return r >= 0 || r == -ETIMEDOUT;
        case CANCEL_SCENARIO:
            return r >= 0 || r == -ECANCELED;
        default: /* another task was cancelled, and the scenario decides what that means */
            return true;
        }
    case SWEEP_ALLOC:
    case SWEEP_ALLOC_REST:
        return r >= 0 || r == -ENOMEM;
    case SWEEP_SYSCALL:
        return !f->harmless;
    default:
        return false;
    }
}

static bool is_explained(const struct trial *x, int r)
{
    if (r == x->opts->expect || (r >= 0 && !x->opts->expect))
        return true;
    for (int i = 0; i < FAULTS; i++)
        if (fault_explains(&x->faults[i], r))
            return true;
    return false;
}

/* A loop warns when it closes and still owns something. In a run of a sweep that is a failure. */
static void receive_warning(const char *message)
{
    static const char closes[] = "the loop closes with";
    if (async__trial && !strncmp(message, closes, sizeof closes - 1))
        async__trial_wrong(async__trial, "%s", message);
}

/* message: what the check of the test's own has found wrong, or NULL. */
static void check_result(struct trial *x, const char *message)
{
    const char *name = x->result < 0 ? strerrorname_np(-x->result) : NULL;
    if (message)
        async__trial_wrong(x, "%s", message);
    if (!is_explained(x, x->result) && name)
        async__trial_wrong(x, "the result is -%s", name);
    else if (!is_explained(x, x->result))
        async__trial_wrong(x, "the result is %d", x->result);
}

/* Run the scenario once, and store in x->wrong what was wrong with the run. The check of the test's
 * own comes before the leak check, because it may free what the scenario has left for it; no fault
 * is injected into it. */
void async__trial_run(struct trial *x)
{
    const struct async_sweep_opts *o = x->opts;
    struct async_run_opts run = { .virtual_clock = !o->real_clock,
                                  .seed = x->sweep == SWEEP_ORDER ? x->seed : 0 };
    async_co co = { .run = run_scenario, .name = x->co->name };
    memcpy(co.frame, &x, sizeof x);
    if (o->before)
        o->before(o->arg);
    if (o->ret_runs)
        ++*o->ret_runs;
    async__log.receive = receive_warning;
    async__trial = x;
    async__leak_check_open();
    x->result = async_run_opt(co, &run);
    async__leak_check_await_threads();
    async__trial = NULL;
    const char *message = o->check ? o->check(o->arg, x->result) : NULL;
    async__leak_check_close(x);
    async__log.receive = NULL;
    check_result(x, message);
}
