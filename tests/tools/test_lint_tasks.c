/* SPDX-License-Identifier: MIT */
/* test_lint_tasks.c - the rules about what tasks call, and what they are given. */
#include "lint_check.h"

/* ---- blocking ---- */

TEST(blocking_call_in_task_is_reported)
{
    expect_findings(BODY("sleep(1);"), "2:1 blocking");
    expect_findings("ASYNC_GEN(int, g, (int)n) { usleep(1); }", "1:29 blocking");
    expect_findings("int await_it(void) { return system(\"x\"); }", "1:29 blocking");
    expect_findings("int it(void) { ASYNC_TRY(await_sleep(1)); nanosleep(&t, NULL); return 0; }",
                    "1:43 blocking");
    expect_findings(BODY("if (getaddrinfo(h, p, 0, &a)) return connect(s, a, n);"),
                    "2:5 blocking; 2:38 blocking");
    expect_findings(BODY("n = recv(fd, b, s, 0), n = read(fd, b, s), n = send(fd, b, s, 0);"),
                    "2:5 blocking; 2:28 blocking; 2:48 blocking");
    expect_findings(BODY("fgets(b, s, stdin); getchar();"), "2:1 blocking; 2:21 blocking");
    expect_findings(BODY("fgets(b, s, file);"), "2:1 blocking");
    expect_findings(BODY("waitpid(p, &s, 0); pthread_join(t, 0); popen(c, \"r\");"),
                    "2:1 blocking; 2:20 blocking; 2:40 blocking");
    expect_findings(BODY("poll(fds, 1, -1); flock(fd, LOCK_EX);"), "2:1 blocking; 2:19 blocking");
}

TEST(blocking_call_inside_expression_is_reported)
{
    expect_findings(BODY("(void)usleep(1); if ((n = (int)read(fd, b, s)) < 0 || !sleep(1))"
                         " x = a ? sleep(2) : 0;"),
                    "2:7 blocking; 2:32 blocking; 2:56 blocking; 2:74 blocking");
    expect_findings(BODY("while (waitpid(p,\n&s, 0)\n< 0 &&\nerrno == EINTR) ;"), "2:8 blocking");
    expect_findings(BODY("else_too: usleep\n(1);"
                         " switch (x) { case 1: usleep(2); default: do usleep(3); while (0); }"),
                    "2:11 blocking; 3:27 blocking; 3:50 blocking");
}

TEST(blocking_call_in_function_that_task_calls_is_reported)
{
    expect_findings("static int deep(void) { sleep(1); }\nstatic int mid(void) { deep(); }\n" BODY(
                            "mid();"),
                    "1:25 blocking");
    expect_no_finding("int main(void) { sleep(1); return async_main(amain()); }");
    expect_no_finding("static void *worker(void *a) { sleep(1); }\n" BODY(
            "pthread_create(&t, NULL, worker, NULL);"));
}

TEST(call_that_does_not_block_is_not_reported)
{
    expect_no_finding(BODY("ASYNC_TRY(await_fd_ready(fd, POLLIN)); n = read(fd, b, s);"));
    expect_no_finding(BODY("fd = socket(a, SOCK_STREAM | SOCK_NONBLOCK, 0); connect(fd, a, n);"));
    expect_no_finding(BODY("recv(fd, b, n, MSG_DONTWAIT); waitpid(p, &s, WNOHANG);"
                           " flock(fd, LOCK_EX | LOCK_NB);"));
    expect_no_finding(BODY(
            "struct pollfd p = { fd, POLLOUT, 0 }; if (poll(&p, 1, 0) == 1) write(fd, b, n);"));
    expect_no_finding(BODY("f = fmemopen(b, n, \"r\"); fgets(b, s, f); poll(fds, 1, 0);"));
    expect_no_finding(BODY("r = async_blocking(read(fd, b, s));"));
}

TEST(name_of_blocking_call_elsewhere_is_not_reported)
{
    expect_no_finding(BODY("s->read(x); s.sleep(1); int sleep; /* sleep(1) */ p(\"sleep(1)\");"
                           " // sleep(1)\nint (*fn)(int) = sleep;"));
    expect_no_finding("#define NAP sleep(1)\n" BODY("x();"));
    /* not the one of libc */
    expect_no_finding("int connect(int s) { return s; }\n" BODY("connect(1);"));
}

TEST(blocking_call_in_thread_is_not_reported)
{
    expect_no_finding("ASYNC_THREAD(work, (int)n) { sleep(n); return 0; }\n" BODY(
            "ASYNC_TRY(await_work(1));"));
    expect_no_finding("ASYNC_DEF(work, (int)n) { sleep(n); return 0; }\n" BODY(
            "ASYNC_TRY(await_to_thread(work(1)));"));
}

/* ---- lock-over-await ---- */

TEST(await_under_lock_is_reported)
{
    expect_findings(BODY("pthread_mutex_lock(&m); r = await_sleep(1); pthread_mutex_unlock(&m);"),
                    "2:29 lock-over-await");
    expect_findings(BODY("mtx_lock(&m); await_timeout (*r, 1) x();"), "2:15 lock-over-await");
    expect_findings(BODY("pthread_mutex_lock(&m); if (bad) { pthread_mutex_unlock(&m); return 1; }"
                         " r = await_x();"),
                    "2:78 lock-over-await");
}

TEST(await_after_unlock_is_not_reported)
{
    expect_no_finding(
            BODY("pthread_mutex_lock(&m); x(); pthread_mutex_unlock(&m); r = await_sleep(1);"));
    expect_no_finding(
            BODY("{ pthread_mutex_lock(&m); if (y) { pthread_mutex_unlock(&m); } else x(); }"
                 " r = await_sleep(1);"));
}

/* ---- never-awaited ---- */

TEST(coroutine_that_is_dropped_is_reported)
{
    expect_findings("ASYNC_DEF(f) {\nf(); }", "2:1 never-awaited");
    expect_findings(BODY("async_sleep(1); if (x) async_sleep(2); else (void)async_sleep(3);"),
                    "2:1 never-awaited; 2:24 never-awaited; 2:51 never-awaited");
    expect_findings("ASYNC_CO(far, (int)n)\nint g(void) { async_ignore(far(1)); return 0; }",
                    "2:28 never-awaited");
    expect_findings(BODY("async_co c = async_sleep(1);"), "2:10 never-awaited");
}

TEST(coroutine_that_is_used_is_not_reported)
{
    expect_no_finding(BODY("async_co c = async_sleep(1); ASYNC_TRY(await_co(c));"));
    expect_no_finding(
            BODY("r = await_f(); async_spawn(g, f()); await_task_auto t = async_create_task(f());"
                 " other();"));
}

/* ---- short-lived-argument ---- */

TEST(address_of_loop_variable_is_reported)
{
    expect_findings(
            SPAWNS("int r; await_group (r, g) for (int i = 0; i < 3; i++) async_spawn(g, job(&i));"
                   "return r;"),
            "3:74 short-lived-argument");
    expect_findings(SPAWNS("int r; await_group (r, g) { await_for_each (r, x, ints(3))"
                           " async_spawn(g, job(&x)); } return r;"),
                    "3:79 short-lived-argument");
    expect_findings(SPAWNS("async_co cos[3]; for (int i = 0; i < 3; i++) cos[i] = job(&i);"
                           " return await_gather_n(cos, 3, NULL);"),
                    "3:59 short-lived-argument");
    expect_findings(SPAWNS("async_task *t[3]; for (int i = 0; i < 3; i++) t[i] = "
                           "async_create_task(job(&i));"
                           " return await_task(t[0]);"),
                    "3:76 short-lived-argument");
}

TEST(address_of_variable_in_loop_body_is_reported)
{
    expect_findings(SPAWNS("int r; await_group (r, g) { while (n--) { int x = n; async_spawn(g, "
                           "job(&x)); } }"
                           " return r;"),
                    "3:73 short-lived-argument");
    expect_findings(SPAWNS("int r; await_group (r, g) { while (n--) { char b[9]; fill(b);"
                           " async_group_create_task(g, job(b)); } } return r;"),
                    "3:94 short-lived-argument");
    expect_findings(SPAWNS("int r; await_group (r, g) { while (n--) { struct x x = get();"
                           " async_spawn(g, job((void *)&x.y), .name = \"x\"); } } return r;"),
                    "3:82 short-lived-argument");
    expect_findings(
            SPAWNS("int r; await_group (r, g) { while (n--) async_spawn(g, job(&(int){ n })); }"
                   " return r;"),
            "3:60 short-lived-argument");
    expect_findings(
            SPAWNS("int r; await_group (r, g) { int x = 1; async_spawn(g, job(&x)); } return r;"),
            "3:59 short-lived-argument"); /* the group waits after its braces */
    expect_findings(
            SPAWNS("int r; await_group (r, g) { while (n--) { int x = n; async_spawn(g, job(&x));"
                   " ASYNC_TRY(await_sleep(1)); } } return r;"),
            "3:73 short-lived-argument"); /* a sleep is no wait for the task */
}

TEST(address_of_variable_that_outlives_task_is_not_reported)
{
    expect_no_finding(
            SPAWNS("int r, x; await_group (r, g) { async_spawn(g, job(&x)); } return r;"));
    expect_no_finding(SPAWNS("int r, x[3]; await_group (r, g) for (int i = 0; i < 3; i++)"
                             " async_spawn(g, job(&x[i])); return r;"));
    expect_no_finding(SPAWNS("for (int i = 0; i < 3; i++) { int r; await_group (r, g)"
                             " async_spawn(g, job(&i)); ASYNC_TRY(r); }"));
    expect_no_finding(
            SPAWNS("for (int i = 0; i < 3; i++) { await_task_auto t = async_create_task(job(&i));"
                   " ASYNC_TRY(await_task(t)); }"));
    expect_no_finding(SPAWNS(
            "int r; await_group (r, g) { static int x; async_spawn(g, job(&x)); } return r;"));
}

TEST(value_of_loop_variable_is_not_reported)
{
    expect_no_finding(
            SPAWNS("int r; await_group (r, g) for (int i = 0; i < 3; i++) async_spawn(g, job(i));"
                   " return r;"));
    expect_no_finding(SPAWNS("int r; await_group (r, g) for (struct x *p = all; p; p = p->next)"
                             " async_spawn(g, job(&p->y)); return r;"));
    expect_no_finding(SPAWNS(
            "int r; await_group (r, g) while (n--) { char *b = get(); async_spawn(g, job(b));"
            " async_spawn(g, job(&b[1])); } return r;"));
    expect_no_finding(SPAWNS("int r; await_group (r, g) while (n--) { char b[9]; fill(b);"
                             " async_spawn(g, job(keep(b))); } return r;"));
}

TEST(address_is_not_reported_where_the_task_may_be_awaited)
{
    expect_no_finding(
            SPAWNS("int r; await_group (r, g) while (n--) { async_event e = { 0 };"
                   " async_spawn(g, job(&e)); ASYNC_TRY(await_event_wait(&e)); } return r;"));
    expect_no_finding("int await_it(void) { return await_x(); }\n" SPAWNS(
            "int r; await_group (r, g) while (n--) { int x; async_spawn(g, job(&x)); wait(); }"
            " return r;") "static void wait(void) { async_ignore(await_y()); }\n");
    expect_no_finding(SPAWNS("for (int i = 0; i < 3; i++) async_spawn(q->group, job(&i));"));
}

/* ---- local-in-background ---- */

TEST(address_of_local_in_background_task_is_reported)
{
    expect_findings(SPAWNS("int x = 1; async_spawn(async_background(), job(&x));"),
                    "3:48 local-in-background");
    expect_findings(
            "ASYNC_DEF(f, (struct x)x) { async_spawn(async_background(), job(&x.y)); return 0; }",
            "1:65 local-in-background");
    expect_findings(SPAWNS("char b[9]; async_group *g = async_background();"
                           " async_task *t = async_group_create_task(g, job(b)); use(t);"),
                    "3:96 local-in-background");
    expect_findings(SPAWNS("int r, x = 1; async_spawn(async_background(), job(&x));"
                           " await_timeout (r, 1) async_ignore(await_sleep(2)); return r;"),
                    "3:51 local-in-background");
    expect_findings(SPAWNS("async_spawn(async_background(), job((int[]){ 1 }));"),
                    "3:37 local-in-background");
}

TEST(other_memory_in_background_task_is_not_reported)
{
    expect_no_finding("static int x;\n" SPAWNS("async_spawn(async_background(), job(&x));"));
    expect_no_finding("static int x;\n" SPAWNS("{ int x = 1; use(x); }"
                                               " async_spawn(async_background(), job(&x));"));
    expect_no_finding("static int i;\n" SPAWNS("for (int i = 0; i < 3; i++) use(i);"
                                               " async_spawn(async_background(), job(&i));"));
    expect_no_finding(SPAWNS("static int x; async_spawn(async_background(), job(&x));"));
    expect_no_finding(SPAWNS("struct x *x = get(); async_spawn(async_background(), job(x));"));
    expect_no_finding(SPAWNS("struct x *x = get(); async_spawn(async_background(), job(&x->y));"));
    expect_no_finding(SPAWNS("int x = 1; async_spawn(async_background(), job(x));"));
    expect_no_finding(SPAWNS("async_event e = { 0 }; async_spawn(async_background(), job(&e));"
                             " ASYNC_TRY(await_event_wait(&e));"));
}

/* ---- leaked-argument ---- */

TEST(allocated_argument_without_owner_is_reported)
{
    expect_findings(SPAWNS("async_spawn(g, job(strdup(s)));"), "3:20 leaked-argument");
    expect_findings(SPAWNS("char *p = strdup(s); async_spawn(g, job(p));"), "3:41 leaked-argument");
    expect_findings(SPAWNS("struct x *p = calloc(1, sizeof *p); if (!p) return -ENOMEM; p->y = 1;"
                           " async_task *t = async_create_task(job(p)); use(t);"),
                    "3:109 leaked-argument");
    expect_findings(SPAWNS("char *p; if (asprintf(&p, \"%d\", n) < 0) return -ENOMEM;"
                           " async_spawn(g, job(p));"),
                    "3:76 leaked-argument");
    expect_findings(SPAWNS("char *p = malloc(9); if (x) { free(p); return -1; } strcpy(p, s);"
                           " async_spawn(g, job((void *)p));"),
                    "3:94 leaked-argument");
}

TEST(argument_with_owner_is_not_reported)
{
    expect_no_finding(
            SPAWNS("char *p = strdup(s); async_spawn(g, job(p), .owned = p, .drop = free);"));
    expect_no_finding(SPAWNS("async_spawn(g, job(strdup(s)), .drop = free_all);"));
    expect_no_finding(
            SPAWNS("char *p = strdup(s); async_spawn(g, job(p)); ASYNC_TRY(await_x()); free(p);"));
    expect_no_finding(SPAWNS("char *p = strdup(s); if (async_spawn(g, job(p)) < 0) free(p);"));
    expect_no_finding(SPAWNS("auto_free char *p = strdup(s); async_spawn(g, job(p));"));
    expect_no_finding(SPAWNS("char *p = strdup(s); q->list = p; async_spawn(g, job(p));"));
    expect_no_finding(SPAWNS("char *p = strdup(s); remember(p); async_spawn(g, job(p));"));
    expect_no_finding(SPAWNS("char *p = x ? strdup(s) : t; async_spawn(g, job(p));"));
    expect_no_finding(
            "ASYNC_DEF(f, (char *)p) { p = strdup(p); async_spawn(g, job(p)); return 0; }");
    expect_no_finding("static char *strdup(char *s) { return s; }\n" SPAWNS(
            "async_spawn(g, job(strdup(s)));"));
}

SUITE("lint tasks", blocking_call_in_task_is_reported, blocking_call_inside_expression_is_reported,
      blocking_call_in_function_that_task_calls_is_reported,
      call_that_does_not_block_is_not_reported, name_of_blocking_call_elsewhere_is_not_reported,
      blocking_call_in_thread_is_not_reported, await_under_lock_is_reported,
      await_after_unlock_is_not_reported, coroutine_that_is_dropped_is_reported,
      coroutine_that_is_used_is_not_reported, address_of_loop_variable_is_reported,
      address_of_variable_in_loop_body_is_reported,
      address_of_variable_that_outlives_task_is_not_reported,
      value_of_loop_variable_is_not_reported, address_is_not_reported_where_the_task_may_be_awaited,
      address_of_local_in_background_task_is_reported,
      other_memory_in_background_task_is_not_reported, allocated_argument_without_owner_is_reported,
      argument_with_owner_is_not_reported)
