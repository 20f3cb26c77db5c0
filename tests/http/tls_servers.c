/* SPDX-License-Identifier: MIT */
/* tls_servers.c - run openssl s_server, nginx and nghttpd as children. */
#include "../frame/assertions.h"
#include "tls_servers.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int run_command(const char *fmt, ...) ASYNC_FORMAT(1, 2);
static int run_command(const char *fmt, ...)
{
    char command[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(command, sizeof command, fmt, ap);
    va_end(ap);
    return system(command);
}

bool installed(const char *program)
{
    return run_command("command -v %s >/dev/null 2>&1", program) == 0;
}

void tls_folder_make(struct tls_server *sv)
{
    *sv = (struct tls_server){ .dir = "/tmp/http-tls-XXXXXX" };
    expect_not_null(mkdtemp(sv->dir));
    expect_ok(chdir(sv->dir));
    snprintf(sv->cert, sizeof sv->cert, "%s/cert.pem", sv->dir);
    snprintf(sv->socket, sizeof sv->socket, "%s/socket", sv->dir);
    int r = run_command("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes "
                        "-keyout key.pem -out cert.pem -days 2 -subj /CN=localhost "
                        "-addext subjectAltName=DNS:localhost,IP:127.0.0.1 >/dev/null 2>&1");
    expect_ok(r);
}

void write_file(const char *name, const char *fmt, ...)
{
    FILE *f = fopen(name, "w");
    expect_not_null(f);
    va_list ap;
    va_start(ap, fmt);
    vfprintf(f, fmt, ap);
    va_end(ap);
    fclose(f);
}

/* The child is killed when the test ends, even if that crashes. ret_out reads its output. */
static int start_child(int *ret_out, const char *const *argv)
{
    int out[2];
    expect_ok(pipe2(out, O_CLOEXEC));
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

/* The pipe stays open, so that the server can go on printing. */
void openssl_start(struct tls_server *sv)
{
    char line[256];
    int out;
    sv->pid = start_child(&out, (const char *const[]){ "openssl", "s_server", "-accept",
                                                       "127.0.0.1:0", "-cert", "cert.pem", "-key",
                                                       "key.pem", "-HTTP", NULL });
    FILE *f = fdopen(out, "r");
    while (sv->port == 0 && fgets(line, sizeof line, f))
        sscanf(line, "ACCEPT 127.0.0.1:%d", &sv->port);
    expect_int_not(sv->port, 0);
}

static const char nginx_conf[] =
        "daemon off; master_process off; worker_processes 1; pid nginx.pid;\n"
        "error_log error.log crit;\n"
        "events { worker_connections 512; }\n"
        "http { access_log off; keepalive_requests 100000;\n"
        " client_body_temp_path tmp; proxy_temp_path tmp; fastcgi_temp_path tmp;\n"
        " uwsgi_temp_path tmp; scgi_temp_path tmp;\n"
        " server { listen unix:%s ssl http2;\n"
        "  ssl_certificate cert.pem; ssl_certificate_key key.pem;\n"
        "  location / { return 200 '$server_protocol $request_method $connection'; }\n"
        "  location /big { root .; }\n"
        " } }\n";

/* nginx writes its number to nginx.pid after it has begun to listen. */
void nginx_start(struct tls_server *sv)
{
    int out;
    struct stat st;
    write_file("nginx.conf", nginx_conf, sv->socket);
    mkdir("tmp", 0700);
    expect_ok(run_command("head -c 3000000 /dev/zero | tr '\\0' x > big"));
    sv->pid = start_child(&out, (const char *const[]){ "nginx", "-p", sv->dir, "-c", "nginx.conf",
                                                       "-e", "error.log", NULL });
    for (int i = 0; i < 1000 && stat("nginx.pid", &st) < 0; i++)
        usleep(10000);
    expect_ok(stat("socket", &st));
}

/* Returns a port that is free at the moment. */
static int find_free_port(void)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    expect_ok(bind(fd, (struct sockaddr *)&a, size));
    expect_ok(getsockname(fd, (struct sockaddr *)&a, &size));
    close(fd);
    return ntohs(a.sin_port);
}

static bool can_connect(int port)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    a.sin_port = htons((uint16_t)port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool connected = connect(fd, (struct sockaddr *)&a, sizeof a) == 0;
    close(fd);
    return connected;
}

/* nghttpd cannot choose a port by itself. */
void nghttpd_start(struct tls_server *sv)
{
    char port[16];
    int out;
    sv->port = find_free_port();
    snprintf(port, sizeof port, "%d", sv->port);
    write_file("small", "small");
    sv->pid = start_child(&out, (const char *const[]){ "nghttpd", "-a", "127.0.0.1", "-d", sv->dir,
                                                       port, "key.pem", "cert.pem", NULL });
    for (int i = 0; i < 1000 && !can_connect(sv->port); i++)
        usleep(10000);
    expect_true(can_connect(sv->port));
}

void python_start(struct tls_server *sv, const char *script, const char *a, const char *b)
{
    char line[32] = "";
    int out;
    sv->pid = start_child(&out, (const char *const[]){ "python3", script, a, b, NULL });
    FILE *f = fdopen(out, "r");
    expect_not_null(fgets(line, sizeof line, f));
    sv->port = atoi(line);
    fclose(f);
}

void tls_server_stop(struct tls_server *sv)
{
    kill(sv->pid, SIGKILL);
    waitpid(sv->pid, NULL, 0);
    async_ignore(chdir("/"));
    async_ignore(run_command("rm -rf %s", sv->dir));
}
