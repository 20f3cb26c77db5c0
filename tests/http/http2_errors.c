/* SPDX-License-Identifier: MIT */
/* http2_errors.c - the errors by which a server ends a stream or a connection of HTTP/2. The server
 * is a few frames by hand behind TLS, in a child process. */
#include "http_test.h"
#include "tls_servers.h"

const char *const http_suite = "http-http2-errors";

const char *http_missing(void)
{
    return installed("openssl") && installed("python3") ? NULL
                                                        : "openssl or python3 is not installed";
}

/* Answers each request by RST_STREAM, or the first by GOAWAY, with the given code. */
static const char server_py[] =
        "import ssl, socket, struct, sys\n"
        "def frame(kind, flags, stream, data=b''):\n"
        "    return struct.pack('>I', len(data))[1:] + bytes([kind, flags]) +"
        " struct.pack('>I', stream) + data\n"
        "context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)\n"
        "context.load_cert_chain('cert.pem', 'key.pem')\n"
        "context.set_alpn_protocols(['h2'])\n"
        "listener = socket.create_server(('127.0.0.1', 0))\n"
        "print(listener.getsockname()[1], flush=True)\n"
        "def serve(peer, kind, code):\n"
        "    read = peer.makefile('rb').read\n"
        "    read(24)\n"
        "    peer.sendall(frame(4, 0, 0))\n"
        "    while True:\n"
        "        head = read(9)\n"
        "        size, stream = int.from_bytes(head[:3], 'big'), int.from_bytes(head[5:], 'big')\n"
        "        read(size)\n"
        "        if head[3] == 4 and not head[4] & 1:\n"
        "            peer.sendall(frame(4, 1, 0))\n"
        "        if head[3] == 1 and kind == 'reset':\n"
        "            peer.sendall(frame(3, 0, stream, struct.pack('>I', code)))\n"
        "        if head[3] == 1 and kind == 'goaway':\n"
        "            peer.sendall(frame(7, 0, 0, struct.pack('>II', 0, code)))\n"
        "            return\n"
        "while True:\n"
        "    try:\n"
        "        serve(context.wrap_socket(listener.accept()[0], server_side=True), sys.argv[1],"
        " int(sys.argv[2]))\n"
        "    except Exception:\n"
        "        pass\n";

ASYNC_DEF(request, (const struct tls_server *)sv, (enum async_http_error *)ret_kind)
{
    async_http_session_auto s = NULL;
    async_http_response_auto r = NULL, f = NULL;
    char url[64];
    snprintf(url, sizeof url, "https://localhost:%d/", sv->port);
    ASYNC_TRY(async_http_session_open(&s, .ca_file = sv->cert));
    int code = await_http_get(s, url, &r, .failed = &f, .timeout = 20);
    *ret_kind = f ? f->error : ASYNC_HTTP_OK;
    return code < 0 ? code : 0;
}

/* Request once from a server that ends every stream, or the connection, with this code. */
static void check_end(const char *kind, const char *code, int result, enum async_http_error error)
{
    struct tls_server sv;
    enum async_http_error got = ASYNC_HTTP_OK;
    tls_folder_make(&sv);
    write_file("server.py", "%s", server_py);
    python_start(&sv, "server.py", kind, code);
    int r = async_run(request(&sv, &got));
    tls_server_stop(&sv);
    expect_int(r, result);
    expect_int(got, error);
}

TEST(stream_that_the_server_gives_up_is_econnreset)
{
    check_end("reset", "2", -ECONNRESET, ASYNC_HTTP_RESET);  /* INTERNAL_ERROR */
    check_end("reset", "8", -ECONNRESET, ASYNC_HTTP_RESET);  /* CANCEL */
    check_end("reset", "11", -ECONNRESET, ASYNC_HTTP_RESET); /* ENHANCE_YOUR_CALM */
}

TEST(stream_that_the_server_finds_wrong_is_eproto)
{
    check_end("reset", "1", -EPROTO, ASYNC_HTTP_PROTOCOL); /* PROTOCOL_ERROR */
    check_end("reset", "6", -EPROTO, ASYNC_HTTP_PROTOCOL); /* FRAME_SIZE_ERROR */
}

TEST(goaway_before_the_response_is_econnreset)
{
    check_end("goaway", "11", -ECONNRESET, ASYNC_HTTP_RESET); /* ENHANCE_YOUR_CALM */
}

void http_cases(TCase *tc)
{
    tcase_add_test(tc, stream_that_the_server_gives_up_is_econnreset);
    tcase_add_test(tc, stream_that_the_server_finds_wrong_is_eproto);
    tcase_add_test(tc, goaway_before_the_response_is_econnreset);
}
