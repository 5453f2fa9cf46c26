// The ops that are a pass or two over memory: patches, losses and what belongs to the optimiser.
#pragma once

#include <memory>

#include "device.h"

namespace framecast {

// Moves blocks of pixels into channels and back, as TensorFlow's space_to_depth and depth_to_space order them:
// the channel of pixel (y*block + i, x*block + j) and channel c is (i*block + j)*channels + c.
class SpaceToDepth {
  public:
    // For up to `images` images; height, width and channels are those of the space side. `inverse` is depth to space.
    // `input_gradient` asks for the gradient of x.
    SpaceToDepth(Device &device, int images, int height, int width, int channels, int block, bool inverse,
            bool input_gradient);

    float *forward(const float *x, int images);
    // The gradient of x, or null if not asked for.
    float *backward(const float *dy);

  private:
    void move(const float *from, float *to, bool to_depth) const;

    Device &device_;
    const int height_, width_, channels_, block_;
    const bool inverse_;
    int images_ = 0;
    Memory y_;
    std::unique_ptr<Memory> dx_;
};

// The mean of the losses of `size` elements; `kind` is the name of one of LossKind. `gradient`, of weight
// times the mean, may be null.
double loss(Device &device, const char *kind, const float *outputs, const float *targets, int64_t size,
        double weight, float *gradient);

// One step of Adam: m and v are moving averages of the gradient and its square, p -= alpha*m/(sqrt(v) + epsilon).
void adam(Device &device, float *parameters, const float *gradients, float *m, float *v, int64_t size, double alpha,
        double beta1, double beta2, double epsilon);

// Scales the gradients down to the Euclidean norm `norm` if theirs is larger.
void clip(Device &device, float *gradients, int64_t size, double norm);

// y += (x - y)*rate for `rows` rows of y, each with its own rate; `size` is that of all rows.
void blend(Device &device, const float *x, float *y, int64_t size, const float *rates, int rows);

}  // namespace framecast
