// One step of an optimizer on a row of weights. Elementwise: the rest of a row is a block padded with zeroes.

LEVEL void NAME(sgd_momentum)(
    float *w, float *m, const float *g, size_t n, float rate, float momentum, float l2) {
  EACH_BLOCK(n) {
    BLOCK(weight, w);
    BLOCK(moment, m);
    BLOCK(gradient, g);
    moment = momentum * moment + (gradient + l2 * weight);
    weight -= rate * moment;
    STORE_BLOCK(m, moment);
    STORE_BLOCK(w, weight);
  }
}

LEVEL void NAME(adagrad)(
    float *w, float *a, const float *g, size_t n, float rate, float epsilon, float l2) {
  EACH_BLOCK(n) {
    BLOCK(weight, w);
    BLOCK(squares, a);
    BLOCK(gradient, g);
    gradient += l2 * weight;
    squares += gradient * gradient;
    weight -= rate * gradient / (SQRT(squares) + epsilon);
    STORE_BLOCK(a, squares);
    STORE_BLOCK(w, weight);
  }
}

LEVEL void NAME(adam)(
    float *w, float *m, float *v, const float *g, size_t n, float rate, float beta1, float beta2,
    float epsilon, float correction1, float correction2, float l2) {
  float rest1 = 1 - beta1, rest2 = 1 - beta2;
  EACH_BLOCK(n) {
    BLOCK(weight, w);
    BLOCK(first, m);
    BLOCK(second, v);
    BLOCK(gradient, g);
    gradient += l2 * weight;
    first = beta1 * first + rest1 * gradient;
    second = beta2 * second + rest2 * (gradient * gradient);
    weight -= rate * (first / correction1) / (SQRT(second / correction2) + epsilon);
    STORE_BLOCK(m, first);
    STORE_BLOCK(v, second);
    STORE_BLOCK(w, weight);
  }
}

LEVEL void NAME(ftrl)(
    float *w, float *z, float *q, const float *g, size_t n, float alpha, float beta, float l1, float l2) {
  EACH_BLOCK(n) {
    BLOCK(weight, w);
    BLOCK(sum, z);
    BLOCK(squares, q);
    BLOCK(gradient, g);
    lanes squared = squares + gradient * gradient;
    lanes root = SQRT(squared);
    lanes sigma = (root - SQRT(squares)) / alpha;
    sum += gradient - sigma * weight;
    lanes magnitude = sum < 0 ? -sum : sum;
    lanes shrunk = sum < 0 ? -l1 - sum : l1 - sum;
    lanes step = shrunk / ((beta + root) / alpha + l2);
    weight = magnitude <= l1 ? FILL(0) : step;
    STORE_BLOCK(z, sum);
    STORE_BLOCK(q, squared);
    STORE_BLOCK(w, weight);
  }
}
