/* SPDX-License-Identifier: MIT */
/* echoload PORT CONNECTIONS SECONDS SERVER_PID - one message of 64 bytes in flight on each
 * connection. Prints messages a second, the median and 99th percentile of the round trip in us, CPU
 * of the server and of ourselves in us a message, what a connection adds to the server's resident
 * memory in bytes, and errors. */
#include "common.h"

#include <dirent.h>
#include <sys/resource.h>

enum { MSG = 64, SLOTS = 2000000 /* 1 us each */, AT_ONCE = 200 };

struct conn {
    int fd, got;
    int64_t sent;
};

struct result {
    int64_t start, end;
    uint64_t total, errors;
    double server_cpu, own_cpu;
    uint32_t *slots;
};

static char out[MSG], in[4096];

static double own_cpu(void)
{
    struct rusage r;
    getrusage(RUSAGE_SELF, &r);
    return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
           1e-6 * (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec);
}

/* Return the CPU time of all threads in seconds, as measured by the scheduler. */
static double cpu_of(int pid)
{
    char path[300];
    double sum = 0;
    snprintf(path, sizeof path, "/proc/%d/task", pid);
    DIR *d = opendir(path);
    for (struct dirent *e; d && (e = readdir(d));) {
        unsigned long long ns;
        snprintf(path, sizeof path, "/proc/%d/task/%.20s/schedstat", pid, e->d_name);
        FILE *f = fopen(path, "r");
        if (f && fscanf(f, "%llu", &ns) == 1)
            sum += 1e-9 * (double)ns;
        if (f)
            fclose(f);
    }
    if (d)
        closedir(d);
    return sum;
}

static long resident_kib(int pid)
{
    char path[64], line[256];
    long kib = 0;
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "VmRSS: %ld", &kib) == 1)
            break;
    if (f)
        fclose(f);
    return kib;
}

static int connect_to(int port)
{
    struct sockaddr_in a = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof a) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

static void wait_for_server(int port)
{
    for (int fd, tries = 0; (fd = connect_to(port)) < 0 || close(fd); usleep(10000))
        if (tries++ > 1000)
            die("connect");
    usleep(100000);
}

static void send_one(struct conn *c)
{
    c->got = 0;
    c->sent = now_ns();
    if (write(c->fd, out, MSG) != MSG)
        die("write");
}

/* Open the connections, some at a time, and check each with one echo. They are closed by a reset,
 * so that none stays in TIME_WAIT. */
static void open_all(struct conn *cs, int n, int port, int ep)
{
    struct linger at_once = { 1, 0 };
    for (int i = 0; i < n; i += AT_ONCE) {
        int end = i + AT_ONCE < n ? i + AT_ONCE : n;
        for (int j = i; j < end; j++) {
            if ((cs[j].fd = connect_to(port)) < 0)
                die("connect");
            nodelay(cs[j].fd);
            setsockopt(cs[j].fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
            send_one(&cs[j]);
        }
        for (int j = i; j < end; j++) {
            struct epoll_event ev = { .events = EPOLLIN, .data.ptr = &cs[j] };
            if (recv(cs[j].fd, in, MSG, MSG_WAITALL) != MSG)
                die("first echo");
            fcntl(cs[j].fd, F_SETFL, O_NONBLOCK);
            epoll_ctl(ep, EPOLL_CTL_ADD, cs[j].fd, &ev);
        }
    }
}

static void receive(struct conn *c, struct result *r)
{
    ssize_t n = read(c->fd, in, sizeof in);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0) {
        r->errors++;
        close(c->fd);
        return;
    }
    if ((c->got += (int)n) < MSG)
        return;
    if (r->start) {
        int64_t us = (now_ns() - c->sent) / 1000;
        r->slots[us < SLOTS ? us : SLOTS - 1]++;
        r->total++;
    }
    send_one(c);
}

static void measure(int ep, int pid, double seconds, struct result *r)
{
    struct epoll_event evs[512];
    int64_t warm = now_ns() + 500000000;
    for (;;) {
        int n = epoll_wait(ep, evs, 512, 5000);
        int64_t now = now_ns();
        if (n <= 0) {
            r->errors++;
            break;
        }
        if (!r->start && now > warm) {
            r->start = now;
            r->server_cpu = cpu_of(pid);
            r->own_cpu = own_cpu();
        }
        for (int i = 0; i < n; i++)
            receive(evs[i].data.ptr, r);
        if (r->start && now - r->start >= (int64_t)(seconds * 1e9))
            break;
    }
    r->end = now_ns();
    r->server_cpu = cpu_of(pid) - r->server_cpu;
    r->own_cpu = own_cpu() - r->own_cpu;
}

static int percentile(const struct result *r, uint64_t part)
{
    uint64_t seen = 0;
    int us = 0;
    while (us < SLOTS && (seen += r->slots[us]) * 100 < r->total * part)
        us++;
    return us;
}

int main(int argc, char *argv[])
{
    if (argc < 5)
        return 2;
    int port = atoi(argv[1]), n = atoi(argv[2]), pid = atoi(argv[4]), ep = epoll_create1(0);
    struct conn *cs = calloc((size_t)n, sizeof *cs);
    struct result r = { .slots = calloc(SLOTS, sizeof *r.slots) };
    if (!cs || !r.slots)
        die("calloc");
    memset(out, 'x', MSG);
    wait_for_server(port);
    long before = resident_kib(pid);
    open_all(cs, n, port, ep);
    usleep(300000);
    long after = resident_kib(pid);
    for (int i = 0; i < n; i++)
        send_one(&cs[i]);
    measure(ep, pid, atof(argv[3]), &r);
    double total = r.total ? (double)r.total : 1;
    printf("%.0f %d %d %.2f %.2f %.0f %lu\n", 1e9 * (double)r.total / (double)(r.end - r.start),
           percentile(&r, 50), percentile(&r, 99), 1e6 * r.server_cpu / total,
           1e6 * r.own_cpu / total, 1024.0 * (double)(after - before) / n, (unsigned long)r.errors);
    return 0;
}
