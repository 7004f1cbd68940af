// exp and the sigmoid for float arguments, in double: one source for one number and for eight at a time.
//
// D is double or a vector of doubles, I the integer type of the same shape. `a ? b : c` works on both.
#ifndef COWBIRD_ELEMENTARY_CORE_H
#define COWBIRD_ELEMENTARY_CORE_H

/// Adding and taking it away rounds |x| < 2^51 to the nearest whole number, ties to even.
#define ROUNDING_MAGIC 0x1.8p52

/// exp(x) for |x| <= 150 or NaN: 2^n 2^f with |f| <= 1/2; 2^f by Taylor's polynomial of degree 9 in f ln 2,
/// remainder below 2^-36, its terms in pairs so that few wait for others.
#define EXP150(D, I, x, result)                                                      \
  {                                                                                  \
    D t_ = (x) * 1.4426950408889634;                                                 \
    D shifted_ = t_ + ROUNDING_MAGIC;                                                \
    D r_ = (t_ - (shifted_ - ROUNDING_MAGIC)) * 0.6931471805599453;                  \
    D r2_ = r_ * r_, r4_ = r2_ * r2_;                                                \
    D p0_ = (r_ + 1.0) + (r_ * (1.0 / 6.0) + 0.5) * r2_;                             \
    D p1_ = (r_ * (1.0 / 120.0) + (1.0 / 24.0)) +                                    \
            (r_ * (1.0 / 5040.0) + (1.0 / 720.0)) * r2_;                             \
    D p2_ = r_ * (1.0 / 362880.0) + (1.0 / 40320.0);                                 \
    D p_ = (p0_ + p1_ * r4_) + p2_ * (r4_ * r4_);                                    \
    I bits_;                                                                         \
    __builtin_memcpy(&bits_, &shifted_, sizeof bits_);                               \
    bits_ = (bits_ + 1023) << 52;                                                    \
    D power_;                                                                        \
    __builtin_memcpy(&power_, &bits_, sizeof power_);                                \
    (result) = p_ * power_;                                                          \
  }

/// Beyond 150 float's results are 0 and infinity already.
#define EXPF_CORE(D, I, x, result)                          \
  {                                                         \
    D x_ = (x);                                             \
    x_ = x_ < (D)(-150.0) ? (D)(-150.0) : x_;               \
    x_ = x_ > (D)(150.0) ? (D)(150.0) : x_;                 \
    EXP150(D, I, x_, result)                                \
  }

/// e = exp(-|x|); 1 / (1 + e), or e / (1 + e) for x < 0.
#define SIGMOIDF_CORE(D, I, x, result)                      \
  {                                                         \
    D x_ = (x), e_;                                         \
    D y_ = x_ < (D)(0.0) ? x_ : -x_;                        \
    y_ = y_ < (D)(-150.0) ? (D)(-150.0) : y_;               \
    EXP150(D, I, y_, e_)                                    \
    (result) = (x_ < (D)(0.0) ? e_ : (D)(1.0)) / (e_ + 1.0); \
  }

#endif
