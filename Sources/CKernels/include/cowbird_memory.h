// What the tables' hot path needs from the machine and Swift does not offer: prefetching, and comparing many
// one-byte tags at once.
#ifndef COWBIRD_MEMORY_H
#define COWBIRD_MEMORY_H

#include <stdint.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/// Asks for the line at `address`, to be read.
static inline __attribute__((always_inline)) void cowbird_prefetch(const void *address) {
  __builtin_prefetch(address, 0, 3);
}

/// Asks for the line at `address`, to be written.
static inline __attribute__((always_inline)) void cowbird_prefetch_write(const void *address) {
  __builtin_prefetch(address, 1, 3);
}

/// Bit i is set where byte i of the 12 bytes in (`low`, the lower half of `high`) equals `tag`. Exact: no
/// false match, in the portable version either.
static inline __attribute__((always_inline)) uint32_t cowbird_match12(uint64_t low, uint64_t high, uint8_t tag) {
#if defined(__SSE2__)
  __m128i tags = _mm_set_epi64x((long long)high, (long long)low);
  return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(tags, _mm_set1_epi8((char)tag))) & 0xFFFu;
#else
  // A byte of `difference` is zero where the tags match; the carry-free form of the zero-byte test.
  const uint64_t ones = 0x0101010101010101ull, sevens = 0x7F7F7F7F7F7F7F7Full;
  uint32_t mask = 0;
  uint64_t words[2] = {low, high};
  for (int w = 0; w < 2; w++) {
    uint64_t difference = words[w] ^ (ones * tag);
    uint64_t zero = ~(((difference & sevens) + sevens) | difference | sevens);
    mask |= (uint32_t)(((zero >> 7) * 0x0102040810204080ull) >> 56) << (8 * w);
  }
  return mask & 0xFFFu;
#endif
}

#endif
