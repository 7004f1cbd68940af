// CRC-32C (Castagnoli, RFC 3720 appendix B.4), by the processor's instruction where there is one.
#ifndef COWBIRD_CRC32C_H
#define COWBIRD_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/// CRC-32C of `length` bytes that follow those whose CRC is `crc` (0 at the start).
uint32_t cowbird_crc32c(uint32_t crc, const void *bytes, size_t length);

/// The same by table, whatever the processor has: what the instruction is tested against.
uint32_t cowbird_crc32c_portable(uint32_t crc, const void *bytes, size_t length);

#endif
