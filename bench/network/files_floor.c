/* SPDX-License-Identifier: MIT */
/* files_floor DIR N - what opening, reading and closing the files DIR/0 to DIR/N-1, of 4 KiB each,
 * costs without a library: on one thread, on four, and through io_uring, as chains of which 64 are
 * under way. */
#include "common.h"
#include <pthread.h>
#include <stdatomic.h>
#ifdef HAVE_URING
#include <liburing.h>
#endif

enum { SIZE = 4096, THREADS = 4, DEPTH = 64, PATH_ROOM = 512 };

static const char *dir;
static int count;
static atomic_int next, good;

static const char *path_of(char *room, int i)
{
    snprintf(room, PATH_ROOM, "%s/%d", dir, i);
    return room;
}

static void *reader(void *arg)
{
    char path[PATH_ROOM], buf[SIZE];
    for (int i; (i = atomic_fetch_add(&next, 1)) < count;) {
        int fd = open(path_of(path, i), O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            die(path);
        good += read(fd, buf, sizeof buf) == SIZE;
        close(fd);
    }
    return arg;
}

static void one_thread(void)
{
    reader(NULL);
}

static void several_threads(void)
{
    pthread_t all[THREADS];
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&all[i], NULL, reader, NULL))
            die("pthread_create");
    for (int i = 0; i < THREADS; i++)
        pthread_join(all[i], NULL);
}

#ifdef HAVE_URING
static struct {
    char path[PATH_ROOM], buf[SIZE];
} slots[DEPTH];

/* Queue a chain of open, read and close that uses a fixed file of the ring instead of a descriptor.
 * Only the close reports its completion. */
static void chain(struct io_uring *ring, unsigned slot, int i)
{
    struct io_uring_sqe *q = io_uring_get_sqe(ring);
    io_uring_prep_openat_direct(q, AT_FDCWD, path_of(slots[slot].path, i), O_RDONLY, 0, slot);
    q->flags |= IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS;
    io_uring_sqe_set_data64(q, DEPTH);
    q = io_uring_get_sqe(ring);
    io_uring_prep_read(q, (int)slot, slots[slot].buf, SIZE, 0);
    q->flags |= IOSQE_FIXED_FILE | IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS;
    io_uring_sqe_set_data64(q, DEPTH);
    q = io_uring_get_sqe(ring);
    io_uring_prep_close_direct(q, slot);
    io_uring_sqe_set_data64(q, slot);
}

static void by_ring(struct io_uring *ring)
{
    unsigned idle[DEPTH], idles = 0, head, seen;
    struct io_uring_cqe *c;
    for (unsigned i = 0; i < DEPTH; i++)
        idle[idles++] = i;
    for (int done = 0; done < count; io_uring_cq_advance(ring, seen)) {
        for (; idles > 0 && next < count; next++)
            chain(ring, idle[--idles], next);
        if (io_uring_submit_and_wait(ring, 1) < 0)
            die("io_uring_enter");
        seen = 0;
        io_uring_for_each_cqe(ring, head, c)
        {
            seen++;
            if (c->res < 0 || c->user_data >= DEPTH)
                exit(1);
            good++;
            done++;
            idle[idles++] = (unsigned)c->user_data;
        }
    }
}
#endif

static void measure(const char *name, void (*way)(void))
{
    next = good = 0;
    int64_t t0 = now_ns();
    way();
    if (good != count)
        exit(1);
    printf("%s %.0f files/s\n", name, (double)count * 1e9 / (double)(now_ns() - t0));
}

#ifdef HAVE_URING
static struct io_uring the_ring;

static void through_the_ring(void)
{
    by_ring(&the_ring);
}

static void measure_ring(void)
{
    struct io_uring_params p = { .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN };
    if (io_uring_queue_init_params(4 * DEPTH, &the_ring, &p) == 0 &&
        io_uring_register_files_sparse(&the_ring, DEPTH) == 0)
        measure("files_uring", through_the_ring);
}
#else
static void measure_ring(void) {}
#endif

int main(int argc, char **argv)
{
    if (argc < 3)
        return fputs("usage: bench-files-floor DIR N\n", stderr), 2;
    dir = argv[1];
    count = atoi(argv[2]);
    measure("files_plain", one_thread);
    measure("files_pool", several_threads);
    measure_ring();
    return 0;
}
