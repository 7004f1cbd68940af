// The source of the retrieval kernels, included once for each level by retrieval.c, which defines NAME(x).

static inline __attribute__((always_inline)) lanes NAME(load)(const float *p) { return *(const loose_lanes *)p; }
static inline __attribute__((always_inline)) void NAME(store)(float *p, lanes v) { *(loose_lanes *)p = v; }
static inline __attribute__((always_inline)) lanes NAME(all)(float x) { return x - (lanes){0}; }

/// Bit i: lane i is not 0 (all ones, as comparisons give).
static inline __attribute__((always_inline)) uint32_t NAME(bits)(words v) {
  flags f = __builtin_convertvector((named_words)v, flags);
  uint16_t bits;
  __builtin_memcpy(&bits, &f, 2);
  return bits;
}

/// The tree: i + i+8, +4, +2, +1.
static inline __attribute__((always_inline)) float NAME(total)(lanes v) {
  half_lanes h = __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7)
    + __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15);
  float a = h[0] + h[4], b = h[1] + h[5], c = h[2] + h[6], d = h[3] + h[7];
  return (a + c) + (b + d);
}

/// Two vectors of 16 become one that holds, of each, the sums of its halves' pairs; the tree, for 16 rows at once.
#define FOLD8(a, b)                                                                                                \
  (__builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23)                            \
   + __builtin_shufflevector(a, b, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31))
#define FOLD4(a, b)                                                                                                \
  (__builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27)                          \
   + __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31))
#define FOLD2(a, b)                                                                                                \
  (__builtin_shufflevector(a, b, 0, 1, 4, 5, 8, 9, 12, 13, 16, 17, 20, 21, 24, 25, 28, 29)                          \
   + __builtin_shufflevector(a, b, 2, 3, 6, 7, 10, 11, 14, 15, 18, 19, 22, 23, 26, 27, 30, 31))
#define FOLD1(a, b)                                                                                                \
  (__builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30)                         \
   + __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31))

/// The trees of 16 vectors, in their order.
static inline __attribute__((always_inline)) lanes NAME(totals)(const lanes *p) {
  // Pairs are chosen so that the last fold leaves the rows in order.
  lanes e[8], f[4], g[2];
  for (size_t r = 0; r < 8; r++) e[r] = FOLD8(p[2 * r], p[2 * r + 1]);
  for (size_t r = 0; r < 4; r++) f[r] = FOLD4(e[2 * r], e[2 * r + 1]);
  for (size_t r = 0; r < 2; r++) g[r] = FOLD2(f[2 * r], f[2 * r + 1]);
  return FOLD1(g[0], g[1]);
}

static inline __attribute__((always_inline)) lanes NAME(products)(const float *a, const float *b, size_t width) {
  lanes s = NAME(load)(a) * NAME(load)(b);
  for (size_t i = 16; i < width; i += 16) s = s + NAME(load)(a + i) * NAME(load)(b + i);
  return s;
}

static inline __attribute__((always_inline)) float NAME(dot)(const float *a, const float *b, size_t width) {
  return NAME(total)(NAME(products)(a, b, width));
}

/// Dots of 16 rows that follow each other.
static inline __attribute__((always_inline)) lanes NAME(dot16)(
  const float *rows, const float *u, size_t width, const float *next) {
  lanes p[16];
  for (size_t r = 0; r < 16; r++) {
    // One row's lines ahead for each row: the page after this one lies elsewhere in memory.
    for (size_t a = 0; a < width; a += 16) __builtin_prefetch(next + r * width + a, 0, 3);
    p[r] = NAME(products)(rows + r * width, u, width);
  }
  return NAME(totals)(p);
}

/// Dots of up to 16 rows.
static inline __attribute__((always_inline)) lanes NAME(dots)(
  const float *const *rows, const float *u, size_t count, size_t width) {
  lanes p[16];
  for (size_t r = 0; r < 16; r++) p[r] = NAME(products)(rows[r < count ? r : 0], u, width);
  return NAME(totals)(p);
}

/// The first `count` lanes, or all 16.
static inline __attribute__((always_inline)) void NAME(store_some)(float *p, lanes v, size_t count) {
  if (count >= 16) return NAME(store)(p, v);
  for (size_t i = 0; i < count; i++) p[i] = v[i];
}

static inline __attribute__((always_inline)) lanes NAME(load_some)(const float *p, float rest, size_t count) {
  if (count >= 16) return NAME(load)(p);
  float part[16];
  NAME(store)(part, NAME(all)(rest));
  for (size_t i = 0; i < count; i++) part[i] = p[i];
  return NAME(load)(part);
}

/// e^x; source: Cephes (Moshier), expf. Clipped to ±87.
static inline __attribute__((always_inline)) lanes NAME(exp)(lanes x) {
  x = __builtin_elementwise_max(x, NAME(all)(-87.0f));
  x = __builtin_elementwise_min(x, NAME(all)(87.0f));
  lanes k = (x * 1.44269504f + 12582912.0f) - 12582912.0f;
  x = x - k * 0.693359375f;
  x = x - k * -2.12194440e-4f;
  lanes y = x * 1.9875691500e-4f + 1.3981999507e-3f;
  y = y * x + 8.3334519073e-3f;
  y = y * x + 4.1665795894e-2f;
  y = y * x + 1.6666665459e-1f;
  y = y * x + 5.0000001201e-1f;
  y = y * (x * x) + x + 1.0f;
  words e = (__builtin_convertvector(k, words) + 127) << 23;
  return y * (lanes)e;
}

/// ln x of a normal number > 0; source: Cephes, logf.
static inline __attribute__((always_inline)) lanes NAME(log)(lanes x) {
  words bits = (words)x;
  words e = (bits >> 23) - 126;
  lanes m = (lanes)((bits & 0x007FFFFF) | 0x3F000000);
  words low = m < 0.707106781f; // -1 where true
  e = e + low;
  m = m + (lanes)((words)m & low) - 1.0f;
  lanes f = __builtin_convertvector(e, lanes);
  lanes z = m * m;
  lanes y = m * 7.0376836292e-2f - 1.1514610310e-1f;
  y = y * m + 1.1676998740e-1f;
  y = y * m - 1.2420140846e-1f;
  y = y * m + 1.4249322787e-1f;
  y = y * m - 1.6668057665e-1f;
  y = y * m + 2.0000714765e-1f;
  y = y * m - 2.4999993993e-1f;
  y = y * m + 3.3333331174e-1f;
  y = y * m * z;
  y = y + f * -2.12194440e-4f;
  y = y - 0.5f * z;
  return (m + y) + f * 0.693359375f;
}

static void NAME(dot_rows)(const float *const *rows, const float *u, size_t count, size_t width, float *out) {
  size_t s = 0;
  for (; s + 16 <= count; s += 16) NAME(store)(out + s, NAME(dots)(rows + s, u, 16, width));
  for (; s < count; s++) out[s] = NAME(dot)(rows[s], u, width);
}

static void NAME(score_items)(
  const void *const *pages, const uint32_t *items, size_t count, const float *u, size_t width, size_t bias_at,
  float *out) {
  for (size_t s = 0; s < count; s += 16) {
    size_t n = count - s < 16 ? count - s : 16;
    const float *rows[16];
    float bias[16];
    for (size_t i = 0; i < 16; i++) {
      size_t place = i < n ? s + i : s;
      const char *page = pages[place];
      rows[i] = (const float *)page + (items[place] & 31) * width;
      bias[i] = ((const float *)(page + bias_at))[items[place] & 31];
    }
    lanes z = width == 32 ? NAME(dots)(rows, u, 16, 32) : NAME(dots)(rows, u, 16, width);
    NAME(store_some)(out + s, z + NAME(load)(bias), n);
  }
}

static void NAME(item_odds)(
  const void *const *pages, const uint32_t *items, size_t count, size_t learning_at, float uniform, float recent,
  float *odds) {
  for (size_t s = 0; s < count; s++) {
    // Of an item's 16 bytes the third word: how often it is in the ring.
    const uint32_t *learning = (const uint32_t *)((const char *)pages[s] + learning_at) + 4 * (items[s] & 31);
    odds[s] = uniform + recent * (float)learning[2];
  }
}

static void NAME(age_classes)(const float *ages, size_t count, uint32_t *classes) {
  static const float limits[7] = {0, 10, 60, 600, 3600, 86400, 604800};
  for (size_t j = 0; j < count; j += 16) {
    lanes age = NAME(load_some)(ages + j, 0, count - j);
    words class = {0};
    for (size_t i = 0; i < 7; i++) class = class - (words)(age > NAME(all)(limits[i]));
    if (count - j >= 16) *(loose_words *)(classes + j) = class;
    else for (size_t i = 0; i < count - j; i++) classes[j + i] = (uint32_t)class[i];
  }
}

/// With sums in registers, where the width is known: one for each j modulo 4.
static inline __attribute__((always_inline)) void NAME(pool_rows)(
  float *u, const float *const *rows, size_t offset, const float *c, size_t count, size_t width, float norm) {
  for (size_t a = 0; a < width; a += 32) {
    lanes low[4] = {{0}}, high[4] = {{0}};
    const size_t second = a + 16 < width ? 16 : 0;
    for (size_t j = 0; j < count; j++) {
      const float *row = rows[j] + offset + a;
      low[j & 3] = low[j & 3] + c[j] * NAME(load)(row);
      high[j & 3] = high[j & 3] + c[j] * NAME(load)(row + second);
    }
    lanes sum = (low[0] + low[1]) + (low[2] + low[3]);
    NAME(store)(u + a, NAME(load)(u + a) + norm * sum);
    if (second == 0) continue;
    sum = (high[0] + high[1]) + (high[2] + high[3]);
    NAME(store)(u + a + 16, NAME(load)(u + a + 16) + norm * sum);
  }
}

static float NAME(pool)(
  float *u, const float *const *rows, size_t offset, const float *rank, const float *age, const uint32_t *classes,
  float *c, size_t count, size_t width, float least) {
  lanes sum = {0};
  for (size_t j = 0; j < count; j++) c[j] = rank[j] * age[classes[j]];
  for (size_t j = 0; j < count; j += 16) sum = sum + NAME(load_some)(c + j, 0, count - j);
  float whole = NAME(total)(sum);
  float norm = 1 / __builtin_elementwise_sqrt(whole > least ? whole : least);
  if (width == 32) NAME(pool_rows)(u, rows, offset, c, count, 32, norm);
  else NAME(pool_rows)(u, rows, offset, c, count, width, norm);
  return norm;
}

static void NAME(subtract_log)(float *values, const float *odds, size_t count) {
  for (size_t s = 0; s < count; s += 16) {
    size_t n = count - s;
    lanes logs = NAME(log)(NAME(load_some)(odds + s, 1, n));
    NAME(store_some)(values + s, NAME(load_some)(values + s, 0, n) - logs, n);
  }
}

static void NAME(softmax)(float *values, size_t count) {
  if (count == 0) return;
  lanes tops = NAME(all)(values[0]);
  for (size_t s = 0; s < count; s += 16)
    tops = __builtin_elementwise_max(tops, NAME(load_some)(values + s, values[0], count - s));
  float top = tops[0];
  for (size_t i = 1; i < 16; i++) top = tops[i] > top ? tops[i] : top;
  lanes sum = {0};
  for (size_t s = 0; s < count; s += 16) {
    size_t n = count - s;
    NAME(store_some)(values + s, NAME(exp)(NAME(load_some)(values + s, top, n) - top), n);
    sum = sum + NAME(load_some)(values + s, 0, n);
  }
  float whole = NAME(total)(sum);
  for (size_t s = 0; s < count; s++) values[s] = values[s] / whole;
}

static void NAME(log1p_scaled)(float *values, size_t count, float scale) {
  for (size_t s = 0; s < count; s += 16) {
    size_t n = count - s < 16 ? count - s : 16;
    if (n == 16) {
      NAME(store)(values + s, NAME(log)(NAME(load)(values + s) * scale + 1.0f));
      continue;
    }
    float part[16];
    for (size_t i = 0; i < 16; i++) part[i] = i < n ? values[s + i] * scale + 1.0f : 1;
    NAME(store)(part, NAME(log)(NAME(load)(part)));
    for (size_t i = 0; i < n; i++) values[s + i] = part[i];
  }
}

static void NAME(popularity_touch)(float *counts, size_t half_lives, float age, const float *inverse) {
  lanes x = {0};
  for (size_t p = 0; p < half_lives; p++) x[p] = counts[p * 32] - age * inverse[p];
  lanes y = NAME(log)(NAME(exp)(x * 0.693147181f) + 1.0f) * 1.44269504f;
  for (size_t p = 0; p < half_lives; p++) counts[p * 32] = y[p];
}

static float NAME(exp2)(float x) { return NAME(exp)(NAME(all)(x * 0.693147181f))[0]; }
static float NAME(log2)(float x) { return NAME(log)(NAME(all)(x))[0] * 1.44269504f; }

/// With du in registers, where the width is known.
static inline __attribute__((always_inline)) void NAME(factor_steps_of)(
  const cowbird_factor_row *rows, float *g, size_t count, const float *u, float *du, size_t width, float uu,
  float rate, float bias_rate) {
  lanes sums[16];
  for (size_t a = 0; a < width; a += 16) sums[a / 16] = NAME(load)(du + a);
  lanes squares[16] = {{0}};
  for (size_t s = 0; s < count; s++) {
    cowbird_factor_row row = rows[s];
    // The vector's and the bias's step at once: a root and a division take as long for four.
    quads sum = {row.sums[0] + g[s] * g[s] * uu, row.sums[1] + g[s] * g[s], 1, 1};
    row.sums[0] = sum[0];
    row.sums[1] = sum[1];
    quads steps = (quads){rate * g[s], bias_rate * g[s], 0, 0} / __builtin_elementwise_sqrt(sum);
    lanes square = {0};
    for (size_t a = 0; a < width; a += 16) {
      lanes q = NAME(load)(row.vector + a);
      sums[a / 16] = sums[a / 16] + g[s] * q;
      q = q + steps[0] * NAME(load)(u + a);
      NAME(store)(row.vector + a, q);
      square = square + q * q;
    }
    *row.bias += steps[1];
    squares[s & 15] = square;
    if ((s & 15) == 15) NAME(store)(g + s - 15, NAME(totals)(squares));
  }
  if (count & 15) NAME(store_some)(g + (count & ~(size_t)15), NAME(totals)(squares), count & 15);
  for (size_t a = 0; a < width; a += 16) NAME(store)(du + a, sums[a / 16]);
}

static void NAME(factor_steps)(
  const cowbird_factor_row *rows, float *g, size_t count, const float *u, float *du, size_t width, float uu,
  float rate, float bias_rate) {
  if (width == 32) return NAME(factor_steps_of)(rows, g, count, u, du, 32, uu, rate, bias_rate);
  NAME(factor_steps_of)(rows, g, count, u, du, width, uu, rate, bias_rate);
}

static inline __attribute__((always_inline)) void NAME(pool_step_of)(
  const cowbird_pool_step *step, const float *du, size_t width, float dn) {
  const float *rows[16];
  for (size_t e = 0; e < step->count; e++) {
    // The dots of 16 rows at once, as they are before the first of them moves.
    float dots[16];
    if ((e & 15) == 0) {
      size_t n = step->count - e < 16 ? step->count - e : 16;
      for (size_t i = 0; i < n; i++) rows[i] = step->rows[e + i] + step->offset;
      NAME(store)(dots, NAME(dots)(rows, du, n, width));
    }
    size_t place = step->places[e];
    float *age = step->age + step->classes[place], *age_sum = step->age_sum + step->classes[place];
    float weight = step->rank[place];
    float product = weight * *age;
    if (product <= step->least) continue;
    float c = step->norm * product;
    float y = dots[e & 15] * step->norm;
    float by_age = y * weight, by_rank = y * *age;
    float *row_sum = step->rows[e] + step->sum_at;
    // Three steps at once: a root and a division take as long for four.
    quads sum = {*age_sum + by_age * by_age, step->rank_sum[place] + by_rank * by_rank, *row_sum + c * c * dn, 1};
    quads moves = (quads){step->weight_rate * by_age, step->weight_rate * by_rank, step->rate * c, 0}
      / __builtin_elementwise_sqrt(sum);
    *age_sum = sum[0];
    step->rank_sum[place] = sum[1];
    *row_sum = sum[2];
    float next = *age + moves[0];
    *age = next < 0.05f ? 0.05f : next;
    next = weight + moves[1];
    step->rank[place] = next < 0 ? 0 : next;
    float *row = step->rows[e] + step->offset;
    for (size_t a = 0; a < width; a += 16)
      NAME(store)(row + a, NAME(load)(row + a) + moves[2] * NAME(load)(du + a));
  }
}

static void NAME(pool_step)(const cowbird_pool_step *step, const float *du, size_t width, float dn) {
  if (width == 32) return NAME(pool_step_of)(step, du, 32, dn);
  NAME(pool_step_of)(step, du, width, dn);
}

/// At most eight features: everything in registers.
static inline __attribute__((always_inline)) void NAME(small_moments)(
  const float *x, const float *p, size_t count, size_t features, double *mean, double *spread) {
  pairs center = {0}, rows[8] = {{0}};
  for (size_t s = 0; s < count; s++)
    center = center + (double)p[s] * __builtin_convertvector(*(const loose_eights *)(x + s * features), pairs);
  for (size_t s = 0; s < count; s++) {
    double share = p[s];
    if (!(share > 0)) continue;
    pairs difference = __builtin_convertvector(*(const loose_eights *)(x + s * features), pairs) - center;
    pairs scaled = share * difference;
    for (size_t f = 0; f < 8; f++) rows[f] = rows[f] + scaled[f] * difference;
  }
  for (size_t f = 0; f < features; f++) {
    mean[f] = center[f];
    *(loose_pairs *)(spread + 8 * f) = rows[f];
  }
}

static void NAME(moments)(
  const float *x, const float *p, size_t count, size_t features, double *mean, double *difference,
  double *spread) {
  const size_t width = (features + 7) & ~(size_t)7;
  if (width == 8) return NAME(small_moments)(x, p, count, features, mean, spread);
  for (size_t s = 0; s < count; s++)
    for (size_t f = 0; f < features; f++) mean[f] += (double)p[s] * (double)x[s * features + f];
  for (size_t s = 0; s < count; s++) {
    double share = p[s];
    if (!(share > 0)) continue;
    for (size_t f = 0; f < features; f++) difference[f] = (double)x[s * features + f] - mean[f];
    for (size_t f = 0; f < features; f++) {
      double scaled = share * difference[f];
      for (size_t c = 0; c < width; c += 8) {
        loose_pairs *cell = (loose_pairs *)(spread + f * width + c);
        *cell = *cell + scaled * *(const loose_pairs *)(difference + c);
      }
    }
  }
}

static void NAME(axpy)(float *y, const float *x, float a, size_t width) {
  for (size_t i = 0; i < width; i += 16) NAME(store)(y + i, NAME(load)(y + i) + a * NAME(load)(x + i));
}

static void NAME(score_page)(
  const cowbird_page_query *query, const void *page, const uint32_t *attributes, size_t slots,
  const float *vectors, const void *next, float *scores) {
  const char *base = page;
  const char *ahead = next;
  for (size_t column = 0; column < 2 + query->half_lives; column++) {
    __builtin_prefetch(ahead + query->bias_at + 128 * column, 0, 3);
    __builtin_prefetch(ahead + query->bias_at + 128 * column + 64, 0, 3);
  }
  const lanes zero = {0};
  for (size_t half = 0; half < 2; half++) {
    const float *bias = (const float *)(base + query->bias_at) + 16 * half;
    const float *rows = (const float *)page + 16 * half * query->width;
    const float *later = (const float *)next + 16 * half * query->width;
    lanes z = query->width == 32 ? NAME(dot16)(rows, query->user, 32, later)
                                 : NAME(dot16)(rows, query->user, query->width, later);
    z = query->factor_weight * (z + NAME(load)(bias));
    words last = *(const loose_words *)(base + query->last_at + 64 * half);
    lanes age = __builtin_convertvector((words)((int)query->now - last), lanes);
    const float *counts = (const float *)(base + query->counts_at) + 16 * half;
    for (size_t p = 0; p < query->half_lives; p++) {
      lanes x = NAME(load)(counts + 32 * p) - age * query->inverse[p] + query->floor;
      z = z + query->popularity_weight[p] * __builtin_elementwise_max(x, zero);
    }
    if (attributes) {
      lanes x = __builtin_convertvector(*(const loose_words *)(attributes + 16 * half), lanes);
      x = x * query->affinity_base;
      for (size_t slot = 1; slot <= slots; slot++) {
        const uint32_t *values = attributes + 32 * slot + 16 * half;
        lanes part;
        for (size_t i = 0; i < 16; i++) part[i] = query->affinity[values[i]];
        x = x + part;
      }
      z = z + query->content_weight * x;
    }
    if (vectors) {
      const float *rows = vectors + 16 * half * query->vector_width;
      z = z + query->vector_weight * NAME(dot16)(rows, query->vector, query->vector_width, rows);
    }
    NAME(store)(scores + 16 * half, z);
  }
}

static void NAME(page_bounds)(
  const void *page, size_t bias_at, size_t width, uint32_t live, float *bounds) {
  float norm = 0, high = -__builtin_inff(), low = __builtin_inff();
  const float *bias = (const float *)((const char *)page + bias_at);
  for (size_t half = 0; half < 2; half++) {
    lanes p[16];
    const float *rows = (const float *)page + 16 * half * width;
    for (size_t r = 0; r < 16; r++) p[r] = NAME(products)(rows + r * width, rows + r * width, width);
    float squares[16];
    NAME(store)(squares, NAME(totals)(p));
    for (size_t r = 0; r < 16; r++) {
      size_t place = 16 * half + r;
      if ((live >> place & 1) == 0) continue;
      norm = squares[r] > norm ? squares[r] : norm;
      high = bias[place] > high ? bias[place] : high;
      low = bias[place] < low ? bias[place] : low;
    }
  }
  bounds[0] = norm;
  bounds[1] = high;
  bounds[2] = low;
}

static void NAME(newest)(
  const uint32_t *handles, const uint32_t *times, size_t capacity, size_t total, uint32_t now, size_t count,
  int32_t *rows, float *ages) {
  size_t end = total & (capacity - 1);
  while (count > 0) {
    if (end == 0) end = capacity;
    size_t n = end < count ? end : count;
    for (size_t i = 0; i < n; i++) rows[i] = (int32_t)(handles[end - 1 - i] & 0xFFFFFF);
    for (size_t i = 0; i < n; i++) {
      uint32_t time = times[end - 1 - i];
      ages[i] = time < now ? (float)(now - time) : 0;
    }
    rows += n;
    ages += n;
    count -= n;
    end = 0;
  }
}

static uint32_t NAME(above)(const float *scores, float threshold) {
  return NAME(bits)((words)(NAME(load)(scores) >= NAME(all)(threshold)))
    | (uint32_t)NAME(bits)((words)(NAME(load)(scores + 16) >= NAME(all)(threshold))) << 16;
}

static size_t NAME(find)(const uint32_t *ids, size_t count, uint32_t id) {
  size_t place = 0;
  for (; place + 16 <= count; place += 16) {
    uint32_t same = NAME(bits)(*(const loose_words *)(ids + place) == (int)id);
    if (same) return place + (size_t)__builtin_ctz(same);
  }
  for (; place < count; place++)
    if (ids[place] == id) return place;
  return count;
}

static const cowbird_retrieval_kernels NAME(kernels) = {
  NAME(dot_rows), NAME(score_items), NAME(item_odds), NAME(age_classes), NAME(pool), NAME(subtract_log), NAME(softmax), NAME(log1p_scaled), NAME(popularity_touch),
  NAME(exp2), NAME(log2), NAME(factor_steps), NAME(pool_step), NAME(moments), NAME(axpy), NAME(score_page),
  NAME(above), NAME(find), NAME(page_bounds), NAME(newest),
};

#undef FOLD8
#undef FOLD4
#undef FOLD2
#undef FOLD1
