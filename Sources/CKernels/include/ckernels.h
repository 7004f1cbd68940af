// Float kernels whose bits are the same at every instruction-set level.
#ifndef COWBIRD_CKERNELS_H
#define COWBIRD_CKERNELS_H
#endif
