// The kernels of one level, as function pointers.
#ifndef COWBIRD_KERNEL_TABLE_H
#define COWBIRD_KERNEL_TABLE_H

#include "include/ckernels.h"
#include "kernel_list.h"

#define DECLARE(result, name, parameters, arguments) result(*name) parameters;
struct cowbird_kernel_table {
  KERNELS(DECLARE)
};
#undef DECLARE

extern const struct cowbird_kernel_table cowbird_kernels_portable;
#if defined(__x86_64__)
extern const struct cowbird_kernel_table cowbird_kernels_avx2;
extern const struct cowbird_kernel_table cowbird_kernels_avx512;
#endif

#endif
