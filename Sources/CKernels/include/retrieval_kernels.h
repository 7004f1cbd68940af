// Kernels of retrieval: scoring pages of items, pooling and learning vectors, merging neighbour lists.
//
// The bits are the same at every level. The three versions are one source (retrieval_body.h) that the compiler
// lowers for another instruction set: elementwise steps are IEEE operations without contraction, sums go over
// 16 lanes and then one tree (i + i+8, +4, +2, +1), exp and log are polynomials.
#ifndef COWBIRD_RETRIEVAL_KERNELS_H
#define COWBIRD_RETRIEVAL_KERNELS_H

#include <stddef.h>
#include <stdint.h>

/// Items of one page of the scan; one bit each in masks of 32 bits.
#define COWBIRD_PAGE_ITEMS 32
/// Half-lives of popularity, and pools of the history, at most.
#define COWBIRD_MAX_HALF_LIVES 8

/// What a request asks of every page. Offsets are in bytes from the page's first; columns have 32 entries.
typedef struct {
  const float *user;     // `width` floats
  size_t width;          // a multiple of 16
  size_t vector_width;   // a multiple of 16; 0: no dense vectors
  const float *vector;   // the user's profile, or NULL
  const float *affinity; // difference from `affinity_base`, by attribute value; entry 0 is 0
  float affinity_base;   // of a value outside of the history
  float factor_weight, content_weight, vector_weight;
  float floor;
  uint32_t now;          // number of the event that would come next
  uint32_t half_lives;
  float inverse[COWBIRD_MAX_HALF_LIVES];
  float popularity_weight[COWBIRD_MAX_HALF_LIVES];
  uint32_t bias_at, last_at, counts_at; // counts: one column for each half-life
} cowbird_page_query;

/// The item's row of the factors, as its learning step needs it.
typedef struct {
  float *vector;
  float *bias;
  float *sums; // AdaGrad's, of the vector and of the bias
} cowbird_factor_row;

/// One pool of the history, as its learning step needs it. Place j is the j-th most recent item.
typedef struct {
  const uint32_t *places;  // those that are learned; entries whose weight is at most `least` are not touched
  float *const *rows;      // of each of them: its vector is `offset` floats behind, AdaGrad's sum `sum_at`
  size_t count;
  size_t offset, sum_at;
  float *rank;             // weight by place
  float *rank_sum;
  float *age;              // weight by age class
  float *age_sum;
  const uint32_t *classes; // age class of each place
  float norm;
  float least;
  float rate;
  float weight_rate;
} cowbird_pool_step;

typedef struct {
  /// out[s] = rows[s] · u. `width` is a multiple of 16.
  void (*dot_rows)(const float *const *rows, const float *u, size_t count, size_t width, float *out);
  /// out[s] = vector · u + bias, for items of item pages. `width` is a multiple of 16.
  void (*score_items)(
    const void *const *pages, const uint32_t *items, size_t count, const float *u, size_t width, size_t bias_at,
    float *out);
  /// odds[s] = uniform + recent · (how often the item is in the ring).
  void (*item_odds)(
    const void *const *pages, const uint32_t *items, size_t count, size_t learning_at, float uniform,
    float recent, float *odds);
  /// For each age in seconds how many of 0, 10, 60, 600 s, an hour, a day and a week it is past.
  void (*age_classes)(const float *ages, size_t count, uint32_t *classes);
  /// u += norm Σ c[j] (rows[j] + offset), c[j] = rank[j] age[classes[j]], norm = 1 / sqrt(max(least, Σ c[j])), which
  /// is returned.
  float (*pool)(
    float *u, const float *const *rows, size_t offset, const float *rank, const float *age,
    const uint32_t *classes, float *c, size_t count, size_t width, float least);
  /// values[s] -= ln(odds[s]).
  void (*subtract_log)(float *values, const float *odds, size_t count);
  /// values = softmax(values).
  void (*softmax)(float *values, size_t count);
  /// values[s] = ln(1 + values[s] * scale).
  void (*log1p_scaled)(float *values, size_t count, float scale);
  /// counts[p * 32] = log2(2^(counts[p * 32] - age * inverse[p]) + 1).
  void (*popularity_touch)(float *counts, size_t half_lives, float age, const float *inverse);
  /// 2^x and log2(x), as the other kernels take them.
  float (*exp2)(float x);
  float (*log2)(float x);
  /// For each row in order: du += g q; then q += rate g / sqrt(sum += g² uu) u; the bias likewise. `g` becomes |q|².
  /// A row may come twice. `width` is at most 256.
  void (*factor_steps)(
    const cowbird_factor_row *rows, float *g, size_t count, const float *u, float *du, size_t width, float uu,
    float rate, float bias_rate);
  /// Learns a pool's vectors and weights from du; dn = |du|² / k.
  void (*pool_step)(const cowbird_pool_step *step, const float *du, size_t width, float dn);
  /// Mean and covariance of `count` rows of `features` floats with weights p: `mean` and `difference` have
  /// `features` doubles filled up to a multiple of 8, `spread` has `features` rows of as many; all 0 before. What
  /// stands behind `x` is read up to a multiple of 8.
  void (*moments)(
    const float *x, const float *p, size_t count, size_t features, double *mean, double *difference,
    double *spread);
  /// y += a x.
  void (*axpy)(float *y, const float *x, float a, size_t width);
  /// Scores of a page's 32 items, neighbours left out. `attributes`: row 0 how many values each item has, then
  /// `slots` rows of value numbers; NULL: none. `vectors`: 32 rows of `vector_width`; NULL: none. `next`: the page
  /// that will be scored next, whose vectors are asked for ahead.
  void (*score_page)(
    const cowbird_page_query *query, const void *page, const uint32_t *attributes, size_t slots,
    const float *vectors, const void *next, float *scores);
  /// Bit i: scores[i] >= threshold.
  uint32_t (*above)(const float *scores, float threshold);
  /// The first place of `id` among `count` ids, or `count`.
  size_t (*find)(const uint32_t *ids, size_t count, uint32_t id);
  /// Of the items of a page that `live` has bits for: largest |vector|², largest and smallest bias.
  void (*page_bounds)(const void *page, size_t bias_at, size_t width, uint32_t live, float *bounds);
  /// The newest `count` of a ring of handles that has had `total`, newest first: their rows, and seconds before `now`.
  void (*newest)(
    const uint32_t *handles, const uint32_t *times, size_t capacity, size_t total, uint32_t now, size_t count,
    int32_t *rows, float *ages);
} cowbird_retrieval_kernels;

/// The kernels of a level: 0 portable, 1 AVX2, 2 AVX-512; a level that the machine has not, or a negative one,
/// gives the best that it has.
const cowbird_retrieval_kernels *cowbird_retrieval(int level);

/// The level that `cowbird_retrieval(level)` gives.
int cowbird_retrieval_level(int level);

/// Adds a neighbour list to sums of two floats for each row, sets the rows' bits in `mask` and appends rows that
/// had none to `touched`. An id is a row (lower 24 bits) and its generation; if `generations` is given (pages of
/// 4,096 bytes), ids of another generation are left out. Returns the new length of `touched`.
size_t cowbird_merge_list(
  const uint32_t *ids, const float *forward, const float *backward, size_t count, float forward_scale,
  float backward_scale, float *sums, uint32_t *mask, uint32_t *touched, size_t touched_count,
  const uint8_t *const *generations);

#endif
