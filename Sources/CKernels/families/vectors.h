// Plain vectors: products, sums, elementwise steps.

LEVEL float NAME(dot)(const float *a, const float *b, size_t n) {
  lanes sum = FILL(0);
  EACH_BLOCK(n) {
    BLOCK(x, a);
    BLOCK(y, b);
    sum += x * y;
  }
  return reduce(&sum);
}

LEVEL void NAME(axpy)(float alpha, const float *x, float *y, size_t n) {
  EACH_BLOCK(n) {
    BLOCK(from, x);
    BLOCK(to, y);
    to += alpha * from;
    STORE_BLOCK(y, to);
  }
}

LEVEL void NAME(add)(const float *x, float *y, size_t n) {
  EACH_BLOCK(n) {
    BLOCK(from, x);
    BLOCK(to, y);
    to += from;
    STORE_BLOCK(y, to);
  }
}

LEVEL void NAME(scale)(float alpha, float *x, size_t n) {
  EACH_BLOCK(n) {
    BLOCK(v, x);
    v = alpha * v;
    STORE_BLOCK(x, v);
  }
}

LEVEL float NAME(sum)(const float *x, size_t n) {
  lanes sum = FILL(0);
  EACH_BLOCK(n) {
    BLOCK(v, x);
    sum += v;
  }
  return reduce(&sum);
}

LEVEL float NAME(sum_squares)(const float *x, size_t n) {
  lanes sum = FILL(0);
  EACH_BLOCK(n) {
    BLOCK(v, x);
    sum += v * v;
  }
  return reduce(&sum);
}

LEVEL float NAME(max_abs)(const float *x, size_t n) {
  lanes largest = FILL(0);
  EACH_BLOCK(n) {
    BLOCK(v, x);
    lanes magnitude = v < 0 ? -v : v;
    largest = magnitude > largest ? magnitude : largest;
  }
  float result = 0;
  for (int i = 0; i < 16; i++) result = largest[i] > result ? largest[i] : result;
  return result;
}

LEVEL int32_t NAME(outside)(const float *x, size_t n, float smallest, float largest) {
  // -1 for each that is.
  lanes_i32 count = 0;
  EACH_BLOCK(n) {
    BLOCK(v, x);
    lanes magnitude = v < 0 ? -v : v;
    lanes_i32 inside = (magnitude <= largest) & ((magnitude >= smallest) | (magnitude == 0));
    count += ~inside;
  }
  return -__builtin_reduce_add(count);
}

LEVEL void NAME(relu)(float *x, size_t n) {
  EACH_BLOCK(n) {
    BLOCK(v, x);
    v = v < 0 ? FILL(0) : v;
    STORE_BLOCK(x, v);
  }
}

LEVEL void NAME(relu_backward)(const float *y, float *dy, size_t n) {
  EACH_BLOCK(n) {
    BLOCK(v, y);
    BLOCK(d, dy);
    d = v > 0 ? d : FILL(0);
    STORE_BLOCK(dy, d);
  }
}

/// Half a block at a time, in double.
#define ELEMENTWISE(name, CORE)                                              \
  LEVEL void NAME(name)(const float *x, float *out, size_t n) {              \
    EACH_BLOCK(n) {                                                          \
      BLOCK(v, x);                                                           \
      doubles low, high;                                                     \
      CORE(doubles, doubles_i64, __builtin_convertvector(v.lo, doubles), low)  \
      CORE(doubles, doubles_i64, __builtin_convertvector(v.hi, doubles), high) \
      v.lo = __builtin_convertvector(low, half_lanes);                       \
      v.hi = __builtin_convertvector(high, half_lanes);                      \
      STORE_BLOCK(out, v);                                                   \
    }                                                                        \
  }

ELEMENTWISE(exp_n, EXPF_CORE)
ELEMENTWISE(sigmoid_n, SIGMOIDF_CORE)
