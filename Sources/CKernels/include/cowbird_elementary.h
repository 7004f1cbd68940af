// Elementary functions of our own: libm's bits differ between versions. Plain IEEE double arithmetic without
// contraction, so the bits are the same everywhere. Bounds are of the error in units of the last place of the
// exact result; the tests hold them against long double.
//
// Edges are IEEE's: exp(-inf) = 0, log(0) = -inf, log(x < 0) = NaN, and NaN in gives NaN out.
#ifndef COWBIRD_ELEMENTARY_H
#define COWBIRD_ELEMENTARY_H

/// Float functions: at most 0.51 ulp.
float cowbird_expf(float x);
float cowbird_logf(float x);
float cowbird_log1pf(float x);
/// 1 / (1 + exp(-x))
float cowbird_sigmoidf(float x);
float cowbird_tanhf(float x);
/// log(1 + exp(x)), without overflow: the logistic loss of a score.
float cowbird_softplusf(float x);

/// Double functions: at most 2 ulp.
double cowbird_exp(double x);
double cowbird_exp2(double x);
double cowbird_log(double x);
double cowbird_log2(double x);
double cowbird_log1p(double x);
/// x to the power y for x >= 0 (NaN below): relative error at most (|y log x| + 2) * 2^-52. y = 0 gives 1.
double cowbird_pow(double x, double y);
double cowbird_sigmoid(double x);
/// log(1 + exp(x)), without overflow.
double cowbird_softplus(double x);

#endif
