/* SPDX-License-Identifier: MIT */
/* main.c - the command `asyncio`: run the subcommand that is named. */
#include "demo/demo.h"
#include "fetch/fetch.h"
#include "lint/lint.h"

#include <asyncio/base.h>

#include <curl/curl.h>
#include <fcntl.h>
#include <jansson.h>
#include <microhttpd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct command {
    const char *name;
    int (*main)(int argc, char **argv);
    const char *help;
} commands[] = {
    { "fetch", fetch_main, "request many URLs concurrently, and print a line of JSON for each" },
    { "lint", lint_main, "find mistakes in C code that runs in tasks" },
    { "demo", demo_main, "fetch a thousand users from a web API in this process, in four ways" },
};
enum { COMMANDS = sizeof commands / sizeof *commands };

static int print_usage(FILE *out)
{
    fputs("Usage: asyncio COMMAND [OPTION]...\n\nCommands:\n", out);
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(out, "  %-6s  %s\n", commands[i].name, commands[i].help);
    fputs("\n"
          "'asyncio COMMAND --help' describes a command.\n"
          "'asyncio --version' prints the version of the command and of its libraries.\n",
          out);
    return out == stderr ? 2 : 0;
}

static int print_version(void)
{
    printf("asyncio %s\n%s\nlibmicrohttpd/%s jansson/%s\n", async_version(), curl_version(),
           MHD_get_version(), jansson_version_str());
    return 0;
}

/* Turn success into failure if the output could not be written, as on a full disk. */
static int flush_output(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    fputs("asyncio: cannot write to standard output\n", stderr);
    return status ? status : 3;
}

/* Open the standard streams that are closed. Otherwise a socket would get the number of one of
 * them, and results would be written to it. This way writing to a closed stream fails, as it
 * should. */
static void open_closed_streams(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDONLY);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(name, commands[i].name) == 0)
            return &commands[i];
    return NULL;
}

static int refuse_command(const char *name)
{
    fprintf(stderr, "asyncio: unknown command '%s'; see 'asyncio --help'\n", name);
    return 2;
}

/* `asyncio help NAME` is the same as `asyncio NAME --help`. */
static int run_help(char *name)
{
    char *argv[] = { name, "--help", NULL };
    const struct command *c = find_command(name);
    return c ? flush_output(c->main(2, argv)) : refuse_command(name);
}

int main(int argc, char **argv)
{
    open_closed_streams();
    if (argc < 2)
        return print_usage(stderr);
    const char *name = argv[1];
    const struct command *c = find_command(name);
    if (c)
        return flush_output(c->main(argc - 1, argv + 1));
    if (argc == 3 && strcmp(name, "help") == 0)
        return run_help(argv[2]);
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0)
        return flush_output(print_version());
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0)
        return flush_output(print_usage(stdout));
    return refuse_command(name);
}
