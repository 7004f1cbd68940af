// The kernels for whatever the compiler takes for granted (SSE2 on x86-64).

#include "elementary_core.h"
#include "kernel_table.h"

#define SUFFIX portable
#include "families/lanes.h"
#include "families/all.h"
