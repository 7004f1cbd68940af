// Chooses among the levels of the retrieval kernels, and holds the one that no instruction set helps.

#include "retrieval_kernels.h"

// A product and a sum are two roundings at every level.
#pragma STDC FP_CONTRACT OFF
#pragma clang diagnostic ignored "-Wpsabi"

typedef float lanes __attribute__((vector_size(64)));
typedef float half_lanes __attribute__((vector_size(32)));
typedef float quads __attribute__((vector_size(16)));
typedef int words __attribute__((vector_size(64)));
typedef int named_words __attribute__((ext_vector_type(16)));
typedef _Bool flags __attribute__((ext_vector_type(16)));
typedef double pairs __attribute__((vector_size(64)));
typedef double loose_pairs __attribute__((vector_size(64), aligned(8), may_alias));
typedef float loose_lanes __attribute__((vector_size(64), aligned(4), may_alias));
typedef float loose_eights __attribute__((vector_size(32), aligned(4), may_alias));
typedef int loose_words __attribute__((vector_size(64), aligned(4), may_alias));

#define NAME(x) x##_portable
#include "retrieval_body.h"
#undef NAME

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define NAME(x) x##_avx2
#include "retrieval_body.h"
#undef NAME
#pragma clang attribute pop

#pragma clang attribute push(                                                                                      \
  __attribute__((target("avx512f,avx512vl,avx512dq,avx512bw"))), apply_to = function)
#define NAME(x) x##_avx512
#include "retrieval_body.h"
#undef NAME
#pragma clang attribute pop
#endif

int cowbird_retrieval_level(int level) {
  int best = 0;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) best = 1;
  if (best == 1 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl")
      && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw"))
    best = 2;
#endif
  return level < 0 || level > best ? best : level;
}

const cowbird_retrieval_kernels *cowbird_retrieval(int level) {
#if defined(__x86_64__)
  switch (cowbird_retrieval_level(level)) {
  case 2: return &kernels_avx512;
  case 1: return &kernels_avx2;
  default: break;
  }
#endif
  (void)level;
  return &kernels_portable;
}

size_t cowbird_merge_list(
  const uint32_t *ids, const float *forward, const float *backward, size_t count, float forward_scale,
  float backward_scale, float *sums, uint32_t *mask, uint32_t *touched, size_t touched_count,
  const uint8_t *const *generations) {
  typedef float both __attribute__((vector_size(8), may_alias));
  const both scale = {forward_scale, backward_scale};
  for (size_t q = 0; q < count; q++) {
    uint32_t row = ids[q] & 0xFFFFFF;
    if (generations && generations[row >> 12][row & 4095] != ids[q] >> 24) continue;
    uint32_t bit = 1u << (row & 31);
    touched[touched_count] = row;
    touched_count += (mask[row >> 5] & bit) == 0;
    mask[row >> 5] |= bit;
    both *sum = (both *)(sums + 2 * (size_t)row);
    *sum = *sum + scale * (both){forward[q], backward[q]};
  }
  return touched_count;
}
