#include "logfiles.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

int cowbird_preallocate(int fd, int64_t length) {
  while (fallocate(fd, 0, 0, length) != 0) {
    if (errno == EINTR) continue;
    if (errno != EOPNOTSUPP && errno != ENOSYS) return errno;
    return ftruncate(fd, length) == 0 ? 0 : errno;
  }
  return 0;
}

int64_t cowbird_next_data(int fd, int64_t from) {
  off_t found = lseek(fd, from, SEEK_DATA);
  if (found >= 0) return found;
  // ENXIO: only a hole up to the end. Anything else: the file system cannot tell, so all may be data.
  return errno == ENXIO ? -1 : from;
}

int cowbird_lock_file(int fd) { return flock(fd, LOCK_EX | LOCK_NB) == 0 ? 0 : errno; }

size_t cowbird_used_bytes(const void *bytes, size_t count) {
  const uint8_t *at = bytes;
  while (count >= 8) {
    uint64_t word;
    memcpy(&word, at + count - 8, 8);
    if (word != 0) break;
    count -= 8;
  }
  while (count > 0 && at[count - 1] == 0) count--;
  return count;
}

void cowbird_name_thread(pthread_t thread, const char *name) {
  char kept[16] = {0};
  strncpy(kept, name, sizeof kept - 1);
  pthread_setname_np(thread, kept);
}
