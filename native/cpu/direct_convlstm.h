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
    DirectConvLstm(Device &device, const ConvLstmPlan &plan);

    float *forward(const float *x, int frames, int batch) override;
    float *backward(const float *dy) override;
    void begin() override;
    float *step(const float *x, int frames, int batch, int commit) override;

  private:
    float *run(const float *x, int frames, int batch, bool from_state, int commit);
    size_t cells() const { return size_t(batch_) * input_.shape().out_height() * input_.shape().out_width(); }
    size_t hidden() const { return cells() * plan_.filters(); }
    float *cell(int frame) const { return c_.floats() + (plan_.training ? frame : frame % 2) * hidden(); }

    Device &device_;
    const ConvLstmPlan plan_;
    Convolution input_;
    Convolution recurrent_;

    Memory gates_;              // (frames, batch, height, width, gate_count, filters)
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
