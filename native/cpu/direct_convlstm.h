// A ConvLSTM layer by oneDNN's convolutions, of any shape. Forward, the input convolution runs once over all frames;
// then each frame adds its recurrent convolution to z and makes one pass for gates, cell and output. Backward through
// time makes one pass and one backward-data convolution a frame; each weights gradient is one convolution over all
// frames.
//
// z, the activated gates and the gradient of z share one block of memory, in this order.
#pragma once

#include <memory>

#include "convlstm.h"
#include "convolution.h"
#include "operands.h"

namespace framecast {

class DirectConvLstm : public ConvLstm {
  public:
    // For up to `frames` frames of `batch` videos. `input` describes the input convolution, with in channels and
    // 4*filters out. Training keeps what backward needs; `input_gradient` asks for the gradient of x.
    // Parameters and their gradients (null when not training) stay the caller's.
    DirectConvLstm(Device &device, const ConvolutionShape &input, int activation, int recurrent_activation, int frames,
            int batch, bool training, bool input_gradient, const float *kernel, const float *recurrent_kernel,
            const float *bias, float *kernel_gradient, float *recurrent_kernel_gradient, float *bias_gradient);

    float *forward(const float *x, int frames, int batch) override;
    float *backward(const float *dy) override;
    void begin() override;
    float *step(const float *x, int frames, int batch, int commit) override;

  private:
    float *run(const float *x, int frames, int batch, bool from_state, int commit);
    size_t cells() const { return size_t(batch_) * input_.shape().out_height() * input_.shape().out_width(); }
    size_t hidden() const { return cells() * filters_; }
    float *cell(int frame) const { return c_.floats() + (training_ ? frame : frame % 2) * hidden(); }

    Device &device_;
    Convolution input_;
    Convolution recurrent_;
    const int filters_;
    const Activation activation_, recurrent_activation_;
    const bool training_;
    const float *kernel_, *recurrent_kernel_, *bias_;
    float *kernel_gradient_, *recurrent_kernel_gradient_, *bias_gradient_;

    Memory gates_;              // (frames, batch, height, width, 4, filters)
    Memory c_;                  // (frames, batch, height, width, filters); two frames when not training
    Memory h_;                  // (frames, batch, height, width, filters)
    OperandBuffer x_operand_, h_operand_, dz_operand_;
    std::unique_ptr<Memory> dc_, dh_, dx_;
    std::unique_ptr<Memory> state_;  // h and c after the last committed frame
    bool has_state_ = false;

    const float *x_ = nullptr;  // of the last forward, for backward
    int frames_ = 0, batch_ = 0;
};

}  // namespace framecast
