/* SPDX-License-Identifier: MIT */
/* A JSON API with a database, in a hundred lines. SQLite itself reads and writes the JSON.
 *
 *     json_api 8080 notes.db    serve until Ctrl-C
 *     json_api                  serve a database in memory, make some requests, print the responses
 */
#include <asyncio.h>
#include <asyncio/http.h>
#include <asyncio/sqlite.h>
#include <asyncio/web.h>
#include <stdio.h>
#include <stdlib.h>

static const char sql[] = "create table if not exists note (id integer primary key, text not null)";
#define NOTE "json_object('id', id, 'text', text)"

/* Respond with the JSON in the first column of a query, or with 404 if it has no row. */
#define await_row(rq, status, ...)                                                                 \
    await_rows((rq), (status), async_sqlite_query(async_web_arg(rq), __VA_ARGS__))
static int await_rows(async_web_request *rq, int status, struct async_sqlite_rows rows)
{
    int r;
    await_for_each (r, row, rows)
        async_ignore(async_web_json(rq, status, async_sqlite_text(row, 0)));
    return r < 0 || async_web_status(rq) ? r : async_web_json(rq, 404, "{\"error\": \"none\"}");
}

ASYNC_DEF(list_notes, (async_web_request *)rq)
{
    return await_row(rq, 200, "select json_group_array(json(" NOTE ")) from note");
}

/* A body that is no JSON, or has no text, is an error of SQLite's. */
ASYNC_DEF(add_note, (async_web_request *)rq)
{
    static const char add[] =
            "insert into note(text) select json_extract(?, '$.text') returning " NOTE;
    int r = await_row(rq, 201, add, (const char *)async_web_body(rq, NULL));
    return r == -EDOM || r == -EINVAL ? async_web_json(rq, 400, "{\"error\": \"no text\"}") : r;
}

ASYNC_DEF(show_note, (async_web_request *)rq)
{
    return await_row(rq, 200, "select " NOTE " from note where id = ?", async_web_param(rq, "id"));
}

ASYNC_DEF(delete_note, (async_web_request *)rq)
{
    return await_row(rq, 200, "delete from note where id = ? returning " NOTE,
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

static const char *const requests[][3] = {
    { "POST", "/notes", "{\"text\": \"milk\"}" },
    { "POST", "/notes", "{\"text\"" },
    { "GET", "/notes" },
    { "DELETE", "/notes/1" },
    { "GET", "/notes/1" },
};

ASYNC_DEF(try_api, (int)port)
{
    char url[100];
    async_http_session_auto session = NULL;
    ASYNC_TRY(async_http_session_open(&session, .proxy = ""));
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        async_http_response_auto page = NULL;
        snprintf(url, sizeof url, "http://127.0.0.1:%d%s", port, requests[i][1]);
        const char *method = requests[i][0], *json = requests[i][2];
        ASYNC_TRY(await_http_request(session, method, url, &page, .json = json));
        printf("%s %s: %d %s\n", method, requests[i][1], page->status, page->body);
    }
    return 0;
}

ASYNC_DEF(amain, (int)port, (const char *)path)
{
    await_sqlite_auto db = NULL;
    await_web_server_auto server = NULL;
    ASYNC_TRY(await_sqlite_open(path, &db, .init = sql));
    if (port)
        return await_web_serve(routes, .port = port, .arg = db, .access_log = 2);
    ASYNC_TRY(async_web_server_start(routes, &server, .arg = db));
    return await_try_api(async_web_server_port(server));
}

int main(int argc, char *argv[])
{
    return async_main(amain(argc > 1 ? atoi(argv[1]) : 0, argc > 2 ? argv[2] : ":memory:"));
}
