/* SPDX-License-Identifier: MIT */
/* scenario.h - frame of the scenarios: a table that fills itself, an account of items and permits,
 * and a main() that sweeps all scenarios.
 *
 * Whatever fails in a scenario, it goes on to account for every item. So what a sweep finds is a
 * mistake of the library. */
#ifndef SWEEP_SCENARIO_H
#define SWEEP_SCENARIO_H

#include <asyncio.h>
#include <asyncio/testing.h>

#include <stdio.h>
#include <stdlib.h>

static struct scenario {
    const char *name;
    async_co co;
    bool real_clock;
} scenarios[64];
static unsigned scenario_count;

/* SCENARIO(name) { body of a coroutine } */
#define SCENARIO(name)      SCENARIO_IN(name, false)
#define REAL_SCENARIO(name) SCENARIO_IN(name, true)
#define SCENARIO_IN(name, real)                                                                    \
    ASYNC_CHECK static int await_##name##_scenario(void);                                          \
    ASYNC_CO(name##_scenario)                                                                      \
    __attribute__((constructor)) static void add_##name(void)                                      \
    {                                                                                              \
        scenarios[scenario_count++] = (struct scenario){ #name, name##_scenario(), real };         \
    }                                                                                              \
    static int await_##name##_scenario(void)

/* --- the account of a run --- */

static struct {
    int made, used, kept; /* each item that was made was used, or is kept somewhere */
    int held, most_held;  /* permits that are held, and how many may be at most; 0 for no bound */
    const char *broken;   /* a condition that did not hold */
} account;

/* Record a condition that does not hold. The scenario goes on, so that it still gives everything
 * back, and the sweep reports the first such condition. */
#define scenario_expect(condition)                                                                 \
    do {                                                                                           \
        if (!(condition) && !account.broken)                                                       \
            account.broken = "expected true, got false: " #condition;                              \
    } while (0)

ASYNC_UNUSED static void hold(int change)
{
    account.held += change;
    scenario_expect(account.held >= 0);
    scenario_expect(!account.most_held || account.held <= account.most_held);
}

static void open_account(void *arg)
{
    (void)arg;
    memset(&account, 0, sizeof account);
}

static const char *balance(void *arg, int result)
{
    static char text[80];
    (void)arg;
    (void)result;
    if (account.broken)
        return account.broken;
    if (account.held)
        return "a permit is still held";
    if (account.made == account.used + account.kept)
        return NULL;
    snprintf(text, sizeof text, "%d items were made, %d used, %d kept", account.made, account.used,
             account.kept);
    return text;
}

/* --- small parts --- */

/* Make an item after some seconds, and return the value. */
ASYNC_UNUSED static int await_item(double seconds, int value)
{
    ASYNC_TRY(await_sleep(seconds));
    account.made++;
    account.used++;
    return value;
}
ASYNC_CO(item, (double)seconds, (int)value)

ASYNC_UNUSED static int await_fails_after(double seconds, int err)
{
    ASYNC_TRY(await_sleep(seconds));
    return async_fail(err, "after %g seconds", seconds);
}
ASYNC_CO(fails_after, (double)seconds, (int)err)

/* Hold a permit while sleeping, and for a second of shielded cleanup. */
ASYNC_UNUSED static int await_guest(double seconds)
{
    int r, shielded;
    hold(1);
    r = await_sleep(seconds);
    await_shield (shielded)
        shielded = await_sleep(1);
    hold(-1);
    return r < 0 ? r : shielded;
}
ASYNC_CO(guest, (double)seconds)

/* The number of orders and pairs that are tried; 0 for the default. */
#ifndef SCENARIO_SEEDS
#define SCENARIO_SEEDS 0
#endif

int main(void)
{
    size_t total = 0;
    int bad = 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("1..%u\n", scenario_count);
    for (unsigned i = 0; i < scenario_count; i++) {
        const struct scenario *s = &scenarios[i];
        size_t runs = 0;
        int r = async_sweep(s->co, .name = s->name, .before = open_account, .check = balance,
                            .real_clock = s->real_clock, .seeds = SCENARIO_SEEDS,
                            .ret_runs = &runs);
        bad += r != 0;
        total += runs;
        printf("%sok %u - %s: %zu runs\n", r == 0 ? "" : "not ", i + 1, s->name, runs);
    }
    printf("# %zu runs\n", total);
    return bad ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
