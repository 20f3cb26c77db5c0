/* SPDX-License-Identifier: MIT */
/* Choose the two faults for each run of async_sweep_pairs(). There are far too many pairs to try
 * them all, so some are drawn at random. The first fault is anywhere in the run. The second one
 * follows soon, while the program still recovers from the first. */
#include "testing/trial.h"

/* The second fault is at most 2 to this power points after the first, and mostly much nearer. */
enum { DISTANCE_LOG2_MAX = 6 };

/* Return the next pseudo-random number. It is computed by splitmix64 and not by libc, so that a
 * seed gives the same pairs everywhere and in future versions. */
static uint64_t draw_number(uint64_t *state)
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

/* Draw a kind of fault of which the run has points. After SWEEP_ALLOC_REST every allocation fails
 * anyway, so another fault of memory would change nothing. */
static enum sweep draw_kind(uint64_t *state, const size_t seen[SWEEP_ORDER], enum sweep before)
{
    enum sweep kinds[SWEEP_ORDER];
    unsigned n = 0;
    for (enum sweep k = SWEEP_CANCEL; k < SWEEP_ORDER; k++)
        if (seen[k] && !(before == SWEEP_ALLOC_REST && is_memory(k)))
            kinds[n++] = k;
    return n ? kinds[draw_number(state) % n] : SWEEP_NONE;
}

/* Draw a fault among the first `within` points of its kind. Not every point has every variant, so
 * the variant is only a preference. */
static void draw_fault(struct fault *f, uint64_t *state, const size_t seen[SWEEP_ORDER],
                       enum sweep before, uint64_t within)
{
    f->kind = draw_kind(state, seen, before);
    if (!f->kind)
        return;
    f->point = 1 + draw_number(state) % (seen[f->kind] < within ? seen[f->kind] : within);
    f->variant = (unsigned)(draw_number(state) % VARIANTS);
    f->any_variant = true;
}

void async__pair_first(struct fault *f, uint64_t seed, const size_t seen[SWEEP_ORDER])
{
    draw_fault(f, &seed, seen, SWEEP_NONE, UINT64_MAX);
}

void async__pair_second(struct fault *f, uint64_t seed, const struct trial *first)
{
    uint64_t state = ~seed, within = UINT64_C(1) << draw_number(&state) % (DISTANCE_LOG2_MAX + 1);
    draw_fault(f, &state, first->after, first->sweep, within);
}
