/* SPDX-License-Identifier: MIT */
/* file.h - files and directories: what aiofiles is to asyncio, and the calls of os for files.
 *
 *   await_read_file             read a whole file
 *   await_write_file            replace the content of a file, at once or not at all
 *   await_copy_file             copy a file
 *   async_data_drop             free what was read
 *   await_open_file             open a file as a stream
 *   async_stream_seek           set its position
 *   async_stream_tell           its position
 *   await_open                  open a file, to use it at any offset
 *   await_close                 close it
 *   async_file_drop             close and free it
 *   await_pread                 read at an offset
 *   await_pwrite                write at an offset
 *   await_copy_file_range       copy from one file to another
 *   await_stream_sendfile       write a part of a file to a stream
 *   await_fstat                 status of an open file
 *   await_ftruncate             set its size
 *   await_fsync                 wait until its content is on the disk
 *   await_fdatasync             the same without the times
 *   await_temporary_file        make a temporary file without a name
 *   await_named_temporary_file  make one with a name
 *   async_file_path             path of an open file
 *   await_stat, await_lstat     status of a path
 *   await_rename                rename
 *   await_unlink                remove a file
 *   await_mkdir                 make a directory
 *   await_rmdir                 remove a directory
 *   async_scandir               iterate over the entries of a directory
 *   async_file_engine           "pool" or "uring"
 *
 * The system calls run on the threads of the loop's pool for files (ASYNC_POOL_FILES, pool.h), or
 * through io_uring, with the same results. Paths may be relative to the working directory of the
 * process; descriptors are closed by exec(); offsets and sizes are in bytes. Each await_ function
 * is called from a task, is a cancellation point, and suspends until the system call has ended.
 *
 * A task that is cancelled before its call has begun has done nothing, and the function returns
 * -ECANCELED. Once the call has begun, it is waited for, because it may use memory of the caller;
 * its result is returned, and the next await_ fails. Functions that make several calls say below
 * what they may leave behind. Common errors:
 *   -ENOENT, -EACCES, -ENOSPC, ...  as the system call of that name. async_fail_text() returns a
 *                                   message that names the path
 *   -EBADF      the file is closed
 *   -EPERM      not called from a task, or the file belongs to another loop, and then a message is
 *               printed; or the system does not permit the call
 *   -ECANCELED  the calling task was cancelled
 *   -EAGAIN     there is no thread, and none could be started
 *   -ENOMEM */
#ifndef ASYNCIO_FILE_H
#define ASYNCIO_FILE_H

#include <asyncio/gen.h>
#include <asyncio/stream.h>

#include <fcntl.h>
#include <sys/stat.h>

ASYNC_BEGIN_DECLS

/* --- whole files --- */

/* Read a whole file.
 *
 *   async_data_auto text = NULL;
 *   size_t size;
 *   ASYNC_TRY(await_read_file("/etc/hosts", &text, &size));
 *
 * path       the file. If it grows meanwhile, it is read to its end.
 * ret        receives the content and a '\0' behind it. It belongs to the caller:
 *            async_data_drop().
 * ret_size   receives the size, without the '\0'; may be NULL.
 * Returns    0; -EISDIR; -ESPIPE for a FIFO, a socket or a terminal; or a common error.
 * See also   await_stream_read_all() (stream.h), with a limit. */
int await_read_file(const char *path, char **ret, size_t *ret_size) ASYNC_CHECK;

/* Free what await_read_file() or await_stream_read_all() has returned, and set *data to NULL.
 * async_data_auto does so at the end of its block.
 *
 * data       *data may be NULL. */
void async_data_drop(char **data);
#define async_data_auto ASYNC_AUTO(async_data_drop) __typeof__(char *)

struct async_write_opts {
    mode_t mode;  /* of a new file, less the umask; default 0666 */
    bool durable; /* return when the content is on the disk. After a power failure the path has the
                   * old or the new content */
};

/* Replace the content of a file, at once or not at all.
 *
 *   ASYNC_TRY(await_write_file("state.json", text, size, .durable = true));
 *
 * path         the file. A symbolic link stays, and the file that it leads to is replaced.
 * data, size   the new content.
 * ...          options, see struct async_write_opts.
 * Returns      0; -EISDIR; -EINVAL if the path is not a regular file; -ENOENT, also for a link that
 *              leads nowhere; or a common error. The old content is still there after an error,
 *              with one exception: if .durable is set and the new name could not be made durable,
 *              it may be the new content.
 * Cancelled    the old content is still there, with the same exception.
 *
 * The content is written to a new file in the same directory, which is then renamed, so that a
 * reader finds the old or the new content, never a part. The permissions of an old file are kept,
 * except setuid and the like; its owner is not. */
#define await_write_file(path, data, size, ...)                                                    \
    await_write_file_opt((path), (data), (size), &(const struct async_write_opts){ __VA_ARGS__ })
int await_write_file_opt(const char *path, const void *data, size_t size,
                         const struct async_write_opts *opts) ASYNC_CHECK;

/* Copy a file: its content and its permissions, except setuid and the like.
 *
 *   ASYNC_TRY(await_copy_file("state.json", "state.json.old"));
 *
 * from, to   the paths. If `to` exists, it is overwritten.
 * Returns    0; -EINVAL if they are the same file; or a common error, after which `to` may hold a
 *            part.
 * Cancelled  `to` may hold a part.
 *
 * The kernel copies, and the two files share their blocks if the file system supports that. */
int await_copy_file(const char *from, const char *to) ASYNC_CHECK;

/* --- files as streams --- */

/* Open a file as a stream, for all functions of stream.h.
 *
 *   async_stream_auto s = NULL;
 *   ASYNC_TRY(await_open_file("log.txt", "a", &s));
 *   ASYNC_TRY(await_stream_printf(s, "%d requests\n", n));
 *
 * path       the file.
 * mode       as for fopen(): "r", "w" or "a", followed by any of "+" (read and write), "x" (the
 *            file must not exist), "b" and "e" (no effect).
 * ret        receives the stream, which belongs to the caller: async_stream_drop().
 * Returns    0; -EISDIR; -ESPIPE for a FIFO, a socket or a terminal; -EINVAL if there is no such
 *            mode; or a common error.
 *
 * One position serves reading and writing, and one task at a time may do either; another one gets
 * -EBUSY. In mode "a" writes go to the end and leave the position alone. Each write is a system
 * call, so collect small pieces. A write that is cancelled may have written a part.
 * await_stream_close() returns the errors of closing, which async_stream_drop() ignores.
 *
 * The end of a file is not final. If the file has grown, the next read returns the new bytes. So a
 * file that grows is followed by reading until the end, an await_sleep(), and reading again; but a
 * line that is half written at that moment is returned in two parts. */
int await_open_file(const char *path, const char *mode, async_stream **ret) ASYNC_CHECK;

/* Set the position of a file that was opened as a stream.
 *
 * offset     bytes from the beginning.
 * Returns    0; -ESPIPE if s is not a file; -EINVAL if offset is negative; -EBUSY if a task is
 *            reading or writing; -EPIPE if s is closed.
 * Suspends   no. */
int async_stream_seek(async_stream *s, int64_t offset);

/* Return the position of a file that was opened as a stream: that of the next byte that a call will
 * read or write. -ESPIPE if s is not a file; -EPIPE if s is closed. Does not suspend. */
int64_t async_stream_tell(const async_stream *s);

/* --- open files --- */

/* An open file. It belongs to the loop in which it was opened, and any number of tasks may use it
 * at a time. If it is closed while a call is under way, the call ends as if it were not. */
typedef struct async_file async_file;

struct async_open_opts {
    mode_t mode; /* of a new file, less the umask; default 0666 */
};

/* Open a file.
 *
 *   async_file_auto f = NULL;
 *   ASYNC_TRY(await_open("data.bin", O_RDWR | O_CREAT, &f, .mode = 0600));
 *
 * path       the file; a directory only with O_DIRECTORY, for await_fsync().
 * flags      as for open(2); not O_PATH.
 * ret        receives the file, which belongs to the caller: async_file_drop().
 * ...        options, see struct async_open_opts.
 * Returns    0; -EISDIR; -ESPIPE for a FIFO, a socket or a terminal; or a common error. */
#define await_open(path, flags, ret, ...)                                                          \
    await_open_opt((path), (flags), (ret), &(const struct async_open_opts){ __VA_ARGS__ })
int await_open_opt(const char *path, int flags, async_file **ret,
                   const struct async_open_opts *opts) ASYNC_CHECK;

/* Close a file. It still has to be dropped.
 *
 *   ASYNC_TRY(await_close(f));
 *
 * f          may be closed already, and then the call returns 0.
 * Returns    0; -EIO, -ENOSPC, -EDQUOT and the like if the system reports only now that a write has
 *            failed. The file is closed in any case, and later calls on it return -EBADF.
 * Cancelled  the file is closed. */
int await_close(async_file *f) ASYNC_CHECK;

/* Close a file unless it is closed, free it, and set *f to NULL. Errors of closing are ignored.
 * async_file_auto does so at the end of its block.
 *
 * f          *f may be NULL. */
void async_file_drop(async_file **f);
#define async_file_auto ASYNC_AUTO(async_file_drop) __typeof__(async_file *)

/* Read at an offset.
 *
 *   ssize_t n = ASYNC_TRY(await_pread(f, buf, sizeof buf, 4096));
 *
 * buf, size  receives the bytes.
 * offset     of the first byte.
 * Returns    the number of bytes, less than size only if the file ends before; or a common
 *            error. */
ssize_t await_pread(async_file *f, void *buf, size_t size, int64_t offset) ASYNC_CHECK;

/* Write at an offset, all bytes.
 *
 *   ASYNC_TRY(await_pwrite(f, buf, size, 4096));
 *
 * buf, size  the bytes.
 * offset     of the first byte; ignored if the file was opened with O_APPEND.
 * Returns    0; or a common error, after which a part may have been written.
 * Cancelled  a part may have been written. */
int await_pwrite(async_file *f, const void *buf, size_t size, int64_t offset) ASYNC_CHECK;

/* Copy bytes from one open file to another, in the kernel if possible.
 *
 *   int64_t n = ASYNC_TRY(await_copy_file_range(from, 0, to, 0, INT64_MAX));
 *
 * from_offset, to_offset  of the first byte, in each file.
 * size                    how many bytes; if `from` ends before, as many as there are.
 * Returns                 the number of bytes; 0 if size is 0 or less; -EINVAL if the parts overlap
 *                         in one file or an offset is negative; or a common error, after which a
 *                         part may have been copied.
 * Cancelled               a part may have been copied. */
int64_t await_copy_file_range(async_file *from, int64_t from_offset, async_file *to,
                              int64_t to_offset, int64_t size) ASYNC_CHECK;

/* Write a part of a file to a stream.
 *
 *   int64_t n = ASYNC_TRY(await_stream_sendfile(s, f, 0, INT64_MAX));
 *
 * s          a stream of any kind. No other task should write to it meanwhile, because its bytes
 *            would come between two pieces.
 * f          the file, which may be larger than memory: 64 KiB are read at a time.
 * offset     of the first byte.
 * size       how many bytes; if the file ends before, as many as there are.
 * Returns    the number of bytes; -EINVAL if size is negative; or an error as of await_pread() and
 *            await_stream_write(), after which a part may have been written.
 * Cancelled  a part may have been written. */
int64_t await_stream_sendfile(async_stream *s, async_file *f, int64_t offset,
                              int64_t size) ASYNC_CHECK;

/* Call the system function of the same name on an open file.
 *
 * Returns    0 or a common error. */
int await_fstat(async_file *f, struct stat *ret) ASYNC_CHECK;
int await_ftruncate(async_file *f, int64_t size) ASYNC_CHECK;
int await_fsync(async_file *f) ASYNC_CHECK;
int await_fdatasync(async_file *f) ASYNC_CHECK;

/* Make a temporary file without a name, open for reading and writing. It is gone when it is closed.
 *
 *   async_file_auto f = NULL;
 *   ASYNC_TRY(await_temporary_file(NULL, &f));
 *
 * dir        the directory; NULL for $TMPDIR, or /tmp.
 * ret        receives the file, which belongs to the caller: async_file_drop().
 * Returns    0 or a common error. */
int await_temporary_file(const char *dir, async_file **ret) ASYNC_CHECK;

/* Make a temporary file with a name, which async_file_path() returns. When the file is closed, the
 * name is removed, even if it belongs to another file by then. A child of fork() does not remove
 * it. Otherwise like await_temporary_file(). */
int await_named_temporary_file(const char *dir, async_file **ret) ASYNC_CHECK;

/* Return the path by which a file was opened; the directory of a temporary file without a name. It
 * is valid as long as f. Does not suspend. */
const char *async_file_path(const async_file *f);

/* --- names --- */

/* Call the system function of the same name on a path.
 *
 * mode       less the umask.
 * Returns    0 or a common error. */
int await_stat(const char *path, struct stat *ret) ASYNC_CHECK;
int await_lstat(const char *path, struct stat *ret) ASYNC_CHECK;
int await_rename(const char *from, const char *to) ASYNC_CHECK;
int await_unlink(const char *path) ASYNC_CHECK;
int await_mkdir(const char *path, mode_t mode) ASYNC_CHECK;
int await_rmdir(const char *path) ASYNC_CHECK;

/* An entry of a directory. */
typedef struct async_dir_entry {
    const char *name;   /* valid until the next entry */
    uint64_t inode;
    unsigned char type; /* DT_REG, DT_DIR, DT_LNK, ... of <dirent.h>; or DT_UNKNOWN if the file
                         * system does not tell, and then await_lstat() does */
} async_dir_entry;

/* The generator that async_scandir() returns. Its members are private. */
struct async_dir_entries {
    async_gen gen;
    async_dir_entry *item;
};

/* Iterate over the entries of a directory, without "." and "..", in no order.
 *
 *   await_for_each (r, entry, async_scandir("/etc"))
 *       puts(entry.name);
 *
 * path       the directory; the text must stay valid until the loop is left.
 * Returns    a generator for await_for_each (gen.h), which sets r to 0 or the error of
 *            await_open(). If the loop is left early, the directory is closed.
 * Suspends   no; the loop does.
 *
 * An entry that is added or removed meanwhile may be left out or not. */
struct async_dir_entries async_scandir(const char *path) ASYNC_CHECK;

/* Return how the calls of this thread's loop are made, "pool" or "uring"; "" if no loop runs here.
 * Does not suspend.
 *
 * The environment variable ASYNCIO_FILES chooses; the default is "pool". If the kernel refuses
 * io_uring, or under valgrind, it is always "pool". With "uring" reading, writing and syncing, and
 * reading small files whole, use io_uring; the other calls use the pool. */
const char *async_file_engine(void);

ASYNC_END_DECLS

#endif
