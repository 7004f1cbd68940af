// exp and the sigmoid for float arguments, in double: one source for one number and for eight at a time.
//
// D is double or a vector of doubles, I the integer type of the same shape; comparisons of vectors give masks of
// all ones, those of numbers give 1, hence SELECT by arithmetic on bits.
#ifndef COWBIRD_ELEMENTARY_CORE_H
#define COWBIRD_ELEMENTARY_CORE_H

/// Adding and taking it away rounds |x| < 2^51 to the nearest whole number, ties to even.
#define ROUNDING_MAGIC 0x1.8p52

/// exp(x): 2^n 2^f with |f| <= 1/2; 2^f by Taylor's polynomial of degree 9 in f ln 2, remainder below 2^-36.
/// Arguments are kept inside [-150, 150], where float's results are 0 and infinity already.
#define EXPF_CORE(D, I, x, result)                                                   \
  {                                                                                  \
    D x_ = (x);                                                                      \
    CLAMP150(D, I, x_)                                                               \
    D t_ = x_ * 1.4426950408889634;                                                  \
    D shifted_ = t_ + ROUNDING_MAGIC;                                                \
    D r_ = (t_ - (shifted_ - ROUNDING_MAGIC)) * 0.6931471805599453;                  \
    D p_ = r_ * (1.0 / 362880.0) + (1.0 / 40320.0);                                  \
    p_ = p_ * r_ + (1.0 / 5040.0);                                                   \
    p_ = p_ * r_ + (1.0 / 720.0);                                                    \
    p_ = p_ * r_ + (1.0 / 120.0);                                                    \
    p_ = p_ * r_ + (1.0 / 24.0);                                                     \
    p_ = p_ * r_ + (1.0 / 6.0);                                                      \
    p_ = p_ * r_ + 0.5;                                                              \
    p_ = p_ * r_ + 1.0;                                                              \
    p_ = p_ * r_ + 1.0;                                                              \
    I bits_;                                                                         \
    __builtin_memcpy(&bits_, &shifted_, sizeof bits_);                               \
    bits_ = (bits_ + 1023) << 52;                                                    \
    D power_;                                                                        \
    __builtin_memcpy(&power_, &bits_, sizeof power_);                                \
    (result) = p_ * power_;                                                          \
  }

/// Not a NaN's business: neither comparison holds for one, and it stays.
#define CLAMP150(D, I, x)                                      \
  {                                                            \
    I low_ = (I)((x) < -150.0), high_ = (I)((x) > 150.0);      \
    low_ = low_ < 0 ? low_ : -low_;                            \
    high_ = high_ < 0 ? high_ : -high_;                        \
    I value_;                                                  \
    __builtin_memcpy(&value_, &(x), sizeof value_);            \
    value_ = (value_ & ~(low_ | high_)) |                      \
             (low_ & (int64_t)0xC062C00000000000) |            \
             (high_ & (int64_t)0x4062C00000000000);            \
    __builtin_memcpy(&(x), &value_, sizeof value_);            \
  }

/// e = exp(-|x|); 1 / (1 + e), or e / (1 + e) for x < 0.
#define SIGMOIDF_CORE(D, I, x, result)                                        \
  {                                                                           \
    D y_ = (x), e_;                                                           \
    I sign_;                                                                  \
    __builtin_memcpy(&sign_, &y_, sizeof sign_);                              \
    I minus_ = sign_ | INT64_MIN, negative_ = sign_ >> 63;                    \
    D magnitude_;                                                             \
    __builtin_memcpy(&magnitude_, &minus_, sizeof minus_);                    \
    EXPF_CORE(D, I, magnitude_, e_)                                           \
    D one_ = e_ * 0.0 + 1.0;                                                  \
    I ebits_, onebits_;                                                       \
    __builtin_memcpy(&ebits_, &e_, sizeof e_);                                \
    __builtin_memcpy(&onebits_, &one_, sizeof one_);                          \
    ebits_ = (ebits_ & negative_) | (onebits_ & ~negative_);                  \
    D numerator_;                                                             \
    __builtin_memcpy(&numerator_, &ebits_, sizeof numerator_);                \
    (result) = numerator_ / (e_ + 1.0);                                       \
  }

#endif
