// Kernels for learning and scoring whose bits are the same on every machine and at every level.
//
// Why they are: every level runs the same source with vectors of 16 floats; elementwise steps are single IEEE
// operations in a fixed order (no contraction into FMA, no reciprocal estimates; square root and division are
// correctly rounded); a reduction keeps 16 partial sums, lane by lane, and adds them in one fixed tree
// (i and i+8, i and i+4, i and i+2, i and i+1). A level only changes how many lanes one instruction does.
//
// Pointers need no alignment. Lengths may be 0. Outputs may not overlap inputs unless they are the same array.
// NaN and infinity go through as IEEE says (a NaN stays a NaN; which one is not promised): callers keep them out.
#ifndef COWBIRD_CKERNELS_H
#define COWBIRD_CKERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "cowbird_elementary.h"
#include "cowbird_index.h"
#include "cowbird_memory.h"
#include "retrieval_kernels.h"

// MARK: Levels

/// 0 portable, 1 AVX2, 2 AVX-512. The best that the machine has is chosen before `main`.
int cowbird_kernels_level(void);

/// Forces a level, for tests; a level that the machine has not is lowered to the best that it has. Returns the
/// level in force. Other threads may be computing: their bits do not change.
int cowbird_kernels_set_level(int level);

// MARK: Vectors (families/vectors.h)

/// Sum of a[i] * b[i].
float cowbird_dot(const float *a, const float *b, size_t n);
/// y[i] += alpha * x[i]
void cowbird_axpy(float alpha, const float *x, float *y, size_t n);
/// y[i] += x[i]
void cowbird_add(const float *x, float *y, size_t n);
/// x[i] *= alpha
void cowbird_scale(float alpha, float *x, size_t n);
float cowbird_sum(const float *x, size_t n);
float cowbird_sum_squares(const float *x, size_t n);
/// The largest |x[i]|; 0 if there is none.
float cowbird_max_abs(const float *x, size_t n);
/// How many |x[i]| are above `largest`, or below `smallest` and not 0, or NaN.
int32_t cowbird_outside(const float *x, size_t n, float smallest, float largest);
/// x[i] = x[i] < 0 ? 0 : x[i]
void cowbird_relu(float *x, size_t n);
/// dy[i] = y[i] > 0 ? dy[i] : 0, where y is what `cowbird_relu` left.
void cowbird_relu_backward(const float *y, float *dy, size_t n);
/// out[i] = exp(x[i]), the bits of `cowbird_expf`.
void cowbird_exp_n(const float *x, float *out, size_t n);
/// out[i] = 1 / (1 + exp(-x[i])), the bits of `cowbird_sigmoidf`.
void cowbird_sigmoid_n(const float *x, float *out, size_t n);

// MARK: Scans (families/scans.h)

/// scores[i] = dot(query, rows + i * stride): rows of one matrix.
void cowbird_dot_rows(
    const float *query, const float *rows, size_t stride, size_t count, size_t n, float *scores);
/// Sum of a[i] * b[i] in 32 bits; exact while n is at most 131,072.
int32_t cowbird_dot_i8(const int8_t *a, const int8_t *b, size_t n);
/// scores[i] = dot_i8(query, rows + i * stride)
void cowbird_dot_rows_i8(
    const int8_t *query, const int8_t *rows, size_t stride, size_t count, size_t n, int32_t *scores);
/// out[i] = x[i] / scale, rounded to the nearest (ties to even); scale = max |x| / 127 is returned. All zero: 0.
float cowbird_quantize_i8(const float *x, int8_t *out, size_t n);

// MARK: Dense layers (families/dense.h); w has `rows` rows of `cols` floats, `stride` floats apart

/// y = w x + b (b may be NULL: 0)
void cowbird_matvec(
    const float *w, size_t stride, size_t rows, size_t cols, const float *x, const float *b, float *y);
/// dx = w' dy, the rows added in order
void cowbird_matvec_transposed(
    const float *w, size_t stride, size_t rows, size_t cols, const float *dy, float *dx);
/// dw += dy x'
void cowbird_outer_add(const float *dy, const float *x, float *dw, size_t stride, size_t rows, size_t cols);

// MARK: Optimizer steps on n weights (families/optimizers.h); g is the gradient, l2 * w is added to it

/// m = momentum m + g; w -= rate m
void cowbird_sgd_momentum(
    float *w, float *m, const float *g, size_t n, float rate, float momentum, float l2);
/// a += g g; w -= rate g / (sqrt(a) + epsilon)   (Duchi, Hazan, Singer 2011)
void cowbird_adagrad(float *w, float *a, const float *g, size_t n, float rate, float epsilon, float l2);
/// m = b1 m + (1-b1) g; v = b2 v + (1-b2) g g; w -= rate (m / correction1) / (sqrt(v / correction2) + epsilon),
/// where correction = 1 - beta^t   (Kingma, Ba 2015)
void cowbird_adam(
    float *w, float *m, float *v, const float *g, size_t n, float rate, float beta1, float beta2, float epsilon,
    float correction1, float correction2, float l2);
/// s = (sqrt(q + g g) - sqrt(q)) / alpha; z += g - s w; q += g g;
/// w = |z| <= l1 ? 0 : (sign(z) l1 - z) / ((beta + sqrt(q)) / alpha + l2)   (McMahan et al. 2013)
void cowbird_ftrl(
    float *w, float *z, float *q, const float *g, size_t n, float alpha, float beta, float l1, float l2);

// MARK: Linear weights (families/linear.h)

/// AdaGrad on rows of [w, G] for the gradient `g` of the score; bounded, so that what was finite stays finite. A row
/// that occurs twice is stepped twice.
void cowbird_linear_adagrad(
    float *const *rows, const float *values, size_t n, float g, float rate, float l1, float l2);
/// The same on weights and sums that stand side by side. What has value 0 is not stepped.
void cowbird_dense_adagrad(
    float *w, float *a, const float *values, size_t n, float g, float rate, float l1, float l2);

// MARK: Index of a table (families/index.h; the layout: cowbird_index.h)

/// Asks for each key's line.
void cowbird_index_prefetch_n(const uint64_t *directory, uint64_t shift, const uint64_t *keys, size_t n);
/// ids[i] = cowbird_index_guess of keys[i]
void cowbird_index_guess_n(
    const uint64_t *directory, uint64_t shift, const uint64_t *keys, size_t n, uint32_t *ids);

// MARK: Factorisation machine of order 2 (families/fm.h; Rendle 2010)
//
// A row is [w, v_1 … v_k]. values may be NULL: all 1. k is at most 256.

/// bias + sum of w x + sum over pairs of <v, v'> x x'. `sum` gets the k sums of v x, if it is not NULL.
float cowbird_fm_score(
    const float *const *rows, const float *values, size_t n, size_t k, float bias, float *sum);
/// scores[i] = base + w_i + <sum, v_i>: one more feature with value 1 on top of those that made `base` and
/// `sum`. A row may be NULL: base.
void cowbird_fm_candidates(
    const float *const *rows, size_t count, size_t k, float base, const float *sum, float *scores);
/// One step of AdaGrad on all rows for the gradient g of the loss by the score: dw = g x, dv = g x (sum - v x).
/// `state` rows are laid out as `rows`; `sum` is what `cowbird_fm_score` gave. A row that occurs twice is
/// stepped twice, in order. Returns the sum of the squares of what was stepped: finite only where all of it is.
float cowbird_fm_adagrad(
    float *const *rows, float *const *state, const float *values, size_t n, size_t k, const float *sum, float g,
    float rate, float epsilon, float l2);
/// Score, logistic loss for `label` (0 or 1) with `weight`, and the step, in one call. bias is [b, its state].
/// Returns the score before the step.
float cowbird_fm_learn_logistic(
    float *const *rows, float *const *state, const float *values, size_t n, size_t k, float label, float weight,
    float *bias, float rate, float epsilon, float l2);

#endif
