/* SPDX-License-Identifier: MIT */
/* options.c - parse the command line of `asyncio fetch` by its table of options. */
#include "options.h"

#include "http_syntax.h"
#include "common/text.h"
#include "common/units.h"
#include "completion.h"
#include "config_file.h"
#include "result.h"

#include <asyncio/base.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS_MAX = 128, LONG_BASE = 256 }; /* getopt_long() returns LONG_BASE + row */

struct option_parser {
    const char *program;
    FILE *err;
    struct options *o;
};

/* Print a usage error. Returns -EINVAL. */
static int __attribute__((format(printf, 2, 3)))
refuse_options(struct option_parser *p, const char *fmt, ...)
{
    va_list ap;
    fprintf(p->err, "%s: ", p->program);
    va_start(ap, fmt);
    vfprintf(p->err, fmt, ap);
    va_end(ap);
    fprintf(p->err, "; see '%s --help'\n", p->program);
    return -EINVAL;
}

static void *option_member(struct options *o, const struct option_row *row)
{
    return (char *)o + row->offset;
}

/* Return the position of a word in "a|b|c", or -1. */
static int find_choice(const char *choices, const char *word)
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

/* Print what the argument of a numeric option must be. */
static int refuse_number(struct option_parser *p, const struct option_row *row, const char *arg)
{
    switch (row->kind) {
    case OPTION_INT:
        return refuse_options(p, "--%s needs a whole number from %ld to %ld, not '%s'", row->name,
                              row->min, row->max, arg);
    case OPTION_STATUSES:
        return refuse_options(p, "--%s needs statuses such as 200-299,404, not '%s'", row->name,
                              arg);
    case OPTION_STATUSES_AND_KINDS:
        return refuse_options(p,
                              "--%s needs statuses and kinds such as 429,500-599,timeout, not '%s'",
                              row->name, arg);
    case OPTION_DURATION:
        return refuse_options(p, "--%s needs a time such as 10, 1.5s, 500ms or 2m, not '%s'",
                              row->name, arg);
    case OPTION_RATE:
        return refuse_options(p, "--%s needs a rate such as 10/s, 600/m or 5/h, not '%s'",
                              row->name, arg);
    default:
        return refuse_options(p, "--%s needs a size such as 1000, 512k or 64M, not '%s'", row->name,
                              arg);
    }
}

static int append_string(char ***list, size_t *count, char *item)
{
    char **grown = reallocarray(*list, *count + 1, sizeof *grown);
    if (!grown)
        return -ENOMEM;
    *list = grown;
    grown[(*count)++] = item;
    return 0;
}

static int set_header(struct option_parser *p, char *arg)
{
    const char *bad = header_check(arg, strlen(arg));
    if (bad)
        return refuse_options(p, "--header %s", bad);
    return append_string(&p->o->headers, &p->o->header_count, arg);
}

/* HOST:PORT:ADDRESS; an IPv6 address contains colons, too. */
static int set_resolve(struct option_parser *p, char *arg)
{
    const char *port = strchr(arg, ':'), *address = port ? strchr(port + 1, ':') : NULL;
    bool good = address && port > arg && address[1];
    for (const char *s = port; good && ++s < address;)
        good = *s >= '0' && *s <= '9';
    if (!good)
        return refuse_options(p, "--resolve needs HOST:PORT:ADDRESS, not '%s'", arg);
    return append_string(&p->o->resolve, &p->o->resolve_count, arg);
}

static int set_choice(struct option_parser *p, const struct option_row *row, const char *arg)
{
    int i = find_choice(row->arg, arg);
    if (i < 0)
        return refuse_options(p, "--%s must be one of %s, not '%s'", row->name, row->arg, arg);
    *(int *)option_member(p->o, row) = i;
    return 0;
}

static int set_method(struct option_parser *p, const char *arg)
{
    const char *bad = method_check(arg);
    if (bad)
        return refuse_options(p, "--method '%s' %s", arg, bad);
    p->o->method = arg;
    return 0;
}

static int set_option(struct option_parser *p, const struct option_row *row, char *arg);

static const struct option_row *find_name(const char *name)
{
    for (size_t i = 0; i < option_count; i++)
        if (strcmp(option_table[i].name, name) == 0)
            return &option_table[i];
    return NULL;
}

/* Apply the options of a file. The text stays, because options borrow strings from it. */
static int apply_config(struct option_parser *p, const char *path, char *text)
{
    for (char *line; (line = strsep(&text, "\n"));) {
        char *arg, *name = config_line(line, &arg);
        const struct option_row *row = name ? find_name(name) : NULL;
        if (!name)
            continue;
        if (!row || row->kind >= OPTION_CONFIG)
            return refuse_options(p, "%s: unknown option '%s'", path, name);
        if (!row->arg != !arg)
            return refuse_options(p, "%s: '%s' %s", path, name,
                                  arg ? "takes no argument" : "needs '= ARGUMENT'");
        int r = set_option(p, row, arg);
        if (r < 0)
            return r;
    }
    return 0;
}

static int read_config(struct option_parser *p, const char *path)
{
    struct text t = { 0 };
    FILE *file = fopen(path, "re");
    if (!file)
        return refuse_options(p, "%s: %s", path, strerror(errno));
    int r = text_read_file(&t, file);
    fclose(file);
    if (r == 0 && t.data)
        r = append_string(&p->o->config_files, &p->o->config_count, t.data);
    if (r < 0) {
        text_free(&t);
        return refuse_options(p, "%s: %s", path, strerror(-r));
    }
    return t.data ? apply_config(p, path, t.data) : 0;
}

/* Store the argument of an option in its member. */
static int set_option(struct option_parser *p, const struct option_row *row, char *arg)
{
    void *to = option_member(p->o, row);
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
    case OPTION_RESOLVE:
        return set_resolve(p, arg);
    case OPTION_FIELDS:
        r = result_fields_parse(arg, to);
        return r < 0 ? refuse_options(
                               p, "--%s needs names of members such as index,url,status, not '%s'",
                               row->name, arg)
                     : 0;
    case OPTION_CONFIG:
        return read_config(p, arg);
    case OPTION_CHOICE:
        return set_choice(p, row, arg);
    case OPTION_STATUSES:
    case OPTION_STATUSES_AND_KINDS:
        r = status_set_parse(to, arg, row->kind == OPTION_STATUSES_AND_KINDS);
        break;
    case OPTION_INT:
        r = parse_integer(arg, row->min, row->max, to);
        break;
    case OPTION_DURATION:
        r = parse_duration(arg, to);
        break;
    case OPTION_RATE:
        r = parse_rate(arg, to);
        break;
    case OPTION_SIZE:
        r = parse_size(arg, to);
        break;
    default:
        break;
    }
    return r < 0 ? refuse_number(p, row, arg) : 0;
}

static int set_defaults(struct option_parser *p)
{
    int r = 0;
    for (size_t i = 0; i < option_count && r == 0; i++)
        if (option_table[i].init)
            r = set_option(p, &option_table[i], (char *)option_table[i].init);
    return r;
}

/* ---- getopt ---- */

/* Make the tables that getopt_long() needs. */
static void fill_getopt_tables(struct option *longs, char *shorts)
{
    *shorts++ = ':'; /* report a missing argument differently from an unknown option */
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

static const struct option_row *find_row(int c)
{
    if (c >= LONG_BASE)
        return &option_table[c - LONG_BASE];
    for (size_t i = 0; i < option_count; i++)
        if (option_table[i].letter == c)
            return &option_table[i];
    return NULL;
}

/* Return how many long options an argument such as "--re=3" can abbreviate. */
static int count_candidates(const char *arg)
{
    int found = 0;
    arg += strspn(arg, "-");
    size_t n = strcspn(arg, "=");
    for (size_t i = 0; i < option_count; i++)
        found += strncmp(option_table[i].name, arg, n) == 0;
    return found;
}

/* Print what is wrong with an option. getopt_long() stores an unknown letter in optopt; a long
 * option has to be looked up in argv. */
static int refuse_unknown(struct option_parser *p, char **argv)
{
    if (optopt > 0 && optopt < LONG_BASE)
        return refuse_options(p, "unknown option '-%c'", optopt);
    if (optopt >= LONG_BASE)
        return refuse_options(p, "--%s takes no argument", find_row(optopt)->name);
    const char *arg = argv[optind - 1];
    return refuse_options(p, "%s option '%s'", count_candidates(arg) ? "ambiguous" : "unknown",
                          arg);
}

static int refuse_missing(struct option_parser *p)
{
    const struct option_row *row = find_row(optopt);
    return refuse_options(p, "--%s needs an argument (%s)", row->name, row->arg);
}

/* Store the arguments that are not options, and check what excludes each other. Returns 1, or a
 * negative errno. */
static int take_arguments(struct option_parser *p, int argc, char **argv)
{
    for (int i = optind, r; i < argc; i++) {
        if (strcmp(argv[i], "-") == 0 && p->o->input && strcmp(p->o->input, "-") != 0)
            return refuse_options(p, "both --input FILE and - are given");
        if (strcmp(argv[i], "-") == 0)
            p->o->input = "-";
        else if ((r = append_string(&p->o->urls, &p->o->url_count, argv[i])) < 0)
            return r;
    }
    if (p->o->data && p->o->json)
        return refuse_options(p, "both --data and --json are given");
    if (p->o->ipv4 && p->o->ipv6)
        return refuse_options(p, "both --ipv4 and --ipv6 are given");
    if (p->o->http1 && p->o->http2)
        return refuse_options(p, "both --http1.1 and --http2 are given");
    if (p->o->user && p->o->bearer_file)
        return refuse_options(p, "both --user and --bearer-file are given");
    if ((p->o->resume || p->o->resume_failed) && !p->o->journal)
        return refuse_options(p, "--resume and --resume-failed need --journal FILE");
    if (p->o->journal && p->o->fields &&
        (p->o->fields & RESULT_FIELDS_OF_JOURNAL) != RESULT_FIELDS_OF_JOURNAL)
        return refuse_options(p, "--journal needs the fields index, url, method, ok and error");
    if (p->o->skip_existing && !p->o->output_dir)
        return refuse_options(p, "--skip-existing needs --output-dir");
    if (!p->o->input && !p->o->url_count)
        return refuse_options(p,
                              "nothing to fetch: give URLs, --input FILE, or - for standard input");
    return 1;
}

/* Parse all options. Returns 1, 0 after --help or --version, or a negative errno. */
static int parse_options(struct option_parser *p, int argc, char **argv, FILE *out)
{
    struct option longs[ROWS_MAX + 1];
    char shorts[2 * ROWS_MAX + 2];
    fill_getopt_tables(longs, shorts);
    int r = set_defaults(p);
    optind = 0; /* makes getopt of GNU and musl start again */
    opterr = 0;
    for (int c; r == 0 && (c = getopt_long(argc, argv, shorts, longs, NULL)) != -1;) {
        if (c == '?')
            return refuse_unknown(p, argv);
        if (c == ':')
            return refuse_missing(p);
        const struct option_row *row = find_row(c);
        if (row->kind == OPTION_HELP) {
            options_help(out, p->program);
            return 0;
        }
        if (row->kind == OPTION_VERSION) {
            fprintf(out, "asyncio %s\n", ASYNC_VERSION);
            return 0;
        }
        if (row->kind == OPTION_COMPLETION) {
            int shell = find_choice(row->arg, optarg);
            if (shell < 0)
                return refuse_options(p, "--completion must be one of %s", row->arg);
            completion_print((enum completion_shell)(shell + 1), out);
            return 0;
        }
        r = set_option(p, row, optarg);
    }
    return r < 0 ? r : take_arguments(p, argc, argv);
}

int options_parse(int argc, char **argv, FILE *out, FILE *err, struct options *ret)
{
    struct options o = { 0 };
    struct option_parser p = { .program = argv[0], .err = err, .o = &o };
    int r = parse_options(&p, argc, argv, out);
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
    free(o->resolve);
    for (size_t i = 0; i < o->config_count; i++)
        free(o->config_files[i]);
    free(o->config_files);
    *o = (struct options){ 0 };
}
