// Sixteen floats as one value, for every level. Loads and stores are by address, so that no vector is ever
// passed to a function that was compiled for another level.
#ifndef COWBIRD_LANES_H
#define COWBIRD_LANES_H

#include <stddef.h>
#include <stdint.h>

typedef float lanes __attribute__((ext_vector_type(16)));
typedef float lanes_in_memory __attribute__((ext_vector_type(16), aligned(4)));
typedef float half_lanes __attribute__((ext_vector_type(8)));
typedef double doubles __attribute__((ext_vector_type(8)));
typedef int64_t doubles_i64 __attribute__((ext_vector_type(8)));

#define INLINE static inline __attribute__((always_inline))
#define LOAD(p) ((lanes)(*(const lanes_in_memory *)(p)))
#define STORE(p, x) (*(lanes_in_memory *)(p) = (lanes_in_memory)(x))
#define FILL(x) ((lanes)(x))
#define SQRT(x) __builtin_elementwise_sqrt(x)

/// The first `count` (0 to 15) floats, then zeroes.
INLINE void load_part(lanes *result, const float *p, size_t count) {
  float buffer[16] = {0};
  if (count & 8) __builtin_memcpy(buffer, p, 32);
  if (count & 4) __builtin_memcpy(buffer + (count & 8), p + (count & 8), 16);
  for (size_t i = count & 12; i < count; i++) buffer[i] = p[i];
  __builtin_memcpy(result, buffer, 64);
}

INLINE void store_part(float *p, const lanes *x, size_t count) {
  float buffer[16];
  __builtin_memcpy(buffer, x, 64);
  if (count & 8) __builtin_memcpy(p, buffer, 32);
  if (count & 4) __builtin_memcpy(p + (count & 8), buffer + (count & 8), 16);
  for (size_t i = count & 12; i < count; i++) p[i] = buffer[i];
}

/// The tree: i and i+8, i and i+4, i and i+2, i and i+1.
INLINE float reduce(const lanes *x) {
  typedef float quarter_lanes __attribute__((ext_vector_type(4)));
  half_lanes eight = x->lo + x->hi;
  quarter_lanes four = eight.lo + eight.hi;
  return (four.x + four.z) + (four.y + four.w);
}

/// Goes through n floats in blocks of sixteen: `i` is the first of a block, `width` how many it has.
#define EACH_BLOCK(n) \
  for (size_t i = 0, width; i < (n) && (width = (n)-i < 16 ? (n)-i : 16, 1); i += 16)

/// Declares a variable with the block's floats, padded with zeroes.
#define BLOCK(x, p)                  \
  lanes x;                           \
  if (width == 16) x = LOAD((p) + i); \
  else load_part(&x, (p) + i, width)

/// Stores the block's floats.
#define STORE_BLOCK(p, x)                \
  if (width == 16) STORE((p) + i, x);    \
  else store_part((p) + i, &(x), width)

#endif
