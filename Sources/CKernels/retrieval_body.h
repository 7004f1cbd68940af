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
  // Pairs are chosen so that the last fold leaves the rows in order.
  lanes e[8], f[4], g[2];
  for (size_t r = 0; r < 8; r++) e[r] = FOLD8(p[2 * r], p[2 * r + 1]);
  for (size_t r = 0; r < 4; r++) f[r] = FOLD4(e[2 * r], e[2 * r + 1]);
  for (size_t r = 0; r < 2; r++) g[r] = FOLD2(f[2 * r], f[2 * r + 1]);
  return FOLD1(g[0], g[1]);
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
  for (size_t s = 0; s < count; s++) out[s] = NAME(dot)(rows[s], u, width);
}

static void NAME(pool)(float *u, const float *const *rows, const float *c, size_t count, size_t width) {
  for (size_t a = 0; a < width; a += 16) {
    lanes s = NAME(load)(u + a);
    for (size_t j = 0; j < count; j++) s = s + c[j] * NAME(load)(rows[j] + a);
    NAME(store)(u + a, s);
  }
}

static void NAME(subtract_log)(float *values, const float *odds, size_t count) {
  for (size_t s = 0; s < count; s += 16) {
    size_t n = count - s < 16 ? count - s : 16;
    float part[16];
    for (size_t i = 0; i < 16; i++) part[i] = i < n ? odds[s + i] : 1;
    NAME(store)(part, NAME(log)(NAME(load)(part)));
    for (size_t i = 0; i < n; i++) values[s + i] -= part[i];
  }
}

static void NAME(softmax)(float *values, size_t count) {
  if (count == 0) return;
  float top = values[0];
  for (size_t s = 1; s < count; s++) top = values[s] > top ? values[s] : top;
  lanes sum = {0};
  for (size_t s = 0; s < count; s += 16) {
    size_t n = count - s < 16 ? count - s : 16;
    float part[16];
    for (size_t i = 0; i < 16; i++) part[i] = i < n ? values[s + i] - top : 0;
    NAME(store)(part, NAME(exp)(NAME(load)(part)));
    for (size_t i = n; i < 16; i++) part[i] = 0;
    sum = sum + NAME(load)(part);
    for (size_t i = 0; i < n; i++) values[s + i] = part[i];
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
  for (size_t s = 0; s < count; s++) {
    cowbird_factor_row row = rows[s];
    float sum = *row.vector_sum + g[s] * g[s] * uu;
    *row.vector_sum = sum;
    float step = rate * g[s] / __builtin_elementwise_sqrt(sum);
    lanes squares = {0};
    for (size_t a = 0; a < width; a += 16) {
      lanes q = NAME(load)(row.vector + a);
      sums[a / 16] = sums[a / 16] + g[s] * q;
      q = q + step * NAME(load)(u + a);
      NAME(store)(row.vector + a, q);
      squares = squares + q * q;
    }
    sum = *row.bias_sum + g[s] * g[s];
    *row.bias_sum = sum;
    *row.bias += bias_rate * g[s] / __builtin_elementwise_sqrt(sum);
    g[s] = NAME(total)(squares);
  }
  for (size_t a = 0; a < width; a += 16) NAME(store)(du + a, sums[a / 16]);
}

static void NAME(factor_steps)(
  const cowbird_factor_row *rows, float *g, size_t count, const float *u, float *du, size_t width, float uu,
  float rate, float bias_rate) {
  if (width == 32) return NAME(factor_steps_of)(rows, g, count, u, du, 32, uu, rate, bias_rate);
  NAME(factor_steps_of)(rows, g, count, u, du, width, uu, rate, bias_rate);
}

static void NAME(pool_step)(cowbird_pool_step step, const float *du, size_t width, float dn) {
  for (size_t j = 0; j < step.count; j++) {
    float *age = step.age + step.classes[j], *age_sum = step.age_sum + step.classes[j];
    float weight = step.rank[j];
    if (!step.rows[j] || weight * *age <= step.least) continue;
    float c = step.norm * weight * *age;
    float y = NAME(dot)(step.rows[j], du, width) * step.norm;
    float by_age = y * weight;
    *age_sum += by_age * by_age;
    float next = *age + step.weight_rate * by_age / __builtin_elementwise_sqrt(*age_sum);
    *age = next < 0.05f ? 0.05f : next;
    float by_rank = y * *age;
    step.rank_sum[j] += by_rank * by_rank;
    next = weight + step.weight_rate * by_rank / __builtin_elementwise_sqrt(step.rank_sum[j]);
    step.rank[j] = next < 0 ? 0 : next;
    float sum = *step.row_sums[j] + c * c * dn;
    *step.row_sums[j] = sum;
    float rate = step.rate * c / __builtin_elementwise_sqrt(sum);
    for (size_t a = 0; a < width; a += 16)
      NAME(store)(step.rows[j] + a, NAME(load)(step.rows[j] + a) + rate * NAME(load)(du + a));
  }
}

static void NAME(moments)(
  const float *x, const float *p, size_t count, size_t features, double *mean, double *difference,
  double *spread) {
  const size_t width = (features + 7) & ~(size_t)7;
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
  NAME(dot_rows), NAME(pool), NAME(subtract_log), NAME(softmax), NAME(log1p_scaled), NAME(popularity_touch),
  NAME(exp2), NAME(log2), NAME(factor_steps), NAME(pool_step), NAME(moments), NAME(axpy), NAME(score_page),
  NAME(above), NAME(find),
};

#undef FOLD8
#undef FOLD4
#undef FOLD2
#undef FOLD1
