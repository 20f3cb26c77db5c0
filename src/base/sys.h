/* SPDX-License-Identifier: MIT */
/* sys.h - the second seam: every system call of the library goes through this table, so that tests
 * can answer in the kernel's place. The functions keep the kernel's convention, -1 and errno. */
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
    /* timeout in ns; < 0: none */
    int (*epoll_wait)(int ep, struct epoll_event *evs, int n, int64_t timeout);
    int (*eventfd)(void);
    ssize_t (*read)(int fd, void *buf, size_t size);
    ssize_t (*write)(int fd, const void *buf, size_t size);
    int (*close)(int fd);
    int (*poll)(struct pollfd *fds, nfds_t n, int timeout);
    /* Into a descriptor that is no socket; like send(MSG_NOSIGNAL), it never raises SIGPIPE. */
    ssize_t (*write_quiet)(int fd, const void *buf, size_t size);
    int (*socket)(int family, int type, int protocol);
    int (*bind)(int fd, const struct sockaddr *addr, socklen_t len);
    int (*listen)(int fd, int backlog);
    int (*accept4)(int fd, struct sockaddr *addr, socklen_t *len, int flags);
    int (*connect)(int fd, const struct sockaddr *addr, socklen_t len);
    int (*getsockname)(int fd, struct sockaddr *addr, socklen_t *len);
    int (*getsockopt)(int fd, int level, int name, void *value, socklen_t *len);
    int (*setsockopt)(int fd, int level, int name, const void *value, socklen_t len);
    ssize_t (*send)(int fd, const void *buf, size_t size, int flags);
    int (*shutdown)(int fd, int how);
    /* Not system calls, but the outside world all the same. thread: detached, no signal reaches it;
     * 0 or an errno. */
    int (*getaddrinfo)(uint32_t fate, const char *host, const char *port,
                       const struct addrinfo *hints, struct addrinfo **ret);
    void (*freeaddrinfo)(struct addrinfo *list);
    int (*thread)(void *(*fn)(void *arg), void *arg);
    int (*processors)(void); /* that this process may use */
    /* Sleep while *word is expected, at most timeout ns. Wake n who do. */
    int (*futex_wait)(atomic_uint *word, unsigned expected, int64_t timeout);
    int (*futex_wake)(atomic_uint *word, int n);
    ssize_t (*ring_get)(struct ring *r, void *buf, size_t size);
    ssize_t (*ring_put)(struct ring *r, const void *buf, size_t size);
    /* Processes. socketpair: of packets; [0] never blocks. spawn: 0 or an errno. memfd: its size is
     * final. */
    int (*socketpair)(int fds[2]);
    int (*spawn)(pid_t *ret, const char *path, const posix_spawn_file_actions_t *actions,
                 const posix_spawnattr_t *attributes, char *const argv[], char *const envp[]);
    int (*pidfd)(pid_t pid);
    int (*waitpid)(pid_t pid, int *status, int options);
    int (*kill)(pid_t pid, int sig);
    ssize_t (*sendmsg)(int fd, const struct msghdr *m, int flags);
    int (*memfd)(size_t size);
    void *(*map_shared)(int fd, size_t size); /* NULL: no room */
    /* Calls on files are made on threads: what a test wants of them is asked on the loop's thread,
     * before, so that it is the same in each run. file_fate: of such a call (enum file_call), 0:
     * nothing. file_meets: of the system call in it (enum file_sys) that comes next: an errno in
     * its place, or 0 and perhaps a smaller *size. */
    uint32_t (*file_fate)(int call);
    int (*file_meets)(uint32_t *fate, int call, size_t *size);
    uint32_t (*name_fate)(bool passive); /* so for getaddrinfo */
    /* io_uring, where it is built in: 0 or what was done, or a negative errno. */
    int (*uring_open)(struct io_uring *ring, unsigned entries);
    int (*uring_enter)(struct io_uring *ring);
    void *(*map)(size_t size); /* zeroed, reserved only; NULL: no room */
    void *(*remap)(void *p, size_t old, size_t size);
    int (*unmap)(void *p, size_t size);
    int (*madvise)(void *p, size_t size, int advice);
    int (*mprotect)(void *p, size_t size, int prot);
    int64_t (*clock)(void); /* CLOCK_MONOTONIC, ns */
};

extern struct async_sys async__sys;
extern const struct async_sys async__sys_kernel; /* what it holds unless a test says otherwise */

#endif
