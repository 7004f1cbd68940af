// The kernels for AVX-512 F, BW, DQ and VL.

#include "elementary_core.h"
#include "kernel_table.h"

#if defined(__x86_64__)
#include <immintrin.h>
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,bmi,bmi2"))), apply_to = function)
#define SUFFIX avx512
#define COWBIRD_MASKED
#include "families/lanes.h"
#include "families/all.h"
#pragma clang attribute pop
#endif
