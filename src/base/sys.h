/* SPDX-License-Identifier: MIT */
/* sys.h - the table of all system calls that the library makes, and of the few other functions
 * through which it depends on the outside world. Tests replace entries, to inject faults. Unless a
 * comment says otherwise, a function returns -1 and sets errno if it fails, as system calls do. */
#ifndef BASE_SYS_H
#define BASE_SYS_H

#include <poll.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/types.h>

struct addrinfo;
struct ring;
struct io_uring;

struct async_sys {
    int (*epoll_create)(void);
    int (*epoll_ctl)(int ep, int op, int fd, struct epoll_event *ev);
    /* The timeout is in ns; a negative one never expires. */
    int (*epoll_wait)(int ep, struct epoll_event *evs, int n, int64_t timeout);
    int (*eventfd)(void);
    ssize_t (*read)(int fd, void *buf, size_t size);
    ssize_t (*write)(int fd, const void *buf, size_t size);
    int (*close)(int fd);
    int (*poll)(struct pollfd *fds, nfds_t n, int timeout);
    /* Write to a descriptor that is no socket, without ever raising SIGPIPE. */
    ssize_t (*write_nosignal)(int fd, const void *buf, size_t size);
    int (*socket)(int family, int type, int protocol);
    int (*bind)(int fd, const struct sockaddr *addr, socklen_t len);
    int (*listen)(int fd, int backlog);
    int (*accept4)(int fd, struct sockaddr *addr, socklen_t *len, int flags);
    int (*connect)(int fd, const struct sockaddr *addr, socklen_t len);
    int (*getsockname)(int fd, struct sockaddr *addr, socklen_t *len);
    int (*getpeername)(int fd, struct sockaddr *addr, socklen_t *len);
    int (*getsockopt)(int fd, int level, int name, void *value, socklen_t *len);
    int (*setsockopt)(int fd, int level, int name, const void *value, socklen_t len);
    ssize_t (*send)(int fd, const void *buf, size_t size, int flags);
    int (*shutdown)(int fd, int how);

    /* Name lookup. `fault` is a result of draw_name_fault(). Returns 0 or an EAI_ code. */
    int (*getaddrinfo)(uint32_t fault, const char *host, const char *port,
                       const struct addrinfo *hints, struct addrinfo **ret);
    void (*freeaddrinfo)(struct addrinfo *list);
    /* Start a detached thread that receives no signals. Returns 0 or an errno. */
    int (*thread)(void *(*fn)(void *arg), void *arg);
    int (*processors)(void); /* returns how many processors this process may use */
    /* Sleep while *word is `expected`, for at most `timeout` ns; wake n threads that sleep so. */
    int (*futex_wait)(atomic_uint *word, unsigned expected, int64_t timeout);
    int (*futex_wake)(atomic_uint *word, int n);

    /* Streams in memory (ring.h). */
    ssize_t (*ring_get)(struct ring *r, void *buf, size_t size);
    ssize_t (*ring_put)(struct ring *r, const void *buf, size_t size);

    /* Processes. socketpair() makes packet sockets, of which the first is non-blocking. spawn()
     * returns 0 or an errno. The size of a memfd() cannot be changed. timerfd() makes a timer of
     * CLOCK_MONOTONIC, which timerfd_set() lets expire at a time in ns, or never if that is 0. */
    int (*socketpair)(int fds[2]);
    int (*spawn)(pid_t *ret, const char *path, const posix_spawn_file_actions_t *actions,
                 const posix_spawnattr_t *attributes, char *const argv[], char *const envp[]);
    int (*pidfd)(pid_t pid);
    int (*waitpid)(pid_t pid, int *status, int options);
    int (*kill)(pid_t pid, int sig);
    ssize_t (*sendmsg)(int fd, const struct msghdr *m, int flags);
    ssize_t (*recv)(int fd, void *buf, size_t size, int flags);
    int (*memfd)(size_t size);
    void *(*map_shared)(int fd, size_t size); /* returns NULL if it fails */
    int (*timerfd)(void);
    int (*timerfd_set)(int fd, int64_t when);

    /* Injected faults of file requests and name lookups, which run on threads of a pool. A fault is
     * drawn on the loop's thread before the request is sent, so that it is the same in each run; 0
     * stands for none. apply_file_fault() is then called before each system call (enum file_sys) of
     * the request (enum file_request_kind). It returns 0, perhaps with a smaller *size, or an errno
     * with which that call is to fail instead of being made. */
    uint32_t (*draw_file_fault)(int call);
    int (*apply_file_fault)(uint32_t *fault, int call, size_t *size);
    uint32_t (*draw_name_fault)(bool passive);

    /* io_uring, if it is compiled in. Each returns a negative errno if it fails. */
    int (*uring_open)(struct io_uring *ring, unsigned entries);
    int (*uring_enter)(struct io_uring *ring);

    /* Map zeroed memory, which is only reserved until it is touched. Returns NULL if it fails. */
    void *(*map)(size_t size);
    void *(*remap)(void *p, size_t old, size_t size);
    int (*unmap)(void *p, size_t size);
    int (*madvise)(void *p, size_t size, int advice);
    int (*mprotect)(void *p, size_t size, int prot);
    int64_t (*clock)(void); /* CLOCK_MONOTONIC, ns */
};

extern struct async_sys async__sys;
extern const struct async_sys async__sys_kernel; /* the table outside of tests */

#endif
