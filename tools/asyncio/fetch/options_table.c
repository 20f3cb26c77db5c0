/* SPDX-License-Identifier: MIT */
/* options_table.c - every option once. Add one here and a member in struct options, and it is
 * parsed, explained by --help and completed. */
#include "options.h"

#define AT(member) offsetof(struct options, member)

/* By hand: a row is a paragraph. */
/* clang-format off */
const struct option_row option_table[] = {
    { .heading = "Input", .name = "input", .letter = 'i', .kind = OPTION_TEXT, .offset = AT(input),
      .arg = "FILE",
      .help = "read requests from FILE, or from standard input if it is -: a URL a line, or a "
              "JSON object with url, id, method, headers, body, output (a file name in DIR, made "
              "harmless; needs -o), sha256; # begins a comment" },

    { .heading = "How many at a time", .name = "jobs", .letter = 'j', .kind = OPTION_INT,
      .offset = AT(jobs), .arg = "N", .init = "32", .min = 1, .max = 100000,
      .help = "requests at the same time" },
    { .name = "per-host", .kind = OPTION_INT, .offset = AT(per_host), .arg = "N", .init = "8",
      .min = 0, .max = 100000,
      .help = "of these to one origin; 0 for no limit" },
    { .name = "rate", .kind = OPTION_RATE, .offset = AT(rate), .arg = "RATE",
      .help = "requests started per time, over all jobs: 10/s, 600/m, 5/h" },
    { .name = "burst", .kind = OPTION_INT, .offset = AT(burst), .arg = "N", .init = "1", .min = 1,
      .max = 1000000,
      .help = "requests that --rate lets start at once after a pause" },

    { .heading = "Time limits", .name = "timeout", .kind = OPTION_DURATION, .offset = AT(timeout),
      .arg = "TIME", .init = "60",
      .help = "for one attempt: 60, 1.5s, 500ms, 2m; 0 for none" },
    { .name = "connect-timeout", .kind = OPTION_DURATION, .offset = AT(connect_timeout),
      .arg = "TIME", .init = "10",
      .help = "for name, connection and TLS of an attempt" },
    { .name = "stall-timeout", .kind = OPTION_DURATION, .offset = AT(stall_timeout),
      .arg = "TIME", .init = "30",
      .help = "without a byte in either direction; 0 for none" },
    { .name = "deadline", .kind = OPTION_DURATION, .offset = AT(deadline), .arg = "TIME",
      .help = "for the whole run; what is not done by then fails" },

    { .heading = "Retries", .name = "retries", .kind = OPTION_INT, .offset = AT(retries),
      .arg = "N", .init = "3", .min = 0, .max = 1000,
      .help = "further attempts after failures that may pass: no address, no connection, "
              "time-outs, status 408 425 429 500 502 503 504 522 524" },
    { .name = "retry-unsafe", .kind = OPTION_FLAG, .offset = AT(retry_unsafe),
      .help = "repeat POST and PATCH too; otherwise only with an Idempotency-Key" },
    { .name = "retry-after-max", .kind = OPTION_DURATION, .offset = AT(retry_after_max),
      .arg = "TIME", .init = "300",
      .help = "longest pause that a server may ask for" },

    { .heading = "Requests", .name = "method", .letter = 'X', .kind = OPTION_METHOD,
      .offset = AT(method), .arg = "METHOD",
      .help = "instead of GET, or POST if there is a body" },
    { .name = "header", .letter = 'H', .kind = OPTION_HEADER, .offset = AT(headers),
      .arg = "'NAME: VALUE'",
      .help = "send this header; may be repeated" },
    { .name = "data", .letter = 'd', .kind = OPTION_TEXT, .offset = AT(data), .arg = "BODY",
      .help = "the body; @FILE reads it from FILE" },
    { .name = "json", .kind = OPTION_TEXT, .offset = AT(json), .arg = "BODY",
      .help = "the same, of the type application/json" },
    { .name = "max-redirects", .kind = OPTION_INT, .offset = AT(max_redirects), .arg = "N",
      .init = "10", .min = 0, .max = 1000,
      .help = "0 to follow none" },

    { .heading = "Output", .name = "keep-order", .kind = OPTION_FLAG, .offset = AT(keep_order),
      .help = "results in the order of the input, not of completion" },
    { .name = "body", .kind = OPTION_CHOICE, .offset = AT(body),
      .arg = "auto|text|base64|json|none", .init = "auto",
      .help = "how the body stands in the result; auto: text if it is UTF-8" },
    { .name = "headers", .kind = OPTION_FLAG, .offset = AT(response_headers),
      .help = "put the answer's headers into the result" },
    { .name = "checksum", .kind = OPTION_CHOICE, .offset = AT(checksum), .arg = "none|sha256",
      .init = "none",
      .help = "put a digest of the body into the result" },
    { .name = "output-dir", .letter = 'o', .kind = OPTION_TEXT, .offset = AT(output_dir),
      .arg = "DIR",
      .help = "write bodies to files in DIR; the result names the file" },
    { .name = "overwrite", .kind = OPTION_FLAG, .offset = AT(overwrite),
      .help = "replace files that exist" },
    { .name = "fsync", .kind = OPTION_FLAG, .offset = AT(fsync),
      .help = "a file is on the disk before it is reported" },
    { .name = "max-body", .kind = OPTION_SIZE, .offset = AT(max_body), .arg = "SIZE",
      .init = "64M",
      .help = "longest body, after decompression: 1000, 512k, 64M, 2G" },

    { .heading = "Failures", .name = "fail-fast", .kind = OPTION_FLAG, .offset = AT(fail_fast),
      .help = "stop after the first failure" },
    { .name = "max-failures", .kind = OPTION_INT, .offset = AT(max_failures), .arg = "N", .min = 1,
      .max = 1000000000,
      .help = "stop after N failures" },

    { .heading = "Messages", .name = "progress", .kind = OPTION_CHOICE, .offset = AT(progress),
      .arg = "auto|always|never", .init = "auto",
      .help = "the bar on standard error; auto: if it is a terminal" },
    { .name = "quiet", .letter = 'q', .kind = OPTION_FLAG, .offset = AT(quiet),
      .help = "no bar and no summary" },
    { .name = "verbose", .letter = 'v', .kind = OPTION_FLAG, .offset = AT(verbose),
      .help = "say on standard error why an attempt is repeated" },
    { .name = "dry-run", .kind = OPTION_FLAG, .offset = AT(dry_run),
      .help = "read and check the input, and make no request" },
    { .name = "help", .letter = 'h', .kind = OPTION_HELP,
      .help = "show this" },
    { .name = "version", .kind = OPTION_VERSION,
      .help = "show the version" },
};
/* clang-format on */

const size_t option_count = sizeof option_table / sizeof *option_table;
