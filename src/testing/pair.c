/* SPDX-License-Identifier: MIT */
/* pair.c - which two faults the runs of async_sweep_pairs() have. There are far more pairs than
 * anybody can try, so they are drawn. The first fault is anywhere; the second follows soon, while
 * what the first has upset is put in order. */
#include "testing/trial.h"

enum { SOON = 6 }; /* within 2 to this power points, mostly much sooner */

/* The same numbers everywhere and for ever, of any seed: splitmix64. */
static uint64_t draw(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static bool is_memory(enum sweep kind)
{
    return kind == SWEEP_ALLOC || kind == SWEEP_ALLOC_REST;
}

/* One of the kinds of which there are points. Where memory has ended no other lack of it is new. */
static enum sweep draw_kind(uint64_t *state, const size_t seen[SWEEP_ORDER], enum sweep before)
{
    enum sweep kinds[SWEEP_ORDER];
    unsigned n = 0;
    for (enum sweep k = SWEEP_CANCEL; k < SWEEP_ORDER; k++)
        if (seen[k] && !(before == SWEEP_ALLOC_REST && is_memory(k)))
            kinds[n++] = k;
    return n ? kinds[draw(state) % n] : SWEEP_NONE;
}

static void draw_fault(struct fault *f, uint64_t *state, const size_t seen[SWEEP_ORDER],
                       enum sweep before, uint64_t within)
{
    f->kind = draw_kind(state, seen, before);
    if (!f->kind)
        return;
    f->point = 1 + draw(state) % (seen[f->kind] < within ? seen[f->kind] : within);
    f->variant = (unsigned)(draw(state) % VARIANTS);
    f->any_variant = true;
}

void async__pair_first(struct fault *f, uint64_t seed, const size_t seen[SWEEP_ORDER])
{
    draw_fault(f, &seed, seen, SWEEP_NONE, UINT64_MAX);
}

void async__pair_second(struct fault *f, uint64_t seed, const struct trial *first)
{
    uint64_t state = ~seed, within = UINT64_C(1) << draw(&state) % (SOON + 1);
    draw_fault(f, &state, first->after, first->sweep, within);
}
