#include "crc32c.h"

#include <pthread.h>
#include <string.h>

// Slicing by eight (Kounavis, Berry 2005): eight tables, eight bytes per step.
static uint32_t tables[8][256];
static pthread_once_t tables_once = PTHREAD_ONCE_INIT;

static void make_tables(void) {
  for (uint32_t byte = 0; byte < 256; byte++) {
    uint32_t value = byte;
    for (int bit = 0; bit < 8; bit++) value = (value >> 1) ^ (0x82F63B78u & (0u - (value & 1u)));
    tables[0][byte] = value;
  }
  for (int table = 1; table < 8; table++)
    for (uint32_t byte = 0; byte < 256; byte++) {
      uint32_t before = tables[table - 1][byte];
      tables[table][byte] = (before >> 8) ^ tables[0][before & 0xFF];
    }
}

uint32_t cowbird_crc32c_portable(uint32_t crc, const void *bytes, size_t length) {
  pthread_once(&tables_once, make_tables);
  const uint8_t *at = bytes;
  uint32_t state = ~crc;
  while (length >= 8) {
    uint32_t low = state ^ ((uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24);
    state = tables[7][low & 0xFF] ^ tables[6][(low >> 8) & 0xFF] ^ tables[5][(low >> 16) & 0xFF] ^
            tables[4][low >> 24] ^ tables[3][at[4]] ^ tables[2][at[5]] ^ tables[1][at[6]] ^ tables[0][at[7]];
    at += 8;
    length -= 8;
  }
  while (length-- > 0) state = (state >> 8) ^ tables[0][(state ^ *at++) & 0xFF];
  return ~state;
}

#if defined(__x86_64__)
#include <nmmintrin.h>

__attribute__((target("sse4.2"))) static uint32_t by_instruction(uint32_t crc, const uint8_t *at, size_t length) {
  uint64_t state = (uint32_t)~crc;
  while (length >= 8) {
    uint64_t word;
    memcpy(&word, at, 8);
    state = _mm_crc32_u64(state, word);
    at += 8;
    length -= 8;
  }
  uint32_t rest = (uint32_t)state;
  while (length-- > 0) rest = _mm_crc32_u8(rest, *at++);
  return ~rest;
}

static int has_instruction(void) { return __builtin_cpu_supports("sse4.2"); }

#elif defined(__aarch64__) && defined(__linux__)
#include <arm_acle.h>
#include <sys/auxv.h>

#ifndef HWCAP_CRC32
#define HWCAP_CRC32 (1 << 7)
#endif

__attribute__((target("crc"))) static uint32_t by_instruction(uint32_t crc, const uint8_t *at, size_t length) {
  uint32_t state = ~crc;
  while (length >= 8) {
    uint64_t word;
    memcpy(&word, at, 8);
    state = __crc32cd(state, word);
    at += 8;
    length -= 8;
  }
  while (length-- > 0) state = __crc32cb(state, *at++);
  return ~state;
}

static int has_instruction(void) { return (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0; }

#else

static uint32_t by_instruction(uint32_t crc, const uint8_t *at, size_t length) {
  return cowbird_crc32c_portable(crc, at, length);
}

static int has_instruction(void) { return 0; }
#endif

uint32_t cowbird_crc32c(uint32_t crc, const void *bytes, size_t length) {
  // 0: not asked yet, 1: table, 2: instruction. Two threads that ask at once find the same.
  static int choice = 0;
  int chosen = __atomic_load_n(&choice, __ATOMIC_RELAXED);
  if (chosen == 0) {
    chosen = has_instruction() ? 2 : 1;
    __atomic_store_n(&choice, chosen, __ATOMIC_RELAXED);
  }
  return chosen == 2 ? by_instruction(crc, bytes, length) : cowbird_crc32c_portable(crc, bytes, length);
}
