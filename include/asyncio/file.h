/* SPDX-License-Identifier: MIT */
/* file.h - files: whole, as streams, in lines, at offsets; names and directories. aiofiles, and what os has for files.
 *
 * The calls are made on the threads of the loop's pool for files (ASYNC_POOL_FILES), or by io_uring where the kernel has
 * it: the same results either way. $ASYNCIO_FILES, pool or uring, chooses; see async_file_engine().
 *
 * All of it: an error has a sentence that names the path (async_fail_text()). Relative paths start at the process's
 * working directory. Descriptors are closed by exec(). Offsets and sizes are bytes. -EAGAIN: no thread could be started, and there is none.
 * -ENOMEM. Suspends: yes, each await_ here.
 * Cancelled before the call has begun: nothing was done. Afterwards the call is waited for, since it may use what lies in our
 * frame, and its result is returned; the next await_ fails. So what it says it has done is done, and
 * -ECANCELED is said only if it was not; calls of several steps say below what may be left. */
#ifndef ASYNCIO_FILE_H
#define ASYNCIO_FILE_H

#include <asyncio/gen.h>
#include <asyncio/stream.h>

#include <fcntl.h>
#include <sys/stat.h>

ASYNC_BEGIN_DECLS

/* --- whole files --- */

/* Read all of path: *ret is yours, with a '\0' behind it that *ret_size (may be NULL) does not count. What grows meanwhile is read to
 * its end. -EISDIR; -ESPIPE: a FIFO, a socket or a terminal.
 *   async_data_auto text = NULL; size_t n; ASYNC_TRY(await_read_file("/etc/hosts", &text, &n)); */
int await_read_file(const char *path, char **ret, size_t *ret_size) ASYNC_CHECK;

/* Free what await_read_file() gave, and set *data to NULL. async_data_auto: done where its block ends. */
void async_data_drop(char **data);
#define async_data_auto ASYNC_AUTO(async_data_drop) char *

struct async_write_opts {
    mode_t mode;  /* of a new file, less the umask; default 0666 */
    bool durable; /* on the disk before it returns: also after a power cut there is the old or the new content */
};

/* Make data the content of path, at once or not at all: it is written to a new file beside it, which is then renamed.
 * Whoever reads path finds the old or the new content, never a part. The permissions of an old file are kept, but for
 * setuid and the like; its owner is not; a symbolic link stays, and what it leads to is replaced. -EISDIR; -EINVAL: path is
 * neither a file nor free; -ENOENT: also of a link that leads nowhere; -ENOSPC. After an error or -ECANCELED path is as it
 * was, but for one: with .durable the new content may be there, and what has failed is to make its name last.
 *   await_write_file(path, data, size, .durable = true) */
#define await_write_file(path, data, size, ...)                                                    \
    await_write_file_opt((path), (data), (size), &(const struct async_write_opts){ __VA_ARGS__ })
int await_write_file_opt(const char *path, const void *data, size_t size,
                         const struct async_write_opts *opts) ASYNC_CHECK;

/* Make to a copy of the file from: content and permissions, but for setuid and the like. In the kernel, by sharing the
 * blocks where the file system can. -EINVAL: they are the same file. Cancelled, or with an error: to may hold a part. */
int await_copy_file(const char *from, const char *to) ASYNC_CHECK;

/* --- files as streams --- */

/* Open path as a stream; mode as for fopen(): "r", "w", "a", each with "+", "x" (must not exist), "b" (says nothing) and "e"
 * (the same). All that stream.h has works on it. One position serves reading and writing, and one task at a time may
 * do either (-EBUSY). With "a" writes go to the end and leave the position alone. Writes are not buffered: what is written in
 * small pieces is better collected. await_stream_close() gives the errors that closing has; dropping forgets them.
 * A cancelled write: a part may have been written, unless it was not begun.
 * 0, and *ret is yours to drop. -EISDIR; -ESPIPE: a FIFO, a socket or a terminal; -EINVAL: no such mode. */
int await_open_file(const char *path, const char *mode, async_stream **ret) ASYNC_CHECK;

/* The position of such a stream; what was read ahead is forgotten when it is set. 0; -ESPIPE: it is no file; -EINVAL: offset < 0;
 * -EBUSY: a task is reading or writing. tell: the position; -ESPIPE; -EPIPE: it was closed. */
int async_stream_seek(async_stream *s, int64_t offset);
int64_t async_stream_tell(const async_stream *s);

/* await_for_each (r, line, async_lines(s)) { }    each line of s, any stream, without its "\n", which the last one may lack.
 * line is a char *, valid until the next one; however long it is. What was not asked for is left in s. r: 0; -ENOMEM: a line is too
 * long; and as reading. */
struct async_line_items {
    async_gen gen;
    char **item;
};
struct async_line_items async_lines(async_stream *s) ASYNC_CHECK;

/* --- open files --- */

/* An open file, of this loop; any number of tasks may use it at a time. Closed while a call is under way: the call ends as
 * if it were not. */
typedef struct async_file async_file;

struct async_open_opts {
    mode_t mode; /* of a new file, less the umask; default 0666 */
};

/* Open path; flags as for open(2): O_RDONLY, O_RDWR | O_CREAT, ... Directories with O_DIRECTORY only, for await_fsync().
 * 0, and *ret is yours to drop. -EISDIR; -ESPIPE: a FIFO, a socket or a terminal. */
#define await_open(path, flags, ret, ...)                                                          \
    await_open_opt((path), (flags), (ret), &(const struct async_open_opts){ __VA_ARGS__ })
int await_open_opt(const char *path, int flags, async_file **ret,
                   const struct async_open_opts *opts) ASYNC_CHECK;

/* Close it: 0, or what the system has to say of what was written, -EIO, -ENOSPC, -EDQUOT. It is closed in any case, also when
 * cancelled; later calls get -EBADF. Again: 0. */
int await_close(async_file *f) ASYNC_CHECK;

/* Close it if it is not, free it, and set *f to NULL. Errors of closing are lost. *f may be NULL. async_file_auto f = NULL:
 * done where f's block ends. */
void async_file_drop(async_file **f);
#define async_file_auto ASYNC_AUTO(async_file_drop) async_file *

/* Read size bytes at that offset: how many, less only if the file ends before. */
ssize_t await_pread(async_file *f, void *buf, size_t size, int64_t offset) ASYNC_CHECK;

/* Write all of it there, with O_APPEND at the end: 0. After an error, or cancelled, a part may have been written. */
int await_pwrite(async_file *f, const void *buf, size_t size, int64_t offset) ASYNC_CHECK;

/* Copy size bytes, or as many as there are, from one offset to the other, in the kernel if possible: how many.
 * -EINVAL: the same file, overlapping; a negative offset. size <= 0: 0. Cancelled, or with an error: a part may have been copied. */
int64_t await_copy_file_range(async_file *from, int64_t from_offset, async_file *to, int64_t to_offset,
                              int64_t size) ASYNC_CHECK;

/* Write size bytes of f from that offset on, or as many as there are, to the stream s, of any kind: how many. 64 KiB
 * at a time, so the file may be larger than memory. Errors as await_pread() and await_stream_write(); -EINVAL: size < 0.
 * Cancelled, or with an error: a part may have been written. Nobody else should write to s meanwhile: it would come between two
 * pieces. */
int64_t await_stream_sendfile(async_stream *s, async_file *f, int64_t offset, int64_t size) ASYNC_CHECK;

/* As the system calls of those names: 0. */
int await_fstat(async_file *f, struct stat *ret) ASYNC_CHECK;
int await_ftruncate(async_file *f, int64_t size) ASYNC_CHECK;
int await_fsync(async_file *f) ASYNC_CHECK;
int await_fdatasync(async_file *f) ASYNC_CHECK;

/* A file without a name, for reading and writing by its owner, in dir (NULL: $TMPDIR, else /tmp). It is gone when it is closed.
 * _named_: with a name, async_file_path(), which is removed when f is closed, whoever has it by then, but not by a child of
 * fork(). */
int await_temporary_file(const char *dir, async_file **ret) ASYNC_CHECK;
int await_named_temporary_file(const char *dir, async_file **ret) ASYNC_CHECK;

/* The path by which f was opened; of a temporary file without a name, its directory. f's. */
const char *async_file_path(const async_file *f);

/* --- names --- */

/* As the system calls of those names: 0. mode: less the umask. */
int await_stat(const char *path, struct stat *ret) ASYNC_CHECK;
int await_lstat(const char *path, struct stat *ret) ASYNC_CHECK;
int await_rename(const char *from, const char *to) ASYNC_CHECK;
int await_unlink(const char *path) ASYNC_CHECK;
int await_mkdir(const char *path, mode_t mode) ASYNC_CHECK;
int await_rmdir(const char *path) ASYNC_CHECK;

/* await_for_each (r, entry, async_scandir(path)) { }    the entries of a directory, without "." and "..", in no order. What is
 * added or removed meanwhile may be among them or not. path must live until the loop is left. r: 0, or as await_open().
 * Leaving the loop closes the directory. */
typedef struct async_dir_entry {
    const char *name;   /* valid until the next one */
    uint64_t inode;
    unsigned char type; /* DT_REG, DT_DIR, DT_LNK, ... of <dirent.h>; DT_UNKNOWN: ask await_lstat() */
} async_dir_entry;

struct async_dir_entries {
    async_gen gen;
    async_dir_entry *item;
};
struct async_dir_entries async_scandir(const char *path) ASYNC_CHECK;

/* Who makes the calls of this thread's loop, "pool" or "uring"; "": no loop runs here. Unless $ASYNCIO_FILES says otherwise it is
 * the pool; where io_uring cannot be had, or under valgrind, it is always the pool. With io_uring it is only reading, writing and
 * syncing that go through it, and reading small files whole. */
const char *async_file_engine(void);

ASYNC_END_DECLS

#endif
