// Every kernel, once: X(result, name, parameters, arguments).
#define KERNELS(X)                                                                                              \
  X(float, dot, (const float *a, const float *b, size_t n), (a, b, n))                                          \
  X(void, axpy, (float alpha, const float *x, float *y, size_t n), (alpha, x, y, n))                            \
  X(void, add, (const float *x, float *y, size_t n), (x, y, n))                                                 \
  X(void, scale, (float alpha, float *x, size_t n), (alpha, x, n))                                              \
  X(float, sum, (const float *x, size_t n), (x, n))                                                             \
  X(float, sum_squares, (const float *x, size_t n), (x, n))                                                     \
  X(float, max_abs, (const float *x, size_t n), (x, n))                                                         \
  X(int32_t, outside, (const float *x, size_t n, float smallest, float largest), (x, n, smallest, largest))     \
  X(void, relu, (float *x, size_t n), (x, n))                                                                   \
  X(void, relu_backward, (const float *y, float *dy, size_t n), (y, dy, n))                                     \
  X(void, exp_n, (const float *x, float *out, size_t n), (x, out, n))                                           \
  X(void, sigmoid_n, (const float *x, float *out, size_t n), (x, out, n))                                       \
  X(void, dot_rows,                                                                                             \
    (const float *query, const float *rows, size_t stride, size_t count, size_t n, float *scores),              \
    (query, rows, stride, count, n, scores))                                                                    \
  X(int32_t, dot_i8, (const int8_t *a, const int8_t *b, size_t n), (a, b, n))                                   \
  X(void, dot_rows_i8,                                                                                          \
    (const int8_t *query, const int8_t *rows, size_t stride, size_t count, size_t n, int32_t *scores),          \
    (query, rows, stride, count, n, scores))                                                                    \
  X(float, quantize_i8, (const float *x, int8_t *out, size_t n), (x, out, n))                                   \
  X(void, matvec,                                                                                               \
    (const float *w, size_t stride, size_t rows, size_t cols, const float *x, const float *b, float *y),        \
    (w, stride, rows, cols, x, b, y))                                                                           \
  X(void, matvec_transposed,                                                                                    \
    (const float *w, size_t stride, size_t rows, size_t cols, const float *dy, float *dx),                      \
    (w, stride, rows, cols, dy, dx))                                                                            \
  X(void, outer_add,                                                                                            \
    (const float *dy, const float *x, float *dw, size_t stride, size_t rows, size_t cols),                      \
    (dy, x, dw, stride, rows, cols))                                                                            \
  X(void, sgd_momentum,                                                                                         \
    (float *w, float *m, const float *g, size_t n, float rate, float momentum, float l2),                       \
    (w, m, g, n, rate, momentum, l2))                                                                           \
  X(void, adagrad, (float *w, float *a, const float *g, size_t n, float rate, float epsilon, float l2),         \
    (w, a, g, n, rate, epsilon, l2))                                                                            \
  X(void, adam,                                                                                                 \
    (float *w, float *m, float *v, const float *g, size_t n, float rate, float beta1, float beta2,              \
     float epsilon, float correction1, float correction2, float l2),                                            \
    (w, m, v, g, n, rate, beta1, beta2, epsilon, correction1, correction2, l2))                                 \
  X(void, ftrl,                                                                                                 \
    (float *w, float *z, float *q, const float *g, size_t n, float alpha, float beta, float l1, float l2),      \
    (w, z, q, g, n, alpha, beta, l1, l2))                                                                       \
  X(float, fm_score,                                                                                            \
    (const float *const *rows, const float *values, size_t n, size_t k, float bias, float *sum),                \
    (rows, values, n, k, bias, sum))                                                                            \
  X(void, fm_candidates,                                                                                        \
    (const float *const *rows, size_t count, size_t k, float base, const float *sum, float *scores),            \
    (rows, count, k, base, sum, scores))                                                                        \
  X(float, fm_adagrad,                                                                                          \
    (float *const *rows, float *const *state, const float *values, size_t n, size_t k, const float *sum,        \
     float g, float rate, float epsilon, float l2),                                                             \
    (rows, state, values, n, k, sum, g, rate, epsilon, l2))                                                     \
  X(float, fm_learn_logistic,                                                                                   \
    (float *const *rows, float *const *state, const float *values, size_t n, size_t k, float label,             \
     float weight, float *bias, float rate, float epsilon, float l2),                                           \
    (rows, state, values, n, k, label, weight, bias, rate, epsilon, l2))                                        \
  X(void, linear_adagrad,                                                                                       \
    (float *const *rows, const float *values, size_t n, float g, float rate, float l1, float l2),               \
    (rows, values, n, g, rate, l1, l2))                                                                         \
  X(void, dense_adagrad,                                                                                        \
    (float *w, float *a, const float *values, size_t n, float g, float rate, float l1, float l2),               \
    (w, a, values, n, g, rate, l1, l2))                                                                         \
  X(void, index_prefetch_n, (const uint64_t *directory, uint64_t shift, const uint64_t *keys, size_t n),        \
    (directory, shift, keys, n))                                                                                \
  X(void, index_guess_n,                                                                                        \
    (const uint64_t *directory, uint64_t shift, const uint64_t *keys, size_t n, uint32_t *ids),                 \
    (directory, shift, keys, n, ids))
