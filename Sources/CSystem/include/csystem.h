// Thin C shims over what Swift cannot call by itself: header-only libraries, macros and variadic calls.
#ifndef COWBIRD_CSYSTEM_H
#define COWBIRD_CSYSTEM_H

#include <stddef.h>
#include <stdint.h>

// Header-only here, so that the calls are inlined and no shared library is needed at run time.
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "crc32c.h"
#include "logfiles.h"

typedef struct {
  uint64_t low;
  uint64_t high;
} cowbird_hash128;

/// XXH3, 64 bits, of more bytes than an id or a category mostly has.
uint64_t cowbird_xxh3_64_long(const void *bytes, size_t length, uint64_t seed);

/// XXH3, 64 bits, of `length` bytes. Stable between builds and machines.
static inline uint64_t cowbird_xxh3_64(const void *bytes, size_t length, uint64_t seed) {
  if (length > 16) return cowbird_xxh3_64_long(bytes, length, seed);
  return XXH3_len_0to16_64b((const xxh_u8 *)bytes, length, XXH3_kSecret, seed);
}

/// XXH3, 128 bits, of `length` bytes.
cowbird_hash128 cowbird_xxh3_128(const void *bytes, size_t length, uint64_t seed);

#endif
