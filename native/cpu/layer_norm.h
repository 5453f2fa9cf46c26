// Layer normalisation of x (rows, channels) over the channels of each row, with r = 1/sqrt(variance + epsilon):
//   y = gamma*(x - mean)*r + beta
#pragma once

#include "device.h"

namespace framecast {

void layer_norm(Device &device, const float *x, const float *gamma, const float *beta, float *y, int64_t rows,
        int channels, double epsilon);
// Overwrites dy by the gradient of x.
void layer_norm_backward(Device &device, const float *x, const float *gamma, float *dy, float *gamma_gradient,
        float *beta_gradient, int64_t rows, int channels, double epsilon);

}  // namespace framecast
