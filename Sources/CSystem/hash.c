#include "csystem.h"

uint64_t cowbird_xxh3_64_long(const void *bytes, size_t length, uint64_t seed) {
  return XXH3_64bits_withSeed(bytes, length, seed);
}

cowbird_hash128 cowbird_xxh3_128(const void *bytes, size_t length, uint64_t seed) {
  XXH128_hash_t hash = XXH3_128bits_withSeed(bytes, length, seed);
  return (cowbird_hash128){.low = hash.low64, .high = hash.high64};
}
