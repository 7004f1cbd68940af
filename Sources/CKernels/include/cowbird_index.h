// A line of the tables' index, as the one place that knows it in C: 64 bytes, of which a key's hash tells the segment,
// the line in it, and the tag.
//
//   directory word ┌ address of a segment ┬ log2 of its lines (6 bits) ┐
//   line           ┌ 12 tags of 1 byte ┬ overflow ┬ 3 free ┬ 12 row ids of 4 bytes ┐
#ifndef COWBIRD_INDEX_H
#define COWBIRD_INDEX_H

#include <stdint.h>

#include "cowbird_memory.h"

/// No row has these ids: there is none in the key's first line, or none in any.
#define COWBIRD_INDEX_UNKNOWN UINT32_MAX
#define COWBIRD_INDEX_ABSENT (UINT32_MAX - 1)

/// Both halves of a product of 128 bits, folded: every bit of the key reaches the top and the bottom.
static inline __attribute__((always_inline)) uint64_t cowbird_index_hash(uint64_t key) {
  unsigned __int128 product = (unsigned __int128)(key ^ 0x9E3779B97F4A7C15ull) * 0xD6E8FEB86659FD93ull;
  return (uint64_t)(product >> 64) ^ (uint64_t)product;
}

/// Never 0, which marks a free place.
static inline __attribute__((always_inline)) uint8_t cowbird_index_tag(uint64_t hash) {
  uint8_t tag = (uint8_t)(hash >> 40);
  return tag ? tag : 1;
}

/// The first line that may hold the hash.
static inline __attribute__((always_inline)) const uint64_t *cowbird_index_line(
    const uint64_t *directory, uint64_t shift, uint64_t hash) {
  uint64_t word = __atomic_load_n(directory + (hash >> shift), __ATOMIC_ACQUIRE);
  uint64_t mask = (1ull << (word & 63)) - 1;
  return (const uint64_t *)((word & ~63ull) + ((hash & mask) << 6));
}

/// The first id with the key's tag in its first line.
static inline __attribute__((always_inline)) uint32_t cowbird_index_guess(
    const uint64_t *directory, uint64_t shift, uint64_t key) {
  uint64_t hash = cowbird_index_hash(key);
  const uint64_t *line = cowbird_index_line(directory, shift, hash);
  uint64_t high = __atomic_load_n(line + 1, __ATOMIC_ACQUIRE);
  uint32_t places = cowbird_match12(__atomic_load_n(line, __ATOMIC_ACQUIRE), high, cowbird_index_tag(hash));
  if (__builtin_expect(places != 0, 1))
    return __atomic_load_n((const uint32_t *)(line + 2) + __builtin_ctz(places), __ATOMIC_RELAXED);
  return high >> 32 & 1 ? COWBIRD_INDEX_UNKNOWN : COWBIRD_INDEX_ABSENT;
}

#endif
