/* SPDX-License-Identifier: MIT */
/* tls_servers.h - servers with a certificate: those of openssl, nginx and nghttp2. Each runs in a
 * folder of its own as a child of the test, and ends with it. */
#ifndef TESTS_HTTP_TLS_SERVERS_H
#define TESTS_HTTP_TLS_SERVERS_H

#include <asyncio/base.h>
#include <stdbool.h>

struct tls_server {
    int pid;
    int port;        /* on 127.0.0.1; of openssl and nghttpd */
    char dir[32];    /* the current folder of the test */
    char cert[64];   /* certificate for localhost and 127.0.0.1 */
    char socket[64]; /* path of nginx's socket */
};

bool installed(const char *program);

/* Make a folder with a certificate and enter it. Then start a server that serves its files. */
void tls_folder_make(struct tls_server *sv);
void write_file(const char *name, const char *fmt, ...) ASYNC_FORMAT(2, 3);
void openssl_start(struct tls_server *sv);
void nginx_start(struct tls_server *sv);
void nghttpd_start(struct tls_server *sv);

/* Start a script with two arguments. The first line that it prints is its port. */
void python_start(struct tls_server *sv, const char *script, const char *a, const char *b);

/* Stop the server and remove the folder. */
void tls_server_stop(struct tls_server *sv);

#endif
