#include "direct_convlstm.h"

#include <cstring>

namespace framecast {

namespace {

// The recurrent convolution works on the output's size: stride 1, same, no dilation.
ConvolutionShape recurrent_shape(const ConvolutionShape &input) {
    return {input.out_height(), input.out_width(), input.out / gate_count, input.out, input.kernel_height,
            input.kernel_width};
}

// The number of hidden units of these frames, for all videos of the plan and all positions.
size_t units(const ConvLstmPlan &plan, int frames) {
    return size_t(frames) * plan.batch * plan.input.output_size() / gate_count;
}

// Cells of a part: about 64 KiB of gates, which stay in the second-level cache.
size_t grain(int filters) { return std::max<size_t>(16, 4096 / filters); }

}  // namespace

DirectConvLstm::DirectConvLstm(Device &device, const ConvLstmPlan &plan)
    : device_(device), plan_(plan), input_(device, plan.input, "input convolution"),
      recurrent_(device, recurrent_shape(plan.input), "recurrent convolution"),
      gates_(device, units(plan, plan.frames) * gate_count * sizeof(float)),
      c_(device, units(plan, plan.training ? plan.frames : 2) * sizeof(float)),
      h_(device, units(plan, plan.frames) * sizeof(float)),
      x_operand_(device, size_t(plan.frames) * plan.batch * plan.input.input_size()),
      h_operand_(device, units(plan, plan.frames)),
      dz_operand_(device, plan.training ? units(plan, plan.frames) * gate_count : 0) {
    const size_t frame = units(plan, 1) * sizeof(float);
    if (plan.training) {
        dc_ = std::make_unique<Memory>(device, frame);
        dh_ = std::make_unique<Memory>(device, frame);
        if (plan.input_gradient) {
            dx_ = std::make_unique<Memory>(device,
                    size_t(plan.frames) * plan.batch * plan.input.input_size() * sizeof(float));
        }
    } else {
        state_ = std::make_unique<Memory>(device, 2 * frame);
    }
}

float *DirectConvLstm::forward(const float *x, int frames, int batch) {
    device_.enter();
    input_.set_weights(plan_.kernel);
    recurrent_.set_weights(plan_.recurrent_kernel);
    return run(x, frames, batch, false, 0);
}

void DirectConvLstm::begin() {
    has_state_ = false;
    input_.set_weights(plan_.kernel);
    recurrent_.set_weights(plan_.recurrent_kernel);
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
    input_.forward(frames * batch, x_operand, plan_.bias, gates_.floats());
    for (int t = 0; t < frames; t++) {
        float *z = gates_.floats() + t * gate_count * n;
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
        // Bytes: the gates in and out, c of this frame and the one before, h and its operands.
        timed(device_.profile(), "gates", 0, (11 * sizeof(float) + operand_bytes) * n, [&] {
            parallel_for(cells(), grain(plan_.filters()), [&](size_t begin, size_t end) {
                const size_t at = begin * plan_.filters();
                passes().gates_forward(end - begin, plan_.filters(), plan_.activation, plan_.recurrent_activation,
                        z + gate_count * at, c_before ? c_before + at : nullptr, c + at, h + at,
                        h_operand_.target(t * n + at));
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
        float *dz = gates_.floats() + t * gate_count * n;
        const float *c = cell(t), *c_before = t > 0 ? cell(t - 1) : nullptr;
        // Bytes: the gates, the gradient of z, c of this frame and the one before, two gradients of h, and the gradient
        // of c in and out.
        const double bytes = 10 * sizeof(float) + gate_count * device_.operand_bytes();
        timed(device_.profile(), "gates", 0, bytes * n, [&] {
            parallel_for(cells(), grain(plan_.filters()), [&](size_t begin, size_t end) {
                const size_t at = begin * plan_.filters();
                passes().gates_backward(end - begin, plan_.filters(), plan_.activation, plan_.recurrent_activation,
                        dz + gate_count * at, c_before ? c_before + at : nullptr, c + at, dy + t * n + at,
                        last ? nullptr : dh_->floats() + at, dc_->floats() + at, last,
                        dz_operand_.target(gate_count * (t * n + at)));
            });
        });
        dz_operand = dz_operand_.at(gates_.floats(), t * gate_count * n);
        if (t > 0) {
            recurrent_.backward_data(batch_, dz_operand, dh_->floats());
        }
    }
    input_.backward_weights(frames_ * batch_, x_operand_.at(x_, 0), dz_operand, plan_.kernel_gradient,
            plan_.bias_gradient);
    if (frames_ > 1) {
        // h of frames 0..T-2 with the gradient of z of frames 1..T-1: both contiguous.
        recurrent_.backward_weights((frames_ - 1) * batch_, h_operand_.at(h_.floats(), 0),
                dz_operand_.at(gates_.floats(), gate_count * n), plan_.recurrent_kernel_gradient, nullptr);
    } else {
        std::memset(plan_.recurrent_kernel_gradient, 0, recurrent_.shape().weights_size() * sizeof(float));
    }
    if (!dx_) {
        return nullptr;
    }
    input_.backward_data(frames_ * batch_, dz_operand, dx_->floats());
    return dx_->floats();
}

}  // namespace framecast
