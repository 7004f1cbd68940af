// What the log asks of a file that Swift's view of the C library leaves out.
#ifndef COWBIRD_LOGFILES_H
#define COWBIRD_LOGFILES_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// Gives the file `length` bytes, reserved on the disk where the file system can, else merely as a size.
/// 0, or an errno.
int cowbird_preallocate(int fd, int64_t length);

/// Position of the first byte at or after `from` that may differ from zero; -1: there is none.
int64_t cowbird_next_data(int fd, int64_t from);

/// Takes the exclusive lock of an open file without waiting. 0, or an errno (EWOULDBLOCK: another holds it).
int cowbird_lock_file(int fd);

/// Number of bytes up to and with the last that is not zero.
size_t cowbird_used_bytes(const void *bytes, size_t count);

/// Names a thread for people who look at it (at most 15 bytes are kept).
void cowbird_name_thread(pthread_t thread, const char *name);

#endif
