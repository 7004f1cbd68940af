// Layers of a small network: matrix times vector, its transpose, and the gradient of the weights.

LEVEL void NAME(matvec)(
    const float *w, size_t stride, size_t rows, size_t cols, const float *x, const float *b, float *y) {
  NAME(dot_rows)(x, w, stride, rows, cols, y);
  if (b) NAME(add)(b, y, rows);
}

LEVEL void NAME(matvec_transposed)(
    const float *w, size_t stride, size_t rows, size_t cols, const float *dy, float *dx) {
  EACH_BLOCK(cols) {
    lanes sum = FILL(0);
    for (size_t r = 0; r < rows; r++) {
      BLOCK(row, w + r * stride);
      sum += dy[r] * row;
    }
    STORE_BLOCK(dx, sum);
  }
}

LEVEL void NAME(outer_add)(
    const float *dy, const float *x, float *dw, size_t stride, size_t rows, size_t cols) {
  for (size_t r = 0; r < rows; r++) NAME(axpy)(dy[r], x, dw + r * stride, cols);
}
