// The factorisation machine. Each function is written once for any number of blocks of sixteen factors; 1 and 2
// blocks are compiled apart, so that the sums of the factors stay in registers.

#ifndef COWBIRD_FM_BLOCKS
#define COWBIRD_FM_BLOCKS 16
#endif

/// Loads block `j` of a row's factors: whole if k is a multiple of sixteen, else the last one padded.
#define FACTORS(target, row, j)                                                         \
  if (WHOLE || (j) + 1 < blocks) target = LOAD((row) + 1 + 16 * (j));                   \
  else load_part(&target, (row) + 1 + 16 * (j), k & 15);
#define STORE_FACTORS(row, j, x)                                                        \
  if (WHOLE || (j) + 1 < blocks) STORE((row) + 1 + 16 * (j), x);                        \
  else store_part((row) + 1 + 16 * (j), &x, k & 15);

INLINE float NAME(fm_score_blocks)(
    const float *const *rows, const float *values, size_t n, size_t k, float bias, float *sum,
    const size_t blocks, const int WHOLE) {
  lanes s[COWBIRD_FM_BLOCKS], q[COWBIRD_FM_BLOCKS];
  for (size_t j = 0; j < blocks; j++) {
    s[j] = FILL(0);
    q[j] = FILL(0);
  }
  float score = bias;
  for (size_t i = 0; i < n; i++) {
    const float *row = rows[i];
    if (values) {
      float x = values[i];
      score += row[0] * x;
      for (size_t j = 0; j < blocks; j++) {
        lanes v;
        FACTORS(v, row, j)
        v = v * x;
        s[j] += v;
        q[j] += v * v;
      }
    } else {
      score += row[0];
      for (size_t j = 0; j < blocks; j++) {
        lanes v;
        FACTORS(v, row, j)
        s[j] += v;
        q[j] += v * v;
      }
    }
  }
  lanes pairs = FILL(0);
  for (size_t j = 0; j < blocks; j++) {
    pairs += s[j] * s[j] - q[j];
    if (sum) {
      float *target = sum + 16 * j;
      if (WHOLE || j + 1 < blocks) STORE(target, s[j]);
      else store_part(target, &s[j], k & 15);
    }
  }
  return score + 0.5f * reduce(&pairs);
}

LEVEL float NAME(fm_score)(
    const float *const *rows, const float *values, size_t n, size_t k, float bias, float *sum) {
#define SCORE(k, values, blocks, WHOLE) NAME(fm_score_blocks)(rows, values, n, k, bias, sum, blocks, WHOLE)
  if (k == 16) return values ? SCORE(16, values, 1, 1) : SCORE(16, NULL, 1, 1);
  if (k == 32) return values ? SCORE(32, values, 2, 1) : SCORE(32, NULL, 2, 1);
  if (k < 16) return SCORE(k, values, k > 0, 0);
  return SCORE(k, values, (k + 15) / 16, k % 16 == 0);
#undef SCORE
}

LEVEL void NAME(fm_candidates)(
    const float *const *rows, size_t count, size_t k, float base, const float *sum, float *scores) {
  if (k == 16) {
    lanes s = LOAD(sum);
    for (size_t i = 0; i < count; i++) {
      const float *row = rows[i];
      if (!row) {
        scores[i] = base;
        continue;
      }
      lanes products = FILL(0);
      products += s * LOAD(row + 1);
      scores[i] = base + (row[0] + reduce(&products));
    }
    return;
  }
  for (size_t i = 0; i < count; i++) {
    const float *row = rows[i];
    scores[i] = row ? base + (row[0] + NAME(dot)(sum, row + 1, k)) : base;
  }
}

/// The step of a row's first weight. Returns its square.
INLINE float NAME(fm_adagrad_weight)(
    float *row, float *acc, float gx, float rate, float epsilon, float l2) {
  float g = gx + l2 * row[0];
  float a = acc[0] + g * g;
  acc[0] = a;
  row[0] = row[0] - rate * g / (__builtin_sqrtf(a) + epsilon);
  return row[0] * row[0];
}

/// The steps of the first weights of up to sixteen rows, without l2. Their square roots and divisions are done
/// at once, in lanes, which costs a third of what one by one they would. A row that occurs twice is found by its
/// accumulator, which is no longer what was read, and steps again by itself. Returns the sum of their squares.
INLINE float NAME(fm_adagrad_weights)(
    float *const *rows, float *const *state, const float *values, size_t n, float g, float rate, float epsilon) {
  float before[16] = {0}, x[16] = {0};
  for (size_t i = 0; i < n; i++) {
    before[i] = state[i][0];
    x[i] = values ? g * values[i] : g;
  }
  lanes gradient = LOAD(x);
  lanes squares = LOAD(before) + gradient * gradient;
  lanes step = rate * gradient / (SQRT(squares) + epsilon);
  float after[16], steps[16];
  STORE(after, squares);
  STORE(steps, step);
  float total = 0;
  for (size_t i = 0; i < n; i++) {
    if (__builtin_expect(state[i][0] == before[i], 1)) {
      float w = rows[i][0] - steps[i];
      state[i][0] = after[i];
      rows[i][0] = w;
      total += w * w;
    } else {
      total += NAME(fm_adagrad_weight)(rows[i], state[i], x[i], rate, epsilon, 0);
    }
  }
  return total;
}

INLINE float NAME(fm_adagrad_blocks)(
    float *const *rows, float *const *state, const float *values, size_t n, size_t k, const float *sum, float g,
    float rate, float epsilon, float l2, const size_t blocks, const int WHOLE, const int DECAYS) {
  lanes stepped = FILL(0);
  float total = 0;
  for (size_t i = 0; i < n; i++) {
    float *row = rows[i], *acc = state[i];
    float x = values ? values[i] : 1.0f;
    float gx = values ? g * x : g;
    if (DECAYS) total += NAME(fm_adagrad_weight)(row, acc, gx, rate, epsilon, l2);
    for (size_t j = 0; j < blocks; j++) {
      lanes v, a, s;
      FACTORS(v, row, j)
      FACTORS(a, acc, j)
      if (WHOLE || j + 1 < blocks) s = LOAD(sum + 16 * j);
      else load_part(&s, sum + 16 * j, k & 15);
      lanes d = values ? gx * (s - x * v) : g * (s - v);
      if (DECAYS) d += l2 * v;
      a += d * d;
      v -= rate * d / (SQRT(a) + epsilon);
      stepped += v * v;
      STORE_FACTORS(acc, j, a)
      STORE_FACTORS(row, j, v)
    }
  }
  for (size_t i = 0; !DECAYS && i < n; i += 16) {
    size_t some = n - i < 16 ? n - i : 16;
    total += NAME(fm_adagrad_weights)(rows + i, state + i, values ? values + i : values, some, g, rate, epsilon);
  }
  return total + reduce(&stepped);
}

LEVEL float NAME(fm_adagrad)(
    float *const *rows, float *const *state, const float *values, size_t n, size_t k, const float *sum, float g,
    float rate, float epsilon, float l2) {
#define STEP(k, values, l2, blocks, WHOLE, DECAYS) \
  NAME(fm_adagrad_blocks)(rows, state, values, n, k, sum, g, rate, epsilon, l2, blocks, WHOLE, DECAYS)
  if (l2 != 0) return STEP(k, values, l2, (k + 15) / 16, k % 16 == 0, 1);
  if (k == 16) return values ? STEP(16, values, 0, 1, 1, 0) : STEP(16, NULL, 0, 1, 1, 0);
  if (k == 32) return values ? STEP(32, values, 0, 2, 1, 0) : STEP(32, NULL, 0, 2, 1, 0);
  if (k < 16) return STEP(k, values, 0, k > 0, 0, 0);
  return STEP(k, values, 0, (k + 15) / 16, k % 16 == 0, 0);
#undef STEP
}

LEVEL float NAME(fm_learn_logistic)(
    float *const *rows, float *const *state, const float *values, size_t n, size_t k, float label, float weight,
    float *bias, float rate, float epsilon, float l2) {
  float sum[16 * COWBIRD_FM_BLOCKS];
  float score = NAME(fm_score)((const float *const *)rows, values, n, k, bias[0], sum);
  float g = weight * (cowbird_sigmoidf(score) - label);
  bias[1] += g * g;
  bias[0] -= rate * g / (__builtin_sqrtf(bias[1]) + epsilon);
  NAME(fm_adagrad)(rows, state, values, n, k, sum, g, rate, epsilon, l2);
  return score;
}

#undef FACTORS
#undef STORE_FACTORS
