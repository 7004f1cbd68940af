// The kernels for AVX2.

#include "elementary_core.h"
#include "kernel_table.h"

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,bmi,bmi2"))), apply_to = function)
#define SUFFIX avx2
#include "families/lanes.h"
#include "families/all.h"
#pragma clang attribute pop
#endif
