/* SPDX-License-Identifier: MIT */
/* options.h - the command line of `asyncio fetch`. One table defines what is accepted, what --help
 * prints, and what a shell may complete. */
#ifndef FETCH_OPTIONS_H
#define FETCH_OPTIONS_H

#include "status_set.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum body_mode { BODY_AUTO, BODY_TEXT, BODY_BASE64, BODY_JSON, BODY_NONE };
enum progress_mode { PROGRESS_AUTO, PROGRESS_ALWAYS, PROGRESS_NEVER };
enum checksum { CHECKSUM_NONE, CHECKSUM_SHA256 };

/* All strings are borrowed from argv; the lists are owned. */
struct options {
    const char *input; /* file, "-" for standard input, or NULL */
    char **urls;       /* the arguments */
    size_t url_count;

    long jobs, per_host, burst, look_ahead; /* per_host 0: no limit */
    double rate;                            /* per second; 0: no limit */

    long retries;
    bool retry_unsafe;
    double retry_after_max;
    struct status_set ok_status, retry_on;
    double rate_host;   /* per second; 0: no limit */
    long retry_budget;  /* in percent of the requests; 0: no limit */
    long host_failures; /* in a row, until an origin is given up; 0: no limit */
    bool adaptive;

    double timeout, connect_timeout, stall_timeout, deadline; /* in seconds; 0: none */

    const char *method; /* NULL if it was not given */
    char **headers;
    size_t header_count;
    const char *data; /* NULL: no body; after '@' the name of the file that holds it */
    const char *json; /* the same as JSON; data and json exclude each other */
    long max_redirects;

    bool keep_order, response_headers;
    unsigned fields; /* a bit for each enum result_field to print; 0: all */
    const char *summary_json;
    char **config_files; /* the text of each --config, in which strings lie */
    size_t config_count;
    int body, checksum; /* enum body_mode, enum checksum */
    const char *output_dir;
    bool overwrite, fsync, no_decompress;
    const char *user, *bearer_file, *netrc_file; /* or NULL */
    const char *user_agent;                      /* NULL: that of the library */
    const char *ca_file, *cert_file, *key_file;
    const char *proxy, *no_proxy, *unix_socket;
    char **resolve; /* "host:port:address" */
    size_t resolve_count;
    bool netrc, location_trusted, insecure, http1, http2, ipv4, ipv6, no_private;
    const char *journal;
    bool resume, resume_failed, skip_existing;
    uint64_t max_body;

    bool fail_fast;
    long max_failures; /* 0: no limit */

    int progress; /* enum progress_mode */
    bool quiet, verbose, dry_run;
};

enum option_kind {
    OPTION_FLAG,
    OPTION_INT,
    OPTION_DURATION,
    OPTION_RATE,
    OPTION_SIZE,
    OPTION_TEXT,
    OPTION_METHOD,
    OPTION_HEADER,  /* may be repeated */
    OPTION_RESOLVE, /* may be repeated */
    OPTION_STATUSES,
    OPTION_STATUSES_AND_KINDS,
    OPTION_CHOICE,
    OPTION_FIELDS,
    OPTION_CONFIG,
    OPTION_COMPLETION,
    OPTION_HELP,
    OPTION_VERSION,
};

/* A row of the table. A row with a heading begins a section of --help. */
struct option_row {
    const char *heading;
    const char *name;
    char letter; /* of the short option; 0 if there is none */
    enum option_kind kind;
    size_t offset;    /* of its member in struct options */
    const char *arg;  /* its argument in --help; for a choice the choices, "a|b|c" */
    const char *init; /* its default, as a user would type it; or NULL */
    const char *help;
    long min, max; /* for OPTION_INT */
};
extern const struct option_row option_table[];
extern const size_t option_count;

/* Parse a command line. This uses the global state of getopt, which permutes argv; argv[0] is the
 * text with which messages begin.
 *
 * ret        receives the options if 1 is returned; free them with options_free().
 * Returns    1; 0 if help or version was requested, and has been printed to out; -EINVAL after a
 *            usage error, for which a message has been printed to err; -ENOMEM. */
int options_parse(int argc, char **argv, FILE *out, FILE *err, struct options *ret);
void options_free(struct options *o);

/* Print the text of --help. */
void options_help(FILE *out, const char *program);

#endif
