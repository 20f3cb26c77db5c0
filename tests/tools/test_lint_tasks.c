/* SPDX-License-Identifier: MIT */
/* test_lint_tasks.c - the rules about what tasks call, and what they are given. */
#include "lint_check.h"

/* ---- blocking ---- */

START_TEST(blocking_call_in_task_is_reported)
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
}
END_TEST

START_TEST(blocking_call_inside_expression_is_reported)
{
    finds(BODY("(void)usleep(1); if ((n = (int)read(fd, b, s)) < 0 || !sleep(1))"
               " x = a ? sleep(2) : 0;"),
          "2:7 blocking; 2:32 blocking; 2:56 blocking; 2:74 blocking");
    finds(BODY("while (waitpid(p,\n&s, 0)\n< 0 &&\nerrno == EINTR) ;"), "2:8 blocking");
    finds(BODY("else_too: usleep\n(1);"
               " switch (x) { case 1: usleep(2); default: do usleep(3); while (0); }"),
          "2:11 blocking; 3:27 blocking; 3:50 blocking");
}
END_TEST

START_TEST(blocking_call_in_function_that_task_calls_is_reported)
{
    finds("static int deep(void) { sleep(1); }\nstatic int mid(void) { deep(); }\n" BODY("mid();"),
          "1:25 blocking");
    clean("int main(void) { sleep(1); return async_main(amain()); }");
    clean("static void *worker(void *a) { sleep(1); }\n" BODY(
            "pthread_create(&t, NULL, worker, NULL);"));
}
END_TEST

START_TEST(call_that_does_not_block_is_not_reported)
{
    clean(BODY("ASYNC_TRY(await_fd_ready(fd, POLLIN)); n = read(fd, b, s);"));
    clean(BODY("fd = socket(a, SOCK_STREAM | SOCK_NONBLOCK, 0); connect(fd, a, n);"));
    clean(BODY("recv(fd, b, n, MSG_DONTWAIT); waitpid(p, &s, WNOHANG);"
               " flock(fd, LOCK_EX | LOCK_NB);"));
    clean(BODY("struct pollfd p = { fd, POLLOUT, 0 }; if (poll(&p, 1, 0) == 1) write(fd, b, n);"));
    clean(BODY("fgets(b, s, file); poll(fds, 1, 0);"));
    clean(BODY("r = async_blocking(read(fd, b, s));"));
}
END_TEST

START_TEST(name_of_blocking_call_elsewhere_is_not_reported)
{
    clean(BODY("s->read(x); s.sleep(1); int sleep; /* sleep(1) */ p(\"sleep(1)\");"
               " // sleep(1)\nint (*fn)(int) = sleep;"));
    clean("#define NAP sleep(1)\n" BODY("x();"));
    clean("int connect(int s) { return s; }\n" BODY("connect(1);")); /* not the one of libc */
}
END_TEST

START_TEST(blocking_call_in_thread_is_not_reported)
{
    clean("ASYNC_THREAD(work, (int)n) { sleep(n); return 0; }\n" BODY("ASYNC_TRY(await_work(1));"));
    clean("ASYNC_DEF(work, (int)n) { sleep(n); return 0; }\n" BODY(
            "ASYNC_TRY(await_to_thread(work(1)));"));
}
END_TEST

/* ---- lock-over-await ---- */

START_TEST(await_under_lock_is_reported)
{
    finds(BODY("pthread_mutex_lock(&m); r = await_sleep(1); pthread_mutex_unlock(&m);"),
          "2:29 lock-over-await");
    finds(BODY("mtx_lock(&m); await_timeout (*r, 1) x();"), "2:15 lock-over-await");
    finds(BODY("pthread_mutex_lock(&m); if (bad) { pthread_mutex_unlock(&m); return 1; }"
               " r = await_x();"),
          "2:78 lock-over-await");
}
END_TEST

START_TEST(await_after_unlock_is_not_reported)
{
    clean(BODY("pthread_mutex_lock(&m); x(); pthread_mutex_unlock(&m); r = await_sleep(1);"));
    clean(BODY("{ pthread_mutex_lock(&m); if (y) { pthread_mutex_unlock(&m); } else x(); }"
               " r = await_sleep(1);"));
}
END_TEST

/* ---- never-awaited ---- */

START_TEST(coroutine_that_is_dropped_is_reported)
{
    finds("ASYNC_DEF(f) {\nf(); }", "2:1 never-awaited");
    finds(BODY("async_sleep(1); if (x) async_sleep(2); else (void)async_sleep(3);"),
          "2:1 never-awaited; 2:24 never-awaited; 2:51 never-awaited");
    finds("ASYNC_CO(far, (int)n)\nint g(void) { async_ignore(far(1)); return 0; }",
          "2:28 never-awaited");
    finds(BODY("async_co c = async_sleep(1);"), "2:10 never-awaited");
}
END_TEST

START_TEST(coroutine_that_is_used_is_not_reported)
{
    clean(BODY("async_co c = async_sleep(1); ASYNC_TRY(await_co(c));"));
    clean(BODY("r = await_f(); async_spawn(g, f()); await_task_auto t = async_create_task(f());"
               " other();"));
}
END_TEST

SUITE("lint tasks", blocking_call_in_task_is_reported, blocking_call_inside_expression_is_reported,
      blocking_call_in_function_that_task_calls_is_reported,
      call_that_does_not_block_is_not_reported, name_of_blocking_call_elsewhere_is_not_reported,
      blocking_call_in_thread_is_not_reported, await_under_lock_is_reported,
      await_after_unlock_is_not_reported, coroutine_that_is_dropped_is_reported,
      coroutine_that_is_used_is_not_reported)
