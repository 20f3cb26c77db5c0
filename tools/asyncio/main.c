/* SPDX-License-Identifier: MIT */
/* main.c - the command: which subcommand is meant. */
#include "demo/demo.h"
#include "fetch/fetch.h"
#include "lint/lint.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <jansson.h>
#include <microhttpd.h>
#include <stdio.h>
#include <unistd.h>

static const struct command {
    const char *name;
    int (*main)(int argc, char **argv);
    const char *help;
} commands[] = {
    { "fetch", fetch_main, "fetch many URLs at the same time, a line of JSON for each" },
    { "demo", demo_main,
      "a web API and its client in one process: one by one, all at once, ten at a time" },
    { "lint", lint_main, "find mistakes of code that runs in tasks, in C sources" },
};
enum { COMMANDS = sizeof commands / sizeof *commands };

static int usage(FILE *out)
{
    fputs("Usage: asyncio COMMAND [OPTION]...\n\nCommands:\n", out);
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(out, "  %-8s  %s\n", commands[i].name, commands[i].help);
    fputs("\n'asyncio COMMAND --help' says more, 'asyncio --version' the versions of the libraries.\n",
          out);
    return out == stderr ? 2 : 0;
}

static int version(void)
{
    printf("asyncio %s\n%s\nlibmicrohttpd/%s jansson/%s\n", async_version(), curl_version(),
           MHD_get_version(), jansson_version_str());
    return 0;
}

/* Results that did not reach the disk are no success. */
static int closed(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    fputs("asyncio: cannot write to standard output\n", stderr);
    return status ? status : 3;
}

/* A socket must not get the number of a standard stream that is closed: results would go there. This way
 * writing to it fails, as it should. */
static void fill_standard_streams(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDONLY);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

static int no_command(const char *name)
{
    fprintf(stderr, "asyncio: there is no command '%s'; 'asyncio --help' lists them\n", name);
    return 2;
}

/* `asyncio help NAME` is `asyncio NAME --help`. */
static int help(char *name)
{
    char *argv[] = { name, "--help", NULL };
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(name, commands[i].name) == 0)
            return closed(commands[i].main(2, argv));
    return no_command(name);
}

int main(int argc, char **argv)
{
    fill_standard_streams();
    if (argc < 2)
        return usage(stderr);
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return closed(commands[i].main(argc - 1, argv + 1));
    if (argc == 3 && strcmp(argv[1], "help") == 0)
        return help(argv[2]);
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0)
        return closed(version());
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0)
        return closed(usage(stdout));
    return no_command(argv[1]);
}
