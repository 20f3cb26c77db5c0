/* SPDX-License-Identifier: MIT */
/* A JSON API with a database, in a hundred lines. SQLite itself reads and writes the JSON.
 *
 *     json_api 8080 notes.db    serve until Ctrl-C
 *     json_api                  serve a database in memory, make some requests, print the responses
 *
 *     curl -d '{"text": "milk"}' localhost:8080/notes */
#include <asyncio.h>
#include <asyncio/http.h>
#include <asyncio/sqlite.h>
#include <asyncio/web.h>
#include <stdio.h>
#include <stdlib.h>

static const char schema[] =
        "create table if not exists note (id integer primary key, text not null)";

#define NOTE "json_object('id', id, 'text', text)"

/* Respond with the JSON in the first column of a query, or with 404 if it has no row. */
#define await_respond(rq, status, ...)                                                             \
    await_respond_rows((rq), (status), async_sqlite_query(async_web_arg(rq), __VA_ARGS__))
static int await_respond_rows(async_web_request *rq, int status, struct async_sqlite_rows rows)
{
    int r;
    await_for_each (r, row, rows)
        async_ignore(async_web_json(rq, status, async_sqlite_text(row, 0)));
    return r < 0 || async_web_status(rq) ? r
                                         : async_web_json(rq, 404, "{\"error\": \"no such note\"}");
}

ASYNC_DEF(list_notes, (async_web_request *)rq)
{
    const char *word = async_web_query(rq, "word");
    return await_respond(rq, 200,
                         "select json_group_array(json(" NOTE ")) from note where instr(text, ?)",
                         word ? word : "");
}

ASYNC_DEF(add_note, (async_web_request *)rq)
{
    const char *body = async_web_body(rq, NULL);
    int r = await_respond(
            rq, 201, "insert into note (text) select json_extract(?, '$.text') returning " NOTE,
            body);
    if (r == -EDOM || r == -EINVAL) /* the body is no JSON, or has no text */
        return async_web_json(rq, 400, "{\"error\": \"send {\\\"text\\\": \\\"...\\\"}\"}");
    return r;
}

ASYNC_DEF(show_note, (async_web_request *)rq)
{
    return await_respond(rq, 200, "select " NOTE " from note where id = ?",
                         async_web_param(rq, "id"));
}

ASYNC_DEF(delete_note, (async_web_request *)rq)
{
    return await_respond(rq, 200, "delete from note where id = ? returning " NOTE,
                         async_web_param(rq, "id"));
}

static const async_web_route routes[] = {
    { "GET", "/notes", list_notes },
    { "POST", "/notes", add_note },
    { "GET", "/notes/{id}", show_note },
    { "DELETE", "/notes/{id}", delete_note },
    { 0 },
};

/* ---- its own client ---- */

ASYNC_DEF(make_request, (async_http_session *)session, (int)port, (const char *)method,
          (const char *)path, (const char *)json)
{
    char url[100];
    async_http_response_auto page = NULL;
    snprintf(url, sizeof url, "http://127.0.0.1:%d%s", port, path);
    ASYNC_TRY(await_http_request(session, method, url, &page, .json = json));
    printf("%s %s: %d %s\n", method, path, page->status, page->body);
    return 0;
}

ASYNC_DEF(try_api, (int)port)
{
    async_http_session_auto session = NULL;
    ASYNC_TRY(async_http_session_open(&session, .proxy = ""));
    ASYNC_TRY(await_make_request(session, port, "POST", "/notes", "{\"text\": \"milk\"}"));
    ASYNC_TRY(await_make_request(session, port, "POST", "/notes", "{\"text\": \"\\\"bread\\\"\"}"));
    ASYNC_TRY(await_make_request(session, port, "POST", "/notes", "{\"text\""));
    ASYNC_TRY(await_make_request(session, port, "POST", "/notes", "{}"));
    ASYNC_TRY(await_make_request(session, port, "GET", "/notes?word=r", NULL));
    ASYNC_TRY(await_make_request(session, port, "DELETE", "/notes/1", NULL));
    return await_make_request(session, port, "GET", "/notes/1", NULL);
}

ASYNC_DEF(amain, (int)port, (const char *)path)
{
    await_sqlite_auto db = NULL;
    await_web_server_auto server = NULL;
    ASYNC_TRY(await_sqlite_open(path, &db, .init = schema));
    if (port)
        return await_web_serve(routes, .port = port, .arg = db, .access_log = 2);
    ASYNC_TRY(async_web_server_start(routes, &server, .arg = db));
    return await_try_api(async_web_server_port(server));
}

int main(int argc, char *argv[])
{
    return async_main(amain(argc > 1 ? atoi(argv[1]) : 0, argc > 2 ? argv[2] : ":memory:"));
}
