// A ConvLSTM layer (see convlstm.h) by Winograd's convolutions, for kernels of 1x1, 3x3 and 5x5, stride 1, same
// padding, no dilation, and a multiple of 16 filters. A frame is one fused pass from x and h of the frame before to h:
// z and its gradient stay in cache.
//
// It needs a fourth (3x3) to a sixth (5x5) of the multiplications of the definition, always in float32. That is faster
// than a direct convolution in float32, and than one in bfloat16 except with AMX.
//
// Rounding: with 5x5 kernels the transformed values are up to ten times larger than the results, and so are their
// rounding errors. They stay within the tolerance of any sum in float32 (see ConvLstmTest).
#pragma once

#include <memory>
#include <vector>

#include "cells.h"
#include "convlstm.h"
#include "device.h"

namespace framecast {

class WinogradConvLstm : public ConvLstm {
  public:
    // Whether this class supports such a layer, and is faster than DirectConvLstm on this machine.
    static bool serves(const Device &device, const ConvolutionShape &input, bool training);

    WinogradConvLstm(Device &device, const ConvLstmPlan &plan);

    float *forward(const float *x, int frames, int batch) override;
    float *backward(const float *dy) override;
    void begin() override;
    float *step(const float *x, int frames, int batch, int commit) override;

  private:
    void read_parameters();
    float *run(const float *x, int frames, int batch, bool from_state, int commit);
    template <typename Work>
    void over_bands(CellSeconds &total, Work work);
    void combine(const float *bands, int channels, int channels_padded, float *out);

    // Floating-point operations of a convolution with this many channels, over all frames, by definition.
    double products(double channels) const {
        return 2.0 * batch_ * pixels() * channels * gate_count * cells_.filters * cells_.kernel * cells_.kernel;
    }
    size_t pixels() const { return size_t(cells_.height) * cells_.width; }
    size_t hidden() const { return batch_ * pixels() * cells_.filters; }
    size_t cell_values() const { return batch_ * cells_.cell_values(); }
    float *cell(int frame) const { return c_.floats() + (plan_.training ? frame : frame % 2) * cell_values(); }

    Device &device_;
    const ConvLstmPlan plan_;
    const Cells cells_;
    const CellPasses &passes_;

    Memory transformed_, transposed_;   // the kernels, transformed, and the transpose of that
    Memory gates_, c_;                  // (frames, batch) images in blocks; c of two frames when not training
    Memory h_;                          // (frames, batch, height, width, filters)
    Memory scratch_;                    // a part for each thread
    // For backward: dc in blocks and dh as an image, of one frame; dh and dx by bands with margins; a part for each
    // thread.
    Memory dc_, dh_, dh_bands_, dx_bands_, transformed_gradients_;
    std::unique_ptr<Memory> dx_;
    std::unique_ptr<Memory> state_;     // h and c after the last committed frame
    bool has_state_ = false;

    const float *x_ = nullptr;          // of the last forward, for backward
    int frames_ = 0, batch_ = 0;
};

}  // namespace framecast
