// One 2-D convolution over a batch of images, with its two gradients, by oneDNN.
//
// Images are NHWC. Weights are (kernel height, kernel width, in, out) in float32 for the caller; oneDNN chooses the
// layout it multiplies from, and they are copied into it when they change.
// Images and output gradients are operands (see Device::operands), results are float32.
#pragma once

#include <memory>
#include <string>

#include "convolution_shape.h"
#include "device.h"

namespace framecast {

class Convolution {
  public:
    // `name` is what the profile calls it.
    Convolution(Device &device, const ConvolutionShape &shape, std::string name);
    ~Convolution();

    const ConvolutionShape &shape() const { return shape_; }

    // The weights at `weights` (float32, the caller's) have changed: the next call reads them.
    void set_weights(const float *weights);

    // output = convolution + bias; `bias` may be null.
    void forward(int images, const void *input, const float *bias, float *output);
    // output += convolution.
    void forward_accumulate(int images, const void *input, float *output);
    // The gradient of the input, overwritten.
    void backward_data(int images, const void *output_gradient, float *input_gradient);
    // The gradients of weights and bias, overwritten; `bias_gradient` may be null.
    void backward_weights(int images, const void *input, const void *output_gradient, float *weights_gradient,
            float *bias_gradient);

  private:
    class Primitives;

    const ConvolutionShape shape_;
    const std::unique_ptr<Primitives> primitives_;
};

}  // namespace framecast
