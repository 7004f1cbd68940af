// AdaGrad on linear weights that stand apart, or side by side in a dense block.
//
//   g = gradient x + l2 w, at most 1e15      G = min(G + g g, 1e30)      w -= rate g / sqrt(G), no step where G is 0
//   w goes towards 0 by rate l1 / sqrt(G), not past it; then `bounded`

/// At most `LARGEST_WEIGHT` by magnitude, 0 below `SMALLEST_WEIGHT` and for what is not a number.
#define SMALLEST_WEIGHT 1e-12f
#define LARGEST_WEIGHT 1e9f

INLINE void NAME(linear_adagrad_lanes)(
    lanes *weights, lanes *squares, const lanes *gradients, float rate, float l1, float l2) {
  lanes w = *weights, g = *gradients + l2 * w;
  g = g < -1e15f ? FILL(-1e15f) : g;
  g = g > 1e15f ? FILL(1e15f) : g;
  lanes a = *squares + g * g;
  a = a > 1e30f ? FILL(1e30f) : a;
  lanes scale = a > 0 ? 1.0f / SQRT(a) : FILL(0);
  w -= rate * g * scale;
  if (l1 > 0) {
    lanes threshold = rate * l1 * scale;
    w = w > threshold ? w - threshold : w < -threshold ? w + threshold : FILL(0);
  }
  lanes magnitude = w < 0 ? -w : w;
  w = magnitude >= SMALLEST_WEIGHT ? w : FILL(0);
  w = w < -LARGEST_WEIGHT ? FILL(-LARGEST_WEIGHT) : w;
  *weights = w > LARGEST_WEIGHT ? FILL(LARGEST_WEIGHT) : w;
  *squares = a;
}

LEVEL void NAME(linear_adagrad)(
    float *const *rows, const float *values, size_t n, float g, float rate, float l1, float l2) {
  EACH_BLOCK(n) {
    float *const *row = rows + i;
    lanes weights, squares;
    load_pairs(&weights, &squares, row, width);
    BLOCK(x, values);
    x *= g;
    float was[16], before[16], w[16], after[16];
    STORE(was, weights);
    STORE(before, squares);
    NAME(linear_adagrad_lanes)(&weights, &squares, &x, rate, l1, l2);
    STORE(w, weights);
    STORE(after, squares);
    for (size_t k = 0; k < width; k++) {
      if (__builtin_expect(row[k][0] == was[k] && row[k][1] == before[k], 1)) {
        row[k][0] = w[k];
        row[k][1] = after[k];
      } else {
        // The row came before in this block: it steps again, from where it is now.
        lanes again = FILL(row[k][0]), sum = FILL(row[k][1]), gradient = FILL(g * values[i + k]);
        NAME(linear_adagrad_lanes)(&again, &sum, &gradient, rate, l1, l2);
        row[k][0] = again[0];
        row[k][1] = sum[0];
      }
    }
  }
}

LEVEL void NAME(dense_adagrad)(
    float *w, float *a, const float *values, size_t n, float g, float rate, float l1, float l2) {
  EACH_BLOCK(n) {
    BLOCK(weights, w);
    BLOCK(squares, a);
    BLOCK(x, values);
    lanes weight = weights, sum = squares, gradients = g * x;
    NAME(linear_adagrad_lanes)(&weight, &sum, &gradients, rate, l1, l2);
    weights = x == 0 ? weights : weight;
    squares = x == 0 ? squares : sum;
    STORE_BLOCK(w, weights);
    STORE_BLOCK(a, squares);
  }
}
