#include "direct_convlstm.h"

#include <cstring>

namespace framecast {

namespace {

// The recurrent convolution works on the output's size: stride 1, same, no dilation.
ConvolutionShape recurrent_shape(const ConvolutionShape &input) {
    return {input.out_height(), input.out_width(), input.out / 4, input.out, input.kernel_height, input.kernel_width};
}

size_t cell_count(const ConvolutionShape &input, int frames, int batch) {
    return size_t(frames) * batch * input.out_height() * input.out_width();
}

// Cells a thread takes at a time: about 64 KiB of gates, which stay in the second cache.
size_t grain(int filters) { return std::max<size_t>(16, 4096 / filters); }

}  // namespace

DirectConvLstm::DirectConvLstm(Device &device, const ConvolutionShape &input, int activation,
        int recurrent_activation, int frames, int batch, bool training, bool input_gradient, const float *kernel,
        const float *recurrent_kernel, const float *bias, float *kernel_gradient, float *recurrent_kernel_gradient,
        float *bias_gradient)
    : device_(device), input_(device, input, "input convolution"),
      recurrent_(device, recurrent_shape(input), "recurrent convolution"), filters_(input.out / 4),
      activation_(static_cast<Activation>(activation)),
      recurrent_activation_(static_cast<Activation>(recurrent_activation)), training_(training), kernel_(kernel),
      recurrent_kernel_(recurrent_kernel), bias_(bias), kernel_gradient_(kernel_gradient),
      recurrent_kernel_gradient_(recurrent_kernel_gradient), bias_gradient_(bias_gradient),
      gates_(device, cell_count(input, frames, batch) * input.out * sizeof(float)),
      c_(device, cell_count(input, training ? frames : 2, batch) * filters_ * sizeof(float)),
      h_(device, cell_count(input, frames, batch) * filters_ * sizeof(float)),
      x_operand_(device, size_t(frames) * batch * input.input_size()),
      h_operand_(device, cell_count(input, frames, batch) * filters_),
      dz_operand_(device, training ? cell_count(input, frames, batch) * input.out : 0) {
    if (training) {
        dc_ = std::make_unique<Memory>(device, cell_count(input, 1, batch) * filters_ * sizeof(float));
        dh_ = std::make_unique<Memory>(device, cell_count(input, 1, batch) * filters_ * sizeof(float));
        if (input_gradient) {
            dx_ = std::make_unique<Memory>(device, size_t(frames) * batch * input.input_size() * sizeof(float));
        }
    } else {
        state_ = std::make_unique<Memory>(device, 2 * cell_count(input, 1, batch) * filters_ * sizeof(float));
    }
}

float *DirectConvLstm::forward(const float *x, int frames, int batch) {
    device_.enter();
    input_.set_weights(kernel_);
    recurrent_.set_weights(recurrent_kernel_);
    return run(x, frames, batch, false, 0);
}

void DirectConvLstm::begin() {
    has_state_ = false;
    input_.set_weights(kernel_);
    recurrent_.set_weights(recurrent_kernel_);
}

float *DirectConvLstm::step(const float *x, int frames, int batch, int commit) {
    device_.enter();
    return run(x, frames, batch, has_state_, commit);
}

float *DirectConvLstm::run(const float *x, int frames, int batch, bool from_state, int commit) {
    frames_ = frames;
    batch_ = batch;
    x_ = x;
    const size_t n = hidden();
    const double operand_bytes = device_.fp32() ? 0 : device_.operand_bytes();
    const size_t inputs = size_t(frames) * batch * input_.shape().input_size();
    const void *x_operand = nullptr;
    timed(device_.profile(), "operands", 0, device_.fp32() ? 0 : (sizeof(float) + operand_bytes) * inputs,
            [&] { x_operand = x_operand_.convert(x, 0, inputs); });
    input_.forward(frames * batch, x_operand, bias_, gates_.floats());
    for (int t = 0; t < frames; t++) {
        float *z = gates_.floats() + t * 4 * n;
        float *h = h_.floats() + t * n;
        const float *c_before = nullptr;
        if (t > 0) {
            recurrent_.forward_accumulate(batch, h_operand_.at(h_.floats(), (t - 1) * n), z);
            c_before = cell(t - 1);
        } else if (from_state) {
            // Frame 0's place in the operands is free until its own h is known.
            recurrent_.forward_accumulate(batch, h_operand_.convert(state_->floats(), 0, n), z);
            c_before = state_->floats() + n;
        }
        float *c = cell(t);
        // The gates in and out, c of this frame and the one before, h and its operands.
        timed(device_.profile(), "gates", 0, (11 * sizeof(float) + operand_bytes) * n, [&] {
            parallel_for(cells(), grain(filters_), [&](size_t begin, size_t end) {
                const size_t at = begin * filters_;
                passes().gates_forward(end - begin, filters_, activation_, recurrent_activation_, z + 4 * at,
                        c_before ? c_before + at : nullptr, c + at, h + at, h_operand_.target(t * n + at));
            });
        });
        if (t + 1 == commit) {
            std::memcpy(state_->floats(), h, n * sizeof(float));
            std::memcpy(state_->floats() + n, c, n * sizeof(float));
            has_state_ = true;
        }
    }
    return h_.floats();
}

float *DirectConvLstm::backward(const float *dy) {
    device_.enter();
    const size_t n = hidden();
    const void *dz_operand = nullptr;
    for (int t = frames_ - 1; t >= 0; t--) {
        const bool last = t == frames_ - 1;
        float *dz = gates_.floats() + t * 4 * n;
        const float *c = cell(t), *c_before = t > 0 ? cell(t - 1) : nullptr;
        // The gates, the gradient of z, c of this frame and the one before, the gradients of h from two sides and of c
        // in and out.
        const double bytes = 10 * sizeof(float) + 4 * device_.operand_bytes();
        timed(device_.profile(), "gates", 0, bytes * n, [&] {
            parallel_for(cells(), grain(filters_), [&](size_t begin, size_t end) {
                const size_t at = begin * filters_;
                passes().gates_backward(end - begin, filters_, activation_, recurrent_activation_, dz + 4 * at,
                        c_before ? c_before + at : nullptr, c + at, dy + t * n + at,
                        last ? nullptr : dh_->floats() + at, dc_->floats() + at, last,
                        dz_operand_.target(4 * (t * n + at)));
            });
        });
        dz_operand = dz_operand_.at(gates_.floats(), t * 4 * n);
        if (t > 0) {
            recurrent_.backward_data(batch_, dz_operand, dh_->floats());
        }
    }
    input_.backward_weights(frames_ * batch_, x_operand_.at(x_, 0), dz_operand, kernel_gradient_, bias_gradient_);
    if (frames_ > 1) {
        // h of frames 0..T-2 with the gradient of z of frames 1..T-1: both contiguous.
        recurrent_.backward_weights((frames_ - 1) * batch_, h_operand_.at(h_.floats(), 0),
                dz_operand_.at(gates_.floats(), 4 * n), recurrent_kernel_gradient_, nullptr);
    } else {
        std::memset(recurrent_kernel_gradient_, 0, recurrent_.shape().weights_size() * sizeof(float));
    }
    if (!dx_) {
        return nullptr;
    }
    input_.backward_data(frames_ * batch_, dz_operand, dx_->floats());
    return dx_->floats();
}

}  // namespace framecast
