/* SPDX-License-Identifier: MIT */
/* table.c - print the table of the demonstration. */
#include "table.h"

#include "common/units.h"

#include <asyncio/base.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Return an escape sequence, or nothing if the output is not a terminal or NO_COLOR is set. */
static const char *terminal_style(const char *sequence)
{
    static int wanted = -1;
    if (wanted < 0)
        wanted = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
    return wanted ? sequence : "";
}
#define BOLD  terminal_style("\x1b[1m")
#define DIM   terminal_style("\x1b[2m")
#define GREEN terminal_style("\x1b[32m")
#define PLAIN terminal_style("\x1b[0m")

char *format_thousands(char buf[32], long n)
{
    if (n < 1000)
        snprintf(buf, 32, "%ld", n);
    else
        snprintf(buf, 32, "%ld,%03ld", n / 1000, n % 1000);
    return buf;
}

void table_begin(const char *url, double delay, int users)
{
    char count[32], each[32];
    printf("\n"
           "  %sasyncio %s%s fetches %s users from a web API that takes %s for each.\n"
           "  Client and server talk HTTP in this process, on one thread: %s/users/1\n"
           "\n",
           BOLD, async_version(), PLAIN, format_thousands(count, users),
           format_seconds(each, delay), url);
    printf("  %s%-22s %10s %10s %8s %12s %11s%s\n", DIM, "", "measured", "ideal", "ratio",
           "requests/s", "concurrent", PLAIN);
}

void table_row(const char *name, double seconds, double delay, int users, int limit, int concurrent)
{
    char rate[32], most[32];
    double ideal = delay * users / limit;
    printf("  %-22s %s%8.2f s%s %8.2f s %8.2f %12s %11s\n", name, BOLD, seconds, PLAIN, ideal,
           seconds / ideal, format_thousands(rate, (long)(users / seconds + 0.5)),
           format_thousands(most, concurrent));
    fflush(stdout);
}

void table_end(int sample, int users)
{
    printf("\n"
           "  %s* measured with %d users, and multiplied by %d%s\n"
           "  %s  concurrent: requests at the same time, as the server counts them%s\n"
           "\n",
           DIM, sample, users / sample, PLAIN, DIM, PLAIN);
}

void table_success(int responses)
{
    char n[32];
    printf("  %sAll %s responses are right%s: every id, name and email was checked.\n\n", GREEN,
           format_thousands(n, responses), PLAIN);
}
