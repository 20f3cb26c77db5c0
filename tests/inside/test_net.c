/* SPDX-License-Identifier: MIT */
/* What needs a network: names with many addresses, lookups that take
 * long, accept() that fails. System calls and the resolver answer as the test wants. */
#include "../core/net.h"

#include <poll.h>
#include <netdb.h>
#include <pthread.h>
#include <sys/un.h>

#include "base/sys.h"
#include "io/stream.h"

/* --- a resolver that says what it is told --- */

static struct {
    const char *addresses[8]; /* numeric, in order; none: err */
    int err;
    bool silent; /* until released */
    pthread_mutex_t mutex;
    pthread_cond_t released;
    int asked, busy, most;
} dns = { .mutex = PTHREAD_MUTEX_INITIALIZER, .released = PTHREAD_COND_INITIALIZER };

static int fake_getaddrinfo(uint32_t fate, const char *host, const char *port,
                            const struct addrinfo *hints, struct addrinfo **ret)
{
    pthread_mutex_lock(&dns.mutex);
    dns.asked++;
    if (++dns.busy > dns.most)
        dns.most = dns.busy;
    while (dns.silent)
        pthread_cond_wait(&dns.released, &dns.mutex);
    dns.busy--;
    pthread_mutex_unlock(&dns.mutex);
    (void)fate, (void)host;
    if (dns.err)
        return dns.err;
    struct addrinfo numeric = *hints, **end = ret;
    *ret = NULL;
    numeric.ai_flags |= AI_NUMERICHOST;
    for (int i = 0; dns.addresses[i]; i++) {
        int r = getaddrinfo(dns.addresses[i], port, &numeric, end);
        if (r)
            return r;
        while (*end)
            end = &(*end)->ai_next;
    }
    return 0;
}

static void fake_freeaddrinfo(struct addrinfo *list)
{
    if (list)
        freeaddrinfo(list);
}

static void fake_dns(void)
{
    async__sys.getaddrinfo = fake_getaddrinfo;
    async__sys.freeaddrinfo = fake_freeaddrinfo;
}

/* For virtual time, which does not wait for threads: the answer is there before anybody waits for
 * it. The worker is this thread, and ends when it has nothing to do. */
static int make_no_thread(void *(*fn)(void *arg), void *arg)
{
    fn(arg);
    return 0;
}

static int never_rest(atomic_uint *word, unsigned expected, int64_t timeout)
{
    (void)word, (void)expected, (void)timeout;
    errno = ETIMEDOUT;
    return -1;
}

static void no_thread_needed(void)
{
    async__sys.thread = make_no_thread;
    async__sys.futex_wait = never_rest;
}

static void release(void)
{
    pthread_mutex_lock(&dns.mutex);
    dns.silent = false;
    pthread_cond_broadcast(&dns.released);
    pthread_mutex_unlock(&dns.mutex);
}

/* --- connections that go as they are told --- */

enum { HANGS = 1, REFUSES, UNREACHABLE };
static struct {
    const char *address;
    int fate;
} fates[8];
static int hanging[8], hanging_count;

static int fake_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
    char text[INET6_ADDRSTRLEN];
    const void *host =
            addr->sa_family == AF_INET6
                    ? (const void *)&((const struct sockaddr_in6 *)(const void *)addr)->sin6_addr
                    : (const void *)&((const struct sockaddr_in *)(const void *)addr)->sin_addr;
    inet_ntop(addr->sa_family, host, text, sizeof text);
    log_event("%s@%.0f", text, 100 * async_time());
    for (size_t i = 0; i < countof(fates) && fates[i].address; i++)
        if (!strcmp(fates[i].address, text)) {
            errno = fates[i].fate == HANGS     ? EINPROGRESS
                    : fates[i].fate == REFUSES ? ECONNREFUSED
                                               : ENETUNREACH;
            if (fates[i].fate == HANGS) { /* no answer: not even that it is not connected */
                int silent[2];
                expect_ok(
                        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, silent));
                char much[4096] = "";
                while (write(silent[0], much, sizeof much) > 0)
                    ;
                expect_ok(dup3(silent[0], fd, O_CLOEXEC) == fd ? 0 : -1);
                expect_ok(close(silent[0]));
                hanging[hanging_count++] = silent[1];
                errno = EINPROGRESS;
            }
            return -1;
        }
    return connect(fd, addr, len);
}

/* The peers of what hangs see the end of it: no attempt is left. */
static void is_all_closed(void)
{
    for (int i = 0; i < hanging_count; i++) {
        struct pollfd p = { .fd = hanging[i], .events = POLLIN };
        expect_int(poll(&p, 1, 1000), 1);
        expect_true(p.revents & POLLHUP);
        expect_ok(close(hanging[i]));
    }
    hanging_count = 0;
}

ASYNC_DEF(connects, (const char *)host, (int)port, (async_stream **)s)
{
    return await_open_connection(host, text_of(port), s);
}

/* --- names --- */

REAL(name_is_looked_up_on_a_thread)
{
    int port = 0, fd = plain_listen(&port, 8);
    async_stream_auto s = NULL;
    fake_dns();
    dns.addresses[0] = "127.0.0.1";
    expect_ok(await_open_connection("some.where", text_of(port), &s));
    expect_int(dns.asked, 1);
    return close(fd);
}

REAL(message_names_the_host_without_an_address)
{
    static const struct {
        int eai, err;
    } errors[] = {
        { EAI_NONAME, -EHOSTUNREACH }, { EAI_AGAIN, -EAGAIN },   { EAI_FAIL, -EHOSTUNREACH },
        { EAI_MEMORY, -ENOMEM },       { EAI_SERVICE, -EINVAL }, { 0, -EHOSTUNREACH },
    };
    async_stream *s = NULL;
    fake_dns();
    for (size_t i = 0; i < countof(errors); i++) {
        dns.err = errors[i].eai;
        expect_int(await_open_connection("some.where", "80", &s), errors[i].err);
        if (errors[i].err == -EHOSTUNREACH)
            expect_contains(async_fail_text(-EHOSTUNREACH), "some.where: ");
    }
    expect_int(await_open_connection("127.0.0.1", "http", &s), -EHOSTUNREACH);
    expect_int(dns.asked, 7);
    return 0;
}

/* The answer comes when no task waits any more, or only after the loop has closed. */
ASYNC_DEF(abandoned_lookups)
{
    async_stream *s = NULL;
    fake_dns();
    dns.addresses[0] = "127.0.0.1";
    dns.silent = true;
    for (int i = 0; i < 3; i++)
        expect_int(await_wait_for(connects("some.where", 9, &s), 0.01), -ETIMEDOUT);
    release();
    expect_ok(await_sleep(0.02));
    dns.silent = true;
    expect_int(await_wait_for(connects("some.where", 9, &s), 0.01), -ETIMEDOUT);
    return 0; /* the loop closes while the thread is at it */
}

TEST(lookup_under_way_does_not_keep_the_loop_open)
{
    expect_int(run_silently(abandoned_lookups(), &(const struct async_run_opts){ 0 }), 0);
    expect_int(async_set_allocator(NULL), -EBUSY); /* some of its memory is in use */
    release();
    for (int i = 0; i < 5000 && async_set_allocator(NULL) < 0; i++)
        usleep(1000);
    expect_ok(async_set_allocator(NULL));
    usleep(50000); /* the thread itself has a few more steps to go */
}

static int busy(void)
{
    pthread_mutex_lock(&dns.mutex);
    int n = dns.busy;
    pthread_mutex_unlock(&dns.mutex);
    return n;
}

ASYNC_DEF(releases_when_full)
{
    while (busy() < 16)
        ASYNC_TRY(await_sleep(0.001));
    ASYNC_TRY(await_sleep(0.02));
    release();
    return 0;
}

REAL(lookups_run_sixteen_at_a_time)
{
    int port = 0, fd = plain_listen(&port, 64);
    async_stream *s[40] = { 0 };
    int r;
    fake_dns();
    dns.addresses[0] = "127.0.0.1";
    dns.silent = true;
    await_group (r, g) {
        async_spawn(g, releases_when_full());
        for (int i = 0; i < 40; i++)
            async_spawn(g, connects("some.where", port, &s[i]));
    }
    expect_ok(r);
    expect_int(dns.asked, 40);
    expect_int(dns.most, 16);
    for (int i = 0; i < 40; i++)
        async_stream_drop(&s[i]);
    return close(fd);
}

static int no_thread(void *(*fn)(void *arg), void *arg)
{
    (void)fn;
    (void)arg;
    return EAGAIN;
}

REAL(lookup_fails_if_no_thread_can_be_started)
{
    async_stream *s = NULL;
    async__sys.thread = no_thread;
    for (int i = 0; i < 40; i++) /* more than there are slots: each is given back */
        expect_int(await_open_connection("some.where", "80", &s), -EAGAIN);
    return 0;
}

static bool no_memory;

static void *scarce_malloc(void *ctx, size_t size)
{
    (void)ctx;
    return no_memory ? NULL : malloc(size);
}

static void *scarce_realloc(void *ctx, void *p, size_t size)
{
    (void)ctx;
    return no_memory ? NULL : realloc(p, size);
}

static void plain_free(void *ctx, void *p)
{
    (void)ctx;
    free(p);
}

ASYNC_DEF(looks_up_without_memory)
{
    async_stream *s = NULL;
    no_memory = true;
    int r = await_open_connection("some.where", "80", &s);
    no_memory = false;
    expect_int(r, -ENOMEM);
    expect_contains(async_fail_text(r), "some.where: no memory");
    return 0;
}

TEST(message_of_a_lookup_without_memory_does_not_blame_threads)
{
    expect_ok(async_set_allocator(
            &(const async_allocator){ scarce_malloc, scarce_realloc, plain_free, NULL }));
    expect_run_ok(looks_up_without_memory());
    expect_ok(async_set_allocator(NULL));
}

/* --- happy eyeballs: in virtual time, the order and the moments --- */

static void addresses(const char *const *list)
{
    int i = 0;
    for (; list[i]; i++)
        dns.addresses[i] = list[i];
    dns.addresses[i] = NULL;
}
#define ADDRESSES(...) addresses((const char *const[]){ __VA_ARGS__, NULL })

LOOP_TEST(addresses_are_tried_by_turns_of_family)
{
    async_stream *s = NULL;
    fake_dns();
    no_thread_needed();
    async__sys.connect = fake_connect;
    ADDRESSES("2001:db8::1", "2001:db8::2", "192.0.2.1", "192.0.2.2", "192.0.2.3");
    for (int i = 0; i < 5; i++) {
        fates[i].address = dns.addresses[i];
        fates[i].fate = i == 1 ? REFUSES : UNREACHABLE;
    }
    expect_int(await_open_connection("some.where", "80", &s), -ECONNREFUSED); /* it says most */
    expect_events("2001:db8::1@0 192.0.2.1@0 2001:db8::2@0 192.0.2.2@0 192.0.2.3@0");
    expect_contains(async_fail_text(-ECONNREFUSED),
                    "[2001:db8::1]:80: Network is unreachable; 192.0.2.1:80: ");
    return 0;
}

LOOP_TEST(next_attempt_begins_after_a_quarter_of_a_second)
{
    int port = 0, fd = plain_listen(&port, 8);
    fake_dns();
    no_thread_needed();
    async__sys.connect = fake_connect;
    ADDRESSES("192.0.2.1", "192.0.2.2", "192.0.2.3", "127.0.0.1", "192.0.2.4");
    fates[0].address = "192.0.2.1", fates[0].fate = HANGS;
    fates[1].address = "192.0.2.2", fates[1].fate = REFUSES;
    fates[2].address = "192.0.2.3", fates[2].fate = HANGS;
    async_stream_auto s = NULL;
    expect_ok(await_open_connection("some.where", text_of(port), &s));
    expect_events("192.0.2.1@0 192.0.2.2@25 192.0.2.3@25 127.0.0.1@50");
    is_all_closed();
    return close(fd);
}

LOOP_TEST(cancelled_connection_closes_all_attempts)
{
    async_stream *s = NULL;
    fake_dns();
    no_thread_needed();
    async__sys.connect = fake_connect;
    ADDRESSES("192.0.2.1", "192.0.2.2", "192.0.2.3");
    for (int i = 0; i < 3; i++) {
        fates[i].address = dns.addresses[i];
        fates[i].fate = HANGS;
    }
    expect_int(await_wait_for(connects("some.where", 80, &s), 0.3), -ETIMEDOUT);
    expect_events("192.0.2.1@0 192.0.2.2@25");
    is_all_closed();
    return 0;
}

ASYNC_DEF(connects_to_six)
{
    async_stream *s = NULL;
    return await_open_connection("some.where", "80", &s);
}

/* The message names some of them, the causes of the error name all. */
LOOP_TEST(every_failed_attempt_is_a_cause_of_the_error)
{
    int r = 0;
    fake_dns();
    no_thread_needed();
    async__sys.connect = fake_connect;
    ADDRESSES("192.0.2.1", "192.0.2.2", "192.0.2.3", "2001:db8::4", "192.0.2.5", "192.0.2.6");
    for (int i = 0; i < 6; i++) {
        fates[i].address = dns.addresses[i];
        fates[i].fate = i == 1 ? REFUSES : UNREACHABLE;
    }
    await_group (r, g)
        async_spawn(g, connects_to_six());
    expect_int(r, -ECONNREFUSED);
    const async_error *e = async_group_errors(g);
    expect_true(strlen(e->text) <= 127);
    expect_text(e->text,
                "192.0.2.1:80: Network is unreachable; [2001:db8::4]:80: Network is unreachable; "
                "192.0.2.2:80: Connection refused; and 3 more");
    const async_error *c = e->cause;
    static const char *const tried[] = { "192.0.2.1:80", "[2001:db8::4]:80", "192.0.2.2:80",
                                         "192.0.2.3:80", "192.0.2.5:80",     "192.0.2.6:80" };
    for (int i = 0; i < 6; i++, c = c->next) {
        expect_text(c->task, tried[i]);
        expect_int(c->code, i == 2 ? -ECONNREFUSED : -ENETUNREACH);
        expect_true(c->parent == e);
    }
    expect_true(!c);
    async_error_print(e);
    expect_contains(captured_stderr(), "  192.0.2.6:80: Network is unreachable\n");
    return 0;
}

ASYNC_DEF(connect_in_vain)
{
    async_stream_auto s = NULL;
    expect_int(await_open_connection("some.where", "80", &s), -ECONNREFUSED);
    return 0;
}

TEST(debug_mode_reports_nothing_about_attempts_whose_error_was_returned)
{
    fake_dns();
    no_thread_needed();
    async__sys.connect = fake_connect;
    ADDRESSES("192.0.2.1", "192.0.2.2");
    for (int i = 0; i < 2; i++) {
        fates[i].address = dns.addresses[i];
        fates[i].fate = REFUSES;
    }
    capture_stderr_begin();
    expect_ok(async_run(connect_in_vain(), .debug = true, .slow_step = 1e9));
    expect_text(captured_stderr(), "");
    capture_stderr_end();
}

LOOP_TEST(address_that_is_listed_twice_is_tried_once)
{
    async_stream *s = NULL;
    fake_dns();
    no_thread_needed();
    async__sys.connect = fake_connect;
    ADDRESSES("192.0.2.1", "192.0.2.1", "2001:db8::1", "192.0.2.2", "2001:db8::1", "192.0.2.1");
    for (int i = 0; i < 3; i++) {
        fates[i].address = dns.addresses[i + 1];
        fates[i].fate = REFUSES;
    }
    expect_int(await_open_connection("some.where", "80", &s), -ECONNREFUSED);
    expect_events("192.0.2.1@0 2001:db8::1@0 192.0.2.2@0");
    return 0;
}

/* --- servers --- */

static int accept_errors[8], accept_count;

static int fake_accept(int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
    if (accept_count < (int)countof(accept_errors) && accept_errors[accept_count]) {
        errno = accept_errors[accept_count++];
        return -1;
    }
    return accept4(fd, addr, len, flags);
}

ASYNC_DEF(echo, (async_stream *)s)
{
    char buf[64];
    ssize_t n;
    while ((n = ASYNC_TRY(await_stream_read(s, buf, sizeof buf))) > 0)
        ASYNC_TRY(await_stream_write(s, buf, (size_t)n));
    return 0;
}

ASYNC_DEF(server, (const char *)host, (int *)port, (async_event *)serving)
{
    return await_serve(host, "0", echo, .ret_port = port, .serving = serving);
}

REAL(server_listens_once_on_an_address_that_is_listed_twice)
{
    int port;
    async_event serving = { 0 };
    fake_dns();
    ADDRESSES("127.0.0.1", "127.0.0.1");
    await_task_auto t = async_create_task(server("some.where", &port, &serving));
    expect_ok(await_event_wait(&serving));
    return close(plain_connect(port));
}

static int failing_listen(int fd, int backlog)
{
    (void)fd, (void)backlog;
    errno = EADDRINUSE;
    return -1;
}

REAL(server_that_cannot_listen_leaves_no_path)
{
    char path[] = "/tmp/asyncio-test-listen-XXXXXX";
    int port, fd = mkstemp(path);
    async_event serving = { 0 };
    expect_ok(close(fd));
    expect_ok(unlink(path));
    async__sys.listen = failing_listen;
    expect_int(await_server(path, &port, &serving), -EADDRINUSE);
    expect_int(access(path, F_OK), -1);
    async__sys.listen = async__sys_kernel.listen;
    return 0;
}

static int successor;

/* Before the server listens, another one takes its socket for one that was left behind. */
static int listen_after_another(int fd, int backlog)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    socklen_t size = sizeof a;
    expect_ok(getsockname(fd, (struct sockaddr *)&a, &size));
    expect_ok(unlink(a.sun_path));
    successor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    expect_ok(bind(successor, (struct sockaddr *)&a, size));
    expect_ok(listen(successor, backlog));
    return listen(fd, backlog);
}

REAL(server_whose_path_was_taken_before_it_listens_fails)
{
    char path[] = "/tmp/asyncio-test-taken-XXXXXX";
    int port, r = 0, fd = mkstemp(path);
    async_event serving = { 0 };
    expect_ok(close(fd));
    expect_ok(unlink(path));
    async__sys.listen = listen_after_another;
    await_timeout (r, 1)
        r = await_server(path, &port, &serving);
    async__sys.listen = async__sys_kernel.listen;
    expect_int(r, -EADDRINUSE);
    expect_ok(access(path, F_OK));
    expect_ok(close(successor));
    return unlink(path);
}

REAL(server_goes_on_after_errors_of_accept)
{
    static const int errors[] = { ECONNABORTED, EINTR, EMFILE, EPROTO, ENFILE, ENOBUFS, EAGAIN };
    int port;
    char c;
    async_event serving = { 0 };
    memcpy(accept_errors, errors, sizeof errors);
    async__sys.accept4 = fake_accept;
    await_task_auto t = async_create_task(server("127.0.0.1", &port, &serving));
    expect_ok(await_event_wait(&serving));
    int one = plain_connect(port);
    expect_ok(await_sleep(0.5));
    expect_int(accept_count, 7);
    const char *said = captured_stderr();
    expect_contains(said, "cannot accept connections at the moment");
    expect_true(!strchr(said, '\n')[1]); /* once a minute */
    say(one, "x");
    int other = plain_connect(port); /* EAGAIN was a lie: an edge, as the kernel would have given */
    say(other, "y");
    expect_true(await_fd_ready(one, POLLIN) > 0);
    expect_int(read(one, &c, 1), 1);
    expect_true(await_fd_ready(other, POLLIN) > 0);
    expect_int(read(other, &c, 1), 1);
    expect_ok(close(one));
    return close(other);
}

REAL(server_ends_if_accept_fails_for_good)
{
    int port;
    async_event serving = { 0 };
    accept_errors[0] = EINVAL; /* nothing that waiting would cure */
    async__sys.accept4 = fake_accept;
    expect_int(await_server("127.0.0.1", &port, &serving), -EINVAL);
    return 0;
}

SUITE("net", name_is_looked_up_on_a_thread, message_names_the_host_without_an_address,
      lookup_under_way_does_not_keep_the_loop_open, lookups_run_sixteen_at_a_time,
      lookup_fails_if_no_thread_can_be_started,
      message_of_a_lookup_without_memory_does_not_blame_threads,
      addresses_are_tried_by_turns_of_family, next_attempt_begins_after_a_quarter_of_a_second,
      cancelled_connection_closes_all_attempts, every_failed_attempt_is_a_cause_of_the_error,
      debug_mode_reports_nothing_about_attempts_whose_error_was_returned,
      address_that_is_listed_twice_is_tried_once,
      server_listens_once_on_an_address_that_is_listed_twice,
      server_that_cannot_listen_leaves_no_path, server_whose_path_was_taken_before_it_listens_fails,
      server_goes_on_after_errors_of_accept, server_ends_if_accept_fails_for_good)
