/* SPDX-License-Identifier: MIT */
/* Tests of io_uring where it is refused, too small, or slow to answer. $ASYNCIO_FILES selects it;
 * what the kernel does not have is not tested. */
#include "../frame/loop_test.h"

#include <errno.h>
#include <liburing.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/sys.h"
#include "file/file.h"

enum { PIECE = 512, PIECES = 400 };

static bool has_ring(void)
{
    return !strcmp(async_file_engine(), "uring");
}

/* Piece i is full of i. */
static int await_pieces(async_file **ret)
{
    static unsigned char all[PIECE * PIECES];
    for (int i = 0; i < PIECE * PIECES; i++)
        all[i] = (unsigned char)(i / PIECE);
    ASYNC_TRY(await_temporary_file(NULL, ret));
    return await_pwrite(*ret, all, sizeof all, 0);
}

/* --- a kernel that is entered later --- */

static atomic_int held; /* the kernel is not entered this many times */

static int enter_later(struct io_uring *ring)
{
    return held > 0 && held-- > 0 ? 0 : async__sys_kernel.uring_enter(ring);
}

static void hold(void)
{
    held = INT_MAX;
    async__sys.uring_enter = enter_later;
}

static int await_some_turns(void)
{
    for (int i = 0; i < 20; i++)
        ASYNC_TRY(await_sleep(0));
    return 0;
}

/* --- one call of each kind --- */

enum kind { READS, WRITES, SYNCS, SLURPS, KINDS };

struct one {
    enum kind kind;
    async_file *f;
    int piece;
    unsigned char buf[PIECE];
};

ASYNC_DEF(call, (struct one *)o)
{
    async_data_auto text = NULL;
    size_t n;
    switch (o->kind) {
    case READS:
        return (int)await_pread(o->f, o->buf, PIECE, (int64_t)o->piece * PIECE);
    case WRITES:
        return await_pwrite(o->f, o->buf, PIECE, (int64_t)PIECES * PIECE);
    case SYNCS:
        return await_fsync(o->f);
    default:
        ASYNC_TRY(await_read_file("/etc/passwd", &text, &n));
        expect_true(n > 0 && strlen(text) == n);
        return 0;
    }
}

static bool piece_is_complete(const struct one *o)
{
    for (int k = 0; k < PIECE; k++)
        if (o->buf[k] != (unsigned char)o->piece)
            return false;
    return true;
}

REAL_LOOP_TEST(cancelled_request_waits_for_its_completion)
{
    async_file_auto f = NULL;
    ASYNC_TRY(await_pieces(&f));
    for (enum kind kind = READS; kind < KINDS && has_ring(); kind++) {
        struct one o = { .kind = kind, .f = f, .piece = 7 };
        hold();
        await_task_auto t = async_create_task(call(&o));
        ASYNC_TRY(await_some_turns());
        async_task_cancel(t);
        ASYNC_TRY(await_some_turns());
        expect_true(!async_task_done(t) && o.buf[0] == 0);
        held = 0;
        int r = await_task(t);
        expect_true(r == -ECANCELED || r == (kind == READS ? PIECE : 0));
        expect_true(kind != READS || piece_is_complete(&o) == (r == PIECE));
        struct one after = o;
        ASYNC_TRY(await_some_turns());
        expect_true(!memcmp(&after, &o, sizeof o));
    }
    return 0;
}

static int await_all(struct one *all, int n, enum kind kind)
{
    int r;
    await_group (r, g)
        for (int i = 0; i < n; i++) {
            all[i].kind = kind;
            async_spawn(g, call(&all[i]));
        }
    return r;
}

static struct one *many(async_file *f, int n)
{
    struct one *all = calloc((size_t)n, sizeof *all);
    for (int i = 0; i < n; i++)
        all[i] = (struct one){ .f = f, .piece = i % PIECES };
    return all;
}

/* More than the ring has entries, than it has answers, than it has places for files. */
REAL_LOOP_TEST(requests_beyond_the_room_of_the_ring_wait)
{
    enum { MANY = 2000 };
    async_file_auto f = NULL;
    ASYNC_TRY(await_pieces(&f));
    struct one *all = many(f, MANY);
    ASYNC_TRY(await_all(all, MANY, READS));
    for (int i = 0; i < MANY; i++)
        expect_true(piece_is_complete(&all[i]));
    ASYNC_TRY(await_all(all, 300, SLURPS));
    ASYNC_TRY(await_all(all, 600, SYNCS));
    free(all);
    return 0;
}

/* Who stands in line for the ring goes at once. The kernel has nothing of his. */
REAL_LOOP_TEST(cancelled_request_in_the_queue_is_taken_back)
{
    async_file_auto f = NULL;
    ASYNC_TRY(await_pieces(&f));
    if (!has_ring())
        return 0;
    struct one *all = many(f, PIECES), late = { .kind = READS, .f = f };
    int r;
    hold();
    await_group (r, g) {
        for (int i = 0; i < PIECES; i++)
            async_spawn(g, call(&all[i]));
        ASYNC_TRY(await_some_turns());
        await_task_auto t = async_create_task(call(&late));
        ASYNC_TRY(await_some_turns());
        async_task_cancel(t);
        expect_true(await_task(t) == -ECANCELED && late.buf[0] == 0);
        held = 0;
    }
    for (int i = 0; i < PIECES; i++)
        expect_true(piece_is_complete(&all[i]));
    free(all);
    return r;
}

/* There is no room to tell the kernel of each. */
REAL_LOOP_TEST(many_requests_are_cancelled_at_once)
{
    async_file_auto f = NULL;
    ASYNC_TRY(await_pieces(&f));
    struct one *all = many(f, PIECES);
    for (enum kind kind = READS; kind < KINDS; kind++) {
        int r = 0;
        hold();
        held = 300; /* iterations, after which the timeout has expired */
        await_timeout (r, 1e-5)
            r = await_all(all, PIECES, kind);
        expect_true(r == 0 || r == -ETIMEDOUT);
    }
    free(all);
    return 0;
}

/* A file that was opened and cannot be read must be closed, also if the kernel has accepted nothing
 * for a while. */
static unsigned filled;

static int enter_again(struct io_uring *ring)
{
    ring->sq.sqe_tail -= filled;
    async__sys.uring_enter = async__sys_kernel.uring_enter;
    return async__sys.uring_enter(ring);
}

/* The kernel takes the first four and completes them. By then there are others in their slots. */
static int enter_when_full(struct io_uring *ring)
{
    if (io_uring_sq_space_left(ring) > 0)
        return 0;
    __atomic_store_n(ring->sq.ktail, ring->sq.sqe_tail, __ATOMIC_RELEASE);
    long n = syscall(SYS_io_uring_enter, ring->ring_fd, 4, 0, IORING_ENTER_GETEVENTS, NULL, 0);
    for (filled = 0; io_uring_get_sqe(ring); filled++)
        ;
    expect_true(n == 4 && filled == 4);
    async__sys.uring_enter = enter_again;
    return 4;
}

ASYNC_DEF(read_pipe, (const char *)path)
{
    async_data_auto text = NULL;
    size_t n;
    return await_read_file(path, &text, &n);
}

REAL_LOOP_TEST(full_ring_closes_a_file_that_cannot_be_read)
{
    char dir[] = "/tmp/asyncio-uring-XXXXXX", path[sizeof dir + 8];
    async_file_auto f = NULL;
    ASYNC_TRY(await_pieces(&f));
    if (!has_ring())
        return 0;
    expect_true(mkdtemp(dir) && snprintf(path, sizeof path, "%s/pipe", dir) > 0 &&
                mkfifo(path, 0600) == 0);
    struct one *all = many(f, PIECES);
    async__sys.uring_enter = enter_when_full;
    await_task_auto t = async_create_task(read_pipe(path)); /* the first one queued */
    int r = await_all(all, PIECES, READS);
    expect_true(await_task(t) == -ESPIPE);
    ASYNC_TRY(await_some_turns());
    expect_true(open(path, O_WRONLY | O_NONBLOCK) < 0 && errno == ENXIO); /* it has no reader */
    expect_true(unlink(path) == 0 && rmdir(dir) == 0);
    free(all);
    return r;
}

/* --- partial reads and writes --- */

static uint32_t draw_fault(int which)
{
    (void)which;
    return 1;
}

static int meets_little(uint32_t *unused, int which, size_t *size)
{
    (void)unused, (void)which;
    if (size && *size > 100)
        *size = 100;
    return 0;
}

REAL_LOOP_TEST(request_done_in_pieces_is_completed)
{
    async_file_auto f = NULL;
    ASYNC_TRY(await_pieces(&f));
    struct one *all = many(f, 20);
    async__sys.draw_file_fault = draw_fault;
    async__sys.apply_file_fault = meets_little;
    ASYNC_TRY(await_all(all, 20, READS));
    for (int i = 0; i < 20; i++)
        expect_true(piece_is_complete(&all[i]));
    ASYNC_TRY(await_all(all, 20, SLURPS));
    ASYNC_TRY(await_pwrite(f, all[3].buf, PIECE, INT64_C(6) << 30));
    struct one far = { .piece = 3 };
    expect_true(await_pread(f, far.buf, PIECE, INT64_C(6) << 30) == PIECE &&
                piece_is_complete(&far));
    async__sys.draw_file_fault = async__sys_kernel.draw_file_fault;
    async__sys.apply_file_fault = async__sys_kernel.apply_file_fault;
    free(all);
    return 0;
}

/* --- a kernel without io_uring, or with little of it --- */

static int refusal;

static int refuse(struct io_uring *ring, unsigned entries)
{
    (void)ring, (void)entries;
    return -refusal;
}

ASYNC_DEF(all_of_it_by_threads)
{
    async_file_auto f = NULL;
    expect_true(!strcmp(async_file_engine(), "pool"));
    ASYNC_TRY(await_pieces(&f));
    struct one *all = many(f, 50);
    for (enum kind kind = READS; kind < KINDS; kind++)
        ASYNC_TRY(await_all(all, 50, kind));
    for (int i = 0; i < 50; i++)
        expect_true(piece_is_complete(&all[i]));
    free(all);
    return 0;
}

TEST(threads_do_the_same_where_the_ring_cannot_be_opened)
{
    static const int refusals[] = { ENOSYS, EPERM, ENOMEM, EMFILE };
    async__sys.uring_open = refuse;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        refusal = refusals[i];
        expect_true(async_run(all_of_it_by_threads()) == 0);
    }
}

/* As containers do. */
TEST(threads_do_the_same_where_a_filter_forbids_the_ring)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = { sizeof filter / sizeof *filter, filter };
    expect_true(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0)
        expect_true(async_run(all_of_it_by_threads()) == 0);
}

/* Then the kernel gives no places for files that are read whole, and those go to threads, also
 * while the ring is busy. */
REAL_LOOP_TEST(files_are_read_with_few_descriptors)
{
    struct rlimit few = { 60, 60 };
    async_file_auto f = NULL;
    if (UNDER_VALGRIND) /* valgrind has a limit of its own */
        return 0;
    expect_true(setrlimit(RLIMIT_NOFILE, &few) == 0);
    ASYNC_TRY(await_pieces(&f));
    struct one reader = { .kind = READS, .f = f, .piece = 5 }, slurper = { .kind = SLURPS };
    hold();
    await_task_auto reads = async_create_task(call(&reader));
    ASYNC_TRY(await_some_turns());
    await_task_auto slurps = async_create_task(call(&slurper));
    ASYNC_TRY(await_task(slurps));
    expect_true(!has_ring() || !async_task_done(reads));
    held = 0;
    expect_true(await_task(reads) == PIECE && piece_is_complete(&reader));
    return 0;
}

SUITE("inside-uring", cancelled_request_waits_for_its_completion,
      requests_beyond_the_room_of_the_ring_wait, cancelled_request_in_the_queue_is_taken_back,
      many_requests_are_cancelled_at_once, full_ring_closes_a_file_that_cannot_be_read,
      request_done_in_pieces_is_completed, threads_do_the_same_where_the_ring_cannot_be_opened,
      threads_do_the_same_where_a_filter_forbids_the_ring, files_are_read_with_few_descriptors)
