/* SPDX-License-Identifier: MIT */
/* `asyncio lint`: for each rule what it finds, and what looks like it and is right. */
#include "fetch_check.h"

#include "lint/lint.h"

/* "line:column rule; ..." of what is found in the text. */
static const char *lint(const char *text)
{
    static char out[500];
    struct lint_report r;
    ck_assert(lint_text(text, strlen(text), &r));
    size_t n = 0;
    out[0] = '\0';
    if (r.error[0])
        snprintf(out, sizeof out, "%d:%d %s", r.error_line, r.error_column, r.error);
    for (size_t i = 0; i < r.count; i++)
        n += (size_t)snprintf(out + n, sizeof out - n, "%s%d:%d %s", i ? "; " : "", r.findings[i].line,
                              r.findings[i].column, r.findings[i].rule);
    lint_free(&r);
    return out;
}

#define finds(text, what) ck_assert_str_eq(lint(text), what)
#define clean(text)       finds(text, "")
/* A body of a coroutine: its first line is line 2. */
#define BODY(text)        "ASYNC_DEF(f) {\n" text "\nreturn 0; }\n"

START_TEST(a_return_out_of_a_block_is_found)
{
    finds(BODY("int r; await_timeout (r, 1) { return 1; }"), "2:31 return-in-block");
    finds(BODY("int r; await_group (r, g) { if (x) return 1; }"), "2:36 return-in-block");
    finds(BODY("int r; await_with (r, &l) await_shield (r) return 1;"), "2:44 return-in-block");
    finds(BODY("int r; await_for_each (r, i, ints(3)) for (;;) if (i) return i; else break;"),
          "2:55 return-in-block");
    finds(BODY("int r; await_shield (r) goto out;\nout:"), "2:25 return-in-block");
    finds(BODY("int r, s; await_timeout (r, 1) { await_shield (s) { if (x) { for (;;) { return 1; } } } }"),
          "2:73 return-in-block");
    finds(BODY("int r; await_group (r, g) { switch (x) { case 1: return 1; default: do { if (y) return\n2; } while (z); } }"),
          "2:50 return-in-block; 2:81 return-in-block");
    finds("int plain(void) { int r; await_timeout (r, 1) return r; return 0; }",
          "1:47 return-in-block");
}
END_TEST

START_TEST(a_return_beside_a_block_is_right)
{
    clean(BODY("int r; await_timeout (r, 1) { r = await_sleep(2); if (r < 0) break; }\nreturn r;"));
    clean(BODY("int r; await_timeout (r, 1) ASYNC_TRY(await_sleep(2)); return r;"));
    clean(BODY("int r; await_group (r, g) { goto again; again: work(); }"));
    clean(BODY("int r; await_timeout (r, 1) if (a) b(); else c(); return r;"));
    clean(BODY("int r; await_timeout (r, 1) do { x(); } while (y); return r;"));
    clean(BODY("if (x) return await_group(1);")); /* no block: nothing follows but the end */
}
END_TEST

START_TEST(blocking_calls_in_tasks_are_found)
{
    finds(BODY("sleep(1);"), "2:1 blocking");
    finds("ASYNC_GEN(int, g, (int)n) { usleep(1); }", "1:29 blocking");
    finds("int await_it(void) { return system(\"x\"); }", "1:29 blocking");
    finds("int it(void) { ASYNC_TRY(await_sleep(1)); nanosleep(&t, NULL); return 0; }",
          "1:43 blocking");
    finds(BODY("if (getaddrinfo(h, p, 0, &a)) return connect(s, a, n);"),
          "2:5 blocking; 2:38 blocking");
    finds(BODY("n = recv(fd, b, s, 0), n = read(fd, b, s), n = send(fd, b, s, 0);"),
          "2:5 blocking; 2:28 blocking; 2:48 blocking");
    finds(BODY("fgets(b, s, stdin); getchar();"), "2:1 blocking; 2:21 blocking");
    finds(BODY("waitpid(p, &s, 0); pthread_join(t, 0); popen(c, \"r\");"),
          "2:1 blocking; 2:20 blocking; 2:40 blocking");
    finds(BODY("poll(fds, 1, -1); flock(fd, LOCK_EX);"), "2:1 blocking; 2:19 blocking");
    finds(BODY("(void)usleep(1); if ((n = (int)read(fd, b, s)) < 0 || !sleep(1)) x = a ? sleep(2) : 0;"),
          "2:7 blocking; 2:32 blocking; 2:56 blocking; 2:74 blocking");
    finds(BODY("while (waitpid(p,\n&s, 0)\n< 0 &&\nerrno == EINTR) ;"), "2:8 blocking");
    finds(BODY("else_too: usleep\n(1); switch (x) { case 1: usleep(2); default: do usleep(3); while (0); }"),
          "2:11 blocking; 3:27 blocking; 3:50 blocking");
    /* what a task calls runs in it */
    finds("static int deep(void) { sleep(1); }\nstatic int mid(void) { deep(); }\n" BODY("mid();"),
          "1:25 blocking");
}
END_TEST

START_TEST(what_does_not_block_is_right)
{
    clean("int main(void) { sleep(1); return async_main(amain()); }");
    clean(BODY("ASYNC_TRY(await_fd_ready(fd, POLLIN)); n = read(fd, b, s);"));
    clean(BODY("fd = socket(a, SOCK_STREAM | SOCK_NONBLOCK, 0); connect(fd, a, n);"));
    clean(BODY("recv(fd, b, n, MSG_DONTWAIT); waitpid(p, &s, WNOHANG); flock(fd, LOCK_EX | LOCK_NB);"));
    clean(BODY("struct pollfd p = { fd, POLLOUT, 0 }; if (poll(&p, 1, 0) == 1) write(fd, b, n);"));
    clean(BODY("fgets(b, s, file); poll(fds, 1, 0);"));
    clean(BODY("s->read(x); s.sleep(1); int sleep; /* sleep(1) */ p(\"sleep(1)\"); // sleep(1)\nint (*fn)(int) = sleep;"));
    clean("#define NAP sleep(1)\n" BODY("x();"));
    clean("int connect(int s) { return s; }\n" BODY("connect(1);")); /* not libc's */
    clean(BODY("r = async_blocking(read(fd, b, s));"));
    clean("ASYNC_THREAD(work, (int)n) { sleep(n); return 0; }\n" BODY("ASYNC_TRY(await_work(1));"));
    clean("ASYNC_DEF(work, (int)n) { sleep(n); return 0; }\n" BODY(
            "ASYNC_TRY(await_to_thread(work(1)));"));
    clean("static void *worker(void *a) { sleep(1); }\n" BODY("pthread_create(&t, NULL, worker, NULL);"));
}
END_TEST

START_TEST(a_lock_that_is_held_over_an_await_is_found)
{
    finds(BODY("pthread_mutex_lock(&m); r = await_sleep(1); pthread_mutex_unlock(&m);"),
          "2:29 lock-over-await");
    finds(BODY("mtx_lock(&m); await_timeout (r, 1) x();"), "2:15 lock-over-await");
    finds(BODY("pthread_mutex_lock(&m); if (bad) { pthread_mutex_unlock(&m); return 1; } r = await_x();"),
          "2:78 lock-over-await");
    clean(BODY("pthread_mutex_lock(&m); x(); pthread_mutex_unlock(&m); r = await_sleep(1);"));
    clean(BODY("{ pthread_mutex_lock(&m); if (y) { pthread_mutex_unlock(&m); } else x(); } r = await_sleep(1);"));
}
END_TEST

START_TEST(a_forgotten_coroutine_is_found)
{
    finds("ASYNC_DEF(f) {\nf(); }", "2:1 never-awaited");
    finds(BODY("async_sleep(1); if (x) async_sleep(2); else (void)async_sleep(3);"),
          "2:1 never-awaited; 2:24 never-awaited; 2:51 never-awaited");
    finds("ASYNC_CO(far, (int)n)\nint g(void) { async_ignore(far(1)); return 0; }",
          "2:28 never-awaited");
    finds(BODY("async_co c = async_sleep(1);"), "2:10 never-awaited");
    clean(BODY("async_co c = async_sleep(1); ASYNC_TRY(await_co(c));"));
    clean(BODY("r = await_f(); async_spawn(g, f()); await_task_auto t = async_create_task(f()); other();"));
}
END_TEST

START_TEST(a_loop_that_swallows_a_cancel_is_found)
{
    finds(BODY("for (;;) { r = await_sleep(1); work(r); }"), "2:1 swallowed-cancel");
    finds(BODY("while (true) async_ignore(await_sleep(1));"), "2:1 swallowed-cancel");
    finds(BODY("do { r = await_sleep(1); } while (1);"), "2:1 swallowed-cancel");
    finds(BODY("while (running) { async_ignore(await_sleep(1)); work(); }"), "2:1 swallowed-cancel");
    finds(BODY("for (;;) { await_timeout (r, 1) { r = await_x(); break; } work(); }"),
          "2:1 swallowed-cancel");
    finds(BODY("for (;;) { r = await_get(q, &v); if (r < 0) continue; ASYNC_TRY(await_put(o, v)); }"),
          "2:45 swallowed-cancel");
    finds(BODY("while (1) { if (await_get(q, &v) < 0) { log(); continue; } if (v) break; }"),
          "2:48 swallowed-cancel");
}
END_TEST

START_TEST(a_loop_that_repeats_what_fails_is_found)
{
    finds(BODY("while ((r = await_x()) < 0);"), "2:1 swallowed-cancel");
    finds(BODY("while (\n(r = await_x(a,\nb)) < 0\n) ;"), "2:1 swallowed-cancel");
    finds(BODY("while (await_x() != 0) work();"), "2:1 swallowed-cancel");
    finds(BODY("while (await_x()) work();"), "2:1 swallowed-cancel");
    finds(BODY("while ((r = (int)await_x())) { work(); }"), "2:1 swallowed-cancel");
    finds(BODY("while (0 > (r = await_x())) { work(); }"), "2:1 swallowed-cancel");
    finds(BODY("while (r < 0) r = await_x();"), "2:1 swallowed-cancel");
    finds(BODY("while (r != 0) { r = (int)await_x(); }"), "2:1 swallowed-cancel");
    finds(BODY("do { r = await_x(); } while (r < 0);"), "2:1 swallowed-cancel");
    finds(BODY("do work(); while (await_x() < 0);"), "2:1 swallowed-cancel");
    finds(BODY("for (; await_x() < 0;) {}"), "2:1 swallowed-cancel");
    finds(BODY("for (n = 0; (r = await_x()) < 0; n++) work(n);"), "2:1 swallowed-cancel");
    finds(BODY("while (more || await_x() < 0) work();"), "2:1 swallowed-cancel");
    finds(BODY("while ((r = await_x()) == -EAGAIN || r != -EPIPE) work();"), "2:1 swallowed-cancel");
    finds(BODY("while (await_x() < 0) async_ignore(await_sleep(1));"), "2:1 swallowed-cancel");
    finds(BODY("while (r < 0) await_timeout (r, 1) r = await_x();"), "2:1 swallowed-cancel");
    finds(BODY("for (;;) { if ((r = await_x())) continue; if (r == 7) break; }"),
          "2:33 swallowed-cancel");
    finds(BODY("for (;;) { r = await_x(); if (r) { log(r); continue; } if (done) break; }"),
          "2:44 swallowed-cancel");
}
END_TEST

START_TEST(a_loop_that_ends_with_a_failure_is_right)
{
    clean(BODY("while ((r = await_x()) == 0);"));
    clean(BODY("while ((r = await_x()) > 0) {}"));
    clean(BODY("while (!(r = await_x())) work();"));
    clean(BODY("while ((r = await_x()) == -EAGAIN) work();"));
    clean(BODY("while ((r = await_x()) < 0 && tries-- > 0) work();"));
    clean(BODY("while (await_x() < 0) ASYNC_TRY(await_sleep(1));"));
    clean(BODY("while ((r = await_x()) < 0 && r != -ECANCELED) work();"));
    clean(BODY("while ((r = await_x()) < 0) if (over) break;"));
    clean(BODY("while (r < 0) { r = await_x(); r = check(r); }"));
    clean(BODY("while (r < 0) { r = await_x(); fix(&r); }"));
    clean(BODY("while (n > 0) { n = (int)await_x(); }"));
    clean(BODY("while (n > 0) { n = (ssize_t)(int)await_x(); }"));
    clean(BODY("do { r = (int)await_x(); } while (r == 0);"));
    clean(BODY("while (await_x() > 0 ? more : 0) work();"));
    clean(BODY("for (n = 0; n < 3 && await_x() < 0; n++) ;"));
    clean(BODY("while ((d = first)) { first = d->next; await_end(d); }"));
}
END_TEST

START_TEST(a_loop_that_ends_is_right)
{
    clean(BODY("for (;;) { ASYNC_TRY(await_sleep(1)); }"));
    clean(BODY("for (;;) { r = await_sleep(1); if (r < 0) break; }"));
    clean(BODY("while ((r = await_get(q, &v)) == 0) work(v);"));
    clean(BODY("while (r == 0) { r = await_get(q, &v); }"));
    clean(BODY("for (;;) { r = await_x(); if (r == -ECANCELED) return r; if (r < 0) continue; }"));
    clean(BODY("for (int i = 0; i < n; i++) r[i] = await_task(t[i]);"));
    clean(BODY("for (int i = 0; i < 5; i++) { r = await_get(u); if (r < 0) continue; break; }"));
    clean(BODY("for (;;) { int c = next(); if (c < 0) continue; ASYNC_TRY(await_x(c)); }"));
    clean(BODY("for (;;) work();"));
}
END_TEST

START_TEST(comments_allow)
{
    clean(BODY("sleep(1); /* asyncio: allow blocking: on purpose */"));
    clean(BODY("// asyncio: allow blocking - in memory\nsleep(1);"));
    clean("/* asyncio: allow-file blocking, never-awaited */\n" BODY(
            "sleep(1); async_sleep(1);\nsleep(2);"));
    clean(BODY("/* It is short.\n * asyncio: allow blocking */\nsleep(1);"));
    clean("/* of \"asyncio: allow blocking\" */");
    finds(BODY("/* asyncio: allow blocking */\nx(); sleep(1);\nsleep(2);"), "4:1 blocking");
    finds(BODY("sleep(1); /* asyncio: allow never-awaited */"), "2:1 blocking; 2:11 unused-allow");
    finds(BODY("x(); /* asyncio: allow blocking */"), "2:6 unused-allow");
    finds(BODY("sleep(1); /* asyncio: allow blokcing */"), "2:1 blocking; 2:11 unused-allow");
}
END_TEST

START_TEST(the_source_is_cut_as_c_is)
{
    clean("#if 0\n" BODY("sleep(1); it's not C") "#endif\n");
    finds("#if 0\n}}}\n#else\n" BODY("sleep(1);") "#endif\n", "5:1 blocking");
    clean("#ifdef A\nint f(int a) {\n#else\nint f(void) {\n#endif\nreturn 0; }\n");
    finds("#ifdef __cplusplus\nextern \"C\" {\n#endif\n" BODY("sleep(1);") "#ifdef __cplusplus\n}\n#endif\n",
          "5:1 blocking");
    finds("#define X(a) \\\n  do { sleep(a); \\\n  } while (0)\n" BODY(
                  "char c = '\"'; sleep(1); c = '\\'';"),
          "5:15 blocking");
    finds(BODY("x(\"a\\\"b\\\n); sleep(1);\"); /* // */ sleep(2);"), "3:26 blocking");
    finds("int f(void) __attribute__((x(1))) { ASYNC_TRY(1); sleep(1); }", "1:51 blocking");
    finds("static int x[] = { 1 };\nstruct s { int a; };\nint f(void) { r = await_x(); sleep(1); }",
          "3:30 blocking");
    clean("");
    clean("int");
    finds("int f(void) { (]; }", "1:16 this ']' closes nothing");
    finds("int f(void) {\n  {", "2:3 this '{' is never closed");
    finds("}", "1:1 this '}' closes nothing");
}
END_TEST

/* Whatever a file is cut off at, or has lost, it is read to its end. */
START_TEST(half_a_file_is_no_danger)
{
    static const char text[] = "#if 1\n" BODY(
            "for (;;) { if (await_x(1) < 0) continue; else do { sleep(1); } while (x); }\n"
            "await_group (r, g) { async_spawn(g, f()); goto out; } /* asyncio: allow blocking */\nout:") "#endif\nint await_g(void) { pthread_mutex_lock(&m); async_co c = f(); return await_f(); }\n";
    struct lint_report r;
    char part[sizeof text];
    for (size_t n = 0; n < sizeof text; n++) {
        ck_assert(lint_text(text, n, &r));
        lint_free(&r);
        ck_assert(lint_text(text + n, sizeof text - 1 - n, &r));
        lint_free(&r);
        memcpy(part, text, sizeof text); /* and without one character */
        memmove(part + n, part + n + 1, sizeof text - n - 1);
        ck_assert(lint_text(part, sizeof text - 2, &r));
        lint_free(&r);
    }
}
END_TEST

SUITE("lint", a_return_out_of_a_block_is_found, a_return_beside_a_block_is_right,
      blocking_calls_in_tasks_are_found, what_does_not_block_is_right,
      a_lock_that_is_held_over_an_await_is_found, a_forgotten_coroutine_is_found,
      a_loop_that_swallows_a_cancel_is_found, a_loop_that_repeats_what_fails_is_found,
      a_loop_that_ends_with_a_failure_is_right, a_loop_that_ends_is_right, comments_allow,
      the_source_is_cut_as_c_is, half_a_file_is_no_danger)
