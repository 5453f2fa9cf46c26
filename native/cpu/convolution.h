// One 2-D convolution over a pile of images, with its two gradients, through oneDNN.
//
// Images are NHWC. Weights are (kernel height, kernel width, in, out) in float32 for the caller;
// oneDNN chooses the layout it multiplies from, and they are packed into it when they change.
// Images and output gradients are operands (see Device::operands), results are float32.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "convolution_shape.h"
#include "device.h"

namespace framecast {

class Convolution {
  public:
    // `name` is what the profile calls it.
    Convolution(Device &device, const ConvolutionShape &shape, std::string name)
        : device_(device), shape_(shape), name_(std::move(name)) {}

    const ConvolutionShape &shape() const { return shape_; }

    // Says that the weights at `weights` (float32, kept by the caller) are to be read anew.
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
    enum class Kind {
        forward,
        forward_bias,
        forward_accumulate,
        backward_data,
        backward_weights,
        backward_weights_bias
    };

    // A primitive for one number of images, with the layout it wants its weights in.
    struct Plan {
        dnnl::primitive primitive;
        dnnl::memory::desc weights;
    };

    Plan &plan(Kind kind, int images);
    Plan make(Kind kind, int images);
    dnnl::memory packed_weights(const dnnl::memory::desc &wanted);
    dnnl::memory operand(int images, const void *data, bool input);
    dnnl::memory result(int images, float *data, bool input);
    void execute(const char *what, int images, const Plan &plan, const std::unordered_map<int, dnnl::memory> &args);

    dnnl::memory::desc weights_desc() const;
    dnnl::memory::desc image_desc(int images, bool input, dnnl::memory::data_type type) const;

    struct Packed {
        dnnl::memory memory;
        bool current;
    };

    Device &device_;
    ConvolutionShape shape_;
    const std::string name_;
    const float *weights_ = nullptr;
    std::map<std::pair<Kind, int>, Plan> plans_;
    std::vector<Packed> packed_;
    // Receives weight gradients in oneDNN's layout before they go to the caller's.
    dnnl::memory gradient_;
};

}  // namespace framecast
