// Sixteen floats as one value, for every level. Loads and stores are by address, so that no vector is ever
// passed to a function that was compiled for another level.
#ifndef COWBIRD_LANES_H
#define COWBIRD_LANES_H

#include <stddef.h>
#include <stdint.h>

typedef float lanes __attribute__((ext_vector_type(16)));
typedef float lanes_in_memory __attribute__((ext_vector_type(16), aligned(4)));
typedef int32_t lanes_i32 __attribute__((ext_vector_type(16)));
typedef float half_lanes __attribute__((ext_vector_type(8)));
typedef double doubles __attribute__((ext_vector_type(8)));
typedef int64_t doubles_i64 __attribute__((ext_vector_type(8)));

#define INLINE static inline __attribute__((always_inline))
#define LOAD(p) ((lanes)(*(const lanes_in_memory *)(p)))
#define STORE(p, x) (*(lanes_in_memory *)(p) = (lanes_in_memory)(x))
#define FILL(x) ((lanes)(x))
#define SQRT(x) __builtin_elementwise_sqrt(x)

#if defined(COWBIRD_MASKED)

/// The first `count` (0 to 15) floats, then zeroes.
INLINE void load_part(lanes *result, const float *p, size_t count) {
  *result = (lanes)_mm512_maskz_loadu_ps((__mmask16)((1u << count) - 1), p);
}

INLINE void store_part(float *p, const lanes *x, size_t count) {
  _mm512_mask_storeu_ps(p, (__mmask16)((1u << count) - 1), (__m512)*x);
}

/// The first two floats of `count` (1 to 16) rows, apart; zeroes after them. Without a detour through memory, which
/// would wait for the stores.
INLINE void load_pairs(lanes *firsts, lanes *seconds, float *const *rows, size_t count) {
  __mmask16 mask = (__mmask16)((1u << count) - 1);
  __m512i near = _mm512_maskz_loadu_epi64((__mmask8)mask, rows);
  __m512i far = _mm512_maskz_loadu_epi64((__mmask8)(mask >> 8), rows + 8);
  __m512i low = _mm512_mask_i64gather_epi64(_mm512_setzero_si512(), (__mmask8)mask, near, 0, 1);
  __m512i high = _mm512_mask_i64gather_epi64(_mm512_setzero_si512(), (__mmask8)(mask >> 8), far, 0, 1);
  __m512i even = _mm512_set_epi32(30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0);
  __m512i odd = _mm512_or_si512(even, _mm512_set1_epi32(1));
  *firsts = (lanes)_mm512_permutex2var_epi32(low, even, high);
  *seconds = (lanes)_mm512_permutex2var_epi32(low, odd, high);
}

#else

typedef float quarter_lanes __attribute__((ext_vector_type(4)));
typedef float quarter_in_memory __attribute__((ext_vector_type(4), aligned(4)));

INLINE void load_quarter(quarter_lanes *result, const float *p, size_t from, size_t count) {
  quarter_lanes part = 0;
  if (from + 4 <= count) {
    part = (quarter_lanes)*(const quarter_in_memory *)(p + from);
  } else if (from < count) {
    part.x = p[from];
    if (from + 1 < count) part.y = p[from + 1];
    if (from + 2 < count) part.z = p[from + 2];
  }
  *result = part;
}

INLINE void store_quarter(float *p, const quarter_lanes *x, size_t from, size_t count) {
  if (from + 4 <= count) {
    *(quarter_in_memory *)(p + from) = (quarter_in_memory)*x;
  } else if (from < count) {
    p[from] = x->x;
    if (from + 1 < count) p[from + 1] = x->y;
    if (from + 2 < count) p[from + 2] = x->z;
  }
}

/// The first `count` (0 to 15) floats, then zeroes. By quarters in registers: a detour through memory would
/// wait for the stores.
INLINE void load_part(lanes *result, const float *p, size_t count) {
  quarter_lanes a, b, c, d;
  load_quarter(&a, p, 0, count);
  load_quarter(&b, p, 4, count);
  load_quarter(&c, p, 8, count);
  load_quarter(&d, p, 12, count);
  lanes whole;
  whole.lo.lo = a;
  whole.lo.hi = b;
  whole.hi.lo = c;
  whole.hi.hi = d;
  *result = whole;
}

INLINE void load_quarter_pairs(
    quarter_lanes *first, quarter_lanes *second, float *const *rows, size_t from, size_t count) {
  quarter_lanes a = 0, b = 0;
  if (from < count) a.x = rows[from][0], b.x = rows[from][1];
  if (from + 1 < count) a.y = rows[from + 1][0], b.y = rows[from + 1][1];
  if (from + 2 < count) a.z = rows[from + 2][0], b.z = rows[from + 2][1];
  if (from + 3 < count) a.w = rows[from + 3][0], b.w = rows[from + 3][1];
  *first = a;
  *second = b;
}

/// The first two floats of `count` (1 to 16) rows, apart; zeroes after them.
INLINE void load_pairs(lanes *firsts, lanes *seconds, float *const *rows, size_t count) {
  quarter_lanes a[4], b[4];
  for (size_t part = 0; part < 4; part++) load_quarter_pairs(a + part, b + part, rows, 4 * part, count);
  firsts->lo.lo = a[0], firsts->lo.hi = a[1], firsts->hi.lo = a[2], firsts->hi.hi = a[3];
  seconds->lo.lo = b[0], seconds->lo.hi = b[1], seconds->hi.lo = b[2], seconds->hi.hi = b[3];
}

INLINE void store_part(float *p, const lanes *x, size_t count) {
  quarter_lanes a = x->lo.lo, b = x->lo.hi, c = x->hi.lo, d = x->hi.hi;
  store_quarter(p, &a, 0, count);
  store_quarter(p, &b, 4, count);
  store_quarter(p, &c, 8, count);
  store_quarter(p, &d, 12, count);
}

#endif

/// The tree: i and i+8, i and i+4, i and i+2, i and i+1.
INLINE float reduce(const lanes *x) {
  half_lanes eight = x->lo + x->hi;
  float four __attribute__((ext_vector_type(4))) = eight.lo + eight.hi;
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
