/* SPDX-License-Identifier: MIT */
/* Workers that say what they should not, or die while they say it; a kernel without pidfds; a file that was replaced.
 * The library is part of this program, so that it is also seen that a worker begins in one that has no shared library. */
#include "suite.h"

#include <asyncio.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sys.h"
#include "pool/frame.h"
#include "pool/module.h"

/* --- in the worker --- */

/* What is written to the socket in place of the answer, or before it. */
struct mischief {
    int size; /* bytes of it; the frame below, then what follows */
    bool dies, then_answers;
    struct frame frame;
};

static int makes_mischief(const void *in, void *out)
{
    static unsigned char packet[PACKET_MAX * 2];
    const struct mischief *m = in;
    memset(packet, 0xee, sizeof packet);
    memcpy(packet, &m->frame, sizeof m->frame);
    if (m->size >= 0)
        send(WORKER_SOCKET, packet, (size_t)m->size, 0);
    if (m->dies)
        raise(SIGKILL);
    if (!m->then_answers)
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

/* --- */

/* A worker that does that is ended, and its call fails: not the next one. */
static int await_mischief(async_process_pool *p, const struct mischief *m)
{
    int answer = 1, n = 21;
    int r = await_process_pool_call(p, makes_mischief, m, sizeof *m, &answer, sizeof answer);
    ck_assert_msg(r == -EOWNERDEAD, "%d bytes: %d %s", m->size, r, async_fail_text(r));
    must(strstr(async_fail_text(r), "killed by SIGKILL"));
    must(answer == 1);
    must(await_process_pool_call(p, doubles, &n, sizeof n, &answer, sizeof answer) == 0);
    must(answer == 42);
    return 0;
}

/* A sound answer to the first call of a worker, or to its second: the number goes up. */
static struct mischief sound(uint32_t seq)
{
    return (struct mischief){ .size = sizeof(struct frame) + sizeof(int),
                              .frame = { .kind = FRAME_ANSWER, .seq = seq, .out_size = sizeof(int) } };
}

ASYNC_DEF(dies_at_each_byte)
{
    async_process_pool_auto p = async_process_pool_open(.max_workers = 1);
    for (int size = 0; size < (int)sizeof(struct frame) + 4; size++) {
        struct mischief m = sound(0);
        m.size = size;
        m.dies = true;
        must(await_mischief(p, &m) == 0);
        async_process_pool_drop(&p); /* so that each is the first call of its worker */
        p = async_process_pool_open(.max_workers = 1);
    }
    return 0;
}

ASYNC_DEF(answers_and_dies)
{
    async_process_pool_auto p = async_process_pool_open(.max_workers = 1);
    struct mischief m = sound(0);
    int answer = 0;
    m.dies = true;
    must(await_process_pool_call(p, makes_mischief, &m, sizeof m, &answer, sizeof answer) == 0);
    must((unsigned)answer == 0xeeeeeeee);
    return 0;
}

ASYNC_DEF(says_nonsense)
{
    struct mischief all[] = { sound(1), sound(UINT32_MAX), sound(0), sound(0), sound(0),
                              sound(0), sound(0),          sound(0), sound(0), sound(0) };
    all[2].frame.kind = FRAME_CALL;
    all[3].frame.out_size = 3;
    all[4].size += 1;
    all[5].frame.sentence = SENTENCE_MAX;
    all[5].size += SENTENCE_MAX;
    all[6].frame.out_size = UINT64_MAX;
    all[7].frame.skipped = true;
    all[8].size = PACKET_MAX * 2;
    all[9].frame.out_size = 0x100000004;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        async_process_pool_auto p = async_process_pool_open(.max_workers = 1);
        must(await_mischief(p, &all[i]) == 0);
    }
    return 0;
}

/* The second answer to one call is the first to none. The call that it meets may suffer, no other one. */
ASYNC_DEF(answers_twice)
{
    async_process_pool_auto p = async_process_pool_open(.max_workers = 1);
    struct async_process_pool_stats s = { 0 };
    struct mischief m = sound(0);
    int answer, n = 4;
    m.then_answers = true;
    must(await_process_pool_call(p, makes_mischief, &m, sizeof m, &answer, sizeof answer) == 0);
    while (s.lost == 0) {
        int r = await_process_pool_call(p, doubles, &n, sizeof n, &answer, sizeof answer);
        must(r == 0 || r == -EOWNERDEAD);
        async_process_pool_stats(p, &s);
    }
    must(await_process_pool_call(p, doubles, &n, sizeof n, &answer, sizeof answer) == 0);
    must(answer == 8 && s.lost == 1);
    return 0;
}

/* What it puts into its sentence is made fit to be shown. */
ASYNC_DEF(says_escapes)
{
    async_process_pool_auto p = async_process_pool_open(.max_workers = 1);
    struct mischief m = sound(0);
    m.frame = (struct frame){ .kind = FRAME_ANSWER, .result = -EPROTO, .sentence = 3 };
    m.size = sizeof m.frame + 3;
    m.dies = true;
    int answer, r = await_process_pool_call(p, makes_mischief, &m, sizeof m, &answer, sizeof answer);
    must(r == -EPROTO);
    must(strlen(async_fail_text(r)) == 3);
    return 0;
}

static int no_pidfd(pid_t pid)
{
    (void)pid;
    errno = ENOSYS;
    return -1;
}

#define RUNS(name)                                                                                 \
    START_TEST(name##_test)                                                                        \
    {                                                                                              \
        must(async_run(name()) == 0);                                                              \
        must(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);                                 \
    }                                                                                              \
    END_TEST                                                                                       \
    START_TEST(name##_without_pidfds_test)                                                         \
    {                                                                                              \
        async__sys.pidfd = no_pidfd;                                                               \
        must(async_run(name()) == 0);                                                              \
        must(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);                                 \
    }                                                                                              \
    END_TEST

/* By then the number may be somebody else's. */
static pid_t gone;
static bool hit_a_stranger;

static int kill_and_tell(pid_t pid, int sig)
{
    hit_a_stranger = hit_a_stranger || pid == gone || pid == -gone;
    return async__sys_kernel.kill(pid, sig);
}

static int says_its_number(const void *in, void *out)
{
    (void)in;
    *(pid_t *)out = getpid();
    return 0;
}

ASYNC_DEF(who_was_waited_for_is_not_killed)
{
    int n = 21, answer = 0;
    pid_t pid;
    async_process_pool_auto p = async_process_pool_open(.max_workers = 1);
    ASYNC_TRY(await_process_pool_call(p, says_its_number, NULL, 0, &pid, sizeof pid));
    must(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
    gone = pid;
    async__sys.kill = kill_and_tell;
    ASYNC_TRY(await_process_pool_call(p, doubles, &n, sizeof n, &answer, sizeof answer));
    async_process_pool_drop(&p);
    async__sys.kill = async__sys_kernel.kill;
    must(answer == 42 && !hit_a_stranger);
    return 0;
}

RUNS(dies_at_each_byte)
RUNS(answers_and_dies)
RUNS(says_nonsense)
RUNS(answers_twice)
RUNS(says_escapes)
RUNS(who_was_waited_for_is_not_killed)

ASYNC_DEF(runs_with_children_ignored)
{
    async_process_pool_auto p = async_process_pool_open(.max_workers = 1);
    struct mischief m = { .size = -1, .dies = true };
    int answer, n = 4,
                r = await_process_pool_call(p, makes_mischief, &m, sizeof m, &answer, sizeof answer);
    must(r == -EOWNERDEAD);
    must(strstr(async_fail_text(r), "has ended"));
    must(await_process_pool_call(p, doubles, &n, sizeof n, &answer, sizeof answer) == 0);
    return 0;
}

/* Then nobody can know how they ended; that they did is known. */
START_TEST(a_program_may_ignore_its_children)
{
    signal(SIGCHLD, SIG_IGN);
    must(async_run(runs_with_children_ignored()) == 0);
}
END_TEST

START_TEST(a_module_is_found_by_its_path_and_known_by_its_contents)
{
    struct module here, again;
    must(async__module_of((const void *)(uintptr_t)doubles, &here));
    must(!strcmp(here.path, ""));
    must(async__module_load("", here.identity, &again) == NULL);
    must(again.base == here.base);
    must(async__module_load("", here.identity + 1, &again) != NULL);
    must(async__module_load("/nowhere/lib.so", 0, &again) != NULL);
    must(async__module_of((const void *)(uintptr_t)strerrorname_np, &here));
    must(here.path[0] == '/');
    must(async__module_load(here.path, here.identity, &again) == NULL);
    must(again.base == here.base);
}
END_TEST

SUITE("process frames", dies_at_each_byte_test, dies_at_each_byte_without_pidfds_test,
      answers_and_dies_test, answers_and_dies_without_pidfds_test, says_nonsense_test,
      says_nonsense_without_pidfds_test, answers_twice_test, answers_twice_without_pidfds_test,
      says_escapes_test, says_escapes_without_pidfds_test, who_was_waited_for_is_not_killed_test,
      who_was_waited_for_is_not_killed_without_pidfds_test, a_program_may_ignore_its_children,
      a_module_is_found_by_its_path_and_known_by_its_contents)
