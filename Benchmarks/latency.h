/* What the C load generators share: a clock, and times in buckets of 1.1%, from 1 ns. */
#ifndef BENCHMARKS_LATENCY_H
#define BENCHMARKS_LATENCY_H

#include <stdint.h>
#include <time.h>

enum { BUCKETS_PER_DOUBLING = 64, BUCKETS = 40 * BUCKETS_PER_DOUBLING };

/* Nanoseconds of the monotonic clock. */
static inline int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

static inline unsigned bucket_of(int64_t nanos) {
  if (nanos < 1) nanos = 1;
  unsigned doubling = 63u - (unsigned)__builtin_clzll((unsigned long long)nanos);
  uint64_t within = (((uint64_t)nanos - (UINT64_C(1) << doubling)) * BUCKETS_PER_DOUBLING) >> doubling;
  unsigned bucket = doubling * BUCKETS_PER_DOUBLING + (unsigned)within;
  return bucket < BUCKETS ? bucket : BUCKETS - 1;
}

static inline double bucket_micros(unsigned bucket) {
  double low = (double)(UINT64_C(1) << (bucket / BUCKETS_PER_DOUBLING));
  return low * (1 + (bucket % BUCKETS_PER_DOUBLING + 0.5) / BUCKETS_PER_DOUBLING) / 1000;
}

/* In microseconds; 0 when nothing was counted. */
static inline double percentile(const uint64_t *counts, uint64_t calls, double share) {
  uint64_t below = 0;
  for (unsigned i = 0; i < BUCKETS; i++) {
    below += counts[i];
    if ((double)below >= share * (double)calls && below) return bucket_micros(i);
  }
  return 0;
}

#endif
