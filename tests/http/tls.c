/* SPDX-License-Identifier: MIT */
/* tls.c - who is trusted, what happens to those who are not, HTTP/2. The servers are openssl's and nginx, with a
 * certificate that is made here. */
#include "http_test.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

const char *const http_suite = "http-tls";

static char dir[] = "/tmp/http-tls-XXXXXX", cert[64];

static int run(const char *fmt, ...) ASYNC_FORMAT(1, 2);
static int run(const char *fmt, ...)
{
    char command[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(command, sizeof command, fmt, ap);
    va_end(ap);
    return system(command);
}

static bool installed(const char *program)
{
    return run("command -v %s >/dev/null 2>&1", program) == 0;
}

const char *http_missing(void)
{
    return installed("openssl") ? NULL : "openssl is not installed";
}

static void make_dir(void)
{
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert_int_eq(chdir(dir), 0);
    snprintf(cert, sizeof cert, "%s/cert.pem", dir);
    ck_assert_int_eq(run("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "
                         "key.pem -out cert.pem -days 2 -subj /CN=localhost "
                         "-addext subjectAltName=DNS:localhost,IP:127.0.0.1 >/dev/null 2>&1"),
                     0);
}

static void remove_dir(void)
{
    async_ignore(chdir("/"));
    async_ignore(run("rm -rf %s", dir));
}

static void put_file(const char *name, const char *fmt, ...) ASYNC_FORMAT(2, 3);
static void put_file(const char *name, const char *fmt, ...)
{
    FILE *f = fopen(name, "w");
    ck_assert_ptr_nonnull(f);
    va_list ap;
    va_start(ap, fmt);
    vfprintf(f, fmt, ap);
    va_end(ap);
    fclose(f);
}

/* The child ends with the test, whichever way that ends. */
static int start(int *ret_out, const char *const *argv)
{
    int out[2];
    ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(null, 0);
        dup2(out[1], 1);
        dup2(null, 2);
        execvp(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    close(out[1]);
    *ret_out = out[0];
    return pid;
}

static void stop(int pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static int start_openssl(int *port)
{
    char line[256];
    int out, pid = start(&out, (const char *const[]){ "openssl", "s_server", "-accept",
                                                      "127.0.0.1:0", "-cert", "cert.pem", "-key",
                                                      "key.pem", "-HTTP", NULL });
    FILE *f = fdopen(out, "r");
    *port = 0;
    while (*port == 0 && fgets(line, sizeof line, f))
        sscanf(line, "ACCEPT 127.0.0.1:%d", port);
    ck_assert_int_ne(*port, 0);
    (void)f; /* stays open, so that it can print */
    return pid;
}

static void serve_files(const struct server *sv)
{
    put_file("ok", "HTTP/1.0 200 OK\r\nContent-Length: 6\r\n\r\nsecret");
    put_file("down", "HTTP/1.0 302 Found\r\nLocation: %s/echo\r\n\r\n", sv->url);
    put_file("half", "HTTP/1.0 200 OK\r\nContent-Length: 60\r\n\r\nsecret");
}

ASYNC_DEF(trusting, (struct server *)sv, (int)port)
{
    char url[128], rule[64];
    async_http_session_auto s = NULL, own = NULL, blind = NULL, rash = NULL;
    async_http_response_auto a = NULL, b = NULL, c = NULL, d = NULL, e = NULL, f = NULL, r = NULL;
    snprintf(url, sizeof url, "https://127.0.0.1:%d/ok", port);
    ASYNC_TRY(async_http_session_open(&s));
    ck_assert_int_eq(await_http_get(s, url, &r, .failed = &a), -EKEYREJECTED);
    ck_assert_int_eq(a->error, ASYNC_HTTP_CERTIFICATE);
    ck_assert_str_ne(a->error_text, "");

    snprintf(rule, sizeof rule, "elsewhere.example:%d:127.0.0.1", port);
    ASYNC_TRY(async_http_session_open(&own, .ca_file = cert,
                                      .resolve = (const char *const[]){ rule, NULL }));
    ck_assert_int_eq(await_http_get(own, url, &b), 200);
    ck_assert_str_eq(b->body, "secret");
    ck_assert_double_gt(b->times.tls, 0);
    snprintf(url, sizeof url, "https://elsewhere.example:%d/ok", port); /* trusted, but somebody else */
    ck_assert_int_eq(await_http_get(own, url, &r, .failed = &c), -EKEYREJECTED);

    snprintf(url, sizeof url, "https://127.0.0.1:%d/half", port);
    ck_assert_int_eq(await_http_get(own, url, &r, .failed = &d), -ENODATA);

    ASYNC_TRY(async_http_session_open(&blind, .insecure_no_verify = true));
    snprintf(url, sizeof url, "https://127.0.0.1:%d/ok", port);
    ck_assert_int_eq(await_http_get(blind, url, &e), 200);

    snprintf(url, sizeof url, "https://127.0.0.1:%d/down", port); /* a redirect to http */
    ck_assert_int_eq(await_http_get(own, url, &r, .failed = &f), -EACCES);
    ck_assert_int_eq(f->error, ASYNC_HTTP_FORBIDDEN);
    ck_assert_int_eq(atomic_load(&sv->requests), 0);
    ASYNC_TRY(async_http_session_open(&rash, .ca_file = cert, .allow_downgrade = true));
    ck_assert_int_eq(await_http_get(rash, url, &r), 200);
    return 0;
}

START_TEST(trust)
{
    struct server sv;
    int port;
    make_dir();
    server_start(&sv);
    serve_files(&sv);
    int pid = start_openssl(&port);
    int r = async_run(trusting(&sv, port));
    stop(pid);
    remove_dir();
    server_stop(&sv);
    ck_assert_int_eq(r, 0);
}
END_TEST

/* What is not TLS, and who goes away in the middle: an error, and no signal. */
HTTP_TEST(no_tls)
{
    async_http_response_auto r = NULL, f = NULL;
    char url[64];
    snprintf(url, sizeof url, "https://127.0.0.1:%d/junk", sv->port);
    int code = await_http_get(s, url, &r, .failed = &f, .timeout = 0.3 * slow());
    ck_assert_msg(code == -EPROTO || code == -ETIMEDOUT || code == -ECONNRESET, "%d", code);
    return 0;
}

/* The server has its answer ready at the first line, and goes. */
ASYNC_DEF(pushing, (int)port)
{
    char url[64];
    async_http_session_auto s = NULL;
    size_t n = 8 * 1000 * 1000;
    char *body = calloc(1, n);
    ASYNC_TRY(async_http_session_open(&s, .ca_file = cert));
    snprintf(url, sizeof url, "https://127.0.0.1:%d/ok", port);
    for (int i = 0; i < 5; i++) {
        async_http_response_auto r = NULL;
        int code = await_http_request(s, "GET", url, &r, .body = body, .body_size = n,
                                      .timeout = 5 * slow());
        ck_assert_msg(code == 200 || code == -ECONNRESET || code == -EPROTO, "%d", code);
    }
    free(body);
    return 0;
}

START_TEST(no_sigpipe)
{
    struct server sv = { 0 };
    int port;
    make_dir();
    serve_files(&sv);
    int pid = start_openssl(&port);
    int r = async_run(pushing(port));
    stop(pid);
    remove_dir();
    ck_assert_int_eq(r, 0);
}
END_TEST

/* --- HTTP/2 --- */

static const char nginx_conf[] =
        "daemon off; master_process off; worker_processes 1; pid nginx.pid; error_log error.log crit;\n"
        "events { worker_connections 512; }\n"
        "http { access_log off;\n"
        " client_body_temp_path tmp; proxy_temp_path tmp; fastcgi_temp_path tmp; uwsgi_temp_path tmp;\n"
        " scgi_temp_path tmp;\n"
        " server { listen unix:%s/socket ssl http2; ssl_certificate cert.pem; ssl_certificate_key key.pem;\n"
        "  location / { return 200 '$server_protocol $request_method $connection'; }\n"
        "  location /big { root .; }\n"
        " } }\n";

static int start_nginx(void)
{
    int out;
    struct stat st;
    put_file("nginx.conf", nginx_conf, dir);
    mkdir("tmp", 0700);
    ck_assert_int_eq(run("head -c 3000000 /dev/zero | tr '\\0' x > big"), 0);
    int pid = start(&out, (const char *const[]){ "nginx", "-p", dir, "-c", "nginx.conf", "-e",
                                                 "error.log", NULL });
    for (int i = 0; i < 500 && stat("socket", &st) < 0; i++)
        usleep(10000);
    usleep(50000);
    return pid;
}

ASYNC_DEF(one, (async_http_session *)s, (const char *)path, (int)version, (int *)last)
{
    async_http_response_auto r = NULL;
    char url[64], protocol[16] = "";
    snprintf(url, sizeof url, "https://localhost%s", path);
    ck_assert_int_eq(ASYNC_TRY(await_http_get(s, url, &r, .http1 = version == 11)), 200);
    ck_assert_int_eq(r->version, version);
    if (strcmp(path, "/big") == 0)
        ck_assert_uint_eq(r->size, 3000000);
    else
        ck_assert_int_eq(sscanf(r->body, "%15s %*s %d", protocol, last), 2);
    return 0;
}

ASYNC_DEF(multiplexed)
{
    async_http_session_auto s = NULL;
    async_http_response_auto stream = NULL, left = NULL;
    char path[64], buf[10000];
    int r, first = 0, second = 0, many[50] = { 0 };
    snprintf(path, sizeof path, "%s/socket", dir);
    ASYNC_TRY(async_http_session_open(&s, .ca_file = cert, .unix_socket = path));
    { /* cold: one makes the connection, the others wait for it */
        await_group (r, g) {
            for (int i = 0; i < 50; i++)
                async_spawn(g, one(s, "/", 20, &many[i]));
            async_spawn(g, one(s, "/big", 20, &second));
        }
    }
    ASYNC_TRY(r);
    ASYNC_TRY(await_one(s, "/", 20, &first));
    for (int i = 0; i < 50; i++)
        ck_assert_int_eq(many[i], first);
    ASYNC_TRY(await_one(s, "/", 11, &second));
    ck_assert_int_ne(second, first);

    ASYNC_TRY(await_http_open(s, "GET", "https://localhost/big", &stream));
    ck_assert_int_eq(stream->version, 11);
    size_t total = 0;
    for (ssize_t n; (n = ASYNC_TRY(await_http_read(stream, buf, sizeof buf))) > 0;)
        total += (size_t)n;
    ck_assert_uint_eq(total, 3000000);
    ASYNC_TRY(await_http_open(s, "GET", "https://localhost/big", &left));

    for (int i = 0; i < 40;
         i++) { /* some of those on a shared connection are cancelled: the others do not care */
        await_task_auto out = async_create_task(one(s, "/big", 20, &second));
        await_task_auto in = async_create_task(one(s, "/big", 20, &second));
        for (int k = 0; k < i; k++)
            ASYNC_TRY(await_sleep(0.0005));
        async_task_cancel(out);
        async_ignore(await_task(out));
        ASYNC_TRY(await_task(in));
    }
    return 0;
}

START_TEST(http2)
{
    if (!installed("nginx"))
        return;
    make_dir();
    int pid = start_nginx();
    int r = async_run(multiplexed());
    stop(pid);
    remove_dir();
    ck_assert_int_eq(r, 0);
}
END_TEST

void http_cases(TCase *tc)
{
    tcase_add_test(tc, trust);
    tcase_add_test(tc, no_tls);
    tcase_add_test(tc, no_sigpipe);
    tcase_add_test(tc, http2);
}
