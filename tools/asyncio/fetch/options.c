/* SPDX-License-Identifier: MIT */
#include "options.h"

#include "request.h"
#include "units.h"

#include <asyncio/base.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS_MAX = 64, LONG_BASE = 256 }; /* LONG_BASE + row: what getopt_long() returns */

struct parser {
    const char *program;
    FILE *err;
    struct options *o;
};

static int __attribute__((format(printf, 2, 3))) usage(struct parser *p, const char *fmt, ...)
{
    va_list ap;
    fprintf(p->err, "%s: ", p->program);
    va_start(ap, fmt);
    vfprintf(p->err, fmt, ap);
    va_end(ap);
    fprintf(p->err, "\nTry '%s --help'.\n", p->program);
    return -EINVAL;
}

static void *member(struct options *o, const struct option_row *row)
{
    return (char *)o + row->offset;
}

/* The position of word among "a|b|c", or -1. */
static int choice(const char *choices, const char *word)
{
    size_t n = strlen(word);
    for (int i = 0;; i++) {
        size_t len = strcspn(choices, "|");
        if (len == n && memcmp(choices, word, n) == 0)
            return i;
        if (!choices[len])
            return -1;
        choices += len + 1;
    }
}

static int bad_number(struct parser *p, const struct option_row *row, const char *arg)
{
    switch (row->kind) {
    case OPTION_INT:
        return usage(p, "--%s takes a whole number from %ld to %ld, not '%s'", row->name, row->min,
                     row->max, arg);
    case OPTION_DURATION:
        return usage(p, "--%s takes a time like 10, 1.5s, 500ms or 2m, not '%s'", row->name, arg);
    case OPTION_RATE:
        return usage(p, "--%s takes a rate like 10/s, 600/m or 5/h, not '%s'", row->name, arg);
    default:
        return usage(p, "--%s takes a size like 1000, 512k or 64M, not '%s'", row->name, arg);
    }
}

static int append(char ***list, size_t *count, char *item)
{
    char **grown = reallocarray(*list, *count + 1, sizeof *grown);
    if (!grown)
        return -ENOMEM;
    *list = grown;
    grown[(*count)++] = item;
    return 0;
}

static int set_header(struct parser *p, char *arg)
{
    const char *bad = header_check(arg, strlen(arg));
    if (bad)
        return usage(p, "a --header %s", bad);
    return append(&p->o->headers, &p->o->header_count, arg);
}

static int set_choice(struct parser *p, const struct option_row *row, const char *arg)
{
    int i = choice(row->arg, arg);
    if (i < 0)
        return usage(p, "--%s takes one of %s, not '%s'", row->name, row->arg, arg);
    *(int *)member(p->o, row) = i;
    return 0;
}

static int set_method(struct parser *p, const char *arg)
{
    const char *bad = method_check(arg);
    if (bad)
        return usage(p, "--method '%s' %s", arg, bad);
    p->o->method = arg;
    return 0;
}

static int set(struct parser *p, const struct option_row *row, char *arg)
{
    void *to = member(p->o, row);
    int r = 0;
    switch (row->kind) {
    case OPTION_FLAG:
        *(bool *)to = true;
        return 0;
    case OPTION_TEXT:
        *(const char **)to = arg;
        return 0;
    case OPTION_METHOD:
        return set_method(p, arg);
    case OPTION_HEADER:
        return set_header(p, arg);
    case OPTION_CHOICE:
        return set_choice(p, row, arg);
    case OPTION_INT:
        r = units_int(arg, row->min, row->max, to);
        break;
    case OPTION_DURATION:
        r = units_duration(arg, to);
        break;
    case OPTION_RATE:
        r = units_rate(arg, to);
        break;
    case OPTION_SIZE:
        r = units_size(arg, to);
        break;
    default:
        break;
    }
    return r < 0 ? bad_number(p, row, arg) : 0;
}

static int set_defaults(struct parser *p)
{
    int r = 0;
    for (size_t i = 0; i < option_count && r == 0; i++)
        if (option_table[i].init)
            r = set(p, &option_table[i], (char *)option_table[i].init);
    return r;
}

/* ---- getopt ---- */

static void getopt_tables(struct option *longs, char *shorts)
{
    *shorts++ = ':'; /* tell a missing argument from an unknown option */
    for (size_t i = 0; i < option_count; i++) {
        const struct option_row *row = &option_table[i];
        bool arg = row->arg != NULL;
        longs[i] = (struct option){ row->name, arg, NULL, LONG_BASE + (int)i };
        if (row->letter) {
            *shorts++ = row->letter;
            if (arg)
                *shorts++ = ':';
        }
    }
    longs[option_count] = (struct option){ 0 };
    *shorts = 0;
}

static const struct option_row *row_of(int c)
{
    if (c >= LONG_BASE)
        return &option_table[c - LONG_BASE];
    for (size_t i = 0; i < option_count; i++)
        if (option_table[i].letter == c)
            return &option_table[i];
    return NULL;
}

/* How many long options an argument may be short for: "--re=3". */
static int candidates(const char *arg)
{
    int found = 0;
    arg += strspn(arg, "-");
    size_t n = strcspn(arg, "=");
    for (size_t i = 0; i < option_count; i++)
        found += strncmp(option_table[i].name, arg, n) == 0;
    return found;
}

/* An unknown letter is in optopt; what is wrong with a long option must be seen in argv. */
static int unknown(struct parser *p, char **argv)
{
    if (optopt > 0 && optopt < LONG_BASE)
        return usage(p, "unknown option '-%c'", optopt);
    if (optopt >= LONG_BASE)
        return usage(p, "--%s takes no argument", row_of(optopt)->name);
    const char *arg = argv[optind - 1];
    return usage(p, "%s option '%s'", candidates(arg) ? "ambiguous" : "unknown", arg);
}

static int missing(struct parser *p)
{
    const struct option_row *row = row_of(optopt);
    return usage(p, "--%s needs an argument (%s)", row->name, row->arg);
}

static int take_arguments(struct parser *p, int argc, char **argv)
{
    for (int i = optind, r; i < argc; i++) {
        if (strcmp(argv[i], "-") == 0 && p->o->input && strcmp(p->o->input, "-") != 0)
            return usage(p, "both --input and - are given");
        if (strcmp(argv[i], "-") == 0)
            p->o->input = "-";
        else if ((r = append(&p->o->urls, &p->o->url_count, argv[i])) < 0)
            return r;
    }
    if (p->o->data && p->o->json)
        return usage(p, "both --data and --json are given");
    if (!p->o->input && !p->o->url_count)
        return usage(p, "nothing to fetch: give URLs, or --input FILE, or --input - for standard input");
    return 1;
}

static int parse(struct parser *p, int argc, char **argv, FILE *out)
{
    struct option longs[ROWS_MAX + 1];
    char shorts[2 * ROWS_MAX + 2];
    getopt_tables(longs, shorts);
    int r = set_defaults(p);
    optind = 0; /* GNU and musl: start afresh */
    opterr = 0;
    for (int c; r == 0 && (c = getopt_long(argc, argv, shorts, longs, NULL)) != -1;) {
        if (c == '?')
            return unknown(p, argv);
        if (c == ':')
            return missing(p);
        const struct option_row *row = row_of(c);
        if (row->kind == OPTION_HELP) {
            options_help(out, p->program);
            return 0;
        }
        if (row->kind == OPTION_VERSION) {
            fprintf(out, "asyncio %s\n", ASYNC_VERSION);
            return 0;
        }
        r = set(p, row, optarg);
    }
    return r < 0 ? r : take_arguments(p, argc, argv);
}

int options_parse(int argc, char **argv, FILE *out, FILE *err, struct options *ret)
{
    struct options o = { 0 };
    struct parser p = { .program = argv[0], .err = err, .o = &o };
    int r = parse(&p, argc, argv, out);
    if (r == 1)
        *ret = o;
    else
        options_free(&o);
    return r;
}

void options_free(struct options *o)
{
    free(o->urls);
    free(o->headers);
    *o = (struct options){ 0 };
}

/* ---- help ---- */

/* Wrap at 78 columns, indented by what comes before. */
static void wrapped(FILE *out, const char *s, int indent)
{
    int column = indent;
    while (*s) {
        int n = (int)strcspn(s, " ");
        if (column > indent && column + 1 + n > 78) {
            fprintf(out, "\n%*s", indent, "");
            column = indent;
        }
        column += fprintf(out, "%s%.*s", column > indent ? " " : "", n, s);
        s += n + (s[n] == ' ');
    }
    fputc('\n', out);
}

static void help_row(FILE *out, const struct option_row *row)
{
    enum { INDENT = 26 };
    char left[80], text[400];
    bool named = row->arg && row->kind != OPTION_CHOICE;
    int n = snprintf(left, sizeof left, "  %c%c%c --%s%s%s", row->letter ? '-' : ' ',
                     row->letter ? row->letter : ' ', row->letter ? ',' : ' ', row->name,
                     row->arg ? " " : "", row->arg ? named ? row->arg : "WHICH" : "");
    fputs(left, out);
    if (n > INDENT - 2)
        fprintf(out, "\n%*s", INDENT, "");
    else
        fprintf(out, "%*s", INDENT - n, "");
    n = snprintf(text, sizeof text, "%s", row->help);
    if (row->kind == OPTION_CHOICE)
        n += snprintf(text + n, sizeof text - (size_t)n, "; one of %s", row->arg);
    if (row->init)
        snprintf(text + n, sizeof text - (size_t)n, " (%s)", row->init);
    wrapped(out, text, INDENT);
}

static const char result_help[] =
        "\nResult: one line of JSON, null for what is not known:\n"
        "  index, id        position in the input, from 0; the id that the input gave\n"
        "  url, final_url   as given; tried last; both without user name and password\n"
        "  method, ok       ok: whether it succeeded\n"
        "  status           of the answer: 200, 404, ...\n"
        "  error            null, or kind, message (for people), code (\"ECONNREFUSED\")\n"
        "  attempts         how many were made\n"
        "  redirects        a list of status and url\n"
        "  http, remote_ip  version (\"1.1\", \"2\") and address of who answered\n"
        "  bytes            of the body, decompressed; wire_bytes: as it came\n"
        "  t                milliseconds: queued (until the first attempt), dns, connect,\n"
        "                   tls, ttfb (to the first byte), total (with all attempts)\n"
        "  headers          with --headers: a list of values for each name in lower case\n"
        "  body             or body_base64, or file (the name in DIR): see --body and -o\n"
        "  sha256           of the body, if it was asked for\n"
        "\nKinds of error:\n"
        "  input (the line cannot be done), dns, connect, tls, timeout, reset (the\n"
        "  connection broke), protocol (not HTTP), http (a status of 400 or more),\n"
        "  redirect (too many, or to elsewhere than HTTP), too_large, checksum, local (a\n"
        "  file, no memory), cancelled (the run was stopped)\n";

void options_help(FILE *out, const char *program)
{
    fprintf(out,
            "Usage: %s [OPTION]... [URL]... [-i FILE]\n\n"
            "Fetch many URLs at the same time: those given, then those in FILE. One line of\n"
            "JSON a request goes to standard output, whether it succeeded or not.\n",
            program);
    for (size_t i = 0; i < option_count; i++) {
        if (option_table[i].heading)
            fprintf(out, "\n%s:\n", option_table[i].heading);
        help_row(out, &option_table[i]);
    }
    fputs(result_help, out);
    fputs("\nAfter Ctrl-C no more requests are started, those under way get 2 s, and whoever\n"
          "reads the results 2 s more for what is left of them; Ctrl-C again stops at once.\n"
          "\nExit status: 0 all succeeded, 1 a request failed, 2 usage or bad input (also if\n"
          "requests failed besides), 3 an error here (cannot write, no memory), 4 stopped\n"
          "early by --fail-fast, --max-failures or --deadline, 130 or 143 after a signal.\n",
          out);
}
