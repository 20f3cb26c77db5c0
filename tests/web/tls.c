/* SPDX-License-Identifier: MIT */
/* Servers of https. The certificate is made by openssl, and the client is curl. */
#include "harness.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char folder[100], cert[120], key[120];

ASYNC_DEF(echo, (async_web_request *)rq)
{
    size_t size;
    const void *body = async_web_body(rq, &size);
    ASYNC_TRY(await_sleep(0.02)); /* long enough for the connection to be suspended */
    return async_web_respond(rq, 200, NULL, body, size);
}

ASYNC_DEF(stream, (async_web_request *)rq)
{
    ASYNC_TRY(await_web_stream_begin(rq, 200, NULL));
    for (int i = 0; i < 20000; i++)
        ASYNC_TRY(await_web_printf(rq, "%05d", i));
    return 0;
}

ASYNC_DEF(send_cert, (async_web_request *)rq)
{
    return await_web_send_file(rq, folder, "cert.pem");
}

static const async_web_route routes[] = { { "POST", "/echo", echo },
                                          { "GET", "/stream", stream },
                                          { "GET", "/cert", send_cert },
                                          { 0 } };

/* Run a command, and return the first bytes that it prints. *ret_status is its exit status. */
static const char *__attribute__((format(printf, 2, 3)))
run_command(int *ret_status, const char *fmt, ...)
{
    static char command[1000], text[200000];
    va_list args;
    va_start(args, fmt);
    vsnprintf(command, sizeof command, fmt, args);
    va_end(args);
    FILE *f = popen(command, "r");
    expect_not_null(f);
    size_t n = fread(text, 1, sizeof text - 1, f);
    text[n] = '\0';
    *ret_status = pclose(f);
    return text;
}

/* Returns false if a program is missing. */
static bool make_certificate(void)
{
    int status;
    const char *tmp = getenv("TMPDIR");
    run_command(&status, "command -v openssl && command -v curl");
    if (status != 0)
        return false;
    snprintf(folder, sizeof folder, "%.80s/web-XXXXXX", tmp ? tmp : "/tmp");
    expect_not_null(mkdtemp(folder));
    snprintf(cert, sizeof cert, "%s/cert.pem", folder);
    snprintf(key, sizeof key, "%s/key.pem", folder);
    run_command(&status,
                "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext "
                "subjectAltName=IP:127.0.0.1 -keyout %s -out %s 2>&1",
                key, cert);
    expect_ok(status);
    return true;
}

static void remove_certificate(void)
{
    unlink(cert);
    unlink(key);
    expect_ok(rmdir(folder));
}

static void request_by_curl(int port, void *arg)
{
    int status;
    (void)arg;
    const char *text = run_command(
            &status, "curl -s --noproxy '*' --cacert %s -d one https://127.0.0.1:%d/echo -d two",
            cert, port);
    expect_ok(status);
    expect_text(text, "one&two");
    text = run_command(&status, "curl -s --noproxy '*' --cacert %s https://127.0.0.1:%d/stream",
                       cert, port);
    expect_ok(status);
    expect_int(strlen(text), 100000);
    text = run_command(&status,
                       "curl -s --noproxy '*' --cacert %s https://127.0.0.1:%d/cert "
                       "https://127.0.0.1:%d/cert",
                       cert, port, port);
    expect_ok(status);
    expect_contains(text, "-----END CERTIFICATE-----\n-----BEGIN");
    run_command(&status, "curl -s --noproxy '*' https://127.0.0.1:%d/stream", port);
    expect_int(status >> 8, 60); /* an unknown certificate */
}

TEST(certificate_makes_a_server_of_https)
{
    if (!make_certificate())
        return;
    serve(routes, (struct async_web_opts){ .cert_file = cert, .key_file = key }, request_by_curl,
          NULL);
    remove_certificate();
}

static void send_garbage(int port, void *arg)
{
    int status;
    (void)arg;
    int fd = connect_to(port);
    send_text(fd, "GET /stream HTTP/1.1\r\nHost: h\r\n\r\n");
    while (!reads_end(fd))
        ;
    close(fd);
    const char *text = run_command(&status,
                                   "curl -s --noproxy '*' --cacert %s -H 'Content-Length: x' "
                                   "https://127.0.0.1:%d/stream",
                                   cert, port);
    expect_text(text, "");
    expect_int_not(status, 0);
}

TEST(connection_that_speaks_no_tls_is_closed)
{
    if (!make_certificate())
        return;
    serve(routes, (struct async_web_opts){ .cert_file = cert, .key_file = key }, send_garbage,
          NULL);
    remove_certificate();
}

ASYNC_DEF(start_with, (const char *)cert_file, (const char *)key_file)
{
    async_web_server *s;
    int r = async_web_server_start(routes, &s, .cert_file = cert_file, .key_file = key_file);
    return r < 0 ? r : await_web_server_stop(&s, 0);
}

TEST(certificate_that_does_not_fit_is_refused)
{
    if (!make_certificate())
        return;
    expect_ok(async_run(start_with(cert, key)));
    expect_int(async_run(start_with(cert, NULL)), -EINVAL);
    expect_int(async_run(start_with(NULL, key)), -EINVAL);
    expect_int(async_run(start_with(cert, cert)), -EINVAL);
    expect_int(async_run(start_with(key, key)), -EINVAL);
    expect_int(async_run(start_with(cert, "/no/such/file")), -ENOENT);
    expect_int(async_run(start_with(folder, key)), -EIO);
    remove_certificate();
}

SUITE("web-tls", certificate_makes_a_server_of_https, connection_that_speaks_no_tls_is_closed,
      certificate_that_does_not_fit_is_refused)
