// Chooses the level once, before `main`, and sends every call there.

#include "include/ckernels.h"
#include "kernel_table.h"

static const struct cowbird_kernel_table *chosen = &cowbird_kernels_portable;
static int chosen_level = 0;

static int best_level(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("bmi2"))
    return 2;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2")) return 1;
#endif
  return 0;
}

int cowbird_kernels_set_level(int level) {
  int best = best_level();
  if (level > best) level = best;
  if (level < 0) level = 0;
#if defined(__x86_64__)
  static const struct cowbird_kernel_table *const levels[] = {
      &cowbird_kernels_portable, &cowbird_kernels_avx2, &cowbird_kernels_avx512};
  __atomic_store_n(&chosen, levels[level], __ATOMIC_RELAXED);
#endif
  __atomic_store_n(&chosen_level, level, __ATOMIC_RELAXED);
  return level;
}

int cowbird_kernels_level(void) { return __atomic_load_n(&chosen_level, __ATOMIC_RELAXED); }

__attribute__((constructor)) static void choose(void) { cowbird_kernels_set_level(2); }

#define RETURN_float return
#define RETURN_int32_t return
#define RETURN_void
#define DEFINE(result, name, parameters, arguments) \
  result cowbird_##name parameters { RETURN_##result __atomic_load_n(&chosen, __ATOMIC_RELAXED)->name arguments; }
KERNELS(DEFINE)
