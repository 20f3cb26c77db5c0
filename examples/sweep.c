/* SPDX-License-Identifier: MIT */
/* A test of your own code: transfers between accounts, and a sweep that cancels, refuses memory and
 * changes the order of tasks at each point where that can happen. After every run, no money may be
 * lost. With an argument, the transfer has a bug, and the sweep prints how to repeat the run that
 * has found it. */
#include <asyncio.h>
#include <asyncio/testing.h>
#include <stdio.h>

enum { ACCOUNTS = 3, MONEY = 100 };

static int account[ACCOUNTS];
static bool careless;

static void open_accounts(void *arg)
{
    (void)arg;
    for (int i = 0; i < ACCOUNTS; i++)
        account[i] = MONEY;
}

static const char *audit(void *arg, int result)
{
    int sum = 0;
    (void)arg;
    (void)result;
    for (int i = 0; i < ACCOUNTS; i++)
        sum += account[i];
    return sum == ACCOUNTS * MONEY ? NULL : "money is lost";
}

ASYNC_DEF(transfer, (int)from, (int)to, (int)amount)
{
    account[from] -= amount;
    int r = await_sleep(1); /* stands for the other bank */
    if (r < 0 && !careless)
        account[from] += amount;
    if (r < 0)
        return r;
    account[to] += amount;
    return 0;
}

ASYNC_DEF(business)
{
    ASYNC_TRY(await_gather(NULL, transfer(0, 1, 10), transfer(1, 2, 20)));
    return await_wait_for(transfer(2, 0, 30), 5);
}

int main(int argc, char **argv)
{
    (void)argv;
    careless = argc > 1;
    int failures = async_sweep(business(), .before = open_accounts, .check = audit);
    puts(failures == 0 ? "whatever happens, the money is somewhere" : "money is lost");
    return failures != 0;
}
