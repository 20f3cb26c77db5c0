/* SPDX-License-Identifier: MIT */
/* options_help.c - print `asyncio fetch --help` from the table of options. */
#include "options.h"

#include <string.h>

enum { HELP_WIDTH = 80, HELP_INDENT = 30 };

/* Print words wrapped at HELP_WIDTH columns. The cursor is at column HELP_INDENT. */
static void print_wrapped(FILE *out, const char *s)
{
    int column = HELP_INDENT;
    while (*s) {
        int n = (int)strcspn(s, " ");
        if (column > HELP_INDENT && column + 1 + n > HELP_WIDTH) {
            fprintf(out, "\n%*s", HELP_INDENT, "");
            column = HELP_INDENT;
        }
        column += fprintf(out, "%s%.*s", column > HELP_INDENT ? " " : "", n, s);
        s += n + (s[n] == ' ');
    }
    fputc('\n', out);
}

/* Print "  -j, --jobs N" and move to the column of the description. */
static void print_option_name(FILE *out, const struct option_row *row)
{
    char left[80];
    const char *arg = !row->arg                                                      ? ""
                      : row->kind == OPTION_CHOICE || row->kind == OPTION_COMPLETION ? "WHICH"
                                                                                     : row->arg;
    int n = snprintf(left, sizeof left, "  %c%c%c --%s%s%s", row->letter ? '-' : ' ',
                     row->letter ? row->letter : ' ', row->letter ? ',' : ' ', row->name,
                     *arg ? " " : "", arg);
    fputs(left, out);
    if (n > HELP_INDENT - 2)
        fprintf(out, "\n%*s", HELP_INDENT, "");
    else
        fprintf(out, "%*s", HELP_INDENT - n, "");
}

static void print_option(FILE *out, const struct option_row *row)
{
    char text[400];
    print_option_name(out, row);
    int n = snprintf(text, sizeof text, "%s", row->help);
    if (row->kind == OPTION_CHOICE || row->kind == OPTION_COMPLETION)
        n += snprintf(text + n, sizeof text - (size_t)n, "; one of %s", row->arg);
    if (row->init)
        snprintf(text + n, sizeof text - (size_t)n, " (default: %s)", row->init);
    print_wrapped(out, text);
}

static const char usage_help[] =
        "Usage: %s [OPTION]... [URL]...\n"
        "\n"
        "Fetch many URLs concurrently: those given as arguments, then those read by --input.\n"
        "For each request one line of JSON is printed, whether it succeeds or fails.\n"
        "\n"
        "  %s https://example.com https://example.org\n"
        "  %s -j 100 -o pages -i urls.txt >results.jsonl\n";

static const char result_help[] =
        "\n"
        "Each result is an object with these members, null if not known:\n"
        "  index, id        number of the request, from 0; the id that the input gave it\n"
        "  url, final_url   as given; after redirects; both without user name and password\n"
        "  method, ok       the method; whether the request succeeded\n"
        "  status           of the response: 200, 404, ...\n"
        "  error            null, or an object: kind (see below), message (for people),\n"
        "                   code (such as \"ECONNREFUSED\")\n"
        "  attempts         how many attempts were made\n"
        "  redirects        a list of objects: status, url\n"
        "  http, remote_ip  version (\"1.1\", \"2\") and address of the server\n"
        "  bytes            size of the body, decompressed\n"
        "  wire_bytes       size of the body as received\n"
        "  t                milliseconds: queued (until the first attempt), dns, connect,\n"
        "                   tls, ttfb (to the first byte), total (with all attempts)\n"
        "  headers          with --headers: for each name, in lower case, a list of values\n"
        "  body             or body_base64, or file (its name in DIR); see --body and -o\n"
        "  skipped          true if the file exists; see --skip-existing\n"
        "  sha256           digest of the body; see --checksum\n"
        "\n"
        "Kinds of errors:\n"
        "  input      the input line cannot be parsed\n"
        "  dns        the name has no address\n"
        "  connect    the connection was refused, or the host is unreachable\n"
        "  tls        the certificate is not valid, or the handshake failed\n"
        "  timeout    see --timeout, --connect-timeout and --stall-timeout\n"
        "  reset      the connection ended before the response was complete\n"
        "  protocol   the response is not HTTP\n"
        "  http       a status of 400 or more\n"
        "  redirect   too many redirects, or one to something other than HTTP\n"
        "  too_large  the body is longer than --max-body\n"
        "  checksum   the body does not have the expected SHA-256 digest\n"
        "  local      a file cannot be written, or there is no memory\n"
        "  cancelled  the run was stopped\n";

static const char exit_help[] =
        "\n"
        "After Ctrl-C no further requests are started. Those in progress get 2 s to end, and\n"
        "the reader of the results another 2 s. A second Ctrl-C stops at once. The signal\n"
        "SIGUSR1 prints how far the run is.\n"
        "\n"
        "Exit status:\n"
        "  0         all requests succeeded\n"
        "  1         a request failed\n"
        "  2         wrong usage or input, even if requests failed as well\n"
        "  3         an error on this machine, such as a full disk or lack of memory\n"
        "  4         stopped early by --fail-fast, --max-failures or --deadline\n"
        "  129, 130, 143  stopped by SIGHUP, SIGINT or SIGTERM\n";

void options_help(FILE *out, const char *program)
{
    fprintf(out, usage_help, program, program, program);
    for (size_t i = 0; i < option_count; i++) {
        if (option_table[i].heading)
            fprintf(out, "\n%s:\n", option_table[i].heading);
        print_option(out, &option_table[i]);
    }
    fputs(result_help, out);
    fputs(exit_help, out);
}
