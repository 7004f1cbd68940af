// exp and log and their kin in plain double arithmetic; the float functions go through double and round once.

#include "include/cowbird_elementary.h"

#include <stdint.h>

#include "elementary_core.h"

#pragma STDC FP_CONTRACT OFF

static inline double from_bits(uint64_t bits) {
  double value;
  __builtin_memcpy(&value, &bits, sizeof value);
  return value;
}

static inline uint64_t to_bits(double value) {
  uint64_t bits;
  __builtin_memcpy(&bits, &value, sizeof bits);
  return bits;
}

/// 2^n; a subnormal, 0 or infinity where that is so.
static inline double scale(double value, int n) {
  if (n > 1023) {
    value *= 0x1p1023;
    n -= 1023;
    if (n > 1023) n = 1023;
  } else if (n < -1022) {
    // By a factor that leaves 53 bits to the last step, which then rounds once.
    value *= 0x1p-969;
    n += 969;
    if (n < -1022) n = -1022;
  }
  return value * from_bits((uint64_t)(n + 1023) << 52);
}

/// exp(r) for |r| <= 0.35: Taylor's polynomial of degree 13, whose remainder is below 2^-57.
static inline double exp_small(double r) {
  double p = 1.0 / 6227020800.0;
  p = p * r + 1.0 / 479001600.0;
  p = p * r + 1.0 / 39916800.0;
  p = p * r + 1.0 / 3628800.0;
  p = p * r + 1.0 / 362880.0;
  p = p * r + 1.0 / 40320.0;
  p = p * r + 1.0 / 5040.0;
  p = p * r + 1.0 / 720.0;
  p = p * r + 1.0 / 120.0;
  p = p * r + 1.0 / 24.0;
  p = p * r + 1.0 / 6.0;
  p = p * r + 0.5;
  // 1 + (r + r r p): the largest term is exact, so what was rounded before it counts little.
  return 1.0 + (r + r * r * p);
}

double cowbird_exp(double x) {
  if (!(x == x)) return x;
  if (x > 709.782712893384) return from_bits(0x7FF0000000000000ull);
  if (x < -745.1332191019412) return 0.0;
  double n = x * 1.4426950408889634 + ROUNDING_MAGIC - ROUNDING_MAGIC;
  // ln 2 in two parts, the first with 21 zero bits at its end: n times it is exact.
  double r = (x - n * 6.93147180369123816490e-01) - n * 1.90821492927058770002e-10;
  return scale(exp_small(r), (int)n);
}

double cowbird_exp2(double x) {
  if (!(x == x)) return x;
  if (x >= 1024.0) return from_bits(0x7FF0000000000000ull);
  if (x < -1075.0) return 0.0;
  double n = x + ROUNDING_MAGIC - ROUNDING_MAGIC;
  double f = x - n;
  // f ln 2 with the product's error and ln 2's tail made good: f in two halves of 26 bits.
  double high = f * 134217729.0;
  high = high - (high - f);
  double low = f - high;
  double r = high * 6.93147180369123816490e-01;
  double tail = low * 6.93147180369123816490e-01 + f * 1.90821492927058770002e-10;
  return scale(exp_small(r + tail), (int)n);
}

/// log(m 2^k) as fdlibm's e_log.c does it (Sun Microsystems, 1993): below 1 ulp.
double cowbird_log(double x) {
  uint64_t bits = to_bits(x);
  if (!(x > 0.0)) {
    if (x == 0.0) return from_bits(0xFFF0000000000000ull);
    return x == x ? from_bits(0x7FF8000000000000ull) : x;
  }
  if (bits == 0x7FF0000000000000ull) return x;
  int k = 0;
  if (bits < 0x0010000000000000ull) {
    bits = to_bits(x * 0x1p54);
    k = -54;
  }
  // m in [sqrt(1/2), sqrt(2))
  uint64_t shifted = bits + (0x3FF0000000000000ull - 0x3FE6A09E667F3BCDull);
  k += (int)(shifted >> 52) - 1023;
  double f = from_bits((shifted & 0x000FFFFFFFFFFFFFull) + 0x3FE6A09E667F3BCDull) - 1.0;
  double s = f / (2.0 + f);
  double z = s * s;
  double w = z * z;
  double t1 = w * (3.999999999940941908e-01 + w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01));
  double t2 = z * (6.666666666666735130e-01 +
                   w * (2.857142874366239149e-01 + w * (1.818357216161805012e-01 + w * 1.479819860511658591e-01)));
  double r = t2 + t1;
  double half = 0.5 * f * f;
  double dk = (double)k;
  return dk * 6.93147180369123816490e-01 - ((half - (s * (half + r) + dk * 1.90821492927058770002e-10)) - f);
}

double cowbird_log2(double x) {
  double y = cowbird_log(x);
  if (!(y - y == 0.0)) return y;
  // The power of two apart, so that powers of two are exact.
  uint64_t bits = to_bits(x);
  int k = 0;
  if (bits < 0x0010000000000000ull) {
    bits = to_bits(x * 0x1p54);
    k = -54;
  }
  uint64_t shifted = bits + (0x3FF0000000000000ull - 0x3FE6A09E667F3BCDull);
  k += (int)(shifted >> 52) - 1023;
  double m = from_bits((shifted & 0x000FFFFFFFFFFFFFull) + 0x3FE6A09E667F3BCDull);
  return (double)k + cowbird_log(m) * 1.4426950408889634;
}

double cowbird_log1p(double x) {
  if (x == -1.0) return from_bits(0xFFF0000000000000ull);
  if (!(x > -1.0)) return x == x ? from_bits(0x7FF8000000000000ull) : x;
  if (x < 0x1p-54 && x > -0x1p-54) return x;
  if (x > 0x1p60) return cowbird_log(x);
  double u = 1.0 + x;
  // What 1 + x lost, first order.
  double lost = x >= 1.0 ? 1.0 - (u - x) : x - (u - 1.0);
  double y = cowbird_log(u);
  if (u == 1.0) return x;
  return y + lost / u;
}

double cowbird_pow(double x, double y) {
  if (y == 0.0) return 1.0;
  if (x == 1.0) return 1.0;
  return cowbird_exp(y * cowbird_log(x));
}

double cowbird_sigmoid(double x) {
  double e = cowbird_exp(x < 0.0 ? x : -x);
  return x < 0.0 ? e / (1.0 + e) : 1.0 / (1.0 + e);
}

double cowbird_softplus(double x) {
  double rest = cowbird_log1p(cowbird_exp(x < 0.0 ? x : -x));
  return x > 0.0 ? x + rest : rest;
}

float cowbird_expf(float x) {
  double result;
  EXPF_CORE(double, int64_t, (double)x, result)
  return (float)result;
}

float cowbird_logf(float x) { return (float)cowbird_log((double)x); }
float cowbird_log1pf(float x) { return (float)cowbird_log1p((double)x); }

float cowbird_sigmoidf(float x) {
  double result;
  SIGMOIDF_CORE(double, int64_t, (double)x, result)
  return (float)result;
}

float cowbird_tanhf(float x) {
  if (x == 0.0f) return x;
  double a = x < 0.0f ? -(double)x : (double)x;
  if (a < 0x1p-12) return (float)((double)x - (double)x * (double)x * (double)x * (1.0 / 3.0));
  double e = cowbird_exp(-2.0 * a);
  double t = (1.0 - e) / (1.0 + e);
  return (float)(x < 0.0f ? -t : t);
}

float cowbird_softplusf(float x) { return (float)cowbird_softplus((double)x); }
