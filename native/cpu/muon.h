// Muon (Jordan et al. 2024), an optimiser for matrices: a step is the momentum's nearest matrix with orthogonal rows or
// columns, so that all directions of the gradient count alike. For each matrix with gradient G and momentum M:
//
//   M = mu*M + (1 - mu)*G        U = mu*M + (1 - mu)*G
//   X = U / |U|, then five times X = a*X + b*S*X + c*S*S*X with S = X*X^T: the singular values of X go to about 1
//   P = P - rate * 0.2*sqrt(max(rows, columns)) * X
//
// The polynomial is Jordan's: a = 3.4445, b = -4.7750, c = 2.0315. With the last factor (Liu et al. 2025) a value
// changes by about 0.2*rate, as with Adam, whatever the size of the matrix. All in float32, by oneDNN's products.
//
// A matrix is part of the arrays of all parameters: (rows, columns), with `pitch` values from one row to the next.
#pragma once

#include <memory>
#include <vector>

#include "device.h"

namespace framecast {

class Muon {
  public:
    Muon(Device &device, double momentum);

    // Before the first update.
    void add(int64_t offset, int rows, int columns, int pitch);

    // The arrays hold all matrices; other values of theirs are not touched.
    void update(float *parameters, const float *gradients, float *momentum, double rate);

  private:
    struct Matrix {
        int64_t offset;
        int rows, columns, pitch;

        int shorter() const { return rows < columns ? rows : columns; }
        int64_t size() const { return int64_t(rows) * columns; }
    };

    void update(const Matrix &matrix, float *parameters, const float *gradients, float *momentum, float rate,
            float *scratch) const;

    Device &device_;
    const float one_minus_momentum_;
    std::vector<Matrix> matrices_;      // those with the most work first
    double operations_ = 0, values_ = 0;
    int64_t scratch_values_ = 0;        // of a thread
    std::unique_ptr<Memory> scratch_;
};

}  // namespace framecast
