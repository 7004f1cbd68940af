// Float kernels whose bits are the same at every instruction-set level.
#ifndef COWBIRD_CKERNELS_H
#define COWBIRD_CKERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "cowbird_memory.h"

#endif
