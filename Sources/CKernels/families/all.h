// All families at one level: the file that includes this defines SUFFIX and has set the target.

#pragma STDC FP_CONTRACT OFF

#define PASTE_(name, suffix) name##_##suffix
#define PASTE(name, suffix) PASTE_(name, suffix)
#define NAME(name) PASTE(name, SUFFIX)
#define LEVEL static

#include "vectors.h"
#include "scans.h"
#include "dense.h"
#include "optimizers.h"
#include "fm.h"
#include "linear.h"
#include "index.h"

#define ENTRY(result, name, parameters, arguments) .name = NAME(name),
const struct cowbird_kernel_table PASTE(cowbird_kernels, SUFFIX) = {KERNELS(ENTRY)};
