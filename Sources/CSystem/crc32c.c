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
#include <immintrin.h>

// The instruction takes three cycles and a core begins one each cycle: three stretches of the bytes are summed side by
// side and put together (Gopal et al., Fast CRC Computation for iSCSI Polynomial, 2011). A state A before k words of
// zeros is A x^64k mod P after them. Carry-less, the reflected A times B is the word of A B x, which the instruction
// makes A B x^33 mod P: so B is x^(64k - 33).
enum { LANE_WORDS = 128, FEWEST_WORDS = 18 };

/// By k, from 1: x^(64k - 33) mod P.
static uint32_t powers[2 * LANE_WORDS + 1];
static pthread_once_t powers_once = PTHREAD_ONCE_INIT;

__attribute__((target("sse4.2"))) static void make_powers(void) {
  powers[1] = 1;
  for (int words = 2; words <= 2 * LANE_WORDS; words++)
    powers[words] = (uint32_t)_mm_crc32_u64(powers[words - 1], 0);
}

/// The state after so many words of zeros.
__attribute__((target("sse4.2,pclmul"))) static inline uint64_t after_zeros(uint64_t state, size_t words) {
  __m128i product = _mm_clmulepi64_si128(_mm_cvtsi64_si128((int64_t)state), _mm_cvtsi32_si128((int)powers[words]), 0);
  return _mm_crc32_u64(0, (uint64_t)_mm_cvtsi128_si64(product));
}

static inline uint64_t word_at(const uint8_t *at) {
  uint64_t word;
  memcpy(&word, at, 8);
  return word;
}

__attribute__((target("sse4.2,pclmul"))) static uint32_t by_instruction(
    uint32_t crc, const uint8_t *at, size_t length) {
  uint64_t state = (uint32_t)~crc;
  while (length >= 8 * FEWEST_WORDS) {
    size_t words = length / 24 < LANE_WORDS ? length / 24 : LANE_WORDS;
    const uint8_t *second = at + 8 * words, *third = second + 8 * words;
    uint64_t middle = 0, last = 0;
    for (size_t byte = 0; byte < 8 * words; byte += 8) {
      state = _mm_crc32_u64(state, word_at(at + byte));
      middle = _mm_crc32_u64(middle, word_at(second + byte));
      last = _mm_crc32_u64(last, word_at(third + byte));
    }
    state = after_zeros(state, 2 * words) ^ after_zeros(middle, words) ^ last;
    at = third + 8 * words;
    length -= 24 * words;
  }
  for (; length >= 8; at += 8, length -= 8) state = _mm_crc32_u64(state, word_at(at));
  uint32_t rest = (uint32_t)state;
  if (length & 4) {
    uint32_t four;
    memcpy(&four, at, 4);
    rest = _mm_crc32_u32(rest, four);
    at += 4;
  }
  for (length &= 3; length > 0; length--) rest = _mm_crc32_u8(rest, *at++);
  return ~rest;
}

static int has_instruction(void) {
  if (!__builtin_cpu_supports("sse4.2") || !__builtin_cpu_supports("pclmul")) return 0;
  pthread_once(&powers_once, make_powers);
  return 1;
}

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
  int chosen = __atomic_load_n(&choice, __ATOMIC_ACQUIRE);
  if (chosen == 0) {
    chosen = has_instruction() ? 2 : 1;
    __atomic_store_n(&choice, chosen, __ATOMIC_RELEASE);
  }
  return chosen == 2 ? by_instruction(crc, bytes, length) : cowbird_crc32c_portable(crc, bytes, length);
}
