/* SPDX-License-Identifier: MIT */
/* Workers that send invalid packets, or die while they send one; a kernel without pidfds; a file
 * that was replaced; a loop with a virtual clock. The library is part of this program, so the tests
 * also show that a worker begins in a program that has no shared library. */
#include "../frame/suite.h"

#include <asyncio.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sys.h"
#include "pool/elf_file.h"
#include "pool/packet.h"

/* --- in the worker --- */

/* What is sent before the reply, or in its place. */
struct forgery {
    int size; /* bytes to send: the packet below, then others; -1: none */
    bool dies, then_replies;
    struct packet packet;
};

static int forge(const void *in, void *out)
{
    static unsigned char packet[PACKET_MAX * 2];
    const struct forgery *f = in;
    memset(packet, 0xee, sizeof packet);
    memcpy(packet, &f->packet, sizeof f->packet);
    if (f->size >= 0)
        send(WORKER_SOCKET, packet, (size_t)f->size, 0);
    if (f->dies)
        raise(SIGKILL);
    if (!f->then_replies)
        for (;;)
            pause();
    *(int *)out = 3;
    return 0;
}

static int doubles(const void *in, void *out)
{
    *(int *)out = 2 * *(const int *)in;
    return 0;
}

static int get_number(const void *in, void *out)
{
    (void)in;
    *(pid_t *)out = getpid();
    return 0;
}

static int nap(const void *in, void *out)
{
    (void)out;
    usleep(*(const unsigned *)in * 1000);
    return 7;
}

/* --- packets --- */

/* The reply of the worker is forged: the call fails with that message, the next one succeeds in a
 * new worker. */
static int await_forgery(async_process_pool *p, const struct forgery *f, const char *message)
{
    int answer = 1, n = 21;
    int r = await_process_pool_call(p, forge, f, sizeof *f, &answer, sizeof answer);
    expect_that(r == -EOWNERDEAD, "%d bytes: %d %s", f->size, r, async_fail_text(r));
    expect_that(strstr(async_fail_text(r), message), "%d bytes: %s", f->size, async_fail_text(r));
    expect_true(answer == 1);
    expect_true(await_process_pool_call(p, doubles, &n, sizeof n, &answer, sizeof answer) == 0);
    expect_true(answer == 42);
    return 0;
}

/* A valid reply to the call of a worker with that number, from 0. */
static struct forgery valid_reply(uint32_t seq)
{
    return (struct forgery){
        .size = sizeof(struct packet) + sizeof(int),
        .packet = { .kind = PACKET_REPLY, .seq = seq, .out_size = sizeof(int) }
    };
}

ASYNC_DEF(death_within_a_packet_fails_the_call)
{
    for (int size = 0; size < (int)sizeof(struct packet) + 4; size++) {
        async_process_pool_auto p = async_process_pool_open(.max_workers = 1);
        struct forgery f = valid_reply(0);
        f.size = size;
        f.dies = true;
        expect_true(await_forgery(p, &f, "killed") == 0);
    }
    return 0;
}

ASYNC_DEF(death_after_the_reply_leaves_the_result)
{
    async_process_pool_auto p = async_process_pool_open(.max_workers = 1);
    struct forgery f = valid_reply(0);
    int answer = 0;
    f.dies = true;
    expect_true(await_process_pool_call(p, forge, &f, sizeof f, &answer, sizeof answer) == 0);
    expect_true((unsigned)answer == 0xeeeeeeee);
    return 0;
}

ASYNC_DEF(invalid_packet_fails_the_call_and_kills_the_worker)
{
    struct forgery all[10];
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        all[i] = valid_reply(i == 0 ? 1 : i == 1 ? UINT32_MAX : 0);
    all[2].packet.kind = PACKET_CALL;
    all[3].packet.out_size = 3;
    all[4].size += 1;
    all[5].packet.message_size = MESSAGE_MAX;
    all[5].size += MESSAGE_MAX;
    all[6].packet.out_size = UINT64_MAX;
    all[7].packet.kind = PACKET_READY; /* a second one */
    all[7].size = sizeof(struct packet);
    all[8].size = PACKET_MAX * 2;
    all[9].packet.out_size = 0x100000004;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        async_process_pool_auto p = async_process_pool_open(.max_workers = 1);
        expect_true(await_forgery(p, &all[i], "invalid reply") == 0);
    }
    return 0;
}

/* The second reply to one call answers none. The call that it meets may fail, no other one. */
ASYNC_DEF(second_reply_kills_the_worker)
{
    async_process_pool_auto p = async_process_pool_open(.max_workers = 1);
    struct async_process_pool_stats s = { 0 };
    struct forgery f = valid_reply(0);
    int answer, n = 4;
    f.then_replies = true;
    expect_true(await_process_pool_call(p, forge, &f, sizeof f, &answer, sizeof answer) == 0);
    while (s.killed == 0) {
        int r = await_process_pool_call(p, doubles, &n, sizeof n, &answer, sizeof answer);
        expect_true(r == 0 || r == -EOWNERDEAD);
        async_process_pool_stats(p, &s);
    }
    expect_true(await_process_pool_call(p, doubles, &n, sizeof n, &answer, sizeof answer) == 0);
    expect_true(answer == 8 && s.lost == 0);
    return 0;
}

/* The worker answers its call early and hangs. The next call is never begun, and moves to another
 * worker. */
ASYNC_DEF(early_reply_does_not_switch_off_the_timeout)
{
    async_process_pool_auto p = async_process_pool_open(.max_workers = 1, .timeout = 0.2);
    struct async_process_pool_stats s;
    struct forgery f = valid_reply(0);
    int answer, n = 4;
    expect_true(await_process_pool_call(p, forge, &f, sizeof f, &answer, sizeof answer) == 0);
    expect_true(await_process_pool_call(p, doubles, &n, sizeof n, &answer, sizeof answer) == 0);
    async_process_pool_stats(p, &s);
    expect_true(answer == 8 && s.killed == 1 && s.started == 2);
    return 0;
}

ASYNC_DEF(message_with_control_characters_is_made_printable)
{
    async_process_pool_auto p = async_process_pool_open(.max_workers = 1);
    struct forgery f = valid_reply(0);
    f.packet = (struct packet){ .kind = PACKET_REPLY, .result = -EPROTO, .message_size = 3 };
    f.size = sizeof f.packet + 3;
    f.dies = true;
    int answer, r = await_process_pool_call(p, forge, &f, sizeof f, &answer, sizeof answer);
    expect_true(r == -EPROTO);
    expect_true(strlen(async_fail_text(r)) == 3);
    return 0;
}

/* --- the end of a worker --- */

static int no_pidfd(pid_t pid)
{
    (void)pid;
    errno = ENOSYS;
    return -1;
}

#define RUNS(name)                                                                                 \
    TEST(name##_test)                                                                              \
    {                                                                                              \
        expect_true(async_run(name()) == 0);                                                       \
        expect_true(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);                          \
    }                                                                                              \
    TEST(name##_without_pidfds_test)                                                               \
    {                                                                                              \
        async__sys.pidfd = no_pidfd;                                                               \
        expect_true(async_run(name()) == 0);                                                       \
        expect_true(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);                          \
    }

static pid_t reaped;
static bool was_signalled;

static int watch_kill(pid_t pid, int sig)
{
    was_signalled = was_signalled || pid == reaped || pid == -reaped;
    return async__sys_kernel.kill(pid, sig);
}

/* By then its number may be that of another process. */
ASYNC_DEF(worker_reaped_by_the_program_is_not_signalled)
{
    int n = 21, answer = 0;
    pid_t pid;
    async_process_pool_auto p = async_process_pool_open(.max_workers = 1);
    ASYNC_TRY(await_process_pool_call(p, get_number, NULL, 0, &pid, sizeof pid));
    expect_true(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
    reaped = pid;
    async__sys.kill = watch_kill;
    ASYNC_TRY(await_process_pool_call(p, doubles, &n, sizeof n, &answer, sizeof answer));
    async_process_pool_drop(&p);
    async__sys.kill = async__sys_kernel.kill;
    expect_true(answer == 42 && !was_signalled);
    return 0;
}

RUNS(death_within_a_packet_fails_the_call)
RUNS(death_after_the_reply_leaves_the_result)
RUNS(invalid_packet_fails_the_call_and_kills_the_worker)
RUNS(second_reply_kills_the_worker)
RUNS(early_reply_does_not_switch_off_the_timeout)
RUNS(message_with_control_characters_is_made_printable)
RUNS(worker_reaped_by_the_program_is_not_signalled)

ASYNC_DEF(die_with_children_ignored)
{
    async_process_pool_auto p = async_process_pool_open(.max_workers = 1);
    struct forgery f = { .size = -1, .dies = true };
    int answer, n = 4, r = await_process_pool_call(p, forge, &f, sizeof f, &answer, sizeof answer);
    expect_true(r == -EOWNERDEAD);
    expect_true(strstr(async_fail_text(r), "has ended"));
    expect_true(await_process_pool_call(p, doubles, &n, sizeof n, &answer, sizeof answer) == 0);
    return 0;
}

/* The kernel then does not tell how the worker has ended. */
TEST(sigchld_ignored_leaves_the_end_unexplained)
{
    signal(SIGCHLD, SIG_IGN);
    expect_true(async_run(die_with_children_ignored()) == 0);
}

/* --- calls that are taken back --- */

static ssize_t slow_recv(int fd, void *buf, size_t size, int flags)
{
    ssize_t n = async__sys_kernel.recv(fd, buf, size, flags);
    usleep(50000); /* the worker starts meanwhile, and reads what is left */
    return n;
}

ASYNC_DEF(double_in, (async_process_pool *)p, (int)n)
{
    int answer = 0, r = await_process_pool_call(p, doubles, &n, sizeof n, &answer, sizeof answer);
    expect_true(answer == (r < 0 ? 0 : 2 * n));
    return r;
}

/* The worker reads the first call while those behind it are taken back. */
ASYNC_DEF(call_cancelled_behind_the_first_spares_those_before_it)
{
    async_process_pool_auto p = async_process_pool_open(.max_workers = 1);
    struct async_process_pool_stats s;
    await_task_auto first = async_create_task(double_in(p, 1));
    await_task_auto second = async_create_task(double_in(p, 2));
    await_task_auto third = async_create_task(double_in(p, 3));
    expect_true(await_sleep(0) == 0);
    async__sys.recv = slow_recv;
    async_task_cancel(third);
    int r = await_task(third);
    async__sys.recv = async__sys_kernel.recv;
    expect_true(r == -ECANCELED || r == 0);
    expect_true(await_task(first) == 0 && await_task(second) == 0);
    async_process_pool_stats(p, &s);
    expect_true(s.lost == 0);
    return 0;
}

RUNS(call_cancelled_behind_the_first_spares_those_before_it)

/* --- clocks --- */

/* The time of the loop jumps while the call runs. */
ASYNC_DEF(nap_with_timeout)
{
    const unsigned ms = 50, longer = 60000;
    async_process_pool_auto p = async_process_pool_open(.max_workers = 1, .timeout = 20);
    async_process_pool_auto brief = async_process_pool_open(.max_workers = 1, .timeout = 0.05);
    expect_true(await_process_pool_call(p, nap, &ms, sizeof ms, NULL, 0) == 7);
    expect_true(await_process_pool_call(brief, nap, &longer, sizeof longer, NULL, 0) == -ETIMEDOUT);
    return 0;
}

TEST(timeout_in_virtual_time_is_real)
{
    expect_true(async_run(nap_with_timeout(), .virtual_clock = true) == 0);
}

TEST(timeout_in_virtual_time_is_real_without_pidfds)
{
    async__sys.pidfd = no_pidfd;
    expect_true(async_run(nap_with_timeout(), .virtual_clock = true) == 0);
}

/* --- files --- */

TEST(elf_file_is_found_by_path_and_checked_by_identity)
{
    struct elf_file here, again;
    expect_true(async__elf_file_of((const void *)(uintptr_t)doubles, &here));
    expect_true(!strcmp(here.path, ""));
    expect_true(async__elf_file_load("", here.identity, &again) == NULL);
    expect_true(again.base == here.base);
    expect_true(async__elf_file_load("", here.identity + 1, &again) != NULL);
    expect_true(async__elf_file_load("/nowhere/lib.so", 0, &again) != NULL);
    expect_true(async__elf_file_of((const void *)(uintptr_t)strerrorname_np, &here));
    expect_true(here.path[0] == '/');
    expect_true(async__elf_file_load(here.path, here.identity, &again) == NULL);
    expect_true(again.base == here.base);
}

SUITE("process packets", death_within_a_packet_fails_the_call_test,
      death_within_a_packet_fails_the_call_without_pidfds_test,
      death_after_the_reply_leaves_the_result_test,
      death_after_the_reply_leaves_the_result_without_pidfds_test,
      invalid_packet_fails_the_call_and_kills_the_worker_test,
      invalid_packet_fails_the_call_and_kills_the_worker_without_pidfds_test,
      second_reply_kills_the_worker_test, second_reply_kills_the_worker_without_pidfds_test,
      early_reply_does_not_switch_off_the_timeout_test,
      early_reply_does_not_switch_off_the_timeout_without_pidfds_test,
      message_with_control_characters_is_made_printable_test,
      message_with_control_characters_is_made_printable_without_pidfds_test,
      worker_reaped_by_the_program_is_not_signalled_test,
      worker_reaped_by_the_program_is_not_signalled_without_pidfds_test,
      call_cancelled_behind_the_first_spares_those_before_it_test,
      call_cancelled_behind_the_first_spares_those_before_it_without_pidfds_test,
      sigchld_ignored_leaves_the_end_unexplained, timeout_in_virtual_time_is_real,
      timeout_in_virtual_time_is_real_without_pidfds,
      elf_file_is_found_by_path_and_checked_by_identity)
