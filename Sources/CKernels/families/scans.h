// One query against many rows.

LEVEL void NAME(dot_rows)(
    const float *query, const float *rows, size_t stride, size_t count, size_t n, float *scores) {
  size_t r = 0;
  if (n % 16 == 0) {
    // Four rows at a time, each with its own sums: the bits are those of `dot`.
    for (; r + 4 <= count; r += 4) {
      const float *p = rows + r * stride;
      lanes a = FILL(0), b = FILL(0), c = FILL(0), d = FILL(0);
      for (size_t i = 0; i < n; i += 16) {
        lanes q = LOAD(query + i);
        a += q * LOAD(p + i);
        b += q * LOAD(p + stride + i);
        c += q * LOAD(p + 2 * stride + i);
        d += q * LOAD(p + 3 * stride + i);
      }
      scores[r] = reduce(&a);
      scores[r + 1] = reduce(&b);
      scores[r + 2] = reduce(&c);
      scores[r + 3] = reduce(&d);
    }
  }
  for (; r < count; r++) scores[r] = NAME(dot)(query, rows + r * stride, n);
}

LEVEL int32_t NAME(dot_i8)(const int8_t *a, const int8_t *b, size_t n) {
  // Whole numbers: any order gives the same sum, so the compiler may choose.
  int32_t sum = 0;
  for (size_t i = 0; i < n; i++) sum += (int32_t)a[i] * (int32_t)b[i];
  return sum;
}

LEVEL void NAME(dot_rows_i8)(
    const int8_t *query, const int8_t *rows, size_t stride, size_t count, size_t n, int32_t *scores) {
  for (size_t r = 0; r < count; r++) scores[r] = NAME(dot_i8)(query, rows + r * stride, n);
}

LEVEL float NAME(quantize_i8)(const float *x, int8_t *out, size_t n) {
  float largest = NAME(max_abs)(x, n);
  float scale = largest / 127.0f;
  for (size_t i = 0; i < n; i++) {
    // 1.5 * 2^23 rounds to the nearest whole number, ties to even.
    float scaled = scale > 0 ? x[i] / scale : 0;
    scaled = scaled > 127 ? 127 : scaled < -127 ? -127 : scaled;
    out[i] = (int8_t)((scaled + 0x1.8p23f) - 0x1.8p23f);
  }
  return scale;
}
