/*
 * Counts a process's allocations, for the test beside it: preloaded with LD_PRELOAD, it stands before the C library's
 * allocator. The count is the first eight bytes of the file that COUNT_ALLOCATIONS names, where the test reads it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *pointer, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static _Atomic uint64_t early; /* before the file is mapped */
static _Atomic uint64_t *count = &early;

__attribute__((constructor)) static void map(void) {
  const char *path = getenv("COUNT_ALLOCATIONS");
  if (!path) return;
  int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0 || ftruncate(file, sizeof *count)) _exit(125);
  void *page = mmap(NULL, sizeof *count, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (page == MAP_FAILED) _exit(125);
  close(file);
  count = page;
}

static void one_more(void) { atomic_fetch_add_explicit(count, 1, memory_order_relaxed); }

void *malloc(size_t size) { return one_more(), __libc_malloc(size); }
void *calloc(size_t number, size_t size) { return one_more(), __libc_calloc(number, size); }
void *realloc(void *pointer, size_t size) { return one_more(), __libc_realloc(pointer, size); }
void *memalign(size_t alignment, size_t size) { return one_more(), __libc_memalign(alignment, size); }
void *aligned_alloc(size_t alignment, size_t size) { return one_more(), __libc_memalign(alignment, size); }

int posix_memalign(void **pointer, size_t alignment, size_t size) {
  one_more();
  *pointer = __libc_memalign(alignment, size);
  return *pointer ? 0 : ENOMEM;
}
