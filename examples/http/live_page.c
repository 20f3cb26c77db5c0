/* SPDX-License-Identifier: MIT */
/* A live page: each message that is sent to /say appears at once in all browsers that show the
 * page.
 *
 *     live_page 8080    serve until Ctrl-C; open http://localhost:8080/ in two windows
 *     live_page         listen as two browsers would, say three words, print what arrives */
#include <asyncio.h>
#include <asyncio/http.h>
#include <asyncio/web.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char html[] =
        "<!doctype html><meta charset=utf-8><title>Live</title><ul id=list></ul>"
        "<form onsubmit='fetch(\"/say\",{method:\"POST\",body:new FormData(this)});reset();return false'>"
        "<input name=text autofocus></form>"
        "<script>new EventSource('/events').addEventListener('said',e=>{"
        "let li=document.createElement('li');li.textContent=e.data;list.append(li)})</script>";

/* The latest message, and how many there have been. Each listener waits on the condition until the
 * number is another one than it has sent. A slow listener may miss a message, but holds up no
 * other. */
static char said[200];
static unsigned count;
static async_lock lock;
static async_condition changed = ASYNC_CONDITION(&lock);

ASYNC_DEF(front, (async_web_request *)rq)
{
    return async_web_respond_static(rq, 200, "text/html", html, sizeof html - 1);
}

ASYNC_DEF(say, (async_web_request *)rq)
{
    int r;
    const char *text = async_web_form(rq, "text");
    if (!text || !*text)
        return async_web_text(rq, 400, "Say something.\n");
    await_with (r, async_condition_context_manager(&changed)) {
        snprintf(said, sizeof said, "%s", text);
        count++;
        async_condition_notify_all(&changed);
    }
    return r < 0 ? r : async_web_text(rq, 202, "said\n");
}

/* A message within 15 seconds, otherwise a comment, so that proxies keep the connection. */
ASYNC_DEF(events, (async_web_request *)rq)
{
    unsigned sent = count;
    ASYNC_TRY(await_web_events_begin(rq));
    ASYNC_TRY(await_web_event(rq, NULL, .comment = "welcome"));
    for (;;) {
        int r;
        char text[sizeof said];
        await_timeout (r, 15) {
            await_with (r, async_condition_context_manager(&changed)) {
                r = await_condition_wait_for(&changed, sent != count);
                strcpy(text, said);
                sent = count;
            }
        }
        if (r == -ETIMEDOUT)
            ASYNC_TRY(await_web_event(rq, NULL, .comment = "still here"));
        else if (r < 0)
            return r;
        else
            ASYNC_TRY(await_web_event(rq, text, .event = "said"));
    }
}

static const async_web_route routes[] = {
    { "GET", "/", front },
    { "POST", "/say", say },
    { "GET", "/events", events },
    { 0 },
};

/* ---- its own browsers ---- */

struct browser {
    async_http_session *session;
    const char *url;
    async_event listens;
    char text[500]; /* all that has arrived */
};

/* Read events until "bye". */
ASYNC_DEF(listen_to, (struct browser *)b)
{
    async_http_response_auto page = NULL;
    ASYNC_TRY(await_http_open(b->session, "GET", b->url, &page));
    for (size_t size = 0; !strstr(b->text, "data: bye\n\n");) {
        ssize_t n = ASYNC_TRY(await_http_read(page, b->text + size, sizeof b->text - 1 - size));
        if (n == 0)
            return -ENODATA;
        size += (size_t)n;
        async_event_set(&b->listens); /* the comment at the beginning */
    }
    return 0;
}

ASYNC_DEF(say_words, (async_http_session *)session, (const char *)url, (struct browser *)browsers)
{
    static const char *const words[] = { "hello", "two\nlines", "bye" };
    for (int i = 0; i < 2; i++)
        ASYNC_TRY(await_event_wait(&browsers[i].listens));
    for (int i = 0; i < 3; i++) {
        async_http_response_auto page = NULL;
        ASYNC_TRY(await_http_post(session, url, &page, .form = ASYNC_HTTP_PAIRS("text", words[i])));
        ASYNC_TRY(await_sleep(0.05)); /* so that each browser gets each word */
    }
    return 0;
}

ASYNC_DEF(try_page)
{
    char url[100], say_url[100];
    async_http_session_auto session = NULL;
    await_web_server_auto server = NULL;
    ASYNC_TRY(async_web_server_start(routes, &server));
    ASYNC_TRY(async_http_session_open(&session, .proxy = ""));
    snprintf(url, sizeof url, "http://127.0.0.1:%d/events", async_web_server_port(server));
    snprintf(say_url, sizeof say_url, "http://127.0.0.1:%d/say", async_web_server_port(server));
    struct browser browsers[2] = { { .session = session, .url = url },
                                   { .session = session, .url = url } };
    ASYNC_TRY(await_gather(NULL, listen_to(&browsers[0]), listen_to(&browsers[1]),
                           say_words(session, say_url, browsers)));
    printf("%s", browsers[0].text);
    return strcmp(browsers[0].text, browsers[1].text) == 0 ? 0 : -EPROTO;
}

ASYNC_DEF(serve_page, (int)port)
{
    return await_web_serve(routes, .port = port);
}

int main(int argc, char *argv[])
{
    return async_main(argc > 1 ? serve_page(atoi(argv[1])) : try_page());
}
