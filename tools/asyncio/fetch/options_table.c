/* SPDX-License-Identifier: MIT */
/* options_table.c - every option of `asyncio fetch`, once. To add one, add a row here and a member
 * to struct options; it is then parsed and printed by --help. */
#include "options.h"

#define AT(member) offsetof(struct options, member)

/* Formatted by hand, as paragraphs. */
/* clang-format off */
const struct option_row option_table[] = {
    { .heading = "Input", .name = "input", .letter = 'i', .kind = OPTION_TEXT, .offset = AT(input),
      .arg = "FILE",
      .help = "read requests from FILE, or from standard input if FILE is -. Each line is a URL, "
              "or a JSON object with the members url, id, method, headers, body, output (a file "
              "name, for -o; two requests with the same name are an error), sha256, timeout, "
              "max_body and retries. A line that begins with # is a comment" },

    { .heading = "Concurrency", .name = "jobs", .letter = 'j', .kind = OPTION_INT,
      .offset = AT(jobs), .arg = "N", .init = "32", .min = 1, .max = 100000,
      .help = "at most N concurrent requests" },
    { .name = "per-host", .kind = OPTION_INT, .offset = AT(per_host), .arg = "N", .init = "8",
      .min = 0, .max = 100000,
      .help = "at most N concurrent requests to one origin (scheme, host, port); 0 for no limit" },
    { .name = "look-ahead", .kind = OPTION_INT, .offset = AT(look_ahead), .arg = "N",
      .init = "20000", .min = 1, .max = 10000000,
      .help = "read at most N requests ahead while those at hand wait for a slow or busy origin" },
    { .name = "rate", .kind = OPTION_RATE, .offset = AT(rate), .arg = "RATE",
      .help = "start requests at no more than this rate: 10/s, 600/m, 5/h" },
    { .name = "rate-host", .kind = OPTION_RATE, .offset = AT(rate_host), .arg = "RATE",
      .help = "the same for each origin" },
    { .name = "burst", .kind = OPTION_INT, .offset = AT(burst), .arg = "N", .init = "1", .min = 1,
      .max = 1000000,
      .help = "with --rate, start up to N requests at once after a pause" },

    { .heading = "Timeouts", .name = "timeout", .kind = OPTION_DURATION, .offset = AT(timeout),
      .arg = "TIME", .init = "60",
      .help = "timeout of one attempt: 60, 1.5s, 500ms, 2m; 0 for none" },
    { .name = "connect-timeout", .kind = OPTION_DURATION, .offset = AT(connect_timeout),
      .arg = "TIME", .init = "10",
      .help = "timeout of name lookup, connection and TLS handshake" },
    { .name = "stall-timeout", .kind = OPTION_DURATION, .offset = AT(stall_timeout),
      .arg = "TIME", .init = "30",
      .help = "longest time without a byte received or sent; 0 for no limit" },
    { .name = "deadline", .kind = OPTION_DURATION, .offset = AT(deadline), .arg = "TIME",
      .help = "longest time of the whole run; requests that are still in progress fail" },

    { .heading = "Retries", .name = "retries", .kind = OPTION_INT, .offset = AT(retries),
      .arg = "N", .init = "3", .min = 0, .max = 1000,
      .help = "make up to N further attempts after a failure that may be temporary: no address, no "
              "connection, connection reset, timeout, status 408 425 429 500 502 503 504 522 524" },
    { .name = "retry-on", .kind = OPTION_STATUSES_AND_KINDS, .offset = AT(retry_on),
      .arg = "LIST",
      .help = "failures that may be temporary, instead of those: statuses and kinds of errors, such "
              "as 429,500-599,timeout,connect" },
    { .name = "retry-budget", .kind = OPTION_INT, .offset = AT(retry_budget), .arg = "PERCENT",
      .min = 1, .max = 100000,
      .help = "repeat at most so many percent of the requests of the run, and 10 more" },
    { .name = "host-failures", .kind = OPTION_INT, .offset = AT(host_failures), .arg = "N",
      .min = 1, .max = 1000000,
      .help = "give an origin up after N attempts in a row without a response: its other requests "
              "fail at once" },
    { .name = "adaptive", .kind = OPTION_FLAG, .offset = AT(adaptive),
      .help = "send fewer concurrent requests to an origin that responds with 429 or 503, and more "
              "again, up to --per-host, as it responds well" },
    { .name = "retry-unsafe", .kind = OPTION_FLAG, .offset = AT(retry_unsafe),
      .help = "also repeat POST and PATCH without a header Idempotency-Key" },
    { .name = "retry-after-max", .kind = OPTION_DURATION, .offset = AT(retry_after_max),
      .arg = "TIME", .init = "300",
      .help = "longest pause accepted from a server" },

    { .heading = "Requests", .name = "method", .letter = 'X', .kind = OPTION_METHOD,
      .offset = AT(method), .arg = "METHOD",
      .help = "request method; by default GET, or POST if there is a body" },
    { .name = "header", .letter = 'H', .kind = OPTION_HEADER, .offset = AT(headers),
      .arg = "'NAME: VALUE'",
      .help = "send this header with each request; can be repeated" },
    { .name = "data", .letter = 'd', .kind = OPTION_TEXT, .offset = AT(data), .arg = "BODY",
      .help = "send this body with each request; @FILE reads it from FILE" },
    { .name = "json", .kind = OPTION_TEXT, .offset = AT(json), .arg = "BODY",
      .help = "the same as --data, with Content-Type: application/json" },
    { .name = "max-redirects", .kind = OPTION_INT, .offset = AT(max_redirects), .arg = "N",
      .init = "10", .min = 0, .max = 1000,
      .help = "follow at most N redirects; 0 for none" },

    { .name = "user-agent", .letter = 'A', .kind = OPTION_TEXT, .offset = AT(user_agent),
      .arg = "TEXT",
      .help = "send this User-Agent instead of asyncio/VERSION; none if TEXT is empty" },

    { .heading = "Authorization", .name = "user", .letter = 'u', .kind = OPTION_TEXT,
      .offset = AT(user), .arg = "USER:PASSWORD",
      .help = "Basic authorization of all requests whose URL has none. Other users of this machine "
              "can see the arguments of a command: prefer --netrc-file" },
    { .name = "bearer-file", .kind = OPTION_TEXT, .offset = AT(bearer_file), .arg = "FILE",
      .help = "Bearer authorization, with the token in the first line of FILE" },
    { .name = "netrc", .letter = 'n', .kind = OPTION_FLAG, .offset = AT(netrc),
      .help = "Basic authorization by host, as in ~/.netrc" },
    { .name = "netrc-file", .kind = OPTION_TEXT, .offset = AT(netrc_file), .arg = "FILE",
      .help = "the same from FILE" },

    { .name = "location-trusted", .kind = OPTION_FLAG, .offset = AT(location_trusted),
      .help = "send the authorization and all headers also after a redirect to another scheme, host "
              "or port. By default only headers that are no secret are sent there" },

    { .heading = "Connections", .name = "cacert", .kind = OPTION_TEXT, .offset = AT(ca_file),
      .arg = "FILE",
      .help = "trust the certificates in FILE (PEM) instead of those of the system; without it, of "
              "the file that the environment variable SSL_CERT_FILE names" },
    { .name = "cert", .letter = 'E', .kind = OPTION_TEXT, .offset = AT(cert_file), .arg = "FILE",
      .help = "present the client certificate in FILE (PEM)" },
    { .name = "key", .kind = OPTION_TEXT, .offset = AT(key_file), .arg = "FILE",
      .help = "the private key of --cert (PEM), if it is not in the same file" },
    { .name = "insecure", .letter = 'k', .kind = OPTION_FLAG, .offset = AT(insecure),
      .help = "accept any certificate, so that an attacker can read and change everything" },
    { .name = "proxy", .letter = 'x', .kind = OPTION_TEXT, .offset = AT(proxy), .arg = "URL",
      .help = "use this proxy; none if URL is empty. Without it, that of the environment variables "
              "http_proxy, https_proxy and all_proxy" },
    { .name = "noproxy", .kind = OPTION_TEXT, .offset = AT(no_proxy), .arg = "HOSTS",
      .help = "reach these hosts without a proxy: a.org,.b.org or *; without it, those of no_proxy" },
    { .name = "http1.1", .kind = OPTION_FLAG, .offset = AT(http1),
      .help = "do not use HTTP/2" },
    { .name = "http2", .kind = OPTION_FLAG, .offset = AT(http2),
      .help = "use HTTP/2 over https if the server supports it, as by default" },
    { .name = "ipv4", .letter = '4', .kind = OPTION_FLAG, .offset = AT(ipv4),
      .help = "use only IPv4 addresses" },
    { .name = "ipv6", .letter = '6', .kind = OPTION_FLAG, .offset = AT(ipv6),
      .help = "use only IPv6 addresses" },
    { .name = "resolve", .kind = OPTION_RESOLVE, .offset = AT(resolve), .arg = "HOST:PORT:ADDRESS",
      .help = "use ADDRESS for HOST instead of looking it up; can be repeated" },
    { .name = "unix-socket", .kind = OPTION_TEXT, .offset = AT(unix_socket), .arg = "PATH",
      .help = "connect to this socket, whatever host the URL names" },
    { .name = "no-private", .kind = OPTION_FLAG, .offset = AT(no_private),
      .help = "refuse addresses that are not public, also after redirects" },

    { .heading = "Output", .name = "keep-order", .kind = OPTION_FLAG, .offset = AT(keep_order),
      .help = "print results in the order of the input, not of completion" },
    { .name = "body", .kind = OPTION_CHOICE, .offset = AT(body),
      .arg = "auto|text|base64|json|none", .init = "auto",
      .help = "how results contain the body; auto: as text if it is UTF-8, otherwise base64" },
    { .name = "fields", .kind = OPTION_FIELDS, .offset = AT(fields), .arg = "LIST",
      .help = "print only these members of results, such as index,url,status; body stands for "
              "body_base64 and file, too" },
    { .name = "headers", .kind = OPTION_FLAG, .offset = AT(response_headers),
      .help = "put the response headers into the result" },
    { .name = "checksum", .kind = OPTION_CHOICE, .offset = AT(checksum), .arg = "none|sha256",
      .init = "none",
      .help = "put a digest of the body into the result" },
    { .name = "output-dir", .letter = 'o', .kind = OPTION_TEXT, .offset = AT(output_dir),
      .arg = "DIR",
      .help = "write bodies to files in DIR, and their names into results" },
    { .name = "overwrite", .kind = OPTION_FLAG, .offset = AT(overwrite),
      .help = "replace existing files" },
    { .name = "fsync", .kind = OPTION_FLAG, .offset = AT(fsync),
      .help = "report a file only when it is on the disk" },
    { .name = "no-decompress", .kind = OPTION_FLAG, .offset = AT(no_decompress),
      .help = "take bodies as they are sent. Without it, that is done with -o for files whose names "
              "end in .gz, .tgz, .bz2, .xz, .zst, .br, .zip or the like" },
    { .name = "max-body", .kind = OPTION_SIZE, .offset = AT(max_body), .arg = "SIZE",
      .init = "64M",
      .help = "longest body accepted, decompressed: 1000, 512k, 64M, 2G" },

    { .heading = "Resuming", .name = "journal", .kind = OPTION_TEXT, .offset = AT(journal),
      .arg = "FILE",
      .help = "record in FILE which requests have their results. A new run needs a new file" },
    { .name = "resume", .kind = OPTION_FLAG, .offset = AT(resume),
      .help = "continue the run of --journal: skip requests that have a result, whether they have "
              "succeeded or failed, and continue unfinished files of --output-dir. The input must "
              "be the same, but more may follow. Results of requests that were cancelled do not "
              "count" },
    { .name = "resume-failed", .kind = OPTION_FLAG, .offset = AT(resume_failed),
      .help = "the same, but repeat requests that have failed" },
    { .name = "skip-existing", .kind = OPTION_FLAG, .offset = AT(skip_existing),
      .help = "with -o, send no request whose file exists; its result has the member skipped" },

    { .heading = "Failures", .name = "ok-status", .kind = OPTION_STATUSES,
      .offset = AT(ok_status), .arg = "LIST",
      .help = "statuses that are a success, such as 200-299,404; by default those below 400" },
    { .name = "fail-fast", .kind = OPTION_FLAG, .offset = AT(fail_fast),
      .help = "stop after the first failure" },
    { .name = "max-failures", .kind = OPTION_INT, .offset = AT(max_failures), .arg = "N", .min = 1,
      .max = 1000000000,
      .help = "stop after N failures" },

    { .heading = "Messages", .name = "progress", .kind = OPTION_CHOICE, .offset = AT(progress),
      .arg = "auto|always|never", .init = "auto",
      .help = "progress bar on standard error; auto: if it is a terminal" },
    { .name = "quiet", .letter = 'q', .kind = OPTION_FLAG, .offset = AT(quiet),
      .help = "print no progress bar and no summary" },
    { .name = "verbose", .letter = 'v', .kind = OPTION_FLAG, .offset = AT(verbose),
      .help = "print why an attempt is repeated" },
    { .name = "summary-json", .kind = OPTION_TEXT, .offset = AT(summary_json), .arg = "FILE",
      .help = "write the figures of the summary to FILE as a JSON object" },
    { .name = "dry-run", .kind = OPTION_FLAG, .offset = AT(dry_run),
      .help = "check the input, and send no request" },
    { .name = "config", .letter = 'K', .kind = OPTION_CONFIG, .arg = "FILE",
      .help = "read options from FILE, one on each line: jobs = 100" },
    { .name = "completion", .kind = OPTION_COMPLETION, .arg = "bash|zsh|fish",
      .help = "print the script with which this shell completes options" },
    { .name = "help", .letter = 'h', .kind = OPTION_HELP,
      .help = "show this help" },
    { .name = "version", .kind = OPTION_VERSION,
      .help = "show the version" },
};
/* clang-format on */

const size_t option_count = sizeof option_table / sizeof *option_table;
